// Campaigns of whole clusters, for scripts/sim.mjs: seeds over all processors until the time is over or the seeds are done; one seed told or made smaller.
import { execFileSync, fork } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './prepare.mjs'

const ledgerPath = join(root, 'docs', 'internals', 'reliability-ledger.md')
const progressMs = 10_000

function load(dist, name) {
  return import(pathToFileURL(join(dist, 'sim', 'campaign', `${name}.js`)).href)
}

/** Runs seeds from `from` on; `count` of them, or as many as `minutes` allow. Resolves with the exit status. */
export async function runCampaign({ dist, from, count, minutes, jobs, ledger }) {
  const { addReport, emptySum, ledgerHead, ledgerRow, nextSeed } = await load(dist, 'ledger')
  const known = existsSync(ledgerPath) ? readFileSync(ledgerPath, 'utf8') : ledgerHead
  const first = from ?? (minutes === null ? 1 : nextSeed(known))
  const sum = emptySum()
  const started = performance.now()
  const deadline = minutes === null ? Infinity : started + minutes * 60_000
  let next = first
  const take = () => (next < first + count && performance.now() < deadline ? next++ : null)
  const tell = () => {
    sum.wallMs = performance.now() - started
    process.stdout.write(`${progressOf(sum)}\n`)
  }
  const timer = setInterval(tell, progressMs)
  const processes = Array.from({ length: jobs ?? availableParallelism() }, () =>
    runProcess(dist, take, (result) => onResult(result, sum, addReport)),
  )
  await Promise.all(processes)
  clearInterval(timer)
  tell()
  if (ledger) {
    const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
    const row = ledgerRow(sum, { date: new Date().toISOString().slice(0, 10), commit, first })
    if (existsSync(ledgerPath)) appendFileSync(ledgerPath, row)
    else writeFileSync(ledgerPath, ledgerHead + row)
  }
  return sum.findings.length === 0 ? 0 : 1
}

function onResult({ seed, report, failure }, sum, addReport) {
  if (failure === null) return addReport(sum, report)
  sum.findings.push({ seed, rule: failure.rule })
  process.stdout.write(
    `${failure.told}\nAgain: npm run sim -- --kind cluster --seed ${seed} --explain   (--shrink looks for fewer faults)\n\n`,
  )
}

/** Processes rather than threads: they do not wait for each other's memory. */
function runProcess(dist, take, onDone) {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./sim-cluster.mjs', import.meta.url), [dist], { serialization: 'advanced' })
    let isDone = false
    const give = () => {
      const seed = take()
      if (seed !== null) return child.send(seed)
      isDone = true
      child.disconnect()
    }
    child.on('message', (result) => {
      onDone(result)
      give()
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (isDone) return resolve()
      reject(new Error(`a process of the campaign ended (${signal ?? code})`))
    })
    give()
  })
}

function progressOf(sum) {
  const seconds = sum.wallMs / 1000
  const faults = [...sum.faults.values()].reduce((all, it) => all + it, 0)
  const simulated = sum.simulatedMs / 3_600_000
  return [
    `${seconds.toFixed(0)} s: ${sum.seeds} seeds hold, ${sum.findings.length} do not`,
    `${simulated.toFixed(2)} simulated hours (${(sum.simulatedMs / 1000 / seconds).toFixed(1)} times as fast as time)`,
    `${(sum.events / seconds).toFixed(0)} events/s`,
    `${faults} faults, ${sum.acknowledged} records acknowledged`,
  ].join('; ')
}

/** One seed, told as a timeline, or made smaller. Resolves with the exit status. */
export async function runOne({ dist, seed, explain, shrinks }) {
  const { runSeed, describeFailure } = await load(dist, 'run-seed')
  if (shrinks) return shrinkOne(dist, seed, describeFailure)
  const { report, failure, options, explained, timeline } = await runSeed(seed)
  if (explain) process.stdout.write(`Seed ${seed}\n${explained}\n\nEverything it drew: ${options}\n\n${timeline}\n\n`)
  if (failure !== null) {
    process.stdout.write(explain ? `It breaks ${failure.rule}: ${failure.message}\n` : describeFailure(failure))
    return 1
  }
  const { simulatedMs, events, acknowledged, operations, digest } = report
  process.stdout.write(
    `seed ${seed} holds: ${(simulatedMs / 1000).toFixed(1)} simulated seconds, ${events} events, ${operations} operations, ` +
      `${acknowledged} records acknowledged, digest ${digest}\n`,
  )
  return 0
}

async function shrinkOne(dist, seed, describeFailure) {
  const { shrink } = await load(dist, 'shrink')
  const shrunk = await shrink(seed)
  if (shrunk === null) {
    process.stdout.write(`seed ${seed} holds\n`)
    return 0
  }
  process.stdout.write(
    `${shrunk.plan.length} faults are enough (found in ${shrunk.runs} runs): ${shrunk.plan.map((it) => `#${it.number}`).join(' ')}\n`,
  )
  process.stdout.write(describeFailure(shrunk.failure))
  return 1
}
