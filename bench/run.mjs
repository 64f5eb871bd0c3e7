// The benchmark: every case with both systems, alternating, round after round; the figures in a file of JSON, the page and the chart made of it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { root, without } from '../test/rig/peers.mjs'
import { amountOf, chosen } from './cases.mjs'
import { load, machine, room, versions } from './machine.mjs'
import { Strangers } from './meter.mjs'
import { report } from './report.mjs'
import { isMeasured, readResults, resume, strangersMax, withMeasured, writeResults } from './results.mjs'
import { Subject } from './subject.mjs'
import { warmUp, works } from './works.mjs'

/** @typedef {import('./subject.mjs').System} System */
/** @typedef {import('./cases.mjs').Case} Case */
/** @typedef {{ system: System, round: number, cases: readonly Case[] }} Leg what is done with one start of a cluster */

const pageFile = join(root, 'docs', 'reference', 'benchmarks.md')
const GiB = 2 ** 30
const roomNeeded = { full: 24 * GiB, quick: 6 * GiB }
/** Of a leg, beside its cases: start, warm-up, stop. */
const startSeconds = { odradek: 10, kafka: 35 }
const warmUpSeconds = { full: 5, quick: 1 }
/** A quick case takes about so much of the time of a whole one, and at least a few seconds. */
const quickSeconds = 5
/** @type {readonly System[]} */
const systems = ['odradek', 'kafka']

const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`)

/** @param {string[]} argv */
function options(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      rounds: { type: 'string' },
      systems: { type: 'string', default: systems.join() },
      json: { type: 'string' },
      report: { type: 'string' },
      out: { type: 'string', default: pageFile },
      list: { type: 'boolean', default: false },
    },
  })
  const words = (/** @type {string} */ text) => text.split(',').filter((word) => word !== '')
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3))
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error('--rounds wants a whole number from 1')
  const asked = systems.filter((system) => words(values.systems).includes(system))
  if (asked.length === 0 || asked.length < words(values.systems).length) throw new Error(`--systems wants ${systems.join(' or ')}, or both`)
  return { ...values, rounds, only: words(values.only), systems: asked }
}

/** What can be run here; the rest is named. @param {readonly Case[]} wanted */
function runnable(wanted) {
  const lacking = without('java')
  return wanted.filter(({ name, needsJava }) => {
    if (!needsJava || lacking === false) return true
    say(`left out: ${name}, which ${lacking}`)
    return false
  })
}

/** The first system of a round is the second of the next. @param {readonly Case[]} cases @param {readonly System[]} asked @param {number} rounds @returns {Leg[]} */
export function legsOf(cases, asked, rounds) {
  return Array.from({ length: rounds }, (_, index) => index + 1).flatMap((round) => {
    const order = round % 2 === 1 ? asked : asked.toReversed()
    return order.map((system) => ({ system, round, cases }))
  })
}

/** @param {Case} given @param {boolean} quick */
const expectedSeconds = ({ seconds }, quick) => (quick ? quickSeconds : seconds)

/** @param {readonly Leg[]} legs @param {boolean} quick */
export function expected(legs, quick) {
  return legs.reduce(
    (sum, { system, cases }) => sum + startSeconds[system] + cases.reduce((all, it) => all + expectedSeconds(it, quick), 0),
    0,
  )
}

/** @param {number} seconds */
const span = (seconds) => (seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`)

class Run {
  /** @param {ReturnType<typeof options>} given @param {string} file @param {import('./results.mjs').Results} results @param {readonly Leg[]} legs */
  constructor(given, file, results, legs) {
    this.given = given
    this.file = file
    this.results = results
    this.left = expected(legs, given.quick)
    this.done = 0
    this.count = legs.reduce((sum, { cases }) => sum + cases.length, 0)
    this.failures = 0
    /** How much slower than expected it goes. */
    this.pace = { expected: 0, seen: 0 }
  }

  /** @param {string} text */
  progress(text) {
    const slower = this.pace.expected < 20 ? 1 : this.pace.seen / this.pace.expected
    say(`[${this.done}/${this.count}, ${span(this.left * slower)} left] ${text}`)
  }

  /** @param {number} expectedSpan @param {number} since ms */
  passed(expectedSpan, since) {
    this.left -= expectedSpan
    this.pace.expected += expectedSpan
    this.pace.seen += (performance.now() - since) / 1000
  }

  /** @param {Leg} leg */
  async leg({ system, round, cases }) {
    this.progress(`round ${round} of ${this.given.rounds}: ${system} starts and warms up`)
    const since = performance.now()
    const subject = await Subject.start(system)
    try {
      await warmUp(subject, this.given.quick ? warmUpSeconds.quick : warmUpSeconds.full)
      this.passed(startSeconds[system], since)
      for (const it of cases) await this.one(subject, it, round)
    } finally {
      await subject.stop()
    }
  }

  /** A case that fails is told and noted; the others go on. @param {Subject} subject @param {Case} it @param {number} round */
  async one(subject, it, round) {
    this.progress(`${subject.system}: ${it.title}`)
    const since = performance.now()
    const strangers = new Strangers(() => subject.pids)
    const job = { subject, settings: it.settings, unit: it.unit, amount: amountOf(it, this.given.quick), scale: this.given.quick ? 0.1 : 1 }
    /** @type {import('./works.mjs').Outcome | { value: null, why: string, details: {} }} */
    const outcome = await works[it.tool](job).catch((error) => ({ value: null, why: String(error?.message ?? error), details: {} }))
    const seconds = (performance.now() - since) / 1000
    const others = strangers.processors()
    this.passed(expectedSeconds(it, this.given.quick), since)
    this.done += 1
    this.results = withMeasured(this.results, { name: it.name, system: subject.system, round, seconds, strangers: others, ...outcome })
    writeResults(this.file, this.results)
    if (outcome.value === null) {
      this.failures += 1
      say(`    FAILED: ${'why' in outcome ? outcome.why : ''}`)
    } else say(`    ${outcome.value.toPrecision(4)} ${it.unit}`)
    if (others > strangersMax) say(`    warning: something else used ${others.toFixed(2)} processors meanwhile`)
  }
}

/** @param {string} out @param {import('./results.mjs').Results} results */
function writePage(out, results) {
  const { page, svg } = report(results)
  mkdirSync(dirname(out), { recursive: true })
  writeFileSync(out, page)
  writeFileSync(join(dirname(out), 'benchmarks.svg'), svg)
  say(
    `\n${page
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .join('\n')}\n\nThe page: ${out}`,
  )
}

/** @param {boolean} quick */
async function checkRoom(quick) {
  const needed = quick ? roomNeeded.quick : roomNeeded.full
  const free = await room(tmpdir())
  if (free >= needed) return
  const sizes = `${(free / GiB).toFixed(1)} GiB are free, ${needed / GiB} GiB are needed`
  throw new Error(`too little room in ${tmpdir()}: ${sizes}. Set TMPDIR to a folder on a larger disk.`)
}

/** @param {string[]} argv @returns {Promise<number>} exit status: 0, or 1 when a case failed */
export async function bench(argv) {
  const given = options(argv)
  if (given.report !== undefined) {
    writePage(given.out, readResults(given.report))
    return 0
  }
  const cases = chosen(given.only, given.quick)
  if (given.list) {
    for (const { name, title, unit } of cases) say(`${name.padEnd(16)} ${title} (${unit})`)
    return 0
  }
  const asked = without('java') === false ? given.systems : given.systems.filter((system) => system !== 'kafka')
  if (asked.length < given.systems.length) say(`Kafka is left out: this ${String(without('java'))}`)
  if (asked.length === 0) return 1
  if (process.platform !== 'linux') throw new Error('the benchmark reads /proc for what the processes take: it needs Linux')
  await checkRoom(given.quick)
  const file = given.json ?? join(root, '.build', 'bench', `${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.json`)
  mkdirSync(dirname(file), { recursive: true })
  const loadBefore = load()
  if (loadBefore > 0.5) say(`warning: the load average is ${loadBefore}. Figures want a machine that does nothing else.`)
  const fresh = {
    began: new Date().toISOString(),
    quick: given.quick,
    rounds: given.rounds,
    loadBefore,
    machine: machine(),
    versions: versions(),
  }
  const results = resume(file, fresh)
  const legs = legsOf(runnable(cases), asked, given.rounds)
    .map((leg) => ({ ...leg, cases: leg.cases.filter(({ name }) => !isMeasured(results, name, leg.system, leg.round)) }))
    .filter((leg) => leg.cases.length > 0)
  say(
    `${legs.length} starts of a cluster, about ${span(expected(legs, given.quick))}; results in ${file} (the same --json goes on where it was broken off)`,
  )
  const run = new Run(given, file, results, legs)
  for (const leg of legs) await run.leg(leg)
  writePage(given.out, run.results)
  return run.failures === 0 ? 0 : 1
}
