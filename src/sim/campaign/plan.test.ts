import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durableFaultKinds, faultKinds, silentFaultKinds } from './fault-kinds.ts'
import { describeOptions, drawOptions } from './options.ts'
import { drawPlan } from './plan.ts'

const seeds = Array.from({ length: 300 }, (_unused, at) => at + 1)

test('a seed draws the same cluster and the same faults every time', () => {
  for (const seed of seeds) {
    assert.equal(describeOptions(drawOptions(seed)), describeOptions(drawOptions(seed)))
    assert.deepEqual(drawPlan(drawOptions(seed)), drawPlan(drawOptions(seed)))
  }
})

test('some seed has each kind of fault, and each seed has only kinds that it has drawn', () => {
  const seen = new Set<string>()
  for (const seed of seeds) {
    const options = drawOptions(seed)
    for (const { kind, at } of drawPlan(options)) {
      seen.add(kind)
      assert.ok(options.faults.includes(kind))
      assert.ok(at < options.faultsMs)
    }
  }
  assert.deepEqual([...seen].sort(), [...faultKinds, ...durableFaultKinds, ...silentFaultKinds].sort())
})
