import type { BatchHeader } from '../../protocol/records/batch-header.ts'
import { batchHeaderBytes } from '../../protocol/records/batch-header.ts'
import type { ProducerAppend } from './producer-state.ts'

const abortType = 0
const commitType = 1

/** What of a stored batch matters to its producer's state; null when it has no producer. `batch` is needed for control batches only. */
export function producerAppendOf(header: BatchHeader, batch: Buffer | null): ProducerAppend | null {
  if (header.producerId < 0) return null
  return {
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    lastOffsetDelta: header.lastOffsetDelta,
    baseOffset: header.baseOffset,
    maxTimestamp: header.maxTimestamp,
    transactional: header.isTransactional,
    marker: header.isControl ? { coordinatorEpoch: batch === null ? -1 : coordinatorEpochOf(batch) } : null,
  }
}

/** The coordinator epoch of an ABORT or COMMIT marker (EndTransactionMarker); -1 when the batch holds no such record. */
function coordinatorEpochOf(batch: Buffer): number {
  const cursor = { at: batchHeaderBytes }
  const skipped = [varint(batch, cursor), byte(batch, cursor), varint(batch, cursor), varint(batch, cursor)]
  const keyLength = varint(batch, cursor)
  const keyAt = cursor.at
  if (skipped.includes(null) || keyLength === null || keyLength < 4 || keyAt + keyLength > batch.length) return -1
  const type = batch.readInt16BE(keyAt + 2)
  if (type !== abortType && type !== commitType) return -1
  cursor.at = keyAt + keyLength
  const valueLength = varint(batch, cursor)
  if (valueLength === null || valueLength < 6 || cursor.at + valueLength > batch.length) return -1
  return batch.readInt32BE(cursor.at + 2)
}

function byte(bytes: Buffer, cursor: { at: number }): number | null {
  return bytes[cursor.at++] ?? null
}

/** A zig-zag varint of up to 64 bits; exact only for what fits an int32, which is all that is looked at here. */
function varint(bytes: Buffer, cursor: { at: number }): number | null {
  let raw = 0
  for (let shift = 0; shift < 70; shift += 7) {
    const next = byte(bytes, cursor)
    if (next === null) return null
    raw += (next & 0x7f) * 2 ** shift
    if (next < 0x80) return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
  }
  return null
}
