// Who writes and who reads while files are damaged. Every record says who it is and carries a checksum of its own; a partition's records are numbered without a
// hole, for its one producer is idempotent and sends them one after the other.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { dist } from '../rig/build.mjs'

const load = (/** @type {string} */ path) => import(pathToFileURL(join(dist, path)).href)
const { ClusterClient } = await load('client/cluster-client.js')
const { systemPorts } = await load('node/ports.js')
const quiet = { write: () => {} }
const sendMs = 60_000
const textBytes = 700

/** @param {readonly { port: number }[]} nodes */
export function clientOf(nodes) {
  return new ClusterClient(systemPorts(quiet), { bootstrap: nodes.map(({ port }) => ({ host: '127.0.0.1', port })), clientId: 'rot' })
}

/** @param {number} partition @param {number} number */
function valueOf(partition, number) {
  const text = `${partition}:${number}:${'.'.repeat(textBytes - (number % 3) * 100)}`
  return `${text}#${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
}

/** What the producers of all partitions have had acknowledged, and everything that readers found wrong. */
export class Load {
  /** @param {readonly { port: number }[]} nodes @param {string} topic @param {number} partitions */
  constructor(nodes, topic, partitions) {
    this.nodes = nodes
    this.topic = topic
    /** Records acknowledged, by partition: number n stands at offset n. */
    this.acknowledged = Array.from({ length: partitions }, () => 0)
    /** @type {string[]} */
    this.problems = []
    this.stopping = false
    /** @type {Promise<unknown>} */
    this.running = Promise.resolve()
    this.recordsRead = 0
  }

  start() {
    const client = clientOf(this.nodes)
    this.running = Promise.all(this.acknowledged.map((_unused, partition) => this.produce(client, partition))).finally(() => client.close())
  }

  /** @param {any} client @param {number} partition */
  async produce(client, partition) {
    while (!this.stopping) {
      const number = this.acknowledged[partition] ?? 0
      const value = Buffer.from(valueOf(partition, number))
      try {
        const offset = await client.produce({ topic: this.topic, partition }, [{ value }], { timeoutMs: sendMs })
        if (offset !== number) this.problems.push(`${partition}: record ${number} was acknowledged at ${offset}`)
        this.acknowledged[partition] = number + 1
      } catch (error) {
        this.problems.push(`${partition}: record ${number} was not acknowledged: ${String(error)}`)
        return
      }
      await sleep(30)
    }
  }

  async stop() {
    this.stopping = true
    await this.running
  }

  /** Reads some partitions from their beginning; every record acknowledged so far has to be there, and to be what it was. @param {readonly number[]} partitions */
  async readAll(partitions) {
    const client = clientOf(this.nodes)
    try {
      await Promise.all(partitions.map((partition) => this.readOne(client, partition, this.acknowledged[partition] ?? 0)))
    } finally {
      client.close()
    }
  }

  /** @param {any} client @param {number} partition @param {number} until */
  async readOne(client, partition, until) {
    for (let next = 0; next < until;) {
      let records
      try {
        ;({ records } = await client.fetch({ topic: this.topic, partition }, next, { timeoutMs: sendMs, maxWaitMs: 200 }))
      } catch (error) {
        this.problems.push(`${partition}: nothing can be read at ${next}: ${String(error)}`)
        return
      }
      for (const { offset, value } of records) {
        if (offset < next) continue
        const text = value?.toString() ?? ''
        if (offset !== next) this.problems.push(`${partition}: offset ${offset} after ${next - 1}: lost`)
        if (text !== valueOf(partition, offset))
          this.problems.push(`${partition}: offset ${offset} is not what was written: ${text.slice(0, 40)}`)
        next = offset + 1
        this.recordsRead += 1
      }
      if (this.problems.length > 20) return
    }
  }
}
