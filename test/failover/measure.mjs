// The figures of failover: many rounds of each signal, half of them with the leader as the active controller.
//   node test/failover/measure.mjs [--rounds 30] [--signals KILL,STOP,TERM] [--roles controller,other] [--rolling 3] [--all 3] [--json FILE]
// CLUSTER=kafka measures Apache Kafka in the same way. Prints a table; the exit status says whether anything was lost, doubled or out of order.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { underTest } from '../rig/cluster.mjs'
import { breaches, LoadedCluster } from './load.mjs'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '30' },
    signals: { type: 'string', default: 'KILL,STOP,TERM' },
    roles: { type: 'string', default: 'controller,other' },
    rolling: { type: 'string', default: '3' },
    all: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
})

/** A SIGSTOPped broker answers nothing and closes nothing: a client that waits 30 s for it would hide the failover. */
const producers = { KILL: {}, TERM: {}, STOP: { 'request.timeout.ms': 1500 } }

function quantile(numbers, share) {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN
}

const ms = (value) => value.toFixed(value < 100 ? 1 : 0).padStart(8)
const rows = []
const failures = []
let title = false

/** @param {string} name @param {number[]} numbers @param {number[]} returns @param {number[]} backs */
function report(name, numbers, returns, backs) {
  if (!title)
    process.stdout.write(
      `${underTest}\n${'scenario'.padEnd(30)}  rounds      p50      p99      max   return p50/max     in sync again p50/max   (ms)\n`,
    )
  title = true
  const figures = [quantile(numbers, 0.5), quantile(numbers, 0.99), Math.max(...numbers)]
  const rest = [returns, backs].map((list) => `${ms(quantile(list, 0.5))} /${ms(Math.max(...list))}`).join('  ')
  process.stdout.write(`${name.padEnd(30)}  ${String(numbers.length).padStart(6)} ${figures.map(ms).join(' ')}  ${rest}\n`)
  rows.push({ scenario: name, figures: numbers, returns, backs })
}

/** @param {string} name @param {LoadedCluster} load */
async function judge(name, load) {
  const verdict = await load.verify()
  const found = breaches(verdict)
  const state = found.length === 0 ? 'none lost, doubled or out of order' : found.join('; ')
  process.stdout.write(`  ${name}: ${verdict.acknowledged} acknowledged, ${verdict.read} read: ${state}\n`)
  if (found.length > 0) failures.push(`${name}: ${state}`)
}

/** @param {string} name @param {Record<string, string | number>} producer @param {(load: LoadedCluster) => Promise<void>} work */
async function under(name, producer, work) {
  const load = await LoadedCluster.start({ producer })
  try {
    await work(load)
    await judge(name, load)
  } catch (error) {
    process.stdout.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n${load.cluster.logTails()}\n`)
    failures.push(name)
  } finally {
    await load.stop()
  }
}

const roles = values.roles.split(',')
for (const signal of values.signals.split(',').filter((it) => it !== '')) {
  await under(`SIG${signal}`, producers[signal], async (load) => {
    for (const role of roles) {
      const rounds = []
      for (let i = 0; i < Math.ceil(Number(values.rounds) / roles.length); i += 1) rounds.push(await load.round(`SIG${signal}`, role))
      report(
        `SIG${signal}, leader is ${role === 'controller' ? 'controller' : role === 'other' ? 'not controller' : 'any'}`,
        rounds.map(({ gapMs, silenceMs }) => (signal === 'TERM' ? silenceMs : gapMs)),
        rounds.map(({ returnMs }) => returnMs),
        rounds.map(({ backMs }) => backMs),
      )
    }
  })
}
for (const [name, count] of [
  ['rollingRestart', Number(values.rolling)],
  ['killAll', Number(values.all)],
]) {
  if (count === 0) continue
  await under(name, {}, async (load) => {
    const runs = []
    for (let i = 0; i < count; i += 1) runs.push(await (name === 'killAll' ? load.killAll() : load.rollingRestart()))
    report(
      name === 'killAll' ? 'SIGKILL of all, started again' : 'rolling restart of all',
      runs.map(({ silenceMs }) => silenceMs),
      [NaN],
      runs.map(({ tookMs }) => tookMs),
    )
  })
}
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ underTest, rows, failures }, null, 2))
if (failures.length > 0) process.stdout.write(`\nBroken promises:\n${failures.join('\n')}\n`)
process.exit(failures.length > 0 ? 1 : 0)
