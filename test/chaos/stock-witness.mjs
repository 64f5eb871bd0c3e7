// The second witness: a stock Java producer (acks=all, idempotent, one record every 20 ms to each partition) beside our own, on a topic of its own that
// is laid out in the same way. It keeps books by itself (Load.java); its outages are longer by its own back-offs and timeouts.
import { breaches } from '../failover/load.mjs'
import { Java } from '../rig/java.mjs'

const intervalMs = 20
/** A client that waits 30 s for a node that stands still would hide what the cluster does. */
const props = { 'request.timeout.ms': '1500' }

/** One Java process for many rounds. */
export class StockWitness {
  constructor() {
    this.java = new Java()
    /** Partition → times of its acknowledgements, in ms. @type {Map<string, number[]>} */
    this.acks = new Map()
    /** @type {string[]} */
    this.errors = []
    this.java.on('acks', ({ acks }) => {
      for (const [partition, , micros] of acks) this.acks.get(`java-${partition}`)?.push(micros / 1000)
    })
    this.java.on('sendError', ({ error }) => this.errors.push(String(error)))
  }

  /** @param {string} bootstrap @param {string} topic @param {number} count */
  async start(bootstrap, topic, count) {
    const partitions = Array.from({ length: count }, (_, partition) => partition)
    this.acks = new Map(partitions.map((partition) => [`java-${partition}`, []]))
    this.errors = []
    await this.java.run('loadStart', { bootstrap, topic, partitions, intervalMs, props })
  }

  /** @param {number} since */
  hasResumed(since) {
    return [...this.acks.values()].every((times) => (times.at(-1) ?? -1) > since)
  }

  /** Ends the load and reads it back. @returns {Promise<string[]>} what became of it */
  async finish() {
    const sums = await this.java.run('loadStop')
    return breaches({ ...sums, ...(await this.java.run('loadVerify')) }).map((it) => `Java's producer: ${it}`)
  }

  stop() {
    return this.java.stop()
  }
}
