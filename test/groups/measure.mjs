// The figures of a coordinator's failover: many rounds of each signal under members that commit without pause.
//   node test/groups/measure.mjs [--rounds 30] [--signals KILL,STOP] [--json FILE]
// CLUSTER=kafka measures Apache Kafka in the same way. What exactly is measured stands at the head of failing.mjs. Prints a table; the exit
// status says whether a commit was lost, an epoch went back or a partition was moved.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { underTest } from '../rig/cluster.mjs'
import { CoordinatedGroups, rawTimeoutMs, requestTimeoutMs } from './failing.mjs'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '30' },
    signals: { type: 'string', default: 'KILL,STOP' },
    json: { type: 'string' },
  },
})

function quantile(numbers, share) {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN
}

/**
 * Members that commit without pause fill the log of the offsets faster than any real ones, and who takes over reads all of it: after so many rounds
 * (some 25,000 records) a new cluster is begun.
 */
const roundsOnOneCluster = 10
/** From when on a round is told in full. */
const limitsMs = { KILL: 1500, STOP: 3500, TERM: 1500 }
const ms = (value) => value.toFixed(0).padStart(8)
const rows = []
const failures = []
let commits = 0
process.stdout.write(
  `${underTest}; Java's clients give up on a request after ${requestTimeoutMs} ms, the bare ones after ${rawTimeoutMs} ms\n${'signal'.padEnd(8)} ${'witness'.padEnd(14)}  rounds      p50      p99      max   (ms until commits go on)\n`,
)
/** Every second round hits a coordinator that is the active controller as well. A round that is too slow is told with what the brokers say. */
async function round(groups, number, signal) {
  const it = await groups.round(`SIG${signal}`, number % 2 === 0 ? 'controller' : 'other')
  if (underTest === 'odradek' && Math.max(...Object.values(it.gapsMs)) > limitsMs[signal])
    process.stdout.write(`round ${number}: ${JSON.stringify(it)}\n${groups.cluster.logTails()}\n`)
  return it
}

/**
 * Rounds on one cluster, and the verdict on all its commits.
 * @param {string} signal @param {number} count
 */
async function rounds(signal, count) {
  const groups = await CoordinatedGroups.start()
  try {
    const done = []
    for (let i = 0; i < count; i += 1) done.push(await round(groups, i, signal))
    failures.push(...(await groups.verify()))
    commits += Object.values(groups.groups).reduce((sum, group) => sum + groups.account.acknowledged(group).length, 0)
    return done
  } catch (error) {
    process.stdout.write(`SIG${signal}: ${error instanceof Error ? error.stack : String(error)}\n${groups.cluster.logTails()}\n`)
    failures.push(`SIG${signal}: ${String(error)}`)
    return []
  } finally {
    await groups.stop()
  }
}

for (const signal of values.signals.split(',').filter((it) => it !== '')) {
  const all = []
  for (let left = Number(values.rounds); left > 0; left -= roundsOnOneCluster)
    all.push(...(await rounds(signal, Math.min(left, roundsOnOneCluster))))
  if (all.length === 0) continue
  for (const kind of Object.keys(all[0].gapsMs)) {
    const gaps = all.map(({ gapsMs }) => gapsMs[kind])
    const figures = [quantile(gaps, 0.5), quantile(gaps, 0.99), Math.max(...gaps)]
    process.stdout.write(`${signal.padEnd(8)} ${kind.padEnd(14)}  ${String(all.length).padStart(6)} ${figures.map(ms).join(' ')}\n`)
  }
  const moved = all.filter((it) => it.moved > 0).length
  const controllers = all.filter(({ wasController }) => wasController).length
  process.stdout.write(`  in ${controllers} rounds the coordinator was the active controller; in ${moved} rounds partitions moved\n`)
  if (moved > 0) failures.push(`SIG${signal}: partitions moved in ${moved} rounds`)
  rows.push({ signal, rounds: all })
}
process.stdout.write(
  `${commits} commits acknowledged; ${failures.length === 0 ? 'none lost or moved back, no generation or epoch gone back' : 'see below'}\n`,
)
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ underTest, rows, failures }, null, 2))
if (failures.length > 0) process.stdout.write(`\nBroken promises:\n${failures.slice(0, 30).join('\n')}\n`)
process.exit(failures.length > 0 ? 1 : 0)
