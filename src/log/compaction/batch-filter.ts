import type { Millis, Timestamp } from '../../base/units.ts'
import { CodecUnavailableError, compress } from '../../protocol/compression/compression.ts'
import {
  attributesAtByte,
  baseTimestampAtByte,
  batchHeaderBytes,
  type BatchHeader,
  type Codec,
  codecBits,
  codecMask,
  deleteHorizonBit,
  lengthAtByte,
  maxTimestampAtByte,
  recordCountAtByte,
  recordsLogOverhead,
  stampCrc,
  producerEpochAtByte,
  producerIdAtByte,
  baseSequenceAtByte,
  timestampTypeBit,
  writeInt64At,
} from '../../protocol/records/batch-header.ts'
import { RecordCursor } from '../../protocol/records/record-cursor.ts'
import { recordBytes } from '../../protocol/records/records.ts'
import { Writer } from '../../protocol/writer.ts'
import type { OffsetMap } from './offset-map.ts'

/** The rules of one cleaning for all records. */
export interface RecordFilterRules {
  readonly map: OffsetMap
  readonly now: Timestamp
  readonly deleteRetentionMs: Millis
}

/** What has been found out about one batch before its records are looked at (BatchRetentionResult). */
export interface BatchFindings {
  /** None of its records stays: it was aborted, or it is a marker whose time is over. */
  readonly discardRecords: boolean
  /** It is a marker whose transaction has gone: like a tombstone it is kept for delete.retention.ms from now on. */
  readonly markerOfEmptyTransaction: boolean
  /**
   * What is to be left when no record stays: nothing; its `offsets`, so that nothing seems to be missing there; or all but the records, for the
   * `sequence` of its producer.
   */
  readonly leave: 'nothing' | 'offsets' | 'sequence'
}

/** What becomes of a batch. */
export type BatchFate =
  | { readonly kind: 'kept' }
  | { readonly kind: 'dropped' }
  | { readonly kind: 'rewritten'; readonly batch: Buffer; readonly header: 'records' | 'empty'; readonly codec: Codec }

/** Codec of batches that this Node cannot write in their own: one that it always can, and that comes close to zstd. */
const substituteCodec: Codec = 'gzip'
const attributesWithoutRecords = ~(codecMask | deleteHorizonBit)

/** A record that stays: bytes [from, to) of the batch's records, and where in it the timestamp's delta lies. */
interface KeptRecord {
  readonly from: number
  readonly to: number
  readonly timestamp: Timestamp
}

/**
 * Goes through one whole batch and says what becomes of it (MemoryRecords.filterTo, Cleaner.shouldRetainRecord). A record stays when no later one
 * has its key; without a value it goes once the batch's delete horizon is past; without a key it goes, for nothing could ever supersede it.
 * Records that the map has not seen yet stay. What stays keeps its offset, and the batch its first and last offset, epoch, and sequence.
 *
 * A batch in which tombstones stay, or a marker whose transaction has gone, gets its delete horizon the first time it is seen: the base timestamp then
 * is that instant, and the records' deltas count from it (KIP-534).
 * @throws MalformedError, DecompressedTooLargeError, CodecUnavailableError
 */
export class BatchFilter {
  private readonly header: BatchHeader
  private readonly batch: Buffer
  private readonly findings: BatchFindings
  private readonly rules: RecordFilterRules
  private readonly plain: Buffer
  private readonly cursor: RecordCursor
  private readonly kept: KeptRecord[] = []
  private looked = 0
  private tombstones = false
  private timestampsAreExact = true

  constructor(header: BatchHeader, batch: Buffer, findings: BatchFindings, rules: RecordFilterRules) {
    this.header = header
    this.batch = batch
    this.findings = findings
    this.rules = rules
    this.plain = findings.discardRecords ? Buffer.alloc(0) : recordBytes(batch, 0, header)
    this.cursor = new RecordCursor(this.plain)
    if (findings.discardRecords) this.looked = header.recordCount
  }

  /** Looks at `countMax` more records; true when all have been looked at. */
  walk(countMax: number): boolean {
    const { cursor, header } = this
    const until = Math.min(header.recordCount, this.looked + countMax)
    for (; this.looked < until; this.looked++) {
      const from = cursor.position
      cursor.next()
      if (!this.stays()) continue
      if (cursor.valueLength < 0) this.tombstones = true
      if (!Number.isSafeInteger(cursor.timestampDelta)) this.timestampsAreExact = false
      this.kept.push({ from, to: cursor.position, timestamp: header.baseTimestamp + cursor.timestampDelta })
    }
    return this.looked >= header.recordCount
  }

  /** Call it when all records have been looked at. */
  fate(): BatchFate {
    const { header, kept, findings } = this
    if (kept.length === 0) {
      if (findings.leave === 'nothing') return { kind: 'dropped' }
      if (header.recordCount === 0 && (findings.leave === 'sequence' || header.producerId < 0)) return { kind: 'kept' }
      return { kind: 'rewritten', batch: this.emptyBatch(), header: 'empty', codec: 'none' }
    }
    const newHorizon =
      (this.tombstones || findings.markerOfEmptyTransaction) && !header.hasDeleteHorizon && this.timestampsAreExact
        ? this.rules.now + this.rules.deleteRetentionMs
        : null
    if (newHorizon === null && kept.length === header.recordCount) return { kind: 'kept' }
    return this.rewritten(newHorizon)
  }

  private stays(): boolean {
    const { header, cursor, rules } = this
    if (header.isControl) return true
    const offset = header.baseOffset + cursor.offsetDelta
    if (offset > rules.map.latestOffset) return true
    if (cursor.keyLength < 0) return false
    if (offset < rules.map.lastOffsetOf(this.plain, cursor.keyAt, cursor.keyLength)) return false
    return cursor.valueLength >= 0 || !header.hasDeleteHorizon || rules.now < header.baseTimestamp
  }

  private rewritten(newHorizon: Timestamp | null): BatchFate {
    const { header, kept } = this
    const plain = newHorizon === null ? this.keptBytes() : this.keptBytesFrom(newHorizon)
    const { codec, bytes } = compressed(header.codec, plain)
    const horizonBit = newHorizon === null ? 0 : deleteHorizonBit
    const batch = this.batchAround([bytes], (header.attributes & ~codecMask) | codecBits(codec) | horizonBit)
    batch.writeInt32BE(kept.length, recordCountAtByte)
    if (newHorizon !== null) writeInt64At(batch, baseTimestampAtByte, newHorizon)
    if (header.timestampType === 'CreateTime' && this.timestampsAreExact) writeInt64At(batch, maxTimestampAtByte, greatest(kept))
    stampCrc(batch, 0, batch.length)
    return { kind: 'rewritten', batch, header: 'records', codec }
  }

  /**
   * Without records: first and last offset, leader epoch and greatest timestamp stay, producer and sequence where they matter
   * (DefaultRecordBatch.writeEmptyHeader). Where only offsets matter it belongs to no transaction any more, whose marker may then go.
   */
  private emptyBatch(): Buffer {
    const { findings, header } = this
    const anonymous = findings.leave === 'offsets'
    const batch = this.batchAround([], header.attributes & (anonymous ? timestampTypeBit : attributesWithoutRecords))
    batch.writeInt32BE(0, recordCountAtByte)
    writeInt64At(batch, baseTimestampAtByte, -1)
    if (anonymous) {
      writeInt64At(batch, producerIdAtByte, -1)
      batch.writeInt16BE(-1, producerEpochAtByte)
      batch.writeInt32BE(-1, baseSequenceAtByte)
    }
    stampCrc(batch, 0, batch.length)
    return batch
  }

  private batchAround(records: readonly Buffer[], attributes: number): Buffer {
    const batch = Buffer.concat([this.batch.subarray(0, batchHeaderBytes), ...records])
    batch.writeInt32BE(batch.length - recordsLogOverhead, lengthAtByte)
    batch.writeInt16BE(attributes, attributesAtByte)
    return batch
  }

  private keptBytes(): Buffer {
    return Buffer.concat(this.kept.map(({ from, to }) => this.plain.subarray(from, to)))
  }

  /** The same records with timestamps that count from another instant. */
  private keptBytesFrom(base: Timestamp): Buffer {
    const out = new Writer(this.plain.length)
    for (const record of this.kept) {
      const { attributesAt, deltaEnd } = deltaOf(this.plain, record.from)
      const head = new Writer(16)
      head.uint8(this.plain[attributesAt] ?? 0)
      head.varlong(record.timestamp - base)
      const tail = this.plain.subarray(deltaEnd, record.to)
      out.varint(head.size + tail.length)
      for (const part of head.finish()) out.raw(part)
      out.raw(tail)
    }
    return out.toBuffer()
  }
}

/** Where in a record, which begins with its length, its attributes lie, and where its timestamp delta ends. */
function deltaOf(plain: Buffer, from: number): { readonly attributesAt: number; readonly deltaEnd: number } {
  const attributesAt = varintEnd(plain, from)
  return { attributesAt, deltaEnd: varintEnd(plain, attributesAt + 1) }
}

function varintEnd(bytes: Buffer, from: number): number {
  let at = from
  while ((bytes[at] ?? 0) >= 0x80) at += 1
  return at + 1
}

function greatest(kept: readonly KeptRecord[]): Timestamp {
  let max = -1
  for (const { timestamp } of kept) if (timestamp > max) max = timestamp
  return max
}

function compressed(own: Codec, plain: Buffer): { readonly codec: Codec; readonly bytes: Buffer } {
  try {
    return { codec: own, bytes: compress(own, plain) }
  } catch (error) {
    if (!(error instanceof CodecUnavailableError)) throw error
    return { codec: substituteCodec, bytes: compress(substituteCodec, plain) }
  }
}
