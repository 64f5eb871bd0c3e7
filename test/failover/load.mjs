// Load on a cluster while its nodes are killed, paused and restarted: a Java producer (acks=all, idempotent, otherwise stock settings) sends one
// record every 5 ms to each partition of a topic and tells when each is acknowledged.
//
// What is measured, per partition, after a signal at time S (both sides read the same monotonic clock):
//   silence    the longest time without an acknowledgement between S and the end of the round's first part (before the node is started again);
//              the first one begins at S. This is how long a producer stood still.
//   gap        from S to the end of that silence: from the signal to the first acknowledgement by another leader. Acknowledgements that were
//              under way when the leader died come within the first milliseconds and do not end it.
// For SIGKILL and SIGSTOP the figure is the gap. A leader that is asked to stop (SIGTERM) goes on serving until it has handed over, so there
// the figure is the silence.
//   return     the longest time without an acknowledgement while the node comes back, until all replicas are in sync again.
import { setTimeout as sleep } from 'node:timers/promises'
import { startCluster, until } from '../rig/cluster.mjs'
import { Java } from '../rig/java.mjs'

export const intervalMs = 5
const settleMs = 500
const resumeTimeoutMs = 60_000

/** Microseconds of the system's monotonic clock, as Java's System.nanoTime. */
export const nowMicros = () => Number(process.hrtime.bigint() / 1000n)

/** The longest time without an acknowledgement between two instants. @param {number[]} times ascending @param {number} from @param {number} to */
export function longestSilence(times, from, to) {
  let longest = { begin: from, end: from }
  let previous = from
  let low = 0
  for (let high = times.length; low < high;) {
    const middle = (low + high) >> 1
    if (times[middle] <= from) low = middle + 1
    else high = middle
  }
  for (let i = low; i <= times.length; i += 1) {
    const time = Math.min(times[i] ?? to, to)
    if (time - previous > longest.end - longest.begin) longest = { begin: previous, end: time }
    if (time >= to) break
    previous = time
  }
  return longest
}

/** @typedef {{ signal: string, victim: number, wasController: boolean, gapMs: number, silenceMs: number, returnMs: number, backMs: number }} Round */

export class LoadedCluster {
  /**
   * @param {Awaited<ReturnType<typeof startCluster>>} cluster
   * @param {Java} java
   */
  constructor(cluster, java) {
    this.cluster = cluster
    this.java = java
    this.topic = 'load'
    /** @type {Map<number, number[]>} partition → times of its acknowledgements, ascending */
    this.acks = new Map()
    /** @type {string[]} */
    this.errors = []
    java.on('acks', ({ acks }) => {
      for (const [partition, , time] of acks) this.acks.get(partition)?.push(time)
    })
    java.on('sendError', ({ error }) => this.errors.push(error))
  }

  /**
   * A cluster under load.
   * @param {object} [options]
   * @param {number} [options.partitions]
   * @param {Record<string, string | number>} [options.properties] of the brokers
   * @param {Record<string, string | number>} [options.producer] of the producer, on top of its defaults and acks=all
   */
  static async start({ partitions = 3, properties = {}, producer = {} } = {}) {
    const cluster = await startCluster({ properties })
    const java = new Java()
    const it = new LoadedCluster(cluster, java)
    try {
      const ids = cluster.nodes.map(({ id }) => id)
      // partition p prefers node p + 1: every node leads something
      const assignment = Array.from({ length: partitions }, (_, p) => ids.map((_id, i) => ids[(p + i) % ids.length]))
      await java.run('createTopicAssigned', { bootstrap: cluster.bootstrap, topic: it.topic, assignment })
      await cluster.waitInSync(it.topic)
      const numbers = assignment.map((_, p) => p)
      for (const p of numbers) it.acks.set(p, [])
      const props = Object.fromEntries(Object.entries(producer).map(([key, value]) => [key, String(value)]))
      await java.run('loadStart', { bootstrap: cluster.bootstrap, topic: it.topic, partitions: numbers, intervalMs, props })
      await it.waitAcks(nowMicros())
      await sleep(settleMs)
      return it
    } catch (error) {
      await it.stop()
      throw error
    }
  }

  /** Waits until the partitions (all when absent) have had an acknowledgement after an instant. @param {number} micros @param {number[]} [partitions] */
  async waitAcks(micros, partitions = [...this.acks.keys()]) {
    await until(
      `partitions ${partitions.join()} are acknowledged again`,
      () => partitions.every((p) => (this.acks.get(p)?.at(-1) ?? 0) > micros),
      { timeoutMs: resumeTimeoutMs, everyMs: 5 },
    )
  }

  /** The node to be hit: one that leads a partition and is, or is not, the active controller. @param {'controller' | 'other' | 'any'} role */
  async victim(role) {
    for (;;) {
      const controller = (await this.cluster.activeController()).id
      const partitions = await this.cluster.partitions(this.topic)
      const found = partitions.find(({ leader }) => role === 'any' || (role === 'controller') === (leader === controller))
      if (found !== undefined) return { node: this.cluster.node(found.leader), wasController: found.leader === controller }
      await this.java.run('electPreferred', { bootstrap: this.cluster.bootstrap })
      await until('the leaders are spread', async () => {
        const now = await this.cluster.partitions(this.topic)
        return now.every(({ leader, replicas }) => leader === replicas[0])
      })
      await sleep(settleMs)
    }
  }

  /**
   * One round: signal the leader, wait for acknowledgements by another, bring the node back, wait until it is in sync.
   * @param {'SIGKILL' | 'SIGSTOP' | 'SIGTERM'} signal @param {'controller' | 'other' | 'any'} role
   * @returns {Promise<Round>}
   */
  async round(signal, role = 'any') {
    const { node, wasController } = await this.victim(role)
    const led = (await this.cluster.partitions(this.topic)).filter(({ leader }) => leader === node.id).map(({ partition }) => partition)
    const begin = nowMicros()
    this.cluster.signal(node, signal)
    if (signal === 'SIGTERM') await node.waitDown()
    await until(`partitions ${led.join()} have another leader`, async () => {
      const now = await this.cluster.partitions(this.topic)
      return led.every((p) => now[p] !== undefined && now[p].leader >= 0 && now[p].leader !== node.id)
    })
    await this.waitAcks(nowMicros(), led)
    await sleep(settleMs)
    const middle = nowMicros()
    if (signal === 'SIGSTOP') this.cluster.signal(node, 'SIGCONT')
    else {
      await node.waitDown()
      await node.restart()
    }
    await this.cluster.waitInSync(this.topic)
    const back = nowMicros()
    await sleep(settleMs)
    const end = nowMicros()
    const silences = led.map((p) => longestSilence(this.acks.get(p) ?? [], begin, middle))
    const worst = silences.reduce((a, b) => (b.end - b.begin > a.end - a.begin ? b : a))
    const returns = [...this.acks.values()].map((times) => longestSilence(times, middle, end))
    return {
      signal,
      victim: node.id,
      wasController,
      gapMs: (worst.end - begin) / 1000,
      silenceMs: (worst.end - worst.begin) / 1000,
      returnMs: Math.max(...returns.map((it) => (it.end - it.begin) / 1000)),
      backMs: (back - middle) / 1000,
    }
  }

  /** Stops each node in turn with SIGTERM and starts it again. @returns {Promise<{ silenceMs: number, tookMs: number }>} */
  async rollingRestart() {
    const begin = nowMicros()
    for (const node of this.cluster.nodes) {
      this.cluster.signal(node, 'SIGTERM')
      await node.waitDown()
      await node.restart()
      await this.cluster.waitInSync(this.topic)
    }
    await sleep(settleMs)
    return this.#sum(begin)
  }

  /** Kills all nodes at once and starts them again. @returns {Promise<{ silenceMs: number, tookMs: number }>} */
  async killAll() {
    const begin = nowMicros()
    for (const node of this.cluster.nodes) this.cluster.signal(node, 'SIGKILL')
    await Promise.all(this.cluster.nodes.map((node) => node.waitDown()))
    const down = nowMicros()
    await Promise.all(this.cluster.nodes.map((node) => node.restart()))
    await this.waitAcks(down)
    await this.cluster.waitInSync(this.topic)
    await sleep(settleMs)
    return this.#sum(begin)
  }

  #sum(begin) {
    const end = nowMicros()
    const silences = [...this.acks.values()].map((times) => longestSilence(times, begin, end))
    return { silenceMs: Math.max(...silences.map((it) => (it.end - it.begin) / 1000)), tookMs: (end - begin) / 1000 }
  }

  /**
   * Ends the load, waits for what is outstanding, reads everything back and compares.
   * @returns {Promise<{ sent: number, acknowledged: number, errors: Record<string, number>, read: number, doubled: number, disordered: number, lost: number, misplaced: number, gaps: number, examples: string[] }>}
   */
  async verify() {
    const sums = await this.java.run('loadStop')
    return { ...sums, ...(await this.java.run('loadVerify')) }
  }

  async stop() {
    await this.java.stop()
    await this.cluster.stop()
  }
}

/** @param {Awaited<ReturnType<LoadedCluster['verify']>>} verdict what is wrong with it, or nothing */
export function breaches(verdict) {
  const counts = Object.entries({ lost: 0, doubled: 0, disordered: 0, misplaced: 0, gaps: 0 })
  const found = counts.filter(([name]) => verdict[name] !== 0).map(([name]) => `${verdict[name]} ${name}`)
  const errors = Object.entries(verdict.errors).map(([error, count]) => `${count} × ${error}`)
  return [...found, ...errors, ...verdict.examples]
}
