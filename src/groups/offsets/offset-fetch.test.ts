import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ErrorCode } from '../../protocol/errors.ts'
import { offsetKey, offsetValue, OffsetsBench } from './fixture.test.ts'

const otherId = 'BmG1Xq2yRg2k3sTnJw7ZQg'

function pend(bench: OffsetsBench, groupId: string, partition: number): void {
  bench.replay({ type: 'pendingOffset', producerId: 7, key: offsetKey(groupId, 'orders', partition), value: offsetValue(9) })
}

describe('OffsetFetch', () => {
  test('what was never committed is -1 without an error: in a group, for a topic, of a group that is not there', () => {
    const bench = new OffsetsBench()
    bench.commit('g', 'orders', [0], 5, 'm')
    assert.deepEqual(bench.fetch('g', 'orders', [0, 7]), ['5@m', 'none'])
    assert.deepEqual(bench.fetch('g', 'clicks', [0]), ['none'])
    assert.deepEqual(bench.fetch('nobody', 'orders', [0]), ['none'])
  })

  test('null topics are all that the group has committed, and several groups are answered each for itself', () => {
    const bench = new OffsetsBench()
    bench.commit('g', 'orders', [1, 0], 5)
    bench.commit('g', 'clicks', [3], 6)
    bench.commit('h', 'clicks', [0], 7)
    const all = ['g', 'h', 'nobody'].map((groupId) => ({ groupId, topics: null }))
    const { groups } = bench.ask('offsetFetch', { groups: all, requireStable: false }, 10)
    const seen = groups.map(({ groupId, errorCode, topics }) => [
      groupId,
      errorCode,
      topics.map(({ name, topicId, partitions }) => [name, topicId, partitions.map((it) => [it.partitionIndex, it.committedOffset])]),
    ])
    const { orders, clicks } = bench.ids
    assert.deepEqual(seen, [
      [
        'g',
        0,
        [
          [
            'orders',
            orders,
            [
              [1, 5],
              [0, 5],
            ],
          ],
          ['clicks', clicks, [[3, 6]]],
        ],
      ],
      ['h', 0, [['clicks', clicks, [[0, 7]]]]],
      ['nobody', 0, []],
    ])
  })

  test('an offset that a transaction may yet change is not told to who wants stable ones', () => {
    const bench = new OffsetsBench()
    bench.commit('g', 'orders', [0, 1], 5)
    pend(bench, 'g', 0)
    pend(bench, 'g', 2)
    const unstable = `error ${ErrorCode.UNSTABLE_OFFSET_COMMIT}`
    assert.deepEqual(bench.fetch('g', 'orders', [0, 1, 2], true), [unstable, '5@', unstable])
    assert.deepEqual(bench.fetch('g', 'orders', [0, 1, 2]), ['5@', '5@', 'none'])
    const { groups } = bench.ask('offsetFetch', { groups: [{ groupId: 'g', topics: null }], requireStable: true }, 9)
    assert.deepEqual(
      groups[0]?.topics[0]?.partitions.map(({ errorCode, committedOffset }) => [errorCode, committedOffset]),
      [
        [ErrorCode.UNSTABLE_OFFSET_COMMIT, -1],
        [0, 5],
      ],
    )
    bench.replay({ type: 'endTransaction', producerId: 7, committed: true })
    assert.deepEqual(bench.fetch('g', 'orders', [0, 1, 2], true), ['9@', '5@', '9@'])
  })

  test('what the group says of its member is the error of the group', () => {
    const bench = new OffsetsBench()
    const asked: unknown[] = []
    bench.group('g', {
      type: 'consumer',
      fetchError: (memberId, memberEpoch) => {
        asked.push([memberId, memberEpoch])
        return ErrorCode.STALE_MEMBER_EPOCH
      },
    })
    const topics = [{ name: 'orders', partitionIndexes: [0] }]
    const { groups } = bench.ask(
      'offsetFetch',
      { groups: [{ groupId: 'g', memberId: 'm', memberEpoch: 4, topics }], requireStable: false },
      9,
    )
    assert.deepEqual(groups[0]?.errorCode, ErrorCode.STALE_MEMBER_EPOCH)
    assert.deepEqual(groups[0].topics, [])
    bench.fetch('g', 'orders', [0])
    assert.deepEqual(asked, [
      ['m', 4],
      [null, -1],
    ])
  })

  test('a group that says it is not there has no offsets, and that is no error', () => {
    const bench = new OffsetsBench()
    bench.group('g', { fetchError: () => ErrorCode.GROUP_ID_NOT_FOUND })
    bench.replay({ type: 'offsetCommit', key: offsetKey('g', 'orders', 0), value: offsetValue(5) })
    assert.deepEqual(bench.fetch('g', 'orders', [0]), ['none'])
  })

  test('an offset of a topic that was deleted is none of the topic that has its name now', () => {
    const bench = new OffsetsBench()
    bench.commit('g', 'orders', [0, 1], 5)
    bench.setTopic('orders', otherId)
    assert.deepEqual(bench.fetch('g', 'orders', [0]), ['none'])
    bench.commit('g', 'orders', [1], 6)
    assert.deepEqual(bench.fetch('g', 'orders', [0, 1]), ['none', '6@'])
    const all = bench.ask('offsetFetch', { groups: [{ groupId: 'g', topics: null }], requireStable: false }, 10)
    assert.deepEqual(
      all.groups[0]?.topics.map(({ topicId, partitions }) => [topicId, partitions.map(({ partitionIndex }) => partitionIndex)]),
      [[otherId, [1]]],
    )
  })

  test('the id in the request says which topic is meant', () => {
    const bench = new OffsetsBench()
    bench.replay({ type: 'offsetCommit', key: offsetKey('g', '', 0), value: offsetValue(5) })
    const fetched = (topicId: string): unknown => {
      const topics = [{ topicId, partitionIndexes: [0] }]
      const { groups } = bench.ask('offsetFetch', { groups: [{ groupId: 'g', topics }], requireStable: false }, 10)
      const [topic] = groups[0]?.topics ?? []
      return [topic?.topicId, topic?.partitions[0]?.committedOffset]
    }
    assert.deepEqual(fetched(bench.ids.orders), [bench.ids.orders, 5])
    assert.deepEqual(fetched(otherId), [otherId, -1])
  })

  test('an offset that was stored without a topic id, as Kafka before 4.1 did, is one of the topic with that name', () => {
    const bench = new OffsetsBench()
    bench.replay({
      type: 'offsetCommit',
      key: offsetKey('g', 'orders', 0),
      value: offsetValue(5, { topicId: 'AAAAAAAAAAAAAAAAAAAAAA', leaderEpoch: 3 }),
    })
    assert.deepEqual(bench.fetch('g', 'orders', [0]), ['5@'])
  })
})
