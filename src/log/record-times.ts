import type { Offset, Timestamp } from '../base/units.ts'
import type { BatchHeader } from '../protocol/records/batch-header.ts'
import { RecordCursor } from '../protocol/records/record-cursor.ts'
import { recordBytes } from '../protocol/records/records.ts'

export interface RecordTime {
  readonly offset: Offset
  readonly timestamp: Timestamp
}

/** The first record of a whole batch that `wanted` accepts. Throws MalformedError, DecompressedTooLargeError, CodecUnavailableError. */
export function findRecord(header: BatchHeader, batch: Buffer, wanted: (record: RecordTime) => boolean): RecordTime | null {
  const cursor = new RecordCursor(recordBytes(batch, 0, header))
  for (let i = 0; i < header.recordCount; i++) {
    cursor.next()
    const timestamp = header.timestampType === 'LogAppendTime' ? header.maxTimestamp : header.baseTimestamp + cursor.timestampDelta
    const record = { offset: header.baseOffset + cursor.offsetDelta, timestamp }
    if (wanted(record)) return record
  }
  return null
}
