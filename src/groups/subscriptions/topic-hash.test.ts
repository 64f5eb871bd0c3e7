import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GroupTopic } from '../state.ts'
import { topicsHash } from './topic-hash.ts'

const racks = [['a', 'b'], ['b'], []]

function topic(over: Partial<GroupTopic> = {}): GroupTopic {
  return { name: 'orders', id: 'AAAAAAAAAAAAAAAAAAAAAQ', partitionCount: 3, racks: (partition) => racks[partition] ?? [], ...over }
}

test('nothing has the hash 0, and all hashes can be written as int64 and read back', () => {
  assert.equal(topicsHash([]), 0)
  for (let at = 0; at < 1000; at++) {
    const hash = topicsHash([topic({ name: `t${at}` })])
    assert.ok(Number.isSafeInteger(hash) && hash >= 0)
  }
})

test('the same topics have the same hash, in whatever order', () => {
  const other = topic({ name: 'other' })
  assert.equal(topicsHash([topic(), other]), topicsHash([other, topic()]))
})

test('a change of name, id, partitions or racks changes it, and so does a topic more or less', () => {
  const before = topicsHash([topic()])
  for (const after of [
    [topic({ name: 'orderz' })],
    [topic({ id: 'AAAAAAAAAAAAAAAAAAAAAg' })],
    [topic({ partitionCount: 4 })],
    [topic({ racks: (partition) => (partition === 2 ? ['c'] : (racks[partition] ?? [])) })],
    [topic({ racks: (partition) => [['a'], ['b', 'b'], []][partition] ?? [] })],
    [topic(), topic({ name: 'other' })],
    [],
  ]) {
    assert.notEqual(topicsHash(after), before)
  }
})

test('a hundred thousand topics have as many hashes', () => {
  const hashes = new Set<number>()
  for (let at = 0; at < 100_000; at++) hashes.add(topicsHash([topic({ partitionCount: 0, name: `t${at}` })]))
  assert.equal(hashes.size, 100_000)
})
