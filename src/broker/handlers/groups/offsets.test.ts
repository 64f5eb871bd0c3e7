import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NO_UUID } from '../../../base/units.ts'
import type { ApiCommand } from '../../../groups/commands.ts'
import { apis } from '../../../protocol/apis.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import { addTopic, contextOf, FakeBroker, sent, topicId } from '../../../sim/broker/fake-broker.ts'
import { ManualClock } from '../../../sim/manual-clock.ts'
import { TopicMaker } from '../auto-topics.ts'
import { groupHandlers } from './group-handlers.ts'

const otherId = 'b3RoZXItdG9waWMtaWQtMQ'

function setUp() {
  const broker = new FakeBroker(new ManualClock())
  addTopic(broker.image, 't', { partitions: 2 })
  return { broker, groups: broker.groups, handlers: groupHandlers(broker, new TopicMaker(broker)) }
}

const { NONE, UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION: UNKNOWN, INVALID_GROUP_ID, NOT_COORDINATOR, GROUP_ID_NOT_FOUND } = ErrorCode

describe('OffsetCommit', () => {
  const partition = (partitionIndex: number) => ({ partitionIndex, committedOffset: 5, committedLeaderEpoch: -1, committedMetadata: '' })
  const topic = (name: string, id: string, ...partitions: readonly number[]) => ({
    name,
    topicId: id,
    partitions: partitions.map(partition),
  })
  const accepts = (command: ApiCommand) => {
    assert.ok(command.api === 'offsetCommit')
    const topics = command.request.topics.map(({ name, topicId: id, partitions }) => ({
      name,
      topicId: id,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 })),
    }))
    return { topics }
  }
  const commit = async (
    { handlers }: ReturnType<typeof setUp>,
    version: number,
    topics: readonly ReturnType<typeof topic>[],
    groupId = 'g',
  ) => {
    const request = { groupId, generationIdOrMemberEpoch: 1, memberId: 'm', groupInstanceId: null, retentionTimeMs: -1, topics }
    const answer = sent(apis.offsetCommit, version, await handlers.offsetCommit?.(request, contextOf(version)))
    return answer.topics.map((it) => [version >= 10 ? it.topicId : it.name, it.partitions.map((p) => [p.partitionIndex, p.errorCode])])
  }

  test('what is not there is refused by itself, the rest is committed, in every version', async () => {
    const around = setUp()
    around.groups.stub = accepts
    for (let version = 2; version <= 9; version += 1) {
      const answer = await commit(around, version, [topic('t', NO_UUID, 0, 7, 1), topic('absent', NO_UUID, 0)])
      const ofT = [
        [7, UNKNOWN],
        [0, NONE],
        [1, NONE],
      ]
      assert.deepEqual(answer, [
        ['t', ofT],
        ['absent', [[0, UNKNOWN]]],
      ])
    }
    const command = around.groups.asked[0]?.command
    assert.deepEqual(command?.api === 'offsetCommit' && command.request.topics, [topic('t', topicId, 0, 1)])
  })

  test('topics go by id since version 10; the coordinator is told their names', async () => {
    const around = setUp()
    around.groups.stub = accepts
    const answer = await commit(around, 10, [topic('', topicId, 0, 7), topic('', otherId, 3), topic('', NO_UUID, 0)])
    assert.deepEqual(answer, [
      [
        topicId,
        [
          [7, UNKNOWN],
          [0, NONE],
        ],
      ],
      [otherId, [[3, UNKNOWN_TOPIC_ID]]],
      [NO_UUID, [[0, UNKNOWN_TOPIC_ID]]],
    ])
    const command = around.groups.asked[0]?.command
    assert.deepEqual(command?.api === 'offsetCommit' && command.request.topics, [topic('t', topicId, 0)])
  })

  test('when nothing is left nobody is asked; the empty group is asked about', async () => {
    const around = setUp()
    assert.deepEqual(await commit(around, 8, [topic('absent', NO_UUID, 0)]), [['absent', [[0, UNKNOWN]]]])
    assert.deepEqual(await commit(around, 8, []), [])
    assert.equal(around.groups.asked.length, 0)
    assert.deepEqual(await commit(around, 8, [topic('t', NO_UUID, 0)], ''), [['t', [[0, NOT_COORDINATOR]]]])
    assert.equal(around.groups.asked[0]?.groupId, '')
  })
})

describe('OffsetFetch', () => {
  const committed = (partitionIndex: number) => ({
    partitionIndex,
    committedOffset: 5,
    committedLeaderEpoch: 2,
    metadata: 'm',
    errorCode: 0,
  })
  const answers = (command: ApiCommand) => {
    assert.ok(command.api === 'offsetFetch')
    const groups = command.request.groups.map(({ groupId, topics }) => ({
      groupId,
      errorCode: groupId === 'bad' ? NOT_COORDINATOR : NONE,
      topics: (
        topics ?? [
          { name: 't', partitionIndexes: [0] },
          { name: 'gone', partitionIndexes: [1] },
        ]
      ).map((it) => ({
        name: it.name,
        partitions: it.partitionIndexes.map(committed),
      })),
    }))
    return { groups: groups.map((it) => (it.errorCode === NONE ? it : { ...it, topics: [] })) }
  }
  const group = (groupId: string, topics: readonly { name?: string; topicId?: string; partitionIndexes: readonly number[] }[] | null) => ({
    groupId,
    memberId: null,
    memberEpoch: -1,
    topics:
      topics === null
        ? null
        : topics.map((it) => ({ name: it.name ?? '', topicId: it.topicId ?? NO_UUID, partitionIndexes: it.partitionIndexes })),
  })
  const fetch = async ({ handlers }: ReturnType<typeof setUp>, version: number, groups: readonly ReturnType<typeof group>[]) => {
    const first = groups[0]
    assert.ok(first !== undefined)
    const single = { groupId: first.groupId, topics: first.topics }
    const request = version >= 8 ? { groupId: '', topics: [], groups } : { ...single, groups: [] }
    return sent(apis.offsetFetch, version, await handlers.offsetFetch?.({ ...request, requireStable: false }, contextOf(version)))
  }

  test('before version 8 one group is asked for, its answer is the whole', async () => {
    const around = setUp()
    around.groups.stub = answers
    for (let version = 1; version <= 7; version += 1) {
      const answer = await fetch(around, version, [group('g', [{ name: 't', partitionIndexes: [0, 1] }])])
      assert.deepEqual(
        answer.topics.map((it) => [it.name, it.partitions.map((p) => [p.partitionIndex, p.committedOffset, p.metadata, p.errorCode])]),
        [
          [
            't',
            [
              [0, 5, 'm', 0],
              [1, 5, 'm', 0],
            ],
          ],
        ],
      )
    }
    const all = await fetch(around, 2, [group('g', null)])
    assert.deepEqual(
      all.topics.map((it) => it.name),
      ['t', 'gone'],
    )
  })

  test('an error of the group: at each partition in version 1, by itself later', async () => {
    const around = setUp()
    around.groups.stub = answers
    const bad = group('bad', [{ name: 't', partitionIndexes: [0] }])
    const first = await fetch(around, 1, [bad])
    assert.deepEqual(
      first.topics[0]?.partitions.map((it) => [it.committedOffset, it.metadata, it.errorCode]),
      [[-1, '', NOT_COORDINATOR]],
    )
    const later = await fetch(around, 2, [bad])
    assert.deepEqual([later.errorCode, later.topics], [NOT_COORDINATOR, []])
  })

  test('several groups are answered in their order, the empty one among them', async () => {
    const around = setUp()
    around.groups.stub = answers
    for (const version of [8, 9]) {
      const answer = await fetch(around, version, [group('b', []), group('bad', null), group('', [{ name: 't', partitionIndexes: [1] }])])
      assert.deepEqual(
        answer.groups.map((it) => [it.groupId, it.errorCode, it.topics.map((t) => t.name)]),
        [
          ['b', NONE, []],
          ['bad', NOT_COORDINATOR, []],
          ['', NONE, ['t']],
        ],
      )
    }
  })

  test('topics go by id since version 10: what nothing has is told last, and topics that are gone are not told', async () => {
    const around = setUp()
    around.groups.stub = answers
    const wanted = [
      { topicId: otherId, partitionIndexes: [3] },
      { topicId, partitionIndexes: [0] },
    ]
    const answer = await fetch(around, 10, [group('g', wanted), group('g', null)])
    assert.deepEqual(
      answer.groups.map((it) =>
        it.topics.map((t) => [t.topicId, t.partitions.map((p) => [p.partitionIndex, p.committedOffset, p.errorCode])]),
      ),
      [
        [
          [topicId, [[0, 5, 0]]],
          [otherId, [[3, -1, UNKNOWN_TOPIC_ID]]],
        ],
        [[topicId, [[0, 5, 0]]]],
      ],
    )
    const command = around.groups.asked[0]?.command
    assert.deepEqual(command?.api === 'offsetFetch' && command.request.groups[0]?.topics, [{ name: 't', topicId, partitionIndexes: [0] }])
  })
})

describe('OffsetDelete', () => {
  const request = (groupId: string) => ({
    groupId,
    topics: [
      { name: 't', partitions: [{ partitionIndex: 0 }, { partitionIndex: 9 }] },
      { name: 'absent', partitions: [{ partitionIndex: 0 }] },
    ],
  })
  const remove = async ({ handlers }: ReturnType<typeof setUp>, groupId: string) =>
    sent(apis.offsetDelete, 0, await handlers.offsetDelete?.(request(groupId), contextOf(0)))

  test('what is not there is refused by itself', async () => {
    const around = setUp()
    around.groups.stub = () => ({
      errorCode: 0,
      throttleTimeMs: 0,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: 0 }] }],
    })
    const answer = await remove(around, 'g')
    assert.deepEqual(
      answer.topics.map((it) => [it.name, it.partitions.map((p) => [p.partitionIndex, p.errorCode])]),
      [
        [
          't',
          [
            [9, UNKNOWN],
            [0, NONE],
          ],
        ],
        ['absent', [[0, UNKNOWN]]],
      ],
    )
  })

  test('an error of the group is all that is told', async () => {
    const around = setUp()
    around.groups.stub = () => ({ errorCode: GROUP_ID_NOT_FOUND, throttleTimeMs: 0, topics: [] })
    const answer = await remove(around, 'g')
    assert.deepEqual([answer.errorCode, answer.topics], [GROUP_ID_NOT_FOUND, []])
    assert.equal((await remove(around, '')).errorCode, INVALID_GROUP_ID)
  })
})
