// One round of a scenario: a fresh topic, witnesses at work, the faults, and then what is to be said of it.
import { createWriteStream, mkdirSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../rig/processes.mjs'
import { describeAnomaly, examine, HistoryRecorder } from './build.mjs'
import { faults, inject, lackingFor } from './faults.mjs'
import { epochs, lay, makeOffsetsTopic, offsetsTopic, partitionCount, remove, settle } from './layout.mjs'
import { startLinked } from './links.mjs'
import { Clocks, SmallDisks } from './machine.mjs'
import { availability, longestOutage } from './outage.mjs'
import { Story } from './story.mjs'
import { nowMs } from './witnesses/sightings.mjs'
import { Witness } from './witnesses/witness.mjs'

const diskBytes = 96 * 1024 * 1024
const warmUpMs = 400
const calmMs = 500
const recoverTimeoutMs = 60_000
const toldMax = 12

/** @typedef {import('./scenarios/scenario.mjs').Scenario} Scenario */
/** @typedef {import('./faults.mjs').World & { kind: string, clients: { id: number, port: number }[], bootstrap: string, stop: () => Promise<void> }} Started */

/**
 * What a round says. `outageMs`: the longest time in which a partition acknowledged no write; `commitMs`: the group no commit; `stockMs`: the
 * same as `outageMs` for the stock producer. `load`: what else the machine had to do (load average). `findings`: what
 * must not be; `excess`: what took longer than the scenario allows.
 * @typedef {{
 *   scenario: string, seed: number, outageMs: number, commitMs: number, served: number, windows: number, elections: number, quorumElections: number,
 *   recoverMs: number, writes: number, stockMs: number | undefined, load: number, findings: string[], excess: string[], folder: string | undefined, isBroken: boolean,
 * }} Outcome
 */

/** What a scenario's faults want of the cluster beside links. @param {Scenario} scenario */
export function worldOf(scenario) {
  const kinds = scenario.steps.map(({ fault }) => /** @type {import('./faults.mjs').Kind} */ (faults[fault.name]).world)
  return kinds.find((it) => it !== undefined) ?? 'plain'
}

/** Why a scenario cannot be run on this machine. @param {Scenario} scenario @returns {string | undefined} */
export const lacking = (scenario) => scenario.steps.map(({ fault }) => lackingFor(fault)).find((it) => it !== undefined)

/** @param {string} kind @param {number} seed @returns {Promise<Started>} */
export async function startWorld(kind, seed) {
  const disks = kind === 'disks' ? new SmallDisks(diskBytes) : undefined
  /** @type {Clocks | undefined} */
  let clocks
  try {
    const { cluster, links, clients, bootstrap } = await startLinked({
      seed,
      properties: disks === undefined ? {} : { 'log.segment.bytes': 4_194_304 },
      prepare: (it) => {
        if (kind !== 'clocks') return
        clocks = new Clocks(it.folder)
        for (const node of it.nodes) clocks.give(node)
      },
      ...(disks === undefined ? {} : { directories: (id, folder) => disks.mount(id, folder) }),
    })
    const stop = async () => {
      links.clear()
      links.stop()
      disks?.unmount()
      await cluster.stop()
    }
    await makeOffsetsTopic(cluster)
    return { kind, cluster, links, clients, bootstrap, seed, disks, clocks, tell: () => {}, stop }
  } catch (error) {
    disks?.unmount()
    throw error
  }
}

/** @param {Started} world @param {string | readonly string[]} target @param {Record<string, import('./layout.mjs').Node>} roles */
function nodesOf(world, target, roles) {
  const names = typeof target === 'string' ? [target] : target
  return names.flatMap((name) => {
    if (name === 'all') return world.cluster.nodes
    if (name.startsWith('node ')) return [world.cluster.node(Number(name.slice(5)))]
    const found = roles[name]
    if (found === undefined) throw new Error(`no role ${name}`)
    return [found]
  })
}

export class Round {
  /** @param {Started} world @param {Scenario} scenario @param {{ seed: number, number: number, folder: string, patience?: number, keepAlways?: boolean, stock?: import('./stock-witness.mjs').StockWitness }} options */
  constructor(world, scenario, { seed, number, folder, patience = 1, keepAlways = false, stock }) {
    this.world = world
    this.scenario = scenario
    this.seed = seed
    this.number = number
    this.folder = folder
    this.patience = patience
    this.keepAlways = keepAlways
    this.topic = `round-${number}`
    this.stock = stock
    this.topics = stock === undefined ? [this.topic] : [this.topic, `stock-${number}`]
    /** @type {Set<import('./layout.mjs').Node>} */
    this.hit = new Set()
    this.begin = 0
    this.healedAt = 0
    this.end = 0
    /** @type {string[]} */
    this.findings = []
    this.isBroken = false
  }

  /** @returns {Promise<Outcome>} */
  async run() {
    const { cluster } = this.world
    await settle(cluster)
    const { group, roles } = await lay(cluster, this.scenario.layout, this.topics)
    mkdirSync(this.folder, { recursive: true })
    const lines = createWriteStream(join(this.folder, 'history.ndjson'))
    const recorder = new HistoryRecorder((line) => lines.write(line))
    const witness = new Witness({ clients: this.world.clients, topic: this.topic, partitions: partitionCount, recorder, group })
    const story = new Story(cluster)
    this.world.tell = (text) => story.tell(text)
    this.world.seed = this.seed
    try {
      await witness.start()
      await this.stock?.start(this.world.bootstrap, `stock-${this.number}`, partitionCount)
      await until('the witnesses are at work', () => witness.hasResumed(0) && this.stock?.hasResumed(0) !== false)
      await sleep(warmUpMs)
      const before = await epochs(cluster, this.topic)
      story.tell(
        `roles: ${Object.entries(roles)
          .map(([role, { id }]) => `${role} ${id}`)
          .join(', ')}`,
      )
      await this.strike(story, roles)
      await this.recover(witness, story)
      const after = this.isBroken ? before : await epochs(cluster, this.topic)
      await this.finish(witness)
      const verdict = this.isBroken ? undefined : examine(recorder.history)
      this.findings.push(...(verdict === undefined ? [] : verdict.errors.map((it) => describeAnomaly(it))))
      return this.conclude(witness, story, { elections: after.leaders - before.leaders, quorumElections: after.quorum - before.quorum })
    } finally {
      witness.close()
      await new Promise((resolve) => lines.end(() => resolve(undefined)))
      if (!this.isBroken) await remove(cluster, this.topics).catch(() => {})
    }
  }

  /** The faults, each at its time. @param {Story} story @param {Record<string, import('./layout.mjs').Node>} roles */
  async strike(story, roles) {
    this.begin = nowMs()
    await Promise.all(
      this.scenario.steps.map(async ({ atMs = 0, forMs = 0, fault }) => {
        await sleep(atMs)
        const nodes = nodesOf(this.world, fault.target, roles)
        for (const node of nodes) this.hit.add(node)
        const what = `${fault.name} ${nodes.map(({ id }) => `node ${id}`).join(' and ')} (${String(fault.target)})${fault.params === undefined ? '' : ` ${JSON.stringify(fault.params)}`}`
        const params = { ...fault.params, topics: [...this.topics, offsetsTopic] }
        story.tell(what)
        const heal = await inject(this.world, { ...fault, params }, nodes)
        await sleep(forMs)
        story.tell(`end of ${what}`)
        await heal()
      }),
    )
    this.healedAt = nowMs()
    story.tell('all faults have ended')
  }

  /** @param {Witness} witness @param {Story} story */
  async recover(witness, story) {
    const { cluster } = this.world
    const limits = { timeoutMs: recoverTimeoutMs, everyMs: 20 }
    try {
      const since = nowMs()
      for (const node of cluster.nodes) if (!node.isUp) this.unexpectedlyDown(node)
      await until(
        'all witnesses are acknowledged again',
        () => witness.hasResumed(since) && this.stock?.hasResumed(since) !== false,
        limits,
      )
      await cluster.waitInSync(...this.topics, offsetsTopic)
      story.tell('all is well')
      this.end = nowMs()
      await sleep(calmMs)
    } catch (error) {
      this.end = nowMs()
      this.isBroken = true
      this.findings.push(`it does not recover: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** @param {import('./layout.mjs').Node} node */
  unexpectedlyDown(node) {
    const { code, signal } = node.ended ?? {}
    throw new Error(`node ${node.id} has ended by itself (exit ${code}, signal ${signal})`)
  }

  /** @param {Witness} witness */
  async finish(witness) {
    await Promise.race([witness.stop(), sleep(recoverTimeoutMs, undefined, { ref: false })])
    if (this.isBroken) return
    if (this.stock !== undefined) this.findings.push(...(await this.stock.finish()))
    this.findings.push(...(await witness.drain()).slice(0, toldMax))
    this.findings.push(...witness.sightings.problems.slice(0, toldMax).map(({ text }) => text))
  }

  /** @param {Witness} witness @param {Story} story @param {{ elections: number, quorumElections: number }} counts @returns {Outcome} */
  conclude(witness, story, { elections, quorumElections }) {
    const { scenario, begin, end } = this
    const outage = longestOutage(witness.writes, begin, end)
    const commits = longestOutage(new Map([['commits', witness.sightings.acks.get('commits') ?? []]]), begin, end)
    const { served, windows } = availability(witness.writes, begin, end)
    const logged = story.logged().filter(({ level }) => level === 'ERROR')
    if (scenario.mayEnd !== true) this.findings.push(...logged.slice(0, toldMax).map(({ who, text }) => `${who} says ${text}`))
    const excess = this.excess({ outageMs: outage.ms, commitMs: commits.ms, elections, quorumElections })
    const isBad = this.findings.length > 0 || excess.length > 0
    if (isBad || this.keepAlways) {
      const head = [
        `${scenario.name}: ${scenario.about}`,
        `seed ${this.seed}`,
        ...this.findings.map((it) => `WRONG: ${it}`),
        ...excess.map((it) => `LATE: ${it}`),
      ]
      story.leave(this.folder, story.write(witness.sightings, head))
    }
    const writes = witness.producers.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
    return {
      scenario: scenario.name,
      seed: this.seed,
      outageMs: outage.ms,
      commitMs: commits.ms,
      served,
      windows,
      elections,
      quorumElections,
      recoverMs: end - this.healedAt,
      writes,
      stockMs: this.stock === undefined ? undefined : longestOutage(this.stock.acks, begin, end).ms,
      load: loadavg()[0] ?? NaN,
      findings: this.findings,
      excess,
      folder: isBad || this.keepAlways ? this.folder : undefined,
      isBroken: this.isBroken,
    }
  }

  /** @param {{ outageMs: number, commitMs: number, elections: number, quorumElections: number }} seen @returns {string[]} */
  excess({ outageMs, commitMs, elections, quorumElections }) {
    const { scenario, patience } = this
    const writesMax = scenario.outageMs * patience
    const commitsMax = Math.max(scenario.outageMs, scenario.commitMs ?? 0) * patience
    return [
      ...(outageMs > writesMax ? [`writes stood still for ${outageMs.toFixed(0)} ms (bound ${writesMax})`] : []),
      ...(commitMs > commitsMax ? [`commits stood still for ${commitMs.toFixed(0)} ms (bound ${commitsMax})`] : []),
      ...(scenario.elections === 0 && elections + quorumElections > 0
        ? [`${elections} leaders and ${quorumElections} controllers were elected, and none had to be`]
        : []),
    ]
  }
}
