// One thread of a campaign of whole clusters (scripts/sim.mjs): runs every seed that it is sent, and sends back what came of it.
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'

const { runSeed, describeFailure } = await import(pathToFileURL(join(workerData.dist, 'sim', 'campaign', 'run-seed.js')).href)

async function answer(seed) {
  const { report, failure } = await runSeed(seed)
  parentPort.postMessage({ seed, report, failure: failure === null ? null : { rule: failure.rule, told: describeFailure(failure) } })
}

parentPort.on('message', (seed) => void answer(seed))
