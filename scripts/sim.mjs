// npm run sim: the simulations that `npm test` runs shortly, over more seeds: quorums of raft machines, brokers that replicate one partition,
// a partition's log on a disk that loses power, and groups with their members. A failure names its seed and tells its story.
//   npm run sim -- --seeds 5000 --from 1      (1000 seeds when left out)
//   npm run sim -- --only groups              (quorum, replication, log or groups)
// Whole clusters with their clients, as a campaign:
//   npm run sim -- --kind cluster --minutes 30 [--ledger] [--jobs 2]   (from the first seed that the ledger does not have; --from N says another)
//   npm run sim -- --kind cluster --seed 17 [--explain | --shrink]     (one seed: its outcome, its timeline, the fewest faults that it needs to fail)
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { prepare, root } from './prepare.mjs'

const seedsPerRound = 200
const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string' },
    only: { type: 'string' },
    kind: { type: 'string' },
    minutes: { type: 'string' },
    jobs: { type: 'string' },
    seed: { type: 'string' },
    explain: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    ledger: { type: 'boolean', default: false },
  },
})
const { seeds: seedsGiven, from: fromGiven, minutes, jobs, seed } = values
if (![seedsGiven, fromGiven, jobs, seed].every((it) => it === undefined || (Number.isSafeInteger(Number(it)) && Number(it) > 0))) {
  process.stderr.write('usage: npm run sim -- [--seeds N] [--from N] [--only NAME | --kind cluster ...]   (whole numbers from 1)\n')
  process.exit(64)
}
const seeds = Number(seedsGiven ?? '1000')
const from = Number(fromGiven ?? '1')
if (process.env.ODRADEK_DIST === undefined) prepare()
const dist = resolve(process.env.ODRADEK_DIST ?? join(root, 'dist'))
const only = values.kind ?? values.only
if (only === 'cluster' || seed !== undefined || minutes !== undefined) {
  const { runCampaign, runOne } = await import('./sim-campaign.mjs')
  if (seed !== undefined) process.exit(await runOne({ dist, seed: Number(seed), explain: values.explain, shrinks: values.shrink }))
  const limits = {
    from: fromGiven === undefined ? null : from,
    count: seedsGiven === undefined && minutes !== undefined ? Infinity : seeds,
    minutes: minutes === undefined ? null : Number(minutes),
    jobs: jobs === undefined ? null : Number(jobs),
  }
  process.exit(await runCampaign({ dist, ...limits, ledger: values.ledger }))
}
const load = (...names) => import(pathToFileURL(join(dist, 'sim', ...names)).href)
const { simulate } = await load('raft-simulation.js')
const { simulateGroups } = await load('groups', 'simulate-groups.js')
const { simulateReplication } = await load('replication', 'simulate-replication.js')
const { simulateLogCrash } = await load('log-crash.js')

/** @typedef {{ name: string, run: (first: number, count: number) => Promise<string | null> }} Simulation `run` gives the story of a failure */

/** A simulation that is a function of a seed. */
function bySeed(name, simulateOne) {
  return {
    name,
    async run(first, count) {
      try {
        for (let seed = first; seed < first + count; seed += 1) await simulateOne(seed)
        return null
      } catch (error) {
        return error instanceof Error ? error.message : String(error)
      }
    },
  }
}

/** @type {Simulation[]} */
const all = [
  bySeed('quorum', (seed) => simulate(seed)),
  bySeed('replication', (seed) => simulateReplication(seed)),
  bySeed('log', (seed) => simulateLogCrash(seed)),
  bySeed('groups', (seed) => simulateGroups(seed)),
]
const simulations = all.filter(({ name }) => only === undefined || only === name)
if (simulations.length === 0) {
  process.stderr.write(`--only takes ${all.map(({ name }) => name).join(', ')} or cluster\n`)
  process.exit(64)
}

const begin = performance.now()
for (let first = from; first < from + seeds; first += seedsPerRound) {
  const count = Math.min(seedsPerRound, from + seeds - first)
  const times = []
  for (const { name, run } of simulations) {
    const start = performance.now()
    const failure = await run(first, count)
    if (failure !== null) {
      process.stdout.write(
        `${name}, seeds ${first} to ${first + count - 1}:\n${failure}\nAgain: npm run sim -- --from ${first} --seeds ${count}\n`,
      )
      process.exit(1)
    }
    times.push(`${name} ${((performance.now() - start) / 1000).toFixed(1)} s`)
  }
  process.stdout.write(
    `seeds ${first} to ${first + count - 1} hold: ${times.join(', ')}; ${((performance.now() - begin) / 1000).toFixed(0)} s in all\n`,
  )
}
