// npm run sim: the simulations that `npm test` runs shortly, over more seeds: quorums of raft machines, brokers that replicate one partition,
// a partition's log on a disk that loses power, and groups with their members. A failure names its seed and tells its story.
//   npm run sim -- --seeds 5000 --from 1      (1000 seeds when left out)
//   npm run sim -- --only groups              (quorum, replication, log or groups)
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { prepare, root } from './prepare.mjs'

const seedsPerRound = 200
const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '1000' }, from: { type: 'string', default: '1' }, only: { type: 'string' } },
})
const seeds = Number(values.seeds)
const from = Number(values.from)
if (![seeds, from].every((it) => Number.isSafeInteger(it) && it > 0)) {
  process.stderr.write('usage: npm run sim -- [--seeds N] [--from N] [--only NAME]   (whole numbers from 1)\n')
  process.exit(64)
}
if (process.env.ODRADEK_DIST === undefined) prepare()
const dist = resolve(process.env.ODRADEK_DIST ?? join(root, 'dist'))
const { simulate } = await import(pathToFileURL(join(dist, 'sim', 'raft-simulation.js')).href)
const { simulateGroups } = await import(pathToFileURL(join(dist, 'sim', 'groups', 'simulate-groups.js')).href)

/** @typedef {{ name: string, run: (first: number, count: number) => string | null }} Simulation `run` gives the story of a failure */

/** A simulation that is a function of a seed. */
function bySeed(name, simulateOne) {
  return {
    name,
    run(first, count) {
      try {
        for (let seed = first; seed < first + count; seed += 1) simulateOne(seed)
        return null
      } catch (error) {
        return error instanceof Error ? error.message : String(error)
      }
    },
  }
}

/** A simulation that is a test file, which takes its seeds from the environment. */
function testFile(name, file, environment) {
  return {
    name,
    run(first, count) {
      const { status, stdout, stderr } = spawnSync(process.execPath, ['--test', join(dist, file)], {
        env: { ...process.env, ...environment(first, count) },
        encoding: 'utf8',
        maxBuffer: 256 * 1024 * 1024,
      })
      return status === 0 ? null : `${stdout}${stderr}`
    },
  }
}

/** @type {Simulation[]} */
const all = [
  bySeed('quorum', (seed) => simulate(seed)),
  testFile('replication', 'replication/simulation.test.js', (first, count) => ({
    REPLICATION_FIRST_SEED: String(first),
    REPLICATION_SEEDS: String(count),
  })),
  testFile('log', 'log/crash.test.js', (first, count) => ({ LOG_SEEDS: `${first}-${first + count - 1}` })),
  bySeed('groups', (seed) => simulateGroups(seed)),
]
const simulations = all.filter(({ name }) => values.only === undefined || values.only === name)
if (simulations.length === 0) {
  process.stderr.write(`--only takes ${all.map(({ name }) => name).join(', ')}\n`)
  process.exit(64)
}

const begin = performance.now()
for (let first = from; first < from + seeds; first += seedsPerRound) {
  const count = Math.min(seedsPerRound, from + seeds - first)
  const times = []
  for (const { name, run } of simulations) {
    const start = performance.now()
    const failure = run(first, count)
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
