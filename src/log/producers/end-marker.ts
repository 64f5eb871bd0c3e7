import { MalformedError } from '../../protocol/reader.ts'
import type { BatchHeader } from '../../protocol/records/batch-header.ts'
import { readControlRecord } from '../../protocol/records/control-batches.ts'
import { decodeRecords } from '../../protocol/records/records.ts'
import type { ProducerAppend } from './producer-state.ts'

/**
 * What of a batch matters to its producer's state; null when it has no producer. `batch` is needed for control batches only; `baseOffset`
 * for one that has not got its place yet.
 */
export function producerAppendOf(header: BatchHeader, batch: Buffer | null, baseOffset = header.baseOffset): ProducerAppend | null {
  if (header.producerId < 0) return null
  return {
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    lastOffsetDelta: header.lastOffsetDelta,
    baseOffset,
    maxTimestamp: header.maxTimestamp,
    transactional: header.isTransactional,
    marker: header.isControl ? { coordinatorEpoch: batch === null ? -1 : coordinatorEpochOf(batch) } : null,
  }
}

/** The coordinator epoch of an ABORT or COMMIT marker (EndTransactionMarker); -1 when the batch holds none. */
function coordinatorEpochOf(batch: Buffer): number {
  try {
    const [record] = decodeRecords(batch)
    const control = record === undefined ? null : readControlRecord(record)
    return control?.type === 'ABORT' || control?.type === 'COMMIT' ? control.coordinatorEpoch : -1
  } catch (error) {
    if (error instanceof MalformedError) return -1
    throw error
  }
}
