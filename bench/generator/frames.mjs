// What the generator sends and reads, as cheaply as it can: requests are made once and sent again and again, of answers only the few fields that
// count are looked at. Produce v3 and Fetch v4 are the oldest versions that Kafka 4 serves; in both, everything stands at a place that is known
// beforehand. Frames are given without their size, as they are read.
import { apis, batchHeader, buildBatch, writeRequest } from '../../test/rig/build.mjs'

const clientId = 'odradek-bench'
const produceVersion = 3
const fetchVersion = 4
const produceTimeoutMs = 60_000
const letters = 26
const int32Max = 2 ** 31 - 1

/** Letters by chance, as Kafka's ProducerPerformance has them, but the same ones each time. @param {number} bytes @param {number} seed */
export function letterBytes(bytes, seed) {
  const value = Buffer.allocUnsafe(bytes)
  let state = seed >>> 0
  for (let at = 0; at < bytes; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    value[at] = 65 + ((state >>> 8) % letters)
  }
  return value
}

/** A record's bytes beside its value, at most: lengths, deltas, attributes. */
const recordOverheadBytes = 12

/** How many records of a size make a batch of about so many bytes, before compression. @param {number} batchBytes @param {number} recordSize */
export function recordsPerBatch(batchBytes, recordSize) {
  return Math.max(1, Math.floor((batchBytes - batchHeader.batchHeaderBytes) / (recordSize + recordOverheadBytes)))
}

/** @typedef {{ batchBytes: number, recordSize: number, codec: string }} Content */

/** @param {Content} content @param {object} [producer] producerId, producerEpoch and baseSequence of an idempotent one @returns {Buffer} */
export function preparedBatch({ batchBytes, recordSize, codec }, producer = {}) {
  const count = recordsPerBatch(batchBytes, recordSize)
  const records = Array.from({ length: count }, (_, index) => ({ value: letterBytes(recordSize, index + 1) }))
  return buildBatch({ timestamp: Date.now(), codec, ...producer }, records)
}

/** A whole Produce request of one batch, acks=all, its size before it. @param {string} topic @param {number} partition @param {Buffer} batch */
export function produceFrame(topic, partition, batch) {
  const body = {
    transactionalId: null,
    acks: -1,
    timeoutMs: produceTimeoutMs,
    topicData: [{ name: topic, partitionData: [{ index: partition, records: batch }] }],
  }
  return Buffer.concat(writeRequest(apis.produce, produceVersion, 1, clientId, body))
}

/** Correlation id, number of topics, name, number of partitions, index; then the error code. @param {string} topic */
export const produceErrorAtByte = (topic) => 4 + 4 + 2 + Buffer.byteLength(topic) + 4 + 4

/**
 * The requests to one partition. Without a producer id one frame is sent over and over. With one, each request in flight has a frame of its own,
 * whose sequence and checksum are written anew before it is sent again.
 */
export class PreparedPartition {
  /** @param {string} topic @param {number} partition @param {Content} content @param {{ producerId: number, producerEpoch: number }} [producer] */
  constructor(topic, partition, content, producer) {
    this.producer = producer
    this.batch = preparedBatch(content, producer === undefined ? {} : { ...producer, baseSequence: 0 })
    this.frame = produceFrame(topic, partition, this.batch)
    this.recordCount = recordsPerBatch(content.batchBytes, content.recordSize)
    /** @type {Buffer[]} */
    this.idle = []
    this.sequence = 0
  }

  next() {
    if (this.producer === undefined) return this.frame
    const frame = this.idle.pop() ?? Buffer.from(this.frame)
    const at = frame.length - this.batch.length
    frame.writeInt32BE(this.sequence, at + batchHeader.baseSequenceAtByte)
    batchHeader.stampCrc(frame, at, this.batch.length)
    this.sequence = followingSequence(this.sequence, this.recordCount)
    return frame
  }

  /** The request was answered: its frame may be used again. @param {Buffer} frame */
  done(frame) {
    if (this.producer !== undefined) this.idle.push(frame)
  }
}

/** Sequences begin again at 0 (DefaultRecordBatch.incrementSequence). @param {number} sequence @param {number} by */
export function followingSequence(sequence, by) {
  return sequence > int32Max - by ? by - (int32Max - sequence) - 1 : sequence + by
}

const fetchPartitionBytes = 16

/**
 * A Fetch request of a consumer without a session; `offsetAtByte` says where a partition's offset stands, to be changed in place.
 * @param {string} topic @param {readonly number[]} partitions @param {{ maxWaitMs: number, maxBytes: number, partitionMaxBytes: number }} limits
 */
export function fetchFrame(topic, partitions, { maxWaitMs, maxBytes, partitionMaxBytes }) {
  const body = {
    replicaId: -1,
    maxWaitMs,
    minBytes: 1,
    maxBytes,
    isolationLevel: 0,
    topics: [{ topic, partitions: partitions.map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes })) }],
  }
  const frame = Buffer.concat(writeRequest(apis.fetch, fetchVersion, 1, clientId, body))
  const first = frame.length - partitions.length * fetchPartitionBytes
  return { frame, offsetAtByte: (/** @type {number} */ index) => first + index * fetchPartitionBytes + 4 }
}

/** @typedef {{ partition: number, errorCode: number, records: number, bytes: number, nextOffset: number }} Fetched `nextOffset` -1: nothing came */

/** What a Fetch answer of one topic has, partition by partition; a torn batch at the end does not count. @param {Buffer} frame @returns {Fetched[]} */
export function fetchedIn(frame) {
  let at = 4 + 4
  if (frame.readInt32BE(at) === 0) return []
  at += 4
  at += 2 + frame.readInt16BE(at)
  const count = frame.readInt32BE(at)
  at += 4
  /** @type {Fetched[]} */
  const found = []
  for (let index = 0; index < count; index += 1) {
    const partition = frame.readInt32BE(at)
    const errorCode = frame.readInt16BE(at + 4)
    at += 4 + 2 + 8 + 8
    at += 4 + Math.max(0, frame.readInt32BE(at)) * fetchPartitionBytes
    const size = Math.max(0, frame.readInt32BE(at))
    at += 4
    found.push({ partition, errorCode, ...batchesIn(frame, at, at + size) })
    at += size
  }
  return found
}

/** @param {Buffer} bytes @param {number} from @param {number} end */
function batchesIn(bytes, from, end) {
  let records = 0
  let nextOffset = -1
  let at = from
  while (end - at >= batchHeader.batchHeaderBytes) {
    const size = batchHeader.recordsLogOverhead + bytes.readInt32BE(at + batchHeader.lengthAtByte)
    if (size > end - at) break
    records += bytes.readInt32BE(at + batchHeader.recordCountAtByte)
    nextOffset = batchHeader.lastOffsetAt(bytes, at) + 1
    at += size
  }
  return { records, bytes: at - from, nextOffset }
}
