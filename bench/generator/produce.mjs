// Produce at a cluster: each connection keeps up to `window` requests in flight.
//
// Closed loop (`everyMs` 0): an answer sends the next request; a latency is counted from its sending, in the measured time in which the answer comes.
// Open loop: request number k is due at start + k × everyMs, whatever the cluster does, and its latency is counted from when it was due. What was due
// but could not be sent, because the window was full, is sent later with its old time: a cluster that stands still for a second shows a second in
// every request of it (no coordinated omission). What is not answered when all is over counts with the time it has waited.
//
// Invariants: answers are those of the oldest requests of a connection, in order; in flight ≤ window; what falls into the measured time is counted once.
import { produceErrorAtByte } from './frames.mjs'
import { Histogram } from './histogram.mjs'

/** What is counted in the measured time, which is [fromMs, untilMs). */
export class Tally {
  /** @param {boolean} byDueTime open loop: a request belongs to the time in which it was due */
  constructor(byDueTime) {
    this.byDueTime = byDueTime
    this.latency = new Histogram()
    /** How late requests of an open loop left although there was room: the generator's own fault. */
    this.lateness = new Histogram()
    this.requests = 0
    this.records = 0
    /** @type {Record<string, number>} error code → requests, at any time */
    this.errors = {}
    this.fromMs = Number.POSITIVE_INFINITY
    this.untilMs = Number.POSITIVE_INFINITY
  }

  /** @param {number} ms */
  measures(ms) {
    return ms >= this.fromMs && ms < this.untilMs
  }

  /** @param {number} errorCode @param {number} records @param {number} sinceMs @param {number} nowMs */
  answered(errorCode, records, sinceMs, nowMs) {
    if (errorCode !== 0) this.errors[errorCode] = (this.errors[errorCode] ?? 0) + 1
    if (!this.measures(this.byDueTime ? sinceMs : nowMs)) return
    this.latency.record((nowMs - sinceMs) * 1000)
    if (errorCode !== 0) return
    this.requests += 1
    this.records += records
  }

  /** A request of an open loop that will not be answered any more. @param {number} sinceMs @param {number} nowMs */
  unanswered(sinceMs, nowMs) {
    if (this.measures(sinceMs)) this.latency.record((nowMs - sinceMs) * 1000)
  }

  /** @param {number} dueMs @param {number} nowMs */
  late(dueMs, nowMs) {
    if (this.measures(dueMs)) this.lateness.record((nowMs - dueMs) * 1000)
  }
}

/** @typedef {import('./frames.mjs').PreparedPartition} PreparedPartition */
/** @typedef {{ firstDueAt: number, everyMs: number }} Pace */

export class ProduceConnection {
  /**
   * @param {{ topic: string, partitions: readonly PreparedPartition[], window: number, pace: Pace, tally: Tally, now: () => number }} options
   */
  constructor({ topic, partitions, window, pace, tally, now }) {
    this.errorAtByte = produceErrorAtByte(topic)
    this.partitions = partitions
    this.window = window
    this.everyMs = pace.everyMs
    this.dueAt = pace.firstDueAt
    this.tally = tally
    this.now = now
    this.turn = 0
    this.stopped = false
    /** @type {{ partition: PreparedPartition, frame: Buffer, sinceMs: number }[]} */
    this.inFlight = []
    /** @type {{ write(frame: Buffer): unknown } | undefined} */
    this.socket = undefined
  }

  /** Whether one more request of an open loop belongs to this run. */
  get hasMoreDue() {
    return this.everyMs > 0 && this.dueAt < this.tally.untilMs
  }

  /** Sends what is due and has room. @param {boolean} [wasFull] there was no room until now */
  pump(wasFull = false) {
    const now = this.now()
    while (!this.stopped && this.inFlight.length < this.window) {
      if (this.everyMs === 0) this.send(now)
      else if (this.hasMoreDue && this.dueAt <= now) {
        if (!wasFull) this.tally.late(this.dueAt, now)
        this.send(this.dueAt)
        this.dueAt += this.everyMs
      } else break
    }
  }

  /** @param {number} sinceMs */
  send(sinceMs) {
    const partition = this.partitions[this.turn]
    if (partition === undefined) throw new Error('a connection without partitions')
    this.turn = (this.turn + 1) % this.partitions.length
    const frame = partition.next()
    this.inFlight.push({ partition, frame, sinceMs })
    this.socket?.write(frame)
  }

  /** @param {Buffer} answer */
  onFrame(answer) {
    const wasFull = this.inFlight.length === this.window
    const oldest = this.inFlight.shift()
    if (oldest === undefined) throw new Error('an answer to nothing')
    this.tally.answered(answer.readInt16BE(this.errorAtByte), oldest.partition.recordCount, oldest.sinceMs, this.now())
    oldest.partition.done(oldest.frame)
    this.pump(wasFull)
  }

  /** Ends a closed loop: nothing more is sent. */
  stop() {
    this.stopped = true
  }

  get isDone() {
    return this.inFlight.length === 0 && !this.hasMoreDue
  }

  /** Ends an open loop that the cluster does not keep up with. */
  giveUp() {
    this.stopped = true
    if (this.everyMs === 0) return
    const now = this.now()
    for (const { sinceMs } of this.inFlight) this.tally.unanswered(sinceMs, now)
    for (; this.hasMoreDue; this.dueAt += this.everyMs) this.tally.unanswered(this.dueAt, now)
  }
}
