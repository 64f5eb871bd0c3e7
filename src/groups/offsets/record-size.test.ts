import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Prng } from '../../base/prng.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import type { GroupRecord } from '../records/fact.ts'
import { encodeGroupRecord } from '../records/record-bytes.ts'
import { offsetKey, offsetValue } from './fixture.test.ts'
import { BatchRoom, fitInOneBatch } from './record-size.ts'
import { offsetTombstone } from './tombstones.ts'

function records(prng: Prng, count: number): readonly GroupRecord[] {
  return Array.from({ length: count }, (_, i): GroupRecord => {
    if (prng.chance(0.3)) return offsetTombstone('g', 'orders', i)
    const key = offsetKey('g'.repeat(prng.between(1, 200)), 'orders', i)
    return { type: 'offsetCommit', key, value: offsetValue(i, { metadata: prng.pick(['', 'm', 'ä'.repeat(300), 'x'.repeat(4096)]) }) }
  })
}

function bytesOf(all: readonly GroupRecord[]): number {
  const place = { baseOffset: 0, leaderEpoch: 0, timestamp: 1 }
  return buildBatch(
    place,
    all.map((record) => ({ ...encodeGroupRecord(record), headers: [] })),
  ).length
}

describe('room in a batch', () => {
  test('records fit in the batch that they make, and in none that is a byte smaller', () => {
    const prng = new Prng(1)
    for (const count of [1, 2, 10, 63, 64, 65, 300]) {
      const all = records(prng, count)
      const size = bytesOf(all)
      assert.equal(fitInOneBatch(all, size), true)
      assert.equal(fitInOneBatch(all, size - 1), false)
    }
  })

  test('what is taken piece by piece leaves the same room', () => {
    const all = records(new Prng(2), 200)
    const size = bytesOf(all)
    const room = new BatchRoom(size)
    for (const record of all) assert.equal(room.take([record]), true)
    assert.equal(room.take([offsetTombstone('g', 't', 0)]), false)
    assert.equal(room.take([]), true)
  })
})
