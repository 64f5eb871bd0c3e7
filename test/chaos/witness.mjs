// What clients see of a cluster while things go wrong with it: for each partition an idempotent producer with acks=all that sends one record after
// the other, and a reader; and a group's committed offsets, written and read by turns. Everything asked and told goes into a history.
//
// They are as impatient as a client may be (routes.mjs): a leader that says nothing for 200 ms is kept only while nobody else is known to lead,
// and a refusal is tried again after 10 ms. A stock client waits longer, by its own settings: that is the second witness's to tell.
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../rig/wire.mjs'
import { batchHeaders, buildBatch, decodeRecords, ErrorCode, errorName, isRetriable } from './build.mjs'
import { GivenUp, Route, Routes } from './routes.mjs'

const patience = { lookAfterMs: 200, timeoutMs: 5000 }
const sendEveryMs = 10
const againAfterMs = 10
const fetchWaitMs = 100
const fetchBytesMax = 1_048_576
/** After the last send is asked to be the last one; then nobody knows. */
const lastSendMs = 30_000
const commitTimeoutMs = 400
const commitEveryMs = 20
const pollsPerList = 8

/** Milliseconds of the system's monotonic clock, as Java's System.nanoTime. */
export const nowMs = () => Number(process.hrtime.bigint() / 1000n) / 1000

/** Of one round: counts, times and oddities of every witness. */
export class Sightings {
  constructor() {
    /** Key → times of its acknowledgements, in ms, ascending. @type {Map<string, number[]>} */
    this.acks = new Map()
    /** @type {Map<string, number>} errors that were tried again, by who and what */
    this.errors = new Map()
    /** @type {{ at: number, text: string }[]} what must not happen, whatever goes wrong */
    this.problems = []
    /** @type {{ at: number, text: string }[]} the first of each error, for the story */
    this.notes = []
  }

  /** @param {string} key */
  acked(key) {
    const times = this.acks.get(key)
    if (times === undefined) this.acks.set(key, [nowMs()])
    else times.push(nowMs())
  }

  /** @param {string} who @param {string} what */
  error(who, what) {
    const text = `${who}: ${what}`
    const count = this.errors.get(text) ?? 0
    if (count === 0) this.notes.push({ at: nowMs(), text })
    this.errors.set(text, count + 1)
  }

  /** @param {string} text */
  problem(text) {
    this.problems.push({ at: nowMs(), text })
  }
}

const refusal = (/** @type {number} */ code) => `${errorName(code)}`

class Producer {
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
        if (errorCode !== 0) throw new Error(refusal(errorCode))
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
          this.witness.sightings.problem(`${this.name} was refused: ${refusal(errorCode)} (value ${value}, sequence ${baseSequence})`)
          return refusal(errorCode)
        }
        this.witness.sightings.error(this.name, refusal(errorCode))
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

class Reader {
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
      return errorCode === 0 ? this.take(records) : refusal(errorCode)
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
      return errorCode === 0 ? Number(offset) : refusal(errorCode)
    } catch (error) {
      if (!(error instanceof GivenUp)) throw error
      return error.message
    }
  }

  close() {
    this.route.drop()
  }
}

/** Offsets of a group without members, committed and read back by turns. */
class Committer {
  /** @param {Witness} witness @param {string} group */
  constructor(witness, group) {
    this.witness = witness
    this.name = 'committer'
    this.group = group
    this.key = `${witness.topic}-0`
    this.offset = 0
    /** @type {import('../rig/wire.mjs').Wire | undefined} */
    this.wire = undefined
    /** Not asked next: it has just failed. */
    this.failed = -1
    this.coordinator = -1
  }

  async run() {
    while (!this.witness.isStopping) {
      const began = nowMs()
      await this.commit()
      await this.read()
      await sleep(Math.max(1, commitEveryMs - (nowMs() - began)))
    }
  }

  async commit() {
    const { recorder, topic, sightings } = this.witness
    this.offset += 1
    const request = { f: 'commit', group: this.group, positions: [{ key: this.key, offset: this.offset }] }
    const id = recorder.invoke(this.name, request, nowMs())
    const partitions = [{ partitionIndex: 0, committedOffset: this.offset, committedMetadata: null }]
    const body = { groupId: this.group, generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: topic, partitions }] }
    const answer = await this.call('offsetCommit', 8, body)
    const why = typeof answer === 'string' ? answer : this.judge(answer.topics[0].partitions[0].errorCode)
    if (why !== '') return recorder.info(id, nowMs(), why)
    recorder.ok(id, nowMs())
    sightings.acked('commits')
  }

  async read() {
    const { recorder, topic } = this.witness
    const id = recorder.invoke(this.name, { f: 'committed', group: this.group, keys: [this.key] }, nowMs())
    const groups = [{ groupId: this.group, topics: [{ name: topic, partitionIndexes: [0] }] }]
    const answer = await this.call('offsetFetch', 9, { groups, requireStable: true })
    const found = typeof answer === 'string' ? undefined : answer.groups[0]
    const why = found === undefined ? String(answer) : this.judge(found.errorCode || found.topics[0].partitions[0].errorCode)
    if (why !== '') return recorder.info(id, nowMs(), why)
    recorder.ok(id, nowMs(), { positions: [{ key: this.key, offset: Number(found.topics[0].partitions[0].committedOffset) }] })
  }

  /** @param {number} code @returns {string} empty when there is none */
  judge(code) {
    if (code === 0) return ''
    this.witness.sightings.error(this.name, refusal(code))
    this.leave()
    return refusal(code)
  }

  leave() {
    this.wire?.close()
    this.wire = undefined
    this.failed = this.coordinator
  }

  /** @param {string} name @param {number} version @param {object} body @returns {Promise<any>} the answer, or why there is none */
  async call(name, version, body) {
    try {
      if (this.wire === undefined || this.wire.socket.destroyed) await this.find()
      return await this.wire?.call(name, version, body, commitTimeoutMs)
    } catch (error) {
      this.leave()
      const why = error instanceof Error ? error.message : String(error)
      this.witness.sightings.error(this.name, why)
      await sleep(againAfterMs)
      return why
    }
  }

  /** Asks all brokers who coordinates, and takes the word of most, rather not the one that has just failed. */
  async find() {
    const { routes } = this.witness
    const answers = await Promise.allSettled(
      routes.clients.map(async ({ id }) => {
        const wire = await routes.wireTo(id)
        const { coordinators } = await wire.call('findCoordinator', 4, { keyType: 0, coordinatorKeys: [this.group] }, commitTimeoutMs)
        return coordinators[0].errorCode === 0 ? coordinators[0].nodeId : -1
      }),
    )
    const votes = answers.flatMap((it) => (it.status === 'fulfilled' && it.value >= 0 ? [it.value] : []))
    const score = (id) => votes.filter((it) => it === id).length - (id === this.failed ? routes.clients.length : 0)
    const best = votes.toSorted((a, b) => score(b) - score(a))[0]
    if (best === undefined) throw new Error('no broker names a coordinator')
    this.coordinator = best
    this.failed = -1
    this.wire = await connect(routes.portOf(best) ?? 0, commitTimeoutMs)
    this.wire.clientId = this.name
  }

  close() {
    this.wire?.close()
  }
}

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
