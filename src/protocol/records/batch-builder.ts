import { assert } from '../../base/assert.ts'
import type { Epoch, Offset, Timestamp } from '../../base/units.ts'
import { compress } from '../compression/compression.ts'
import { Writer } from '../writer.ts'
import {
  attributesAtByte,
  baseOffsetAtByte,
  baseSequenceAtByte,
  baseTimestampAtByte,
  batchHeaderBytes,
  type Codec,
  codecBits,
  controlBit,
  crcAtByte,
  lastOffsetDeltaAtByte,
  leaderEpochAtByte,
  lengthAtByte,
  MAGIC,
  magicAtByte,
  maxTimestampAtByte,
  producerEpochAtByte,
  producerIdAtByte,
  recordCountAtByte,
  recordsLogOverhead,
  stampCrc,
  timestampTypeBit,
  transactionalBit,
  writeInt64At,
} from './batch-header.ts'

export interface NewRecord {
  readonly key?: Buffer | null
  readonly value: Buffer | null
  /** Without one: that of the batch. */
  readonly timestamp?: Timestamp
  readonly headers?: readonly { readonly key: string; readonly value: Buffer | null }[]
}

export interface BatchOptions {
  readonly baseOffset?: Offset
  readonly leaderEpoch?: Epoch
  /** The time of records that have none of their own. */
  readonly timestamp?: Timestamp
  readonly codec?: Codec
  readonly compressionLevel?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  /** All records were appended at `timestamp`, whatever their own. */
  readonly logAppendTime?: boolean
}

const NO_TIMESTAMP: Timestamp = -1
/** A record's length varint takes at most this. */
const varintBytesMax = 5

/** A whole batch of at least one record. @throws CodecUnavailableError */
export function buildBatch(options: BatchOptions, records: readonly NewRecord[]): Buffer {
  const builder = new BatchBuilder(options)
  for (const record of records) builder.append(record)
  return builder.build()
}

/** Gathers records into one batch, with consecutive offsets. */
export class BatchBuilder {
  private readonly options: BatchOptions
  private readonly writer = new Writer()
  private count = 0
  private baseTimestamp: Timestamp = NO_TIMESTAMP
  private maxTimestamp: Timestamp = NO_TIMESTAMP

  constructor(options: BatchOptions) {
    this.options = options
  }

  get recordCount(): number {
    return this.count
  }

  /** Of the batch as it would be now, before compression. */
  get sizeBytes(): number {
    return batchHeaderBytes + this.writer.size
  }

  /** No more than this is added to `sizeBytes` by such a record. */
  static recordBytesBound(record: NewRecord): number {
    const headers = record.headers ?? []
    const ofHeaders = headers.reduce((sum, { key, value }) => sum + 2 * varintBytesMax + Buffer.byteLength(key) + (value?.length ?? 0), 0)
    return 6 * varintBytesMax + 1 + (record.key?.length ?? 0) + (record.value?.length ?? 0) + ofHeaders
  }

  append(record: NewRecord): void {
    const timestamp = record.timestamp ?? this.options.timestamp ?? NO_TIMESTAMP
    if (this.count === 0) this.baseTimestamp = timestamp
    this.maxTimestamp = Math.max(this.maxTimestamp, timestamp)
    const body = new Writer(Math.min(4_096, BatchBuilder.recordBytesBound(record)))
    body.int8(0)
    body.varlong(timestamp - this.baseTimestamp)
    body.varint(this.count)
    writeNullable(body, record.key ?? null)
    writeNullable(body, record.value)
    writeHeaders(body, record.headers ?? [])
    this.writer.varint(body.size)
    for (const part of body.finish()) this.writer.raw(part)
    this.count += 1
  }

  /** Call it once. @throws CodecUnavailableError */
  build(): Buffer {
    assert(this.count > 0, 'a batch holds at least one record')
    const { codec = 'none', compressionLevel } = this.options
    const parts = codec === 'none' ? this.writer.finish() : [compress(codec, this.writer.toBuffer(), compressionLevel)]
    const header = Buffer.alloc(batchHeaderBytes)
    const batch = Buffer.concat([header, ...parts])
    this.writeHeader(batch)
    return batch
  }

  private writeHeader(batch: Buffer): void {
    const { options } = this
    const logAppendTime = options.logAppendTime === true
    writeInt64At(batch, baseOffsetAtByte, options.baseOffset ?? 0)
    batch.writeInt32BE(batch.length - recordsLogOverhead, lengthAtByte)
    batch.writeInt32BE(options.leaderEpoch ?? -1, leaderEpochAtByte)
    batch.writeInt8(MAGIC, magicAtByte)
    batch.writeInt16BE(this.attributes(), attributesAtByte)
    batch.writeInt32BE(this.count - 1, lastOffsetDeltaAtByte)
    writeInt64At(batch, baseTimestampAtByte, this.baseTimestamp)
    writeInt64At(batch, maxTimestampAtByte, logAppendTime ? (options.timestamp ?? NO_TIMESTAMP) : this.maxTimestamp)
    writeInt64At(batch, producerIdAtByte, options.producerId ?? -1)
    batch.writeInt16BE(options.producerEpoch ?? -1, producerEpochAtByte)
    batch.writeInt32BE(options.baseSequence ?? -1, baseSequenceAtByte)
    batch.writeInt32BE(this.count, recordCountAtByte)
    assert(batch.readUInt32BE(crcAtByte) === 0, 'the checksum is written last')
    stampCrc(batch, 0, batch.length)
  }

  private attributes(): number {
    const { codec = 'none', logAppendTime, isTransactional, isControl } = this.options
    return (
      codecBits(codec) |
      (logAppendTime === true ? timestampTypeBit : 0) |
      (isTransactional === true ? transactionalBit : 0) |
      (isControl === true ? controlBit : 0)
    )
  }
}

function writeNullable(writer: Writer, bytes: Buffer | null): void {
  writer.varint(bytes === null ? -1 : bytes.length)
  if (bytes !== null) writer.raw(bytes)
}

function writeHeaders(writer: Writer, headers: readonly { readonly key: string; readonly value: Buffer | null }[]): void {
  writer.varint(headers.length)
  for (const { key, value } of headers) {
    const name = Buffer.from(key)
    writer.varint(name.length)
    writer.raw(name)
    writeNullable(writer, value)
  }
}
