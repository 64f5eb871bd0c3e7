// The model of the simulation beside a real ensemble: the same requests of two clients, many of them wrong, get the same answers and events.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { dist } from '../rig/build.mjs'
import { startEnsemble, trialEnsemble, withoutZooKeeper } from './ensemble.mjs'

const load = (path) => import(pathToFileURL(join(dist, path)).href)
const { transcript } = await load('sim/zookeeper/transcript.js')
const { drive, simulatedEnsemble } = await load('sim/zookeeper/simulate.js')
const steps = 150

describe('the model and a real ensemble', { skip: withoutZooKeeper() }, () => {
  /** @type {Awaited<ReturnType<typeof startEnsemble>>} */
  let ensemble

  before(async () => {
    ensemble = await startEnsemble()
  })
  after(() => ensemble?.remove())

  for (let seed = 1; seed <= 8; seed += 1) {
    test(`seed ${seed}: ${steps} requests`, { timeout: 120_000 }, async () => {
      const real = await transcript(trialEnsemble(ensemble), seed, steps)
      const model = simulatedEnsemble(seed)
      const simulated = await drive(
        model.clock,
        model.ensemble.serve().then(() => transcript(model.ensemble, seed, steps)),
      )
      assert.deepEqual(simulated, real)
    })
  }
})
