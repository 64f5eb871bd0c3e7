import { addTo } from '../../base/grouped.ts'
import type { Offset } from '../../base/units.ts'
import { MalformedError } from '../../protocol/reader.ts'
import type { BatchHeader } from '../../protocol/records/batch-header.ts'
import { type ControlRecord, readControlRecord } from '../../protocol/records/control-batches.ts'
import { decodeRecords } from '../../protocol/records/records.ts'
import { CorruptLogError } from '../outcomes.ts'
import { replayWindowBytes, scanBatches, type ScanVerdict } from '../segments/scan.ts'
import { segmentsBetween } from './cleaning-plan.ts'
import type { CleaningRun } from './cleaning-run.ts'

interface AbortedTransaction {
  readonly firstOffset: Offset
  readonly markerOffset: Offset
}

/**
 * How the transactions of a stretch of the log ended. Kafka asks its index of aborted transactions; here the stretch's own markers are read, which are
 * the truth that such an index is made of.
 */
export class TransactionEnds {
  /** First offset of a transaction of the stretch that has no end below the high watermark; Infinity: all have ended. */
  undecidedFrom: Offset = Infinity
  private readonly open = new Map<number, Offset>()
  private readonly aborted = new Map<number, AbortedTransaction[]>()

  get anyOpen(): boolean {
    return this.open.size > 0
  }

  onData(header: BatchHeader): void {
    if (header.isTransactional && !this.open.has(header.producerId)) this.open.set(header.producerId, header.baseOffset)
  }

  onMarker(header: BatchHeader, record: ControlRecord | null): void {
    const firstOffset = this.open.get(header.producerId)
    if (firstOffset === undefined || (record?.type !== 'ABORT' && record?.type !== 'COMMIT')) return
    this.open.delete(header.producerId)
    if (record.type === 'COMMIT') return
    addTo(this.aborted, header.producerId, { firstOffset, markerOffset: header.lastOffset })
  }

  /** Nothing more is to be read. */
  close(): void {
    this.undecidedFrom = Math.min(Infinity, ...this.open.values())
  }

  /** Was this batch of data written in a transaction that was aborted? */
  isAborted(header: BatchHeader): boolean {
    if (!header.isTransactional) return false
    const ended = this.aborted.get(header.producerId)
    if (ended === undefined) return false
    let low = 0
    let high = ended.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((ended[middle]?.markerOffset ?? Infinity) <= header.lastOffset) low = middle + 1
      else high = middle
    }
    return (ended[low]?.firstOffset ?? Infinity) <= header.baseOffset
  }
}

/**
 * Reads the ends of all transactions with data in [from, until): up to there, and as far beyond as some are still open, but not beyond what
 * is committed. Rejects with DiskError, CorruptLogError, CleaningAborted.
 */
export async function readTransactionEnds(run: CleaningRun, from: Offset, until: Offset, committed: Offset): Promise<TransactionEnds> {
  const ends = new TransactionEnds()
  const visit = (header: BatchHeader, _position: number, batch: Buffer | null): ScanVerdict => {
    if (header.baseOffset >= committed || (header.baseOffset >= until && !ends.anyOpen)) return 'stop'
    if (header.isControl) ends.onMarker(header, batch === null ? null : controlRecordOf(batch))
    else if (header.baseOffset < until) ends.onData(header)
    return 'continue'
  }
  for (const segment of segmentsBetween(run.log, from, Infinity)) {
    if (segment.baseOffset >= until && !ends.anyOpen) break
    const start = segment.baseOffset >= from ? 0 : segment.positionOf(from)
    const options = { from: start, until: segment.size, checkCrc: false, windowBytes: replayWindowBytes }
    const end = segment.size === 0 ? null : await run.scan(segment, scanBatches(options, visit))
    if (end !== null && end.problem !== null) throw new CorruptLogError(segment.logPath, end.position, segment.baseOffset, end.problem)
  }
  ends.close()
  return ends
}

/** The record of a control batch; null when it holds none (all of its transaction has gone), or one that makes no sense. */
export function controlRecordOf(batch: Buffer): ControlRecord | null {
  try {
    const [record] = decodeRecords(batch)
    return record === undefined ? null : readControlRecord(record)
  } catch (error) {
    if (error instanceof MalformedError) return null
    throw error
  }
}

/**
 * Which markers have outlived their transactions: those before which no batch of the transaction is left, not even an empty one
 * (org.apache.kafka.storage.internals.log.CleanedTransactionMetadata). Tell it all batches in their order.
 */
export class MarkerWatch {
  private readonly withBatches = new Set<number>()

  onData(header: BatchHeader): void {
    if (header.isTransactional) this.withBatches.add(header.producerId)
  }

  /** True: nothing that the marker ends is in the log any more. */
  onControl(header: BatchHeader, record: ControlRecord | null): boolean {
    if (header.recordCount === 0) return true
    if (record?.type !== 'ABORT' && record?.type !== 'COMMIT') return false
    return !this.withBatches.delete(header.producerId)
  }
}
