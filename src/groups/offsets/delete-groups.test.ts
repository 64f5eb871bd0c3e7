import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ErrorCode } from '../../protocol/errors.ts'
import { offsetKey, offsetValue, OffsetsBench } from './fixture.test.ts'

function remove(bench: OffsetsBench, ...groupsNames: readonly string[]): readonly (readonly [string, number])[] {
  return bench.ask('deleteGroups', { groupsNames }).results.map(({ groupId, errorCode }) => [groupId, errorCode])
}

describe('DeleteGroups', () => {
  test('a group goes with its offsets and what is pending, in one decision', () => {
    const bench = new OffsetsBench()
    bench.commit('g', 'orders', [0, 1], 5)
    bench.commit('h', 'orders', [0], 5)
    for (const partition of [1, 2]) {
      bench.replay({ type: 'pendingOffset', producerId: 7, key: offsetKey('g', 'orders', partition), value: offsetValue(9) })
    }
    assert.deepEqual(remove(bench, 'g'), [['g', 0]])
    assert.deepEqual(bench.writtenKeys, ['-g/orders/0', '-g/orders/1', '-g/orders/2', '-groupMetadata:g'])
    bench.replay({ type: 'endTransaction', producerId: 7, committed: true })
    assert.deepEqual([bench.state.groups.has('g'), bench.state.offsets.hasGroup('g'), bench.state.groups.has('h')], [false, false, true])
    assert.deepEqual(remove(bench, 'g'), [['g', ErrorCode.GROUP_ID_NOT_FOUND]])
  })

  test('each group has its own error, and a group that is named twice is deleted once', () => {
    const bench = new OffsetsBench()
    bench.group('busy', {})
    bench.commit('g', 'orders', [0], 5)
    assert.deepEqual(remove(bench, 'busy', '', 'g', 'nobody', 'g'), [
      ['busy', ErrorCode.NON_EMPTY_GROUP],
      ['', ErrorCode.GROUP_ID_NOT_FOUND],
      ['g', 0],
      ['nobody', ErrorCode.GROUP_ID_NOT_FOUND],
    ])
    assert.deepEqual(bench.writtenKeys, ['-g/orders/0', '-groupMetadata:g'])
  })

  test('the group with the empty name is deleted like any other', () => {
    const bench = new OffsetsBench()
    bench.commit('', 'orders', [0], 5)
    assert.deepEqual(remove(bench, ''), [['', 0]])
    assert.equal(bench.state.groups.size, 0)
  })

  test('a group that does not fit in the batch any more stays whole', () => {
    const bench = new OffsetsBench({ recordBatchBytesMax: 800 })
    const some = [0, 1, 2, 3, 4, 5, 6, 7]
    for (const name of ['a', 'b', 'c']) for (const topic of ['orders', 'clicks']) bench.commit(name, topic, some, 5)
    const results = remove(bench, 'a', 'b', 'c')
    assert.deepEqual(
      results.map(([, error]) => error),
      [0, ErrorCode.UNKNOWN_SERVER_ERROR, ErrorCode.UNKNOWN_SERVER_ERROR],
    )
    assert.equal(bench.state.offsets.size, 32)
    assert.deepEqual(remove(bench, 'b'), [['b', 0]])
  })
})
