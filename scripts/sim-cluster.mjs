// One process of a campaign of whole clusters (scripts/sim-campaign.mjs): runs every seed that it is sent, and sends back what came of it.
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'

const [dist] = process.argv.slice(2)
const { runSeed, describeFailure } = await import(pathToFileURL(join(dist, 'sim', 'campaign', 'run-seed.js')).href)

async function answer(seed) {
  const { report, failure } = await runSeed(seed)
  process.send({ seed, report, failure: failure === null ? null : { rule: failure.rule, told: describeFailure(failure) } })
}

process.on('message', (seed) => void answer(seed))
