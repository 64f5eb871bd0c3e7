import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timesIn } from '../../bench/profile.mjs'

/** @param {number} id @param {string} functionName @param {number[]} [children] */
const node = (id, functionName, children) => ({
  id,
  callFrame: { functionName, url: '', lineNumber: 0 },
  ...(children === undefined ? {} : { children }),
})

const profile = {
  nodes: [node(1, '(root)', [2, 4]), node(2, 'serve', [3]), node(3, 'append', [5]), node(4, '(idle)'), node(5, 'serve')],
  startTime: 1000,
  samples: [2, 3, 4, 5, 2],
  timeDeltas: [100, 300, 500, 100, 100],
}

test('only what ran between the two moments counts, and idleness is no work', () => {
  const { busySeconds, own } = timesIn(profile, { fromMicros: 1200, untilMicros: 2050 })
  assert.equal(busySeconds, 400 / 1e6)
  assert.deepEqual(own, [
    { place: 'append', share: 0.75 },
    { place: 'serve', share: 0.25 },
  ])
})

test('a function that calls itself by way of another has its time once', () => {
  const { whole } = timesIn(profile, { fromMicros: 0, untilMicros: 3000 })
  assert.equal(whole.find(({ place }) => place === 'serve')?.share, 1)
  assert.equal(whole.find(({ place }) => place === 'append')?.share, 400 / 600)
})
