import { assert } from '../base/assert.ts'
import type { Epoch, Offset, Timestamp } from '../base/units.ts'
import { encode } from '../protocol/codec.ts'
import {
  leaderChangeMessage,
  type LeaderChangeMessageDraft,
  snapshotFooterRecord,
  snapshotHeaderRecord,
} from '../protocol/messages/control-records.ts'
import { MalformedError, Reader } from '../protocol/reader.ts'
import {
  batchCrcIsValid,
  batchHeaderBytes,
  type BatchHeader,
  batchSizeAt,
  controlBit,
  MAGIC,
  readBatchHeader,
  stampCrc,
  writeInt64At,
} from '../protocol/records/batch-header.ts'
import { Writer } from '../protocol/writer.ts'

/** Batches of the metadata log and of its snapshots: uncompressed, without producer id, records without key or headers (control records have a key). */

/** The largest batch that is made (KafkaRaftClient.MAX_BATCH_SIZE_BYTES). */
export const metadataBatchBytesMax = 8 * 1024 * 1024
/** What a record costs besides its value, at most: three varints, attributes, key length, header count. */
const recordOverheadBytes = 24

/** org.apache.kafka.common.record.ControlRecordType */
export const controlType = { leaderChange: 2, snapshotHeader: 3, snapshotFooter: 4, kraftVersion: 5, kraftVoters: 6 } as const
export type ControlType = (typeof controlType)[keyof typeof controlType]

export interface MetadataBatch {
  readonly header: BatchHeader
  readonly bytes: Buffer
}

interface Stamp {
  readonly baseOffset: Offset
  readonly epoch: Epoch
  readonly timestamp: Timestamp
}

/** @throws RangeError when the values do not fit into one batch */
export function dataBatch(stamp: Stamp, values: readonly Buffer[]): Buffer {
  const size = values.reduce((sum, value) => sum + value.length + recordOverheadBytes, batchHeaderBytes)
  if (size > metadataBatchBytesMax) throw new RangeError(`a batch of ${size} bytes`)
  return batch(
    stamp,
    0,
    values.map((value) => ({ key: null, value })),
  )
}

/** Values in lists that each make one batch. @throws RangeError for a value that fits into none */
export function cutIntoBatches(values: readonly Buffer[]): readonly (readonly Buffer[])[] {
  const lists: Buffer[][] = []
  let room = 0
  for (const value of values) {
    const cost = value.length + recordOverheadBytes
    if (cost > metadataBatchBytesMax - batchHeaderBytes) throw new RangeError(`a metadata record of ${value.length} bytes`)
    if (cost > room) {
      lists.push([])
      room = metadataBatchBytesMax - batchHeaderBytes
    }
    lists.at(-1)?.push(value)
    room -= cost
  }
  return lists
}

export function controlBatch(stamp: Stamp, records: readonly { readonly type: ControlType; readonly value: Buffer }[]): Buffer {
  return batch(
    stamp,
    controlBit,
    records.map(({ type, value }) => ({ key: controlKey(type), value })),
  )
}

export function leaderChangeBatch(stamp: Stamp, message: LeaderChangeMessageDraft): Buffer {
  return controlBatch(stamp, [{ type: controlType.leaderChange, value: encode(leaderChangeMessage, 0, message) }])
}

export function snapshotHeaderBatch(stamp: Stamp, lastContainedLogTimestamp: Timestamp): Buffer {
  const value = encode(snapshotHeaderRecord, 0, { version: 0, lastContainedLogTimestamp })
  return controlBatch(stamp, [{ type: controlType.snapshotHeader, value }])
}

export function snapshotFooterBatch(stamp: Stamp): Buffer {
  return controlBatch(stamp, [{ type: controlType.snapshotFooter, value: encode(snapshotFooterRecord, 0, { version: 0 }) }])
}

function controlKey(type: ControlType): Buffer {
  const key = Buffer.alloc(4)
  key.writeInt16BE(type, 2)
  return key
}

function batch(stamp: Stamp, attributes: number, records: readonly { readonly key: Buffer | null; readonly value: Buffer }[]): Buffer {
  assert(records.length > 0, 'a batch has records')
  const writer = new Writer()
  writer.raw(header(stamp, attributes, records.length))
  for (const [at, record] of records.entries()) writeRecord(writer, at, record)
  const bytes = writer.toBuffer()
  bytes.writeInt32BE(bytes.length - 12, 8)
  stampCrc(bytes, 0, bytes.length)
  return bytes
}

function header(stamp: Stamp, attributes: number, count: number): Buffer {
  const bytes = Buffer.alloc(batchHeaderBytes)
  writeInt64At(bytes, 0, stamp.baseOffset)
  bytes.writeInt32BE(stamp.epoch, 12)
  bytes.writeInt8(MAGIC, 16)
  bytes.writeInt16BE(attributes, 21)
  bytes.writeInt32BE(count - 1, 23)
  writeInt64At(bytes, 27, stamp.timestamp)
  writeInt64At(bytes, 35, stamp.timestamp)
  writeInt64At(bytes, 43, -1)
  bytes.writeInt16BE(-1, 51)
  bytes.writeInt32BE(-1, 53)
  bytes.writeInt32BE(count, 57)
  return bytes
}

function writeRecord(writer: Writer, offsetDelta: number, record: { readonly key: Buffer | null; readonly value: Buffer }): void {
  const body = new Writer(recordOverheadBytes)
  body.int8(0)
  body.varlong(0)
  body.varint(offsetDelta)
  body.varint(record.key === null ? -1 : record.key.length)
  if (record.key !== null) body.raw(record.key)
  body.varint(record.value.length)
  body.raw(record.value)
  body.varint(0)
  writer.varint(body.size)
  for (const part of body.finish()) writer.raw(part)
}

/** The whole batches at the start of `bytes`, checksums checked; a cut-off last one is left out. @throws MalformedError */
export function* batchesIn(bytes: Buffer): Generator<MetadataBatch> {
  let at = 0
  for (let size = batchSizeAt(bytes, at); size !== null && size <= bytes.length - at; size = batchSizeAt(bytes, at)) {
    const parsed = readBatchHeader(bytes, at)
    if (!batchCrcIsValid(bytes, at, size)) throw new MalformedError(`CRC-32C of the metadata batch at offset ${parsed.baseOffset}`)
    yield { header: parsed, bytes: bytes.subarray(at, at + size) }
    at += size
  }
}

/** Record values of a data batch; none of a control batch. @throws MalformedError */
export function valuesOf({ header: parsed, bytes }: MetadataBatch): readonly Buffer[] {
  return parsed.isControl ? [] : recordsOf({ header: parsed, bytes }).map((record) => record.value)
}

/** Types and values of a control batch's records; none of a data batch. @throws MalformedError */
export function controlRecordsOf({ header: parsed, bytes }: MetadataBatch): readonly { readonly type: number; readonly value: Buffer }[] {
  if (!parsed.isControl) return []
  return recordsOf({ header: parsed, bytes }).map(({ key, value }) => {
    if (key === null || key.length < 4) throw new MalformedError('a control record without its type')
    return { type: key.readInt16BE(2), value }
  })
}

function recordsOf({ header: parsed, bytes }: MetadataBatch): { readonly key: Buffer | null; readonly value: Buffer }[] {
  if (parsed.codec !== 'none') throw new MalformedError(`a metadata batch compressed with ${parsed.codec}`)
  const reader = new Reader(bytes, batchHeaderBytes)
  const records: { key: Buffer | null; value: Buffer }[] = []
  for (let left = parsed.recordCount; left > 0; left -= 1) records.push(readRecord(reader))
  reader.expectEnd('a metadata batch')
  return records
}

function readRecord(reader: Reader): { readonly key: Buffer | null; readonly value: Buffer } {
  const length = reader.varint()
  const end = reader.position + length
  reader.int8()
  reader.varlong()
  reader.varint()
  const keyLength = reader.varint()
  const key = keyLength < 0 ? null : reader.slice(keyLength)
  const value = reader.slice(reader.varint())
  for (let headers = reader.varint(); headers > 0; headers -= 1) {
    reader.slice(reader.varint())
    reader.slice(Math.max(0, reader.varint()))
  }
  if (reader.position !== end) throw new MalformedError('a metadata record is not as long as it says')
  return { key, value }
}
