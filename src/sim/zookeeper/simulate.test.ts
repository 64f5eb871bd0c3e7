import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulateZooKeeper } from './simulate.ts'

const seeds = 24

test(`${seeds} seeds of work under faults: registers are linearizable, sessions keep their order, events come before what they tell of`, async () => {
  const sum = { done: 0, lost: 0, refused: 0, expired: 0 }
  for (let seed = 1; seed <= seeds; seed += 1) {
    const result = await simulateZooKeeper(seed)
    assert.deepEqual(result.problems, [], `seed ${seed}`)
    for (const key of ['done', 'lost', 'refused', 'expired'] as const) sum[key] += result[key]
  }
  // Otherwise nothing was shown
  assert.ok(sum.done > seeds * 100 && sum.lost > seeds && sum.refused > seeds && sum.expired > seeds / 4, JSON.stringify(sum))
})

test('the same seed is the same course', async () => {
  assert.deepEqual(await simulateZooKeeper(3), await simulateZooKeeper(3))
})
