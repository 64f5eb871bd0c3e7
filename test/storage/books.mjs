// Exact accounting: for each partition an idempotent producer with acks=all, one batch after the other; what was acknowledged where; and what is
// there afterwards.
import { setTimeout as sleep } from 'node:timers/promises'
import { clusterClient } from './build.mjs'

const sendMs = 30_000
const readMs = 60_000
const againMs = 50
const recordsPerBatch = 5

export class Books {
  /** @param {readonly { port: number }[]} nodes @param {string} topic @param {number} partitions */
  constructor(nodes, topic, partitions) {
    this.nodes = nodes
    this.topic = topic
    this.partitions = Array.from({ length: partitions }, (_, partition) => partition)
    /** By partition: value → the offset at which it was acknowledged. @type {Map<number, number>[]} */
    this.acknowledged = this.partitions.map(() => new Map())
    /** Values of which nobody knows what became of them. */
    this.unknown = 0
    this.isStopping = false
    /** @type {Promise<unknown>} */
    this.running = Promise.resolve()
    /** @type {Map<string, number>} */
    this.errors = new Map()
  }

  get count() {
    return this.acknowledged.reduce((sum, it) => sum + it.size, 0)
  }

  start() {
    this.running = Promise.all(this.partitions.map((partition) => this.produce(partition)))
  }

  async stop() {
    this.isStopping = true
    await this.running
  }

  /** @param {number} partition */
  async produce(partition) {
    let client = clusterClient(this.nodes, `books-${partition}`)
    const at = { topic: this.topic, partition }
    for (let next = 0; !this.isStopping; next += recordsPerBatch) {
      const values = Array.from({ length: recordsPerBatch }, (_, i) => next + i)
      try {
        const offset = await client.produce(
          at,
          values.map((value) => ({ value: Buffer.from(String(value).padEnd(100)) })),
          { timeoutMs: sendMs },
        )
        for (const [i, value] of values.entries()) this.acknowledged[partition]?.set(value, offset + i)
      } catch (error) {
        // After a loss the sequence of an idempotent producer does not fit any more: another goes on
        this.unknown += values.length
        const text = error instanceof Error ? error.message : String(error)
        this.errors.set(text, (this.errors.get(text) ?? 0) + 1)
        client.close()
        client = clusterClient(this.nodes, `books-${partition}`)
        await sleep(againMs)
      }
    }
    client.close()
  }

  /** Reads all partitions from their beginning and compares. */
  async audit() {
    const client = clusterClient(this.nodes, 'auditor')
    const sum = { acknowledged: 0, lost: 0, doubled: 0, moved: 0 }
    try {
      for (const partition of this.partitions) {
        const found = await this.read(client, partition)
        const acknowledged = this.acknowledged[partition] ?? new Map()
        sum.acknowledged += acknowledged.size
        for (const offsets of found.values()) if (offsets.length > 1) sum.doubled += 1
        for (const [value, offset] of acknowledged) {
          const offsets = found.get(value)
          if (offsets === undefined) sum.lost += 1
          else if (!offsets.includes(offset)) sum.moved += 1
        }
      }
      return sum
    } finally {
      client.close()
    }
  }

  /** @param {any} client @param {number} partition @returns {Promise<Map<number, number[]>>} value → offsets */
  async read(client, partition) {
    const at = { topic: this.topic, partition }
    const end = await client.listOffset(at, -1, { timeoutMs: readMs })
    /** @type {Map<number, number[]>} */
    const found = new Map()
    for (let offset = 0; offset < end;) {
      const { records } = await client.fetch(at, offset, { timeoutMs: readMs, maxWaitMs: 100 })
      for (const record of records) {
        const value = Number(String(record.value))
        found.set(value, [...(found.get(value) ?? []), record.offset])
        offset = record.offset + 1
      }
    }
    return found
  }
}
