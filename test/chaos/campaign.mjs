// Rounds upon rounds: what `npm run chaos` does. A cluster serves many rounds, one after the other; a broken one is thrown away.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../rig/peers.mjs'
import { quantile } from './outage.mjs'
import { chance } from './proxy.mjs'
import { lacking, Round, startWorld, worldOf } from './round.mjs'
import { weather, weatherNames } from './scenarios/weather.mjs'
import { scenarios } from './scenarios.mjs'
import { StockWitness } from './stock-witness.mjs'

const roundsPerWorld = 40

const options = /** @type {const} */ ({
  scenarios: { type: 'string' },
  rounds: { type: 'string', default: '1' },
  hours: { type: 'string' },
  weather: { type: 'string' },
  minutes: { type: 'string', default: '10' },
  seed: { type: 'string' },
  patience: { type: 'string', default: '1' },
  json: { type: 'string' },
  keep: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  java: { type: 'boolean', default: false },
})

const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`)

/** @param {string | undefined} names beginnings of names, with commas @returns {import('./scenarios/scenario.mjs').Scenario[]} */
export function chosen(names) {
  if (names === undefined) return [...scenarios]
  const words = names.split(',').filter((it) => it !== '')
  const exact = (/** @type {string} */ word) => scenarios.filter(({ name }) => name === word)
  const found = words.flatMap((word) => (exact(word).length > 0 ? exact(word) : scenarios.filter(({ name }) => name.startsWith(word))))
  return [...new Set(found)]
}

/** Runs rounds, each on a cluster that fits. */
export class Campaign {
  /** @param {{ seed: number, patience?: number, folder?: string, keepAlways?: boolean, java?: boolean }} options */
  constructor({ seed, patience = 1, folder = join(root, '.build', 'chaos'), keepAlways = false, java = false }) {
    this.seed = seed
    this.patience = patience
    this.folder = folder
    this.keepAlways = keepAlways
    this.number = 0
    /** @type {import('./round.mjs').Outcome[]} */
    this.outcomes = []
    /** @type {import('./round.mjs').Started | undefined} */
    this.world = undefined
    this.worldRounds = 0
    this.stock = java ? new StockWitness() : undefined
  }

  /** @param {import('./scenarios/scenario.mjs').Scenario} scenario @returns {Promise<import('./round.mjs').Outcome>} */
  async round(scenario) {
    this.number += 1
    const seed = this.seed + this.number
    const folder = join(this.folder, `${this.seed}-${this.number}-${scenario.name}`)
    const outcome = await this.attempt(scenario, seed, folder).catch((error) => failed(scenario, seed, error))
    if (outcome.folder === undefined) rmSync(folder, { recursive: true, force: true })
    if (outcome.isBroken) await this.end()
    this.outcomes.push(outcome)
    return outcome
  }

  /** @param {import('./scenarios/scenario.mjs').Scenario} scenario @param {number} seed @param {string} folder */
  async attempt(scenario, seed, folder) {
    const world = await this.worldFor(scenario, seed)
    const { number, patience, keepAlways, stock } = this
    const rest = stock === undefined ? {} : { stock }
    return new Round(world, scenario, { seed, number, folder, patience, keepAlways, ...rest }).run()
  }

  /** @param {import('./scenarios/scenario.mjs').Scenario} scenario @param {number} seed */
  async worldFor(scenario, seed) {
    if (this.world !== undefined && (this.world.kind !== worldOf(scenario) || this.worldRounds >= roundsPerWorld)) await this.end()
    this.worldRounds = this.world === undefined ? 1 : this.worldRounds + 1
    this.world ??= await startWorld(worldOf(scenario), seed)
    return this.world
  }

  async end() {
    const { world } = this
    this.world = undefined
    await world?.stop()
  }

  async stop() {
    await this.end()
    await this.stock?.stop()
  }
}

/** A round that could not be carried through. @param {import('./scenarios/scenario.mjs').Scenario} scenario @param {number} seed @param {unknown} error @returns {import('./round.mjs').Outcome} */
function failed({ name }, seed, error) {
  const findings = [`the round could not be carried through: ${error instanceof Error ? error.message : String(error)}`]
  const none = { outageMs: NaN, commitMs: NaN, served: 0, windows: 0, elections: 0, quorumElections: 0, recoverMs: NaN, writes: 0 }
  return { ...none, scenario: name, seed, stockMs: undefined, load: NaN, findings, excess: [], folder: undefined, isBroken: true }
}

/** @param {import('./round.mjs').Outcome} outcome */
export function lineOf({
  scenario,
  outageMs,
  commitMs,
  served,
  windows,
  elections,
  quorumElections,
  recoverMs,
  writes,
  stockMs,
  load,
  findings,
  excess,
  folder,
}) {
  const state = findings.length > 0 ? 'WRONG' : excess.length > 0 ? 'LATE ' : 'ok   '
  const share = ((100 * served) / Math.max(1, windows)).toFixed(1)
  const figures = `${outageMs.toFixed(0).padStart(6)} ms  commits ${commitMs.toFixed(0).padStart(6)} ms  ${share.padStart(5)} % of windows  elections ${elections}+${quorumElections}  well after ${(recoverMs / 1000).toFixed(1)} s  ${writes} writes${stockMs === undefined ? '' : `  Java ${stockMs.toFixed(0)} ms`}  load ${load.toFixed(1)}`
  const why = [...findings, ...excess].map((it) => `\n        ${it}`).join('')
  return `${state} ${scenario.padEnd(30)} ${figures}${why}${why === '' || folder === undefined ? '' : `\n        story: ${join(folder, 'story.txt')}`}`
}

/** @param {readonly import('./round.mjs').Outcome[]} outcomes */
export function table(outcomes) {
  const names = [...new Set(outcomes.map(({ scenario }) => scenario))]
  const ms = (/** @type {number} */ value) => value.toFixed(0).padStart(7)
  const head = `${'scenario'.padEnd(30)} rounds  outage p50     p99     max  commits p50     max  windows %  wrong  late`
  const rows = names.map((name) => {
    const rounds = outcomes.filter(({ scenario }) => scenario === name)
    const outages = rounds.map(({ outageMs }) => outageMs)
    const commits = rounds.map(({ commitMs }) => commitMs)
    const share =
      (100 * rounds.reduce((sum, { served }) => sum + served, 0)) /
      Math.max(
        1,
        rounds.reduce((sum, { windows }) => sum + windows, 0),
      )
    const count = (/** @type {(it: import('./round.mjs').Outcome) => boolean} */ of) => String(rounds.filter(of).length)
    return `${name.padEnd(30)} ${String(rounds.length).padStart(6)}    ${ms(quantile(outages, 0.5))} ${ms(quantile(outages, 0.99))} ${ms(Math.max(...outages))}      ${ms(quantile(commits, 0.5))} ${ms(Math.max(...commits))}  ${share.toFixed(2).padStart(9)}  ${count(({ findings }) => findings.length > 0).padStart(5)} ${count(({ excess }) => excess.length > 0).padStart(5)}`
  })
  return [head, ...rows].join('\n')
}

/** What is to be run: one after the other, or at random until the time is over. @param {import('./scenarios/scenario.mjs').Scenario[]} list @param {{ rounds: number, hours: number | undefined, random: () => number }} how */
function* plan(list, { rounds, hours, random }) {
  if (hours === undefined) {
    for (const scenario of list) for (let round = 0; round < rounds; round += 1) yield scenario
    return
  }
  const end = performance.now() + hours * 3_600_000
  while (performance.now() < end) {
    const one = list[Math.floor(random() * list.length)]
    if (one !== undefined) yield one
  }
}

/** @param {readonly string[]} args @returns {Promise<number>} the exit status */
export async function campaign(args) {
  const { values } = parseArgs({ args: [...args], options })
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) * 1000 : Number(values.seed)
  const random = chance(seed)
  const list = chosen(values.scenarios)
  if (values.list) {
    for (const it of list) say(`${it.name.padEnd(30)} ${it.about}${lacking(it) === undefined ? '' : `   [${lacking(it)}]`}`)
    return 0
  }
  if (values.weather !== undefined && !weatherNames.includes(values.weather)) {
    process.stderr.write(`--weather takes ${weatherNames.join(', ')}\n`)
    return 64
  }
  if (list.length === 0) {
    process.stderr.write(`no scenario is called so; npm run chaos -- --list names them\n`)
    return 64
  }
  const skipped = values.weather === undefined ? list.filter((it) => lacking(it) !== undefined) : []
  for (const it of skipped) say(`skip ${it.name}: ${lacking(it)}`)
  const rest = list.filter((it) => !skipped.includes(it))
  const weathered =
    values.weather === undefined ? [] : [weather(/** @type {any} */ (values.weather), { minutes: Number(values.minutes), random })]
  const hours = values.hours === undefined ? undefined : Number(values.hours)
  const steps = weathered.length > 0 ? weathered : plan(rest, { rounds: Number(values.rounds), hours, random })
  say(`seed ${seed}`)
  const it = new Campaign({ seed, patience: Number(values.patience), keepAlways: values.keep, java: values.java })
  const begin = performance.now()
  try {
    for (const scenario of steps)
      say(`${((performance.now() - begin) / 60_000).toFixed(1).padStart(6)} min  ${lineOf(await it.round(scenario))}`)
  } finally {
    await it.stop()
    say(`\n${table(it.outcomes)}\n\n${it.outcomes.length} rounds in ${((performance.now() - begin) / 1000).toFixed(0)} s, seed ${seed}`)
    if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ seed, outcomes: it.outcomes }, null, 1))
  }
  return it.outcomes.some(({ findings }) => findings.length > 0) ? 1 : it.outcomes.some(({ excess }) => excess.length > 0) ? 2 : 0
}
