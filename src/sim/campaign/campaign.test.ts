import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeFailure, runSeed } from './run-seed.ts'

/** Seeds that have found something, and what that was. */
const regressions = [
  { seed: 3, what: 'the active controller wrote a snapshot between two batches that were committed together' },
  { seed: 5, what: 'the active controller wrote a snapshot between two batches that were committed together' },
  { seed: 73, what: 'a controller whose log failed in the middle of a request lived on and refused votes' },
]
const seedsTwice = [1, 2, 4, 7]
const seedsOnce = [8, 9, 10, 13, 15, 16, 17, 20]

async function holds(seed: number): Promise<string> {
  const { report, failure } = await runSeed(seed)
  if (failure !== null) assert.fail(describeFailure(failure))
  return report?.digest ?? ''
}

for (const seed of seedsTwice) {
  test(`a cluster and its clients come through what a seed has for them, twice in the same way (seed ${seed})`, async () => {
    assert.equal(await holds(seed), await holds(seed))
  })
}

for (const seed of seedsOnce)
  test(`a cluster and its clients come through what a seed has for them (seed ${seed})`, () => holds(seed).then(() => {}))

for (const { seed, what } of regressions) test(`it does not happen again that ${what} (seed ${seed})`, () => holds(seed).then(() => {}))

test('what disks spoil, and write elsewhere, is served to nobody, and is made good', async () => {
  let spoilt = 0
  for (const seed of [2, 4]) {
    const faults = ['rot', 'misdirected', 'kill', 'stop'] as const
    const { report, failure } = await runSeed(seed, { overrides: { durable: false, faults } })
    assert.equal(failure === null ? '' : describeFailure(failure), '')
    spoilt += (report?.faults.get('rot') ?? 0) + (report?.faults.get('misdirected') ?? 0)
  }
  assert.ok(spoilt > 0)
})
