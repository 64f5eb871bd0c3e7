import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oneFollowerAway } from '../sim/raft-simulation-options.ts'
import { simulate } from '../sim/raft-simulation.ts'

const seeds = 240

test('quorums under random faults keep every invariant, and recover when healed', () => {
  const waits: number[] = []
  for (let seed = 1; seed <= seeds; seed += 1) waits.push(simulate(seed).healedLeaderMs)
  const slow = waits.filter((wait) => wait > 2500).length
  assert.ok(slow <= seeds / 100, `a leader came later than 2.5 s after healing in ${slow} of ${seeds} seeds`)
})

test('the same seed is the same run', () => {
  for (const seed of [3, 17, 101]) assert.deepEqual(simulate(seed), simulate(seed))
})

test('a follower that is cut off and comes back does not depose a working leader', () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const { lateElections } = simulate(seed, oneFollowerAway)
    assert.equal(lateElections, 0, `seed ${seed}: ${lateElections} elections while a majority was well`)
  }
})
