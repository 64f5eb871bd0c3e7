// How a witness finds leaders and keeps connections: as impatiently as a client may, so that what it sees is the cluster's part of an outage.
import { connect } from '../rig/wire.mjs'

const askTimeoutMs = 300
const dialTimeoutMs = 300
/** How long a witness waits for a leader's answer, and when it looks meanwhile for another leader. */
export const patience = { lookAfterMs: 200, timeoutMs: 5000 }
export const againAfterMs = 10

/** @typedef {{ leader: number, epoch: number }} Led */

/** Who leads what, by the answers of all brokers: the highest leader epoch is believed. */
export class Routes {
  /** @param {readonly { id: number, port: number }[]} clients @param {string} topic */
  constructor(clients, topic) {
    this.clients = clients
    this.topic = topic
    /** @type {Map<number, Led>} */
    this.led = new Map()
    /** @type {Map<number, Promise<void>>} questions that are under way */
    this.asking = new Map()
    /** @type {Map<number, import('../rig/wire.mjs').Wire>} */
    this.wires = new Map()
    this.isClosed = false
  }

  /** @param {number} id */
  portOf(id) {
    return this.clients.find((it) => it.id === id)?.port
  }

  /** Asks all brokers at once; resolves with the first answer, or when nobody answers in time. */
  async refresh() {
    for (const { id } of this.clients)
      if (!this.asking.has(id))
        this.asking.set(
          id,
          this.ask(id).finally(() => this.asking.delete(id)),
        )
    await Promise.any(this.asking.values()).catch(() => {})
  }

  /** @param {number} id */
  async ask(id) {
    try {
      const wire = await this.wireTo(id)
      const answer = await wire.call('metadata', 12, { topics: [{ name: this.topic }], allowAutoTopicCreation: false }, askTimeoutMs)
      for (const { partitionIndex, leaderId, leaderEpoch } of answer.topics[0]?.partitions ?? []) {
        const known = this.led.get(partitionIndex)
        if (known === undefined || leaderEpoch > known.epoch) this.led.set(partitionIndex, { leader: leaderId, epoch: leaderEpoch })
      }
    } catch (error) {
      this.wires.get(id)?.close()
      this.wires.delete(id)
      throw error
    }
  }

  /** @param {number} id */
  async wireTo(id) {
    const known = this.wires.get(id)
    if (known !== undefined && !known.socket.destroyed) return known
    const wire = await connect(this.portOf(id) ?? 0, dialTimeoutMs)
    if (this.isClosed) wire.close()
    this.wires.set(id, wire)
    return wire
  }

  close() {
    this.isClosed = true
    for (const wire of this.wires.values()) wire.close()
  }
}

/** A request was given up: nobody knows what came of it. */
export class GivenUp extends Error {}

/** One client's way to the leader of one partition, over a connection that nobody else uses. */
export class Route {
  /** @param {Routes} routes @param {number} partition @param {string} clientId */
  constructor(routes, partition, clientId) {
    this.routes = routes
    this.partition = partition
    this.clientId = clientId
    /** @type {import('../rig/wire.mjs').Wire | undefined} */
    this.wire = undefined
    /** @type {Led | undefined} */
    this.to = undefined
  }

  /**
   * Asks the leader. When it does not answer within `lookAfterMs`, the other brokers are asked who leads; when another does, this one is
   * given up at once, otherwise after `timeoutMs`.
   * @param {string} name @param {number} version @param {object} body @param {{ lookAfterMs: number, timeoutMs: number }} patience
   * @returns {Promise<any>}
   */
  async call(name, version, body, { lookAfterMs, timeoutMs }) {
    const wire = await this.open()
    const answer = wire.call(name, version, body, timeoutMs)
    const look = setInterval(() => void this.lookAround(), lookAfterMs)
    try {
      return await answer
    } catch (error) {
      this.drop()
      throw new GivenUp(error instanceof Error ? error.message : String(error))
    } finally {
      clearInterval(look)
    }
  }

  async lookAround() {
    const { wire, to } = this
    await this.routes.refresh()
    const now = this.routes.led.get(this.partition)
    if (now !== undefined && to !== undefined && now.epoch > to.epoch && now.leader >= 0 && this.wire === wire) wire?.close()
  }

  async open() {
    const led = this.routes.led.get(this.partition)
    if (this.wire !== undefined && !this.wire.socket.destroyed && led?.epoch === this.to?.epoch) return this.wire
    this.drop()
    const port = led === undefined ? undefined : this.routes.portOf(led.leader)
    if (led === undefined || port === undefined) throw new GivenUp('nobody leads')
    try {
      this.wire = await connect(port, dialTimeoutMs)
    } catch (error) {
      throw new GivenUp(error instanceof Error ? error.message : String(error))
    }
    this.wire.clientId = this.clientId
    this.to = led
    return this.wire
  }

  drop() {
    this.wire?.close()
    this.wire = undefined
  }
}
