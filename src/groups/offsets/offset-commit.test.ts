import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NO_UUID } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { OffsetsCaller, OffsetsTarget } from '../group.ts'
import { errorsOf, OffsetsBench, wallStart } from './fixture.test.ts'

/** A commit of partitions 0 and 1 of `orders`. */
function request(
  changed: { readonly generationIdOrMemberEpoch?: number; readonly memberId?: string; readonly retentionTimeMs?: number } = {},
) {
  const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, committedOffset: 5, committedMetadata: '' }))
  return { groupId: 'g', generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: 'orders', partitions }], ...changed }
}

describe('OffsetCommit', () => {
  test('a commit without a generation makes a simple group, and its offsets can be fetched', () => {
    const bench = new OffsetsBench()
    assert.deepEqual(bench.commit('g', 'orders', [0, 1], 5), [0, 0])
    const group = bench.state.groups.get('g')
    assert.deepEqual([group?.type, group?.stateName, group?.protocolType], ['classic', 'Empty', ''])
    assert.deepEqual(bench.fetch('g', 'orders', [0, 1, 2]), ['5@', '5@', 'none'])
  })

  test('one with a generation to a group that is not there is refused: by name from version 9 on, as an illegal generation before', () => {
    const bench = new OffsetsBench()
    for (const [version, error] of [
      [10, ErrorCode.GROUP_ID_NOT_FOUND],
      [9, ErrorCode.GROUP_ID_NOT_FOUND],
      [8, ErrorCode.ILLEGAL_GENERATION],
      [2, ErrorCode.ILLEGAL_GENERATION],
    ] as const) {
      const asked = { ...request({ generationIdOrMemberEpoch: 0 }), topics: [{ topicId: bench.ids.orders, ...request().topics[0] }] }
      const named = asked.topics.map(({ name, topicId, partitions = [] }) =>
        version >= 10 ? { topicId, partitions } : { name: name ?? '', partitions },
      )
      assert.deepEqual(errorsOf(bench.ask('offsetCommit', { ...asked, topics: named }, version)), [error, error])
      assert.deepEqual([bench.written.length, bench.state.groups.size], [0, 0])
    }
  })

  test('what the group says of its member is said for every partition, and nothing is written', () => {
    const bench = new OffsetsBench()
    const callers: [OffsetsCaller, OffsetsTarget | null][] = []
    bench.group('g', {
      commitError: (caller, target) => {
        callers.push([caller, target])
        return ErrorCode.FENCED_INSTANCE_ID
      },
    })
    const asked = { ...request({ generationIdOrMemberEpoch: 3, memberId: 'm' }), groupInstanceId: 'i' }
    assert.deepEqual(errorsOf(bench.ask('offsetCommit', asked, 8)), [ErrorCode.FENCED_INSTANCE_ID, ErrorCode.FENCED_INSTANCE_ID])
    assert.equal(bench.written.length, 0)
    const [caller, target] = callers[0] ?? []
    assert.equal(target, null)
    const { memberId, groupInstanceId, generationIdOrMemberEpoch, version } = caller ?? {}
    assert.deepEqual(
      { memberId, groupInstanceId, generationIdOrMemberEpoch, version },
      {
        memberId: 'm',
        groupInstanceId: 'i',
        generationIdOrMemberEpoch: 3,
        version: 8,
      },
    )
  })

  test('a consumer group is asked for each partition, and if one may not be committed none is', () => {
    const bench = new OffsetsBench()
    const targets: OffsetsTarget[] = []
    bench.group('g', {
      type: 'consumer',
      commitError: (_caller, target) => {
        if (target !== null) targets.push(target)
        return target?.partition === 1 ? ErrorCode.STALE_MEMBER_EPOCH : ErrorCode.NONE
      },
    })
    const asked = request({ generationIdOrMemberEpoch: 3, memberId: 'm' })
    assert.deepEqual(errorsOf(bench.ask('offsetCommit', asked, 9)), [ErrorCode.STALE_MEMBER_EPOCH, ErrorCode.STALE_MEMBER_EPOCH])
    assert.equal(bench.written.length, 0)
    assert.deepEqual(
      targets,
      [0, 1].map((partition) => ({ topic: 'orders', topicId: bench.ids.orders, partition })),
    )
  })

  test('metadata that is too long is refused for its partition alone, and counted in characters as Kafka counts them', () => {
    const bench = new OffsetsBench({ offsetMetadataMaxBytes: 4 })
    assert.deepEqual(bench.commit('g', 'orders', [0], 5, 'ääää'), [0])
    assert.deepEqual(bench.commit('g', 'orders', [0], 6, 'abcde'), [ErrorCode.OFFSET_METADATA_TOO_LARGE])
    assert.deepEqual(bench.fetch('g', 'orders', [0]), ['5@ääää'])
    const topics = [
      {
        name: 'orders',
        partitions: ['abcde', null].map((committedMetadata, partitionIndex) => ({ partitionIndex, committedOffset: 7, committedMetadata })),
      },
    ]
    assert.deepEqual(errorsOf(bench.ask('offsetCommit', { ...request(), topics }, 9)), [ErrorCode.OFFSET_METADATA_TOO_LARGE, 0])
    assert.deepEqual(bench.fetch('g', 'orders', [0, 1]), ['5@ääää', '7@'])
  })

  test('the record says when it was committed, of which topic, in which leader epoch, and when it expires if the client said so', () => {
    const bench = new OffsetsBench()
    const partitions = [{ partitionIndex: 3, committedOffset: 2 ** 40, committedLeaderEpoch: 6, committedMetadata: 'm' }]
    const byId = { groupId: 'g', memberId: '', topics: [{ topicId: bench.ids.orders, partitions }] }
    bench.ask('offsetCommit', byId, 10)
    const value = {
      offset: 2 ** 40,
      leaderEpoch: 6,
      metadata: 'm',
      commitTimestamp: wallStart,
      expireTimestamp: -1,
      topicId: bench.ids.orders,
    }
    assert.deepEqual(bench.written[0]?.value, value)
    bench.ask('offsetCommit', request({ retentionTimeMs: 60_000 }), 3)
    assert.deepEqual(bench.written[0]?.value, {
      ...value,
      offset: 5,
      leaderEpoch: -1,
      metadata: '',
      expireTimestamp: wallStart + 60_000,
    })
  })

  test('an offset of a topic that nobody knows has no topic id', () => {
    const bench = new OffsetsBench()
    bench.commit('g', 'unheard', [0], 5)
    assert.equal(bench.state.offsets.get('g', 'unheard', 0)?.topicId, NO_UUID)
  })

  test('all partitions are in one decision, and more of them than a batch holds are refused as Kafka refuses them', () => {
    const bench = new OffsetsBench({ recordBatchBytesMax: 2_000 })
    const some = Array.from({ length: 20 }, (_, i) => i)
    assert.deepEqual(new Set(bench.commit('g', 'orders', some, 5)), new Set([0]))
    assert.equal(bench.written.length, 20)
    const many = Array.from({ length: 60 }, (_, i) => i)
    assert.deepEqual(new Set(bench.commit('g', 'orders', many, 6)), new Set([ErrorCode.UNKNOWN_SERVER_ERROR]))
    assert.equal(bench.written.length, 0)
    assert.deepEqual(bench.fetch('g', 'orders', [0]), ['5@'])
  })

  test('a commit of a member of a classic group is a sign of life: its session begins anew', () => {
    const bench = new OffsetsBench()
    const member = {
      memberId: 'm',
      groupInstanceId: null,
      clientId: 'c',
      clientHost: '/127.0.0.1',
      rebalanceTimeout: 60_000,
      sessionTimeout: 10_000,
      subscription: Buffer.alloc(0),
      assignment: Buffer.alloc(0),
    }
    const value = {
      protocolType: 'consumer',
      generation: 1,
      protocol: 'range',
      leader: 'm',
      currentStateTimestamp: wallStart,
      members: [member],
    }
    bench.replay({ type: 'groupMetadata', key: { group: 'g' }, value })
    bench.now = 5_000
    assert.deepEqual(errorsOf(bench.ask('offsetCommit', request({ generationIdOrMemberEpoch: 1, memberId: 'm' }), 9)), [0, 0])
    assert.equal(bench.state.deadlines.wakeAt(), 15_000)
    bench.now = 6_000
    const stale = request({ generationIdOrMemberEpoch: 0, memberId: 'm' })
    assert.deepEqual(errorsOf(bench.ask('offsetCommit', stale, 9)), [ErrorCode.ILLEGAL_GENERATION, ErrorCode.ILLEGAL_GENERATION])
    assert.equal(bench.state.deadlines.wakeAt(), 15_000, 'a refused one is none')
  })

  test('a request without topics is answered without topics', () => {
    const bench = new OffsetsBench()
    assert.deepEqual(bench.ask('offsetCommit', { groupId: 'g', memberId: '', topics: [] }, 9).topics, [])
  })

  test('the group with the empty name is one like any other', () => {
    const bench = new OffsetsBench()
    assert.deepEqual(bench.commit('', 'orders', [0], 5), [0])
    assert.deepEqual(bench.fetch('', 'orders', [0]), ['5@'])
  })
})
