import { setTimeout as sleep } from 'node:timers/promises'
import { batchHeaders, decodeRecords, ErrorCode, errorName } from '../build.mjs'
import { againAfterMs, GivenUp, patience, Route } from '../routes.mjs'
import { nowMs } from './sightings.mjs'

/** @typedef {import('./witness.mjs').Witness} Witness */

const fetchWaitMs = 100
const fetchBytesMax = 1_048_576
const pollsPerList = 8

/** Reads one partition from its beginning, and asks for its end now and then. */
export class Reader {
  /** @param {Witness} witness @param {number} partition @param {string} name */
  constructor(witness, partition, name) {
    this.witness = witness
    this.partition = partition
    this.key = `${witness.topic}-${partition}`
    this.name = name
    this.route = new Route(witness.routes, partition, name)
    this.position = 0
    this.polls = 0
    /** Offset → value. @type {Map<number, number>} */
    this.found = new Map()
  }

  async run() {
    this.assign()
    while (!this.witness.isStopping) {
      await this.pollOnce()
      this.polls += 1
      if (this.polls % pollsPerList === 0) await this.list()
    }
  }

  assign() {
    const { recorder } = this.witness
    recorder.ok(recorder.invoke(this.name, { f: 'assign', keys: [this.key] }, nowMs()), nowMs())
  }

  async pollOnce() {
    const { recorder } = this.witness
    const id = recorder.invoke(this.name, { f: 'poll' }, nowMs())
    const polls = await this.fetch()
    if (typeof polls === 'string') {
      recorder.info(id, nowMs(), polls)
      this.witness.sightings.error(this.name, polls)
      await this.witness.routes.refresh()
      await sleep(againAfterMs)
    } else recorder.ok(id, nowMs(), { polls })
  }

  /** What comes next, or why nothing did. @returns {Promise<{ key: string, value: number, offset: number }[] | string>} */
  async fetch() {
    const { routes, topic } = this.witness
    const currentLeaderEpoch = routes.led.get(this.partition)?.epoch ?? -1
    const partitions = [{ partition: this.partition, currentLeaderEpoch, fetchOffset: this.position, partitionMaxBytes: fetchBytesMax }]
    const body = { maxWaitMs: fetchWaitMs, minBytes: 1, maxBytes: fetchBytesMax, topics: [{ topic, partitions }] }
    try {
      const answer = await this.route.call('fetch', 12, body, patience)
      const { errorCode, records } = answer.errorCode === 0 ? answer.responses[0].partitions[0] : answer
      if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE)
        this.witness.sightings.problem(`${this.name}: offset ${this.position} is out of range, though all before it was read`)
      return errorCode === 0 ? this.take(records) : errorName(errorCode)
    } catch (error) {
      if (!(error instanceof GivenUp)) throw error
      return error.message
    }
  }

  /** @param {Buffer | null} bytes */
  take(bytes) {
    /** @type {{ key: string, value: number, offset: number }[]} */
    const polls = []
    if (bytes === null) return polls
    for (const { at } of batchHeaders(bytes)) {
      for (const { offset, value } of decodeRecords(bytes, at)) {
        if (offset < this.position) continue
        const one = { key: this.key, value: Number(String(value)), offset }
        polls.push(one)
        this.found.set(offset, one.value)
        this.position = offset + 1
      }
    }
    return polls
  }

  /** Where the log ends, as its leader tells it. */
  async list() {
    const { recorder } = this.witness
    const id = recorder.invoke(this.name, { f: 'list', keys: [this.key] }, nowMs())
    const end = await this.endOffset()
    if (typeof end === 'string') recorder.info(id, nowMs(), end)
    else recorder.ok(id, nowMs(), { positions: [{ key: this.key, offset: end }] })
  }

  /** @returns {Promise<number | string>} */
  async endOffset() {
    const { routes, topic } = this.witness
    const currentLeaderEpoch = routes.led.get(this.partition)?.epoch ?? -1
    const partitions = [{ partitionIndex: this.partition, currentLeaderEpoch, timestamp: -1 }]
    try {
      const answer = await this.route.call('listOffsets', 7, { replicaId: -1, topics: [{ name: topic, partitions }] }, patience)
      const { errorCode, offset } = answer.topics[0].partitions[0]
      return errorCode === 0 ? Number(offset) : errorName(errorCode)
    } catch (error) {
      if (!(error instanceof GivenUp)) throw error
      return error.message
    }
  }

  close() {
    this.route.drop()
  }
}
