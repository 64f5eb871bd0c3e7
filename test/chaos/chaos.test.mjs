// A few scenarios of real faults (`npm run chaos` has them all): nothing acknowledged is lost, doubled or out of order, the group's offsets never go
// back, and all is well again at the end. How long clients waited is told; whether that is too long, `npm run chaos` judges on an idle machine.
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { underTest } from '../rig/cluster.mjs'
import { Campaign, chosen, lineOf } from './campaign.mjs'
import { faults } from './faults.mjs'
import { availability, longestOutage, servedWindows } from './outage.mjs'
import { lacking, worldOf } from './round.mjs'
import { scenarios } from './scenarios.mjs'

/** What a busy machine may take, in times of an idle one's bound. */
const patience = 4
const few = ['kill-both', 'pause-leader', 'isolate-leader-from-peers', 'mute-controller', 'resets-everywhere']
/** With ODRADEK_SCENARIOS so many, of those that the machine has the means for, spread over all kinds of faults. */
const wanted = Number(process.env.ODRADEK_SCENARIOS ?? few.length)

/** Those of one world come one after the other: they share its cluster. */
function spread() {
  if (wanted <= few.length) return chosen(few.slice(0, wanted).join())
  const others = scenarios.filter((it) => !few.includes(it.name) && lacking(it) === undefined)
  const step = Math.max(1, others.length / (wanted - few.length))
  const taken = others.filter((_, at) => Math.floor(at / step) !== Math.floor((at - 1) / step)).slice(0, wanted - few.length)
  return [...chosen(few.join()), ...taken].sort((a, b) => worldOf(a).localeCompare(worldOf(b)))
}

test('windows and silences are counted between two instants', () => {
  assert.deepEqual(servedWindows([5, 10, 95, 150, 399, 500], 0, 450), { served: 3, windows: 4 })
  assert.deepEqual(servedWindows([], 0, 1000), { served: 0, windows: 10 })
  const times = new Map([
    ['a', [0, 50, 150]],
    ['b', [0, 20]],
  ])
  assert.deepEqual(availability(times, 0, 200), { served: 3, windows: 4, share: 0.75 })
  assert.deepEqual(longestOutage(times, 10, 200), { key: 'b', begin: 20, ms: 180 })
})

test('scenarios have names of their own and faults that there are', () => {
  assert.equal(new Set(scenarios.map(({ name }) => name)).size, scenarios.length)
  assert.ok(scenarios.length >= 50)
  for (const { steps } of scenarios) for (const { fault } of steps) assert.ok(fault.name in faults, fault.name)
})

describe('real faults', { skip: underTest === 'kafka' && 'Kafka’s own bounds are other ones' }, () => {
  const campaign = new Campaign({ seed: 1, patience })
  after(() => campaign.stop())

  for (const scenario of spread()) {
    test(scenario.about, async (t) => {
      const outcome = await campaign.round(scenario)
      t.diagnostic(lineOf(outcome))
      for (const line of outcome.excess) t.diagnostic(line)
      assert.deepEqual(outcome.findings, [])
    })
  }
})
