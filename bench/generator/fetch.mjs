// Fetch from a cluster: each connection asks for its partitions in one request at a time, over and over, as a consumer does.
// Invariants: an offset only grows; what was counted was a whole batch that had come.
import { fetchedIn, fetchFrame } from './frames.mjs'

/** What consumers have got. */
export class Fetches {
  constructor() {
    this.requests = 0
    this.records = 0
    this.bytes = 0
    /** @type {Record<string, number>} error code → answers for a partition */
    this.errors = {}
  }
}

/** @typedef {{ partition: number, offset: number, endOffset: number }} Position `endOffset`: where it stops, or Infinity */

export class FetchConnection {
  /**
   * @param {{ topic: string, positions: readonly Position[], limits: { maxWaitMs: number, maxBytes: number, partitionMaxBytes: number }, fetches: Fetches }} options
   */
  constructor({ topic, positions, limits, fetches }) {
    this.positions = positions.map((position) => ({ ...position }))
    this.request = fetchFrame(
      topic,
      positions.map(({ partition }) => partition),
      limits,
    )
    this.indexOf = new Map(positions.map(({ partition }, index) => [partition, index]))
    this.fetches = fetches
    this.stopped = false
    this.waiting = false
    /** @type {{ write(frame: Buffer): unknown } | undefined} */
    this.socket = undefined
  }

  get isDone() {
    return this.positions.every(({ offset, endOffset }) => offset >= endOffset)
  }

  ask() {
    if (this.stopped || this.isDone) return
    for (const [index, { offset }] of this.positions.entries()) {
      this.request.frame.writeBigInt64BE(BigInt(offset), this.request.offsetAtByte(index))
    }
    this.waiting = true
    this.socket?.write(this.request.frame)
  }

  /** @param {Buffer} answer */
  onFrame(answer) {
    this.waiting = false
    this.fetches.requests += 1
    for (const { partition, errorCode, records, bytes, nextOffset } of fetchedIn(answer)) {
      if (errorCode !== 0) this.fetches.errors[errorCode] = (this.fetches.errors[errorCode] ?? 0) + 1
      const position = this.positions[this.indexOf.get(partition) ?? -1]
      if (position === undefined || nextOffset <= position.offset) continue
      position.offset = nextOffset
      this.fetches.records += records
      this.fetches.bytes += bytes
    }
    this.ask()
  }

  stop() {
    this.stopped = true
  }
}
