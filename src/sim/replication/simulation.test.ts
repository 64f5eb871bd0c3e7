import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulateReplication } from './simulate-replication.ts'

const seeds = 200

test(`${seeds} worlds of brokers that replicate one partition keep every promise, and converge once they are left in peace`, () => {
  for (let seed = 1; seed <= seeds; seed++) simulateReplication(seed)
})

test('the same seed tells the same story', () => {
  for (const seed of [1, 7, 42]) assert.equal(simulateReplication(seed), simulateReplication(seed))
})
