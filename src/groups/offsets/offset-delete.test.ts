import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ErrorCode } from '../../protocol/errors.ts'
import { errorsOf, offsetKey, offsetValue, OffsetsBench } from './fixture.test.ts'

function remove(bench: OffsetsBench, groupId: string, topics: readonly (readonly [string, readonly number[]])[]) {
  const asked = topics.map(([name, partitions]) => ({ name, partitions: partitions.map((partitionIndex) => ({ partitionIndex })) }))
  return bench.ask('offsetDelete', { groupId, topics: asked })
}

describe('OffsetDelete', () => {
  test('offsets are gone, those that were not there too, and the group stays', () => {
    const bench = new OffsetsBench()
    bench.commit('g', 'orders', [0, 1], 5)
    const response = remove(bench, 'g', [['orders', [0, 9]]])
    assert.deepEqual([response.errorCode, errorsOf(response)], [0, [0, 0]])
    assert.deepEqual(bench.writtenKeys, ['-g/orders/0'])
    assert.deepEqual(bench.fetch('g', 'orders', [0, 1]), ['none', '5@'])
    remove(bench, 'g', [['orders', [1]]])
    assert.ok(bench.state.groups.has('g'))
  })

  test('of a topic that the group is subscribed to nothing is deleted', () => {
    const bench = new OffsetsBench()
    bench.group('g', { isSubscribedTo: (topic) => topic === 'orders' })
    bench.commit('g', 'orders', [0], 5)
    bench.commit('g', 'clicks', [0], 5)
    const response = remove(bench, 'g', [
      ['orders', [0, 1]],
      ['clicks', [0]],
    ])
    const refused = ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
    assert.deepEqual([response.errorCode, errorsOf(response)], [0, [refused, refused, 0]])
    assert.deepEqual(bench.writtenKeys, ['-g/clicks/0'])
  })

  test('an offset that is pending in a transaction is deleted, and its end does not bring it back', () => {
    const bench = new OffsetsBench()
    bench.replay({ type: 'pendingOffset', producerId: 7, key: offsetKey('g', 'orders', 0), value: offsetValue(9) })
    remove(bench, 'g', [['orders', [0]]])
    assert.deepEqual(bench.writtenKeys, ['-g/orders/0'])
    bench.replay({ type: 'endTransaction', producerId: 7, committed: true })
    assert.deepEqual(bench.fetch('g', 'orders', [0]), ['none'])
  })

  test('no group, the group without a name, and a group that says no are errors of the request', () => {
    const bench = new OffsetsBench()
    bench.group('busy', { offsetDeleteError: () => ErrorCode.NON_EMPTY_GROUP })
    for (const [groupId, error] of [
      ['nobody', ErrorCode.GROUP_ID_NOT_FOUND],
      ['', ErrorCode.INVALID_GROUP_ID],
      ['busy', ErrorCode.NON_EMPTY_GROUP],
    ] as const) {
      const response = remove(bench, groupId, [['orders', [0]]])
      assert.deepEqual([response.errorCode, response.topics.length, bench.written.length], [error, 0, 0])
    }
  })

  test('more tombstones than one batch holds are refused, and nothing is deleted', () => {
    const bench = new OffsetsBench({ recordBatchBytesMax: 2_000 })
    const partitions = Array.from({ length: 100 }, (_, i) => i)
    for (let i = 0; i < 100; i += 20) bench.commit('g', 'orders', partitions.slice(i, i + 20), 5)
    assert.equal(remove(bench, 'g', [['orders', partitions]]).errorCode, ErrorCode.UNKNOWN_SERVER_ERROR)
    assert.equal(bench.state.offsets.size, 100)
  })
})
