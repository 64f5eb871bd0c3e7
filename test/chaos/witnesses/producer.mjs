import { setTimeout as sleep } from 'node:timers/promises'
import { buildBatch, ErrorCode, errorName, isRetriable } from '../build.mjs'
import { againAfterMs, GivenUp, patience, Route } from '../routes.mjs'
import { nowMs } from './sightings.mjs'

/** @typedef {import('./witness.mjs').Witness} Witness */

const sendEveryMs = 10

/** An idempotent producer of one partition, one record after the other. */
export class Producer {
  /** @param {Witness} witness @param {number} partition */
  constructor(witness, partition) {
    this.witness = witness
    this.partition = partition
    this.key = `${witness.topic}-${partition}`
    this.name = `producer-${partition}`
    this.route = new Route(witness.routes, partition, this.name)
    this.next = 0
    this.sequence = 0
    this.producerId = -1
    this.producerEpoch = -1
    /** Value → where it was acknowledged. @type {Map<number, number>} */
    this.acknowledged = new Map()
  }

  async run() {
    while (!this.witness.isStopping) {
      const began = nowMs()
      await this.sendOne()
      await sleep(Math.max(1, sendEveryMs - (nowMs() - began)))
    }
  }

  async sendOne() {
    const { recorder } = this.witness
    const value = this.next
    this.next += 1
    await this.identify()
    if (this.producerId < 0) return
    const id = recorder.invoke(this.name, { f: 'send', sends: [{ key: this.key, value }] }, nowMs())
    const offset = await this.sendUntil(value)
    if (typeof offset === 'string') {
      recorder.info(id, nowMs(), offset)
      this.producerId = -1
      return
    }
    recorder.ok(id, nowMs(), { offsets: [offset < 0 ? null : offset] })
    this.acknowledged.set(value, offset)
    this.witness.sightings.acked(this.key)
    this.sequence += 1
  }

  /** A producer id, from whoever gives one. */
  async identify() {
    while (this.producerId < 0 && !this.witness.isStopping) {
      try {
        const { errorCode, producerId, producerEpoch } = await this.witness.askAny('initProducerId', 4, {
          transactionalId: null,
          transactionTimeoutMs: 0,
        })
        if (errorCode !== 0) throw new Error(errorName(errorCode))
        Object.assign(this, { producerId, producerEpoch, sequence: 0 })
      } catch (error) {
        this.witness.sightings.error(this.name, `no producer id: ${String(error)}`)
        await sleep(againAfterMs)
      }
    }
  }

  /** Sends the same batch until it is acknowledged; the offset, or why it is not known what became of it. @param {number} value @returns {Promise<number | string>} */
  async sendUntil(value) {
    const { producerId, producerEpoch, sequence: baseSequence, partition: index } = this
    const records = buildBatch({ producerId, producerEpoch, baseSequence, timestamp: Date.now() }, [{ value: Buffer.from(String(value)) }])
    const body = { acks: -1, timeoutMs: patience.timeoutMs, topicData: [{ name: this.witness.topic, partitionData: [{ index, records }] }] }
    for (;;) {
      try {
        const answer = await this.route.call('produce', 9, body, patience)
        const { errorCode, baseOffset } = answer.responses[0].partitionResponses[0]
        if (errorCode === 0) return Number(baseOffset)
        if (errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) return -1
        if (!isRetriable(errorCode)) {
          this.witness.sightings.problem(`${this.name} was refused: ${errorName(errorCode)} (value ${value}, sequence ${baseSequence})`)
          return errorName(errorCode)
        }
        this.witness.sightings.error(this.name, errorName(errorCode))
      } catch (error) {
        if (!(error instanceof GivenUp)) throw error
        this.witness.sightings.error(this.name, error.message)
      }
      if (this.witness.isTooLate) return 'no answer that says what became of it'
      await this.witness.routes.refresh()
      await sleep(againAfterMs)
    }
  }

  /** What became of acknowledged records, by what a reader found afterwards. @param {ReadonlyMap<number, number>} found offset → value @returns {string[]} */
  breaches(found) {
    /** @type {Map<number, number[]>} */
    const places = new Map()
    for (const [offset, value] of found) places.set(value, [...(places.get(value) ?? []), offset])
    const doubled = [...places].filter(([, offsets]) => offsets.length > 1)
    const missing = [...this.acknowledged].filter(([value]) => !places.has(value))
    const moved = [...this.acknowledged].filter(([value, offset]) => offset >= 0 && places.has(value) && places.get(value)?.[0] !== offset)
    return [
      ...doubled.map(([value, offsets]) => `${this.key}: ${value} is there at ${offsets.join(' and ')}`),
      ...missing.map(([value, offset]) => `${this.key}: ${value} was acknowledged at ${offset} and is lost`),
      ...moved.map(([value, offset]) => `${this.key}: ${value} was acknowledged at ${offset} and is at ${places.get(value)?.[0]}`),
    ]
  }

  close() {
    this.route.drop()
  }
}
