import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AnyGroup } from '../group.ts'
import { offsetKey, offsetValue, OffsetsBench, wallStart } from './fixture.test.ts'

const retentionMs = 10_000

/** A group with an offset of partition 0 of `orders`, committed at `wallStart`; what it says of itself is `told`. */
function benchWith(told: Partial<AnyGroup> | null): OffsetsBench {
  const bench = new OffsetsBench({ offsetsRetentionMs: retentionMs })
  if (told !== null) bench.group('g', told)
  bench.commit('g', 'orders', [0], 5)
  return bench
}

function expireAt(bench: OffsetsBench, afterMs: number): readonly string[] {
  bench.wall = wallStart + afterMs
  bench.expire()
  return bench.writtenKeys
}

describe('expiry of offsets', () => {
  test('an offset of a simple group expires when it is as old as the retention, and the group with its last one', () => {
    const bench = benchWith(null)
    assert.deepEqual(expireAt(bench, retentionMs - 1), [])
    bench.commit('g', 'orders', [1], 6)
    assert.deepEqual(expireAt(bench, retentionMs), ['-g/orders/0'])
    assert.deepEqual(expireAt(bench, 2 * retentionMs), ['-g/orders/1', '-groupMetadata:g'])
    assert.equal(bench.state.groups.size, 0)
  })

  test('in a group that became empty the time since then counts, or since a later commit', () => {
    const bench = benchWith({ isEmpty: true, expiryBasis: { kind: 'emptySince', at: wallStart + 3_000 } })
    bench.wall = wallStart + 5_000
    bench.commit('g', 'orders', [1], 6)
    assert.deepEqual(expireAt(bench, 3_000 + retentionMs - 1), [])
    assert.deepEqual(expireAt(bench, 3_000 + retentionMs), ['-g/orders/0'])
    assert.deepEqual(expireAt(bench, 5_000 + retentionMs), ['-g/orders/1', '-groupMetadata:g'])
  })

  test('offsets of subscribed topics are kept, those of others expire by their commit, and the group stays', () => {
    const bench = benchWith({ isSubscribedTo: (topic) => topic === 'orders' })
    bench.commit('g', 'clicks', [0], 5)
    assert.deepEqual(expireAt(bench, 100 * retentionMs), ['-g/clicks/0'])
    assert.ok(bench.state.groups.has('g'))
  })

  test('a group that says never keeps all of them', () => {
    assert.deepEqual(expireAt(benchWith({ expiryBasis: { kind: 'never' } }), 100 * retentionMs), [])
  })

  test('a commit that named the time of its expiry has that time, sooner or later than the retention', () => {
    const bench = benchWith({ isEmpty: true })
    for (const [partition, afterMs] of [
      [1, 500],
      [2, 50_000],
    ] as const) {
      const value = offsetValue(5, { expireTimestamp: wallStart + afterMs })
      bench.replay({ type: 'offsetCommit', key: offsetKey('g', 'orders', partition), value })
    }
    assert.deepEqual(expireAt(bench, 499), [])
    assert.deepEqual(expireAt(bench, 500), ['-g/orders/1'])
    assert.deepEqual(expireAt(bench, retentionMs), ['-g/orders/0'])
    assert.deepEqual(expireAt(bench, 49_999), [])
    assert.deepEqual(expireAt(bench, 50_000), ['-g/orders/2', '-groupMetadata:g'])
  })

  test('an offset with one pending in a transaction is kept, and so is a group with nothing else', () => {
    const bench = benchWith(null)
    const pend = (partition: number): void =>
      bench.replay({ type: 'pendingOffset', producerId: 7, key: offsetKey('g', 'orders', partition), value: offsetValue(9) })
    pend(0)
    pend(1)
    assert.deepEqual(expireAt(bench, retentionMs), [])
    bench.ask('offsetDelete', { groupId: 'g', topics: [{ name: 'orders', partitions: [{ partitionIndex: 0 }] }] })
    assert.deepEqual(expireAt(bench, retentionMs), [])
    bench.replay({ type: 'endTransaction', producerId: 7, committed: false })
    assert.deepEqual(expireAt(bench, retentionMs), ['-groupMetadata:g'])
  })

  test('an empty group without offsets is removed, one with members is not', () => {
    const bench = new OffsetsBench()
    bench.group('empty', { isEmpty: true })
    bench.group('full', {})
    assert.deepEqual(expireAt(bench, 0), ['-groupMetadata:empty'])
  })

  test('a clock that was set back expires nothing', () => {
    assert.deepEqual(expireAt(benchWith(null), -1_000_000), [])
  })

  test('a clean-up that does not fit in one batch goes on in turns of its own, until all is gone', () => {
    const bench = new OffsetsBench({ recordBatchBytesMax: 2_000, offsetsRetentionMs: retentionMs })
    const partitions = Array.from({ length: 20 }, (_, i) => i)
    for (let i = 0; i < 5; i += 1) for (const topic of ['orders', 'clicks']) bench.commit(`g${i}`, topic, partitions, 5)
    bench.wall += retentionMs
    bench.expire()
    const counts = [bench.written.length]
    while (bench.wake()) counts.push(bench.written.length)
    assert.deepEqual([bench.state.offsets.size, bench.state.groups.size], [0, 0])
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      205,
    )
    assert.ok(counts.length >= 3 && counts.length < 10, String(counts))
  })
})

describe('offsets of deleted topics', () => {
  test('go when the topic has gone, whoever is subscribed to it, and those of other topics stay', () => {
    const bench = new OffsetsBench()
    bench.group('g', { isSubscribedTo: () => true })
    bench.commit('g', 'orders', [0, 1], 5)
    bench.commit('g', 'clicks', [0], 5)
    bench.commit('h', 'orders', [0], 5)
    bench.replay({ type: 'pendingOffset', producerId: 7, key: offsetKey('h', 'orders', 3), value: offsetValue(9) })
    bench.setTopic('orders', null)
    bench.topicsChanged('orders', 'clicks')
    assert.deepEqual(bench.writtenKeys, ['-g/orders/0', '-g/orders/1', '-h/orders/0', '-h/orders/3'])
    bench.replay({ type: 'endTransaction', producerId: 7, committed: true })
    assert.deepEqual(bench.fetch('h', 'orders', [0, 3]), ['none', 'none'])
    assert.ok(bench.state.groups.has('h'), 'until the next clean-up')
  })

  test('go when another topic has the name now; what was committed for it, and what has no topic id, stays', () => {
    const bench = new OffsetsBench()
    bench.commit('g', 'orders', [0, 1], 5)
    bench.replay({
      type: 'offsetCommit',
      key: offsetKey('g', 'orders', 2),
      value: offsetValue(5, { topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }),
    })
    bench.setTopic('orders', 'BmG1Xq2yRg2k3sTnJw7ZQg')
    bench.commit('g', 'orders', [1], 6)
    bench.topicsChanged('orders')
    assert.deepEqual(bench.writtenKeys, ['-g/orders/0'])
  })

  test('a topic that was made, or given partitions, loses nothing', () => {
    const bench = new OffsetsBench()
    bench.commit('g', 'orders', [0], 5)
    bench.topicsChanged('orders', 'clicks', 'unheard')
    assert.deepEqual(bench.writtenKeys, [])
  })

  test('more of them than one batch holds go in turns of their own', () => {
    const bench = new OffsetsBench({ recordBatchBytesMax: 1_000 })
    const partitions = Array.from({ length: 10 }, (_, i) => i)
    for (let i = 0; i < 10; i += 1) for (const topic of ['orders', 'clicks']) bench.commit(`g${i}`, topic, partitions, 5)
    bench.setTopic('orders', null)
    bench.topicsChanged('orders')
    bench.setTopic('clicks', null)
    bench.topicsChanged('clicks')
    while (bench.wake()) assert.ok(bench.written.length > 0)
    assert.equal(bench.state.offsets.size, 0)
  })
})
