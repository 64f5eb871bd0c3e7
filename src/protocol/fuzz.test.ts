import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runFuzz } from '../sim/wire/fuzz.ts'

test('whatever a peer sends is read, refused, or malformed, and nothing else', () => {
  const report = runFuzz({ seed: 1, iterations: 2_500 })
  assert.equal(report.iterations, 2_500)
  // both ways out must have been taken often for the run to have meant something
  assert.ok(report.malformed > 250 && report.read > 250, JSON.stringify(report))
})

test('the same seed does the same', () => {
  const { slowestMs: _one, ...first } = runFuzz({ seed: 2, iterations: 300 })
  const { slowestMs: _other, ...second } = runFuzz({ seed: 2, iterations: 300 })
  assert.deepEqual(first, second)
})
