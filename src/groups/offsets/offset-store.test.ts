import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Prng } from '../../base/prng.ts'
import type { GroupValue } from '../records/fact.ts'
import { offsetKey, offsetValue } from './fixture.test.ts'
import { OffsetStore } from './offset-store.ts'

type Value = GroupValue<'offsetCommit'>

function store(): OffsetStore & { commit(partition: number, offset: number): void } {
  const made = new OffsetStore()
  return Object.assign(made, {
    commit: (partition: number, offset: number) => made.replay(offsetKey('g', 'orders', partition), offsetValue(offset)),
  })
}

function pend(offsets: OffsetStore, producerId: number, offset: number | null, partition = 0): void {
  const value = offset === null ? null : offsetValue(offset)
  offsets.replayPending({ type: 'pendingOffset', producerId, key: offsetKey('g', 'orders', partition), value })
}

function end(offsets: OffsetStore, producerId: number, committed: boolean): void {
  offsets.endTransaction({ type: 'endTransaction', producerId, committed })
}

const at = (offsets: OffsetStore, partition = 0): number | null => offsets.get('g', 'orders', partition)?.offset ?? null

describe('committed offsets', () => {
  test('the last commit of a partition stands, with all it said', () => {
    const offsets = store()
    offsets.commit(0, 1)
    const value = offsetValue(2 ** 40, { leaderEpoch: 7, metadata: 'm', expireTimestamp: 9, topicId: 'AmG1Xq2yRg2k3sTnJw7ZQQ' })
    offsets.replay(offsetKey('g', 'orders', 0), value)
    assert.deepEqual(offsets.get('g', 'orders', 0), value)
    assert.equal(offsets.size, 1)
    offsets.commit(0, 3)
    assert.deepEqual(offsets.get('g', 'orders', 0), offsetValue(3))
  })

  test('a tombstone takes it away, and the last one its topic and its group', () => {
    const offsets = store()
    offsets.commit(0, 1)
    offsets.commit(1, 1)
    offsets.replay(offsetKey('g', 'orders', 0), null)
    offsets.replay(offsetKey('g', 'orders', 5), null)
    assert.deepEqual([at(offsets, 0), at(offsets, 1), offsets.size], [null, 1, 1])
    offsets.replay(offsetKey('g', 'orders', 1), null)
    assert.deepEqual([offsets.size, offsets.hasGroup('g'), offsets.topicsOf('g').size], [0, false, 0])
  })

  test('a hundred thousand random commits and deletions leave what a plain map would', () => {
    const prng = new Prng(1)
    const offsets = new OffsetStore()
    const plain = new Map<string, Value>()
    for (let i = 0; i < 100_000; i += 1) {
      const group = `g${prng.below(5)}`
      const topic = `t${prng.below(3)}`
      const partition = prng.pick([0, 1, 2, 3, 7, 100, 2 ** 31 - 1, -1, prng.below(300)])
      const key = `${group} ${topic} ${partition}`
      if (prng.chance(0.4)) {
        offsets.replay(offsetKey(group, topic, partition), null)
        plain.delete(key)
      } else {
        const metadata = prng.pick(['', '', 'm', 'é'])
        const topicId = prng.pick(['VmG1Xq2yRg2k3sTnJw7ZQA', 'AmG1Xq2yRg2k3sTnJw7ZQQ'])
        const value = offsetValue(prng.pick([0, 1, 2 ** 33, 2 ** 52]), { metadata, topicId, leaderEpoch: prng.below(5) - 1 })
        offsets.replay(offsetKey(group, topic, partition), value)
        plain.set(key, value)
      }
    }
    assert.equal(offsets.size, plain.size)
    const found = new Map<string, Value>()
    for (const group of offsets.groupIds()) {
      for (const [topic, ofTopic] of offsets.topicsOf(group)) {
        assert.ok(ofTopic.size > 0)
        for (const [partition, committed] of ofTopic.entries()) {
          found.set(`${group} ${topic} ${partition}`, committed)
          assert.deepEqual(offsets.get(group, topic, partition), committed)
        }
      }
    }
    assert.deepEqual(found, plain)
  })
})

describe('offsets in transactions, as a log of Kafka has them', () => {
  test('an offset of a transaction counts when it is committed, and not before', () => {
    const offsets = store()
    offsets.commit(0, 1)
    pend(offsets, 7, 5)
    assert.deepEqual([at(offsets), offsets.isPending('g', 'orders', 0), offsets.isPending('g', 'orders', 1)], [1, true, false])
    end(offsets, 7, true)
    assert.deepEqual([at(offsets), offsets.isPending('g', 'orders', 0), offsets.isPendingInGroup('g')], [5, false, false])
  })

  test('an aborted transaction leaves nothing behind', () => {
    const offsets = store()
    pend(offsets, 7, 5)
    assert.equal(offsets.hasGroup('g'), true)
    end(offsets, 7, false)
    assert.deepEqual([at(offsets), offsets.hasGroup('g'), offsets.size], [null, false, 0])
  })

  test('the end of a transaction concerns its producer alone, and one without offsets is nothing', () => {
    const offsets = store()
    pend(offsets, 7, 5)
    pend(offsets, 8, 6, 1)
    end(offsets, 9, true)
    end(offsets, 7, true)
    assert.deepEqual([at(offsets, 0), at(offsets, 1), offsets.isPending('g', 'orders', 1)], [5, null, true])
  })

  test('the last offset that a transaction committed for a partition is the one that counts', () => {
    const offsets = store()
    pend(offsets, 7, 5)
    pend(offsets, 7, 4)
    end(offsets, 7, true)
    assert.equal(at(offsets), 4)
  })

  test('a plain commit that was written after it is not put back by a transaction that ends later', () => {
    const offsets = store()
    pend(offsets, 7, 5)
    offsets.commit(0, 9)
    end(offsets, 7, true)
    assert.equal(at(offsets), 9)
  })

  test('of two transactions the record that was written later counts, whichever ends first', () => {
    for (const order of [
      [7, 8],
      [8, 7],
    ]) {
      const offsets = store()
      pend(offsets, 7, 5)
      pend(offsets, 8, 6)
      for (const producerId of order) end(offsets, producerId, true)
      assert.equal(at(offsets), 6)
    }
  })

  test('what an aborted transaction wrote later does not keep an earlier one from counting', () => {
    const offsets = store()
    pend(offsets, 7, 5)
    pend(offsets, 8, 6)
    end(offsets, 8, false)
    end(offsets, 7, true)
    assert.equal(at(offsets), 5)
  })

  test('a tombstone drops what is pending, too, whoever wrote it', () => {
    const offsets = store()
    offsets.commit(0, 1)
    pend(offsets, 7, 5)
    pend(offsets, 8, 6)
    offsets.replay(offsetKey('g', 'orders', 0), null)
    assert.equal(offsets.hasGroup('g'), false)
    end(offsets, 7, true)
    assert.equal(at(offsets), null)
    pend(offsets, 8, 7)
    pend(offsets, 9, null)
    end(offsets, 8, true)
    assert.equal(at(offsets), null, 'also one in a transaction')
  })

  test('a random log gives what the records’ offsets say (as Kafka resolves it)', () => {
    const prng = new Prng(2)
    const offsets = store()
    const committed = new Map<number, { readonly offset: number; readonly record: number }>()
    const pending = new Map<number, Map<number, { readonly offset: number; readonly record: number }>>()
    for (let record = 0; record < 20_000; record += 1) {
      const partition = prng.below(6)
      const producerId = prng.below(4)
      const kind = prng.below(10)
      if (kind < 3) {
        offsets.commit(partition, record)
        committed.set(partition, { offset: record, record })
      } else if (kind < 7) {
        pend(offsets, producerId, record, partition)
        if (!pending.has(producerId)) pending.set(producerId, new Map())
        pending.get(producerId)?.set(partition, { offset: record, record })
      } else if (kind === 7) {
        offsets.replay(offsetKey('g', 'orders', partition), null)
        committed.delete(partition)
        for (const ofProducer of pending.values()) ofProducer.delete(partition)
      } else {
        const isCommit = prng.chance(0.7)
        end(offsets, producerId, isCommit)
        for (const [its, one] of isCommit ? (pending.get(producerId) ?? []) : []) {
          if (one.record > (committed.get(its)?.record ?? -1)) committed.set(its, one)
        }
        pending.delete(producerId)
      }
      assert.equal(at(offsets, partition), committed.get(partition)?.offset ?? null)
      const isPending = [...pending.values()].some((ofProducer) => ofProducer.has(partition))
      assert.equal(offsets.isPending('g', 'orders', partition), isPending)
    }
  })
})
