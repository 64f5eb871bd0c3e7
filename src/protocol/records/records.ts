import type { Offset, Timestamp } from '../../base/units.ts'
import { decompress } from '../compression/compression.ts'
import { MalformedError, Reader } from '../reader.ts'
import { batchHeaderBytes, type BatchHeader, readBatchHeader } from './batch-header.ts'
import { RecordCursor } from './record-cursor.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** Keys and values are views of what was decoded: whoever keeps one keeps all of it. */
export interface DecodedRecord {
  readonly offset: Offset
  /** That of the batch where it is LogAppendTime. */
  readonly timestamp: Timestamp
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/** What a batch decompresses to unless the caller says otherwise. */
export const decompressedBytesMax = 67_108_864

/**
 * The records of the batch at `at`, which must be whole. The checksum is the caller's matter.
 * @throws MalformedError for a batch that is not what its header says, DecompressedTooLargeError, CodecUnavailableError
 */
export function decodeRecords(bytes: Buffer, at = 0, maxBytes: number = decompressedBytesMax): DecodedRecord[] {
  const header = readBatchHeader(bytes, at)
  return recordsOf(header, recordBytes(bytes, at, header, maxBytes))
}

/** The records' bytes, decompressed. */
export function recordBytes(bytes: Buffer, at: number, header: BatchHeader, maxBytes: number = decompressedBytesMax): Buffer {
  const end = at + header.sizeBytes
  if (end > bytes.length) throw new MalformedError(`a batch of ${header.sizeBytes} bytes, ${bytes.length - at} are there`)
  return decompress(header.codec, bytes.subarray(at + batchHeaderBytes, end), maxBytes)
}

/** As decodeRecords, of records that have been decompressed. */
export function recordsOf(header: BatchHeader, plain: Buffer): DecodedRecord[] {
  const cursor = new RecordCursor(plain)
  const out: DecodedRecord[] = []
  for (let i = 0; i < header.recordCount; i += 1) {
    cursor.next()
    out.push({
      offset: header.baseOffset + cursor.offsetDelta,
      timestamp: header.timestampType === 'LogAppendTime' ? header.maxTimestamp : header.baseTimestamp + cursor.timestampDelta,
      key: part(plain, cursor.keyAt, cursor.keyLength),
      value: part(plain, cursor.valueAt, cursor.valueLength),
      headers: headersAt(plain, cursor.headersAt, cursor.headerCount),
    })
  }
  if (!cursor.atEnd) throw new MalformedError(`${plain.length - cursor.position} bytes after the last of ${header.recordCount} records`)
  return out
}

function part(bytes: Buffer, at: number, length: number): Buffer | null {
  return length < 0 ? null : bytes.subarray(at, at + length)
}

const NO_HEADERS: readonly RecordHeader[] = Object.freeze([])

function headersAt(bytes: Buffer, at: number, count: number): readonly RecordHeader[] {
  if (count === 0) return NO_HEADERS
  const reader = new Reader(bytes, at)
  const out: RecordHeader[] = []
  for (let i = 0; i < count; i += 1) {
    const key = reader.text(reader.varint())
    const length = reader.varint()
    out.push({ key, value: length < 0 ? null : reader.slice(length) })
  }
  return out
}
