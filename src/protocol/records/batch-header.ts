import { assert } from '../../base/assert.ts'
import type { Epoch, Offset, Timestamp } from '../../base/units.ts'
import { MalformedError } from '../reader.ts'
import { crc32c } from './crc32c.ts'

/**
 * The header of a record batch of magic 2 (org.apache.kafka.common.record.internal.DefaultRecordBatch):
 *
 *      0           8        12       16    17    21           23            27         35        43       51     53        57       61
 *      | baseOffset| length | leader | ma- | crc | attributes | last offset | base     | max     | prod.  | its  | base    | record |records
 *      | int64     | int32  | epoch  | gic |     | int16      | delta       | timestamp| timest. | id     | epoch| sequence| count  |
 *                            `- the length counts from here         `- the checksum covers from 21 to the end
 *
 * Offset, length, leader epoch, magic and checksum itself are not covered by the checksum, so that a broker can write the offset and the
 * epoch into a batch that it does not otherwise touch.
 */
export const baseOffsetAtByte = 0
export const lengthAtByte = 8
export const leaderEpochAtByte = 12
export const magicAtByte = 16
export const crcAtByte = 17
export const attributesAtByte = 21
export const lastOffsetDeltaAtByte = 23
export const baseTimestampAtByte = 27
export const maxTimestampAtByte = 35
export const producerIdAtByte = 43
export const producerEpochAtByte = 51
export const baseSequenceAtByte = 53
export const recordCountAtByte = 57

export const batchHeaderBytes = 61
/** Bytes before what the length counts: the base offset and the length itself (Records.LOG_OVERHEAD). */
export const recordsLogOverhead = 12
export const MAGIC = 2

export const codecMask = 0x07
export const timestampTypeBit = 0x08
export const transactionalBit = 0x10
export const controlBit = 0x20
export const deleteHorizonBit = 0x40

const INT32_MAX = 0x7fff_ffff
const TWO_32 = 0x1_0000_0000
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export type Codec = (typeof CODECS)[number]
export type TimestampType = 'CreateTime' | 'LogAppendTime'

export interface BatchHeader {
  readonly baseOffset: Offset
  /** Of the whole batch: `recordsLogOverhead` more than its length field says. */
  readonly sizeBytes: number
  readonly leaderEpoch: Epoch
  readonly magic: number
  readonly crc: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly lastOffset: Offset
  /** Of the first record; the delete horizon where `hasDeleteHorizon`. */
  readonly baseTimestamp: Timestamp
  readonly maxTimestamp: Timestamp
  /** -1: no producer id. */
  readonly producerId: number
  readonly producerEpoch: number
  /** -1: no sequence. */
  readonly baseSequence: number
  /** Of the last record; sequences go on with 0 after 2^31-1. -1 where there is none. */
  readonly lastSequence: number
  readonly recordCount: number
  readonly codec: Codec
  readonly timestampType: TimestampType
  readonly isTransactional: boolean
  readonly isControl: boolean
  readonly hasDeleteHorizon: boolean
}

/** The codec that attributes name. @throws MalformedError for a number that stands for none */
export function codecOf(attributes: number): Codec {
  const codec = CODECS[attributes & codecMask]
  if (codec === undefined) throw new MalformedError(`compression codec ${attributes & codecMask}`)
  return codec
}

/** The attribute bits of a codec. */
export function codecBits(codec: Codec): number {
  return CODECS.indexOf(codec)
}

/** The sequence that follows `sequence` after `by` records (DefaultRecordBatch.incrementSequence). */
export function addToSequence(sequence: number, by: number): number {
  return sequence > INT32_MAX - by ? by - (INT32_MAX - sequence) - 1 : sequence + by
}

/** The size that the batch at `at` says it has, or null when too few bytes are there to say. @throws MalformedError for one below a header */
export function batchSizeAt(bytes: Buffer, at: number): number | null {
  if (bytes.length - at < recordsLogOverhead) return null
  const sizeBytes = recordsLogOverhead + bytes.readInt32BE(at + lengthAtByte)
  if (sizeBytes < batchHeaderBytes) throw new MalformedError(`a batch of ${sizeBytes} bytes, less than its header, at ${at}`)
  return sizeBytes
}

/** Needs 8 bytes. */
export function baseOffsetAt(bytes: Buffer, at: number): Offset {
  return int64At(bytes, at + baseOffsetAtByte)
}

/** Needs the batch's first 27 bytes. */
export function lastOffsetAt(bytes: Buffer, at: number): Offset {
  return baseOffsetAt(bytes, at) + bytes.readInt32BE(at + lastOffsetDeltaAtByte)
}

/**
 * Reads a header and believes nothing that it can refute by itself. The batch's records need not be there.
 * @throws MalformedError for fewer than `batchHeaderBytes` bytes, a magic other than 2, an impossible length, count or offset, an unknown codec
 */
export function readBatchHeader(bytes: Buffer, at: number): BatchHeader {
  const sizeBytes = batchSizeAt(bytes, at)
  if (sizeBytes === null || bytes.length - at < batchHeaderBytes) {
    throw new MalformedError(`${bytes.length - at} bytes at ${at} are not the header of a batch`)
  }
  const magic = bytes.readInt8(at + magicAtByte)
  if (magic !== MAGIC) throw new MalformedError(`a batch of magic ${magic} at ${at}`)
  const header = headerOf(bytes, at, sizeBytes)
  if (header.baseOffset < 0 || header.lastOffsetDelta < 0 || header.recordCount < 0 || !Number.isSafeInteger(header.lastOffset)) {
    throw new MalformedError(
      `a batch at ${at} with base offset ${header.baseOffset}, last offset delta ${header.lastOffsetDelta}, ${header.recordCount} records`,
    )
  }
  return header
}

function headerOf(bytes: Buffer, at: number, sizeBytes: number): BatchHeader {
  const baseOffset = baseOffsetAt(bytes, at)
  const attributes = bytes.readInt16BE(at + attributesAtByte)
  const lastOffsetDelta = bytes.readInt32BE(at + lastOffsetDeltaAtByte)
  const baseSequence = bytes.readInt32BE(at + baseSequenceAtByte)
  return {
    baseOffset,
    sizeBytes,
    leaderEpoch: bytes.readInt32BE(at + leaderEpochAtByte),
    magic: MAGIC,
    crc: bytes.readUInt32BE(at + crcAtByte),
    attributes,
    lastOffsetDelta,
    lastOffset: baseOffset + lastOffsetDelta,
    baseTimestamp: int64At(bytes, at + baseTimestampAtByte),
    maxTimestamp: int64At(bytes, at + maxTimestampAtByte),
    producerId: int64At(bytes, at + producerIdAtByte),
    producerEpoch: bytes.readInt16BE(at + producerEpochAtByte),
    baseSequence,
    lastSequence: baseSequence < 0 ? -1 : addToSequence(baseSequence, lastOffsetDelta),
    recordCount: bytes.readInt32BE(at + recordCountAtByte),
    codec: codecOf(attributes),
    timestampType: (attributes & timestampTypeBit) === 0 ? 'CreateTime' : 'LogAppendTime',
    isTransactional: (attributes & transactionalBit) !== 0,
    isControl: (attributes & controlBit) !== 0,
    hasDeleteHorizon: (attributes & deleteHorizonBit) !== 0,
  }
}

/** Gives the batch its place in a log, in place. The checksum does not cover these fields. */
export function stampBatch(bytes: Buffer, at: number, baseOffset: Offset, leaderEpoch: Epoch): void {
  assert(baseOffset >= 0 && Number.isSafeInteger(baseOffset), `base offset ${baseOffset}`)
  writeInt64At(bytes, at + baseOffsetAtByte, baseOffset)
  bytes.writeInt32BE(leaderEpoch, at + leaderEpochAtByte)
}

/** Makes `timestamp` the time of all records of the batch, in place: attributes, max timestamp, checksum. The batch must be whole. */
export function stampLogAppendTime(bytes: Buffer, at: number, timestamp: Timestamp): void {
  const sizeBytes = batchSizeAt(bytes, at)
  assert(sizeBytes !== null && bytes.length - at >= sizeBytes, 'a batch to be stamped is whole')
  bytes.writeInt16BE(bytes.readInt16BE(at + attributesAtByte) | timestampTypeBit, at + attributesAtByte)
  writeInt64At(bytes, at + maxTimestampAtByte, timestamp)
  stampCrc(bytes, at, sizeBytes)
}

/** Computes the checksum of a whole batch and writes it into its header. */
export function stampCrc(bytes: Buffer, at: number, sizeBytes: number): void {
  bytes.writeUInt32BE(crc32c(bytes.subarray(at + attributesAtByte, at + sizeBytes)), at + crcAtByte)
}

/** The batch must be whole. */
export function batchCrcIsValid(bytes: Buffer, at: number, sizeBytes: number): boolean {
  return crc32c(bytes.subarray(at + attributesAtByte, at + sizeBytes)) === bytes.readUInt32BE(at + crcAtByte)
}

export interface BatchAt {
  readonly at: number
  readonly header: BatchHeader
}

/**
 * The batches that lie one after the other in `bytes`. A last one that is cut off ends the run and is not yielded: the generator returns the
 * position at which it begins (`bytes.length` when nothing is cut off), as does `wholeBatchesEnd`. @throws MalformedError
 */
export function* batchHeaders(bytes: Buffer, from = 0): Generator<BatchAt, number> {
  let at = from
  for (;;) {
    const sizeBytes = batchSizeAt(bytes, at)
    if (sizeBytes === null || sizeBytes > bytes.length - at) return at
    yield { at, header: readBatchHeader(bytes, at) }
    at += sizeBytes
  }
}

/** Where the whole batches in `bytes` end and a cut off one, if any, begins. @throws MalformedError for an impossible length */
export function wholeBatchesEnd(bytes: Buffer, from = 0): number {
  let at = from
  for (let size = batchSizeAt(bytes, at); size !== null && size <= bytes.length - at; size = batchSizeAt(bytes, at)) at += size
  return at
}

/** Beyond the safe integers the nearest double, as Reader.int64. */
export function int64At(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * TWO_32 + bytes.readUInt32BE(at + 4)
}

/** For safe integers. */
export function writeInt64At(bytes: Buffer, at: number, value: number): void {
  assert(Number.isSafeInteger(value), `int64 from ${value}`)
  const high = Math.floor(value / TWO_32)
  bytes.writeInt32BE(high, at)
  bytes.writeUInt32BE(value - high * TWO_32, at + 4)
}
