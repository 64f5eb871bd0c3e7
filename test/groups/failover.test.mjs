// The broker that coordinates is killed or stopped while members commit without pause: they go on within a moment, keep what they have, and
// nothing that was acknowledged is lost. A few rounds; `node test/groups/measure.mjs` gives the figures of many.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { underTest } from '../rig/cluster.mjs'
import { without } from '../rig/peers.mjs'
import { CoordinatedGroups, longestSilence } from './failing.mjs'

/** Beyond these nothing is slow, it hangs: how long it takes is told here and judged by measure.mjs. Apache Kafka waits for its session timeout. */
const limitsMs =
  underTest === 'kafka' ? { SIGKILL: 30_000, SIGSTOP: 40_000, SIGTERM: 10_000 } : { SIGKILL: 8000, SIGSTOP: 12_000, SIGTERM: 8000 }

test('the longest silence between two instants', () => {
  assert.deepEqual(longestSilence([10, 20, 50, 60, 200], 15, 100), { begin: 60, end: 100 })
  assert.deepEqual(longestSilence([10, 20, 50, 60, 200], 15, 65), { begin: 20, end: 50 })
  assert.deepEqual(longestSilence([], 1, 5), { begin: 1, end: 5 })
})

describe('failover of the coordinator', { skip: without('java') }, () => {
  /** @type {CoordinatedGroups} */
  let groups
  before(async () => {
    groups = await CoordinatedGroups.start()
  })
  after(() => groups?.stop())

  for (const [signal, role] of /** @type {const} */ ([
    ['SIGKILL', 'other'],
    ['SIGKILL', 'controller'],
    ['SIGSTOP', 'any'],
    ['SIGTERM', 'any'],
  ])) {
    const who =
      role === 'controller' ? 'that is the active controller as well' : role === 'other' ? 'that is not the active controller' : ''
    test(`a coordinator ${who}${who === '' ? '' : ' '}gets ${signal}: commits go on and members keep what they have`, async (t) => {
      const { gapsMs, moved } = await groups.round(signal, role)
      t.diagnostic(
        Object.entries(gapsMs)
          .map(([kind, ms]) => `${kind} ${ms.toFixed(0)} ms`)
          .join(', '),
      )
      assert.equal(moved, 0, 'partitions were taken away or given')
      for (const [kind, ms] of Object.entries(gapsMs)) assert.ok(ms <= limitsMs[signal], `${kind}: ${ms} ms`)
    })
  }

  test('after all that no committed offset is lost, and no generation or epoch has gone back', async () => {
    assert.deepEqual(await groups.verify(), [])
  })
})
