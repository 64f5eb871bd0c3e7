// Random work of several clients on a real ensemble, while their links break and servers die and are paused: what they saw is judged as in the simulation.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { dist } from '../rig/build.mjs'
import { startEnsemble, trialEnsemble, withoutZooKeeper } from './ensemble.mjs'

const { runWork } = await import(pathToFileURL(join(dist, 'sim/zookeeper/work.js')).href)

describe('work on a real ensemble', { skip: withoutZooKeeper() }, () => {
  /** @type {Awaited<ReturnType<typeof startEnsemble>>} */
  let ensemble

  before(async () => {
    ensemble = await startEnsemble()
  })
  after(() => ensemble?.remove())

  /** Kills one server, or pauses it, and brings it back. */
  const disturb = async (prng) => {
    await sleep(prng.between(200, 1_500))
    const at = prng.below(3)
    const isKill = prng.chance(0.5)
    if (isKill) await ensemble.kill(at)
    else ensemble.pause(at)
    await sleep(prng.between(100, 3_000))
    if (isKill) ensemble.launch(at)
    else ensemble.resume(at)
    await sleep(500)
  }

  /** Whether clients noticed anything of what was done to them. A server that dies while nobody of this one's waits is not noticed. */
  const isFelt = (result) => result.done > 50 && result.lost + result.expired > 0

  for (const seed of [1, 2]) {
    test(`seed ${seed}: registers are linearizable, sessions keep their order, events come first`, { timeout: 300_000 }, async () => {
      const heal = () => ensemble.serve()
      const results = []
      for (let at = seed; !results.some(isFelt) && results.length < 4; at += 2) {
        const result = await runWork(trialEnsemble(ensemble), { seed: at, workers: 3, steps: 30, disturb, heal })
        assert.deepEqual(result.problems, [], `seed ${at}`)
        results.push(result)
      }
      assert.ok(results.some(isFelt), `none of these felt anything of the faults: ${JSON.stringify(results)}`)
      process.stdout.write(`    ${JSON.stringify(results)}\n`)
    })
  }
})
