import type { GroupRecord } from '../records/fact.ts'
import { encodeGroupRecord } from '../records/record-bytes.ts'

/** A batch of version 2 without its records. */
const batchHeaderBytes = 61
/** More than an offset's record takes beside its texts: the frame of the record, lengths, numbers, the topic's id. */
const offsetRecordBytesBeside = 100
const utf8BytesPerCharMax = 3

/** Of a zig-zag varint, as records have them. */
function varintBytes(value: number): number {
  let size = 1
  for (let left = value >= 0 ? value * 2 : -value * 2 - 1; left >= 0x80; left = Math.floor(left / 0x80)) size += 1
  return size
}

/** What the record takes in a batch that is not compressed, as the `offsetDelta`th one. */
function recordBytes(record: GroupRecord, offsetDelta: number): number {
  const { key, value } = encodeGroupRecord(record)
  const valueBytes = value === null ? varintBytes(-1) : varintBytes(value.length) + value.length
  const attributesTimestampAndHeaders = 3
  const body = attributesTimestampAndHeaders + varintBytes(offsetDelta) + varintBytes(key.length) + key.length + valueBytes
  return varintBytes(body) + body
}

function recordBytesMax(record: GroupRecord): number {
  if (record.type !== 'offsetCommit') return Infinity
  const chars = record.key.group.length + record.key.topic.length + (record.value?.metadata.length ?? 0)
  return offsetRecordBytesBeside + utf8BytesPerCharMax * chars
}

/** Whether the records can be written as one batch, compressed or not. Almost always a glance at the lengths of strings says that they can. */
export function fitInOneBatch(records: readonly GroupRecord[], recordBatchBytesMax: number): boolean {
  const bound = records.reduce((sum, record) => sum + recordBytesMax(record), batchHeaderBytes)
  return bound <= recordBatchBytesMax || new BatchRoom(recordBatchBytesMax).take(records)
}

/** The room that is left in the one batch that a turn may write. */
export class BatchRoom {
  private leftBytes: number
  private records = 0

  constructor(recordBatchBytesMax: number) {
    this.leftBytes = recordBatchBytesMax - batchHeaderBytes
  }

  /** Room for all of them or for none: then false, and nothing is taken. */
  take(records: readonly GroupRecord[]): boolean {
    const bytes = records.reduce((sum, record, i) => sum + recordBytes(record, this.records + i), 0)
    if (bytes > this.leftBytes) return false
    this.leftBytes -= bytes
    this.records += records.length
    return true
  }
}
