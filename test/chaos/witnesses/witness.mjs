// What clients see of a cluster while things go wrong with it: for each partition an idempotent producer with acks=all that sends one record after
// the other, and a reader; and a group's committed offsets, written and read by turns. Everything asked and told goes into a history.
//
// They are as impatient as a client may be (../routes.mjs): a leader that says nothing for 200 ms is kept only while nobody else is known to lead,
// and a refusal is tried again after 10 ms. A stock client waits longer, by its own settings: that is the second witness's to tell.
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../../rig/wire.mjs'
import { againAfterMs, Routes } from '../routes.mjs'
import { Committer } from './committer.mjs'
import { Producer } from './producer.mjs'
import { Reader } from './reader.mjs'
import { nowMs, Sightings } from './sightings.mjs'

/** After the last send is asked to be the last one; then nobody knows. */
const lastSendMs = 30_000

/** All witnesses of one topic. */
export class Witness {
  /** @param {{ clients: readonly { id: number, port: number }[], topic: string, partitions: number, recorder: any, group?: string }} options */
  constructor({ clients, topic, partitions, recorder, group }) {
    this.topic = topic
    this.recorder = recorder
    this.sightings = new Sightings()
    this.routes = new Routes(clients, topic)
    this.isStopping = false
    this.stoppedAt = Infinity
    const numbers = Array.from({ length: partitions }, (_, partition) => partition)
    this.producers = numbers.map((partition) => new Producer(this, partition))
    this.readers = numbers.map((partition) => new Reader(this, partition, `reader-${partition}`))
    this.committers = group === undefined ? [] : [new Committer(this, group)]
    /** @type {Promise<unknown>} */
    this.running = Promise.resolve()
    for (const { key } of this.producers) this.sightings.acks.set(key, [])
    if (group !== undefined) this.sightings.acks.set('commits', [])
  }

  /** Nothing more is waited for. */
  get isTooLate() {
    return nowMs() > this.stoppedAt + lastSendMs
  }

  get writes() {
    return new Map(this.producers.map(({ key }) => [key, this.sightings.acks.get(key) ?? []]))
  }

  async start() {
    await this.routes.refresh()
    this.running = Promise.all([...this.producers, ...this.readers, ...this.committers].map((it) => it.run()))
    this.running.catch((error) => this.sightings.problem(`a witness failed: ${error instanceof Error ? error.stack : String(error)}`))
  }

  /** One request to any broker that answers it. @param {string} name @param {number} version @param {object} body @returns {Promise<any>} */
  async askAny(name, version, body) {
    const tried = await Promise.any(
      this.routes.clients.map(async ({ id }) => {
        const wire = await connect(this.routes.portOf(id) ?? 0, 300)
        try {
          return await wire.call(name, version, body, 1000)
        } finally {
          wire.close()
        }
      }),
    )
    return tried
  }

  /** Whether every producer, and the group, has had an acknowledgement since. @param {number} since */
  hasResumed(since) {
    return [...this.sightings.acks.values()].every((times) => (times.at(-1) ?? -1) > since)
  }

  /** Ends the load; what is under way is waited for. */
  async stop() {
    this.isStopping = true
    this.stoppedAt = nowMs()
    await this.running
  }

  /** Reads everything from the beginning, as someone new. @returns {Promise<string[]>} what became of acknowledged records */
  async drain(timeoutMs = 30_000) {
    const deadline = nowMs() + timeoutMs
    const { recorder } = this
    const keys = this.producers.map(({ key }) => key)
    const readers = this.producers.map(({ partition }) => new Reader(this, partition, 'drain'))
    await this.routes.refresh()
    const id = recorder.invoke('drain', { f: 'drain', keys }, nowMs())
    const positions = []
    for (const reader of readers) {
      let end = await reader.endOffset()
      while (typeof end === 'string' || reader.position < end) {
        if (nowMs() > deadline) {
          recorder.info(id, nowMs(), 'not read to the end')
          return [`${reader.key} was not read to its end (${end}) within ${timeoutMs} ms: it is at ${reader.position}`]
        }
        if (typeof end === 'string') {
          await sleep(againAfterMs)
          await this.routes.refresh()
          end = await reader.endOffset()
        } else await reader.pollOnce()
      }
      positions.push({ key: reader.key, offset: end })
    }
    recorder.ok(id, nowMs(), { positions })
    for (const reader of readers) reader.close()
    return this.producers.flatMap((producer, at) => producer.breaches(readers[at]?.found ?? new Map()))
  }

  close() {
    this.routes.close()
    for (const it of [...this.producers, ...this.readers, ...this.committers]) it.close()
  }
}
