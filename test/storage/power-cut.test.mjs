// A few losses of power in npm test; power-cut.mjs runs as many as it is told to.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needsLoopDevices } from './disks.mjs'
import { rounds } from './power-cut.mjs'

const skip = needsLoopDevices() ?? false
const seconds = 1.5

/** @param {{ acknowledged: number, lost: number, doubled: number, moved: number }} found */
function holds(found) {
  const { acknowledged, lost, doubled, moved } = found
  assert.deepEqual({ lost, doubled, moved }, { lost: 0, doubled: 0, moved: 0 }, `of ${acknowledged} acknowledged`)
  assert.ok(acknowledged > 50, `${acknowledged} acknowledged`)
}

test('with flush.messages=1 nothing acknowledged is lost, whether one node loses its power or all of them at once', { skip }, async () => {
  const { one, all } = await rounds('durable', 1, 2, seconds)
  for (const found of [...one, ...all]) holds(found)
})

test('without it nothing acknowledged is lost when one node loses its power', { skip }, async () => {
  const { one } = await rounds('default', 1, 0, seconds)
  for (const found of one) holds(found)
})
