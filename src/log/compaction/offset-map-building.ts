import type { Offset } from '../../base/units.ts'
import { batchCrcIsValid, type BatchHeader, batchHeaderBytes } from '../../protocol/records/batch-header.ts'
import { RecordCursor } from '../../protocol/records/record-cursor.ts'
import { recordBytes } from '../../protocol/records/records.ts'
import { CorruptLogError } from '../outcomes.ts'
import { headerOrProblem } from '../segments/batch.ts'
import type { Segment } from '../segments/segment.ts'
import { segmentsBetween } from './cleaning-plan.ts'
import type { CleaningRun } from './cleaning-run.ts'
import type { OffsetMap } from './offset-map.ts'
import type { TransactionEnds } from './transactions.ts'

/** Records looked at between two looks at the clock. */
export const recordsPerLook = 256

export interface BatchInSegment {
  readonly header: BatchHeader
  /** The whole batch, valid until the next one is asked for. */
  readonly batch: Buffer
  /** Byte behind it. */
  readonly endPosition: number
}

/** The whole batches of a segment from a byte on where one begins. Rejects with DiskError, CorruptLogError, CleaningAborted. */
export async function* batchesOf(run: CleaningRun, segment: Segment, from: number): AsyncGenerator<BatchInSegment> {
  let position = from
  let needed = batchHeaderBytes
  while (position < segment.size) {
    const window = await run.read(segment, position, needed)
    needed = batchHeaderBytes
    let at = 0
    while (at < window.length) {
      const header = headerAt(segment, window, position, at)
      if (header === null || at + header.sizeBytes > window.length) {
        needed = header?.sizeBytes ?? batchHeaderBytes
        break
      }
      yield { header, batch: window.subarray(at, at + header.sizeBytes), endPosition: position + at + header.sizeBytes }
      at += header.sizeBytes
    }
    position += at
  }
}

/** Null when the header is not all in the window. A batch's size is believed as far as the segment goes. */
function headerAt(segment: Segment, window: Buffer, position: number, at: number): BatchHeader | null {
  const left = segment.size - position - at
  if (left < batchHeaderBytes) throw cutOff(segment, position + at)
  if (window.length - at < batchHeaderBytes) return null
  const header = headerOrProblem(window, at)
  if (typeof header === 'string') throw new CorruptLogError(segment.logPath, position + at, segment.baseOffset, header)
  if (header.sizeBytes > left) throw cutOff(segment, position + at)
  return header
}

function cutOff(segment: Segment, position: number): CorruptLogError {
  return new CorruptLogError(segment.logPath, position, segment.baseOffset, 'a batch reaches beyond the end of its segment')
}

/**
 * Reads keys and their last offsets of [from, until) into the map, until it is full: `map.latestOffset` says how far it has come
 * (Cleaner.buildOffsetMap). What was aborted supersedes nothing. Rejects as `batchesOf`, and with what decompression throws.
 */
export async function buildOffsetMap(run: CleaningRun, map: OffsetMap, ends: TransactionEnds, from: Offset, until: Offset): Promise<void> {
  for (const segment of segmentsBetween(run.log, from, until)) {
    const start = segment.size === 0 || segment.baseOffset >= from ? 0 : segment.positionOf(from)
    for await (const { header, batch } of batchesOf(run, segment, start)) {
      if (header.lastOffset < from) continue
      if (!batchCrcIsValid(batch, 0, batch.length))
        throw new CorruptLogError(segment.logPath, 0, header.baseOffset, 'CRC-32C does not match: its keys supersede nothing')
      if (!header.isControl && !ends.isAborted(header) && !(await addBatch(run, map, header, batch, from))) return
      map.lookedAt(header.lastOffset)
      if (run.isDue) await run.breathe()
    }
  }
  map.lookedAt(until - 1)
}

/** False when the map is full. */
async function addBatch(run: CleaningRun, map: OffsetMap, header: BatchHeader, batch: Buffer, from: Offset): Promise<boolean> {
  const plain = recordBytes(batch, 0, header)
  const cursor = new RecordCursor(plain)
  for (let i = 0; i < header.recordCount; i++) {
    cursor.next()
    const offset = header.baseOffset + cursor.offsetDelta
    if (cursor.keyLength >= 0 && offset >= from) {
      if (map.isFull) return false
      map.put(plain, cursor.keyAt, cursor.keyLength, offset)
    }
    if (i % recordsPerLook === recordsPerLook - 1 && run.isDue) await run.breathe()
  }
  return true
}
