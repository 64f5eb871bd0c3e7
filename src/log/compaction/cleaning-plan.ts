import type { Millis, Offset, Timestamp } from '../../base/units.ts'
import type { LogState } from '../log-state.ts'
import type { Segment } from '../segments/segment.ts'

/** What a cleaning of a log would do now (LogToClean). */
export interface CleaningPlan {
  /** Below it the log is clean: no two records of one key. */
  readonly firstDirtyOffset: Offset
  /** From it on nothing is touched yet; where a segment begins. */
  readonly firstUncleanableOffset: Offset
  /** Bytes of segments below the first dirty offset. */
  readonly cleanBytes: number
  /** Bytes of segments between the two offsets. */
  readonly cleanableBytes: number
  /** cleanable / (clean + cleanable), 0 … 1. */
  readonly dirtyRatio: number
  /** Something has waited longer than max.compaction.lag.ms. */
  readonly isOverdue: boolean
}

/** Is it worth it now? (LogCleanerManager.grabFilthiestCompactedLog) */
export function isDueForCleaning(plan: CleaningPlan, minCleanableDirtyRatio: number): boolean {
  if (plan.cleanableBytes === 0) return false
  return plan.isOverdue || plan.dirtyRatio > minCleanableDirtyRatio
}

/**
 * LogCleanerManager.cleanableOffsets, LogToClean. `committed` is the high watermark. What may be cleaned ends before the active segment, before
 * the first offset that may still be undone or that belongs to an open transaction, and before the first segment that has a record younger than
 * min.compaction.lag.ms. Throws DiskError.
 */
export function planCleaning(log: LogState, committed: Offset, now: Timestamp): CleaningPlan {
  const firstDirtyOffset = firstDirty(log)
  const untouchable = Math.max(
    firstDirtyOffset,
    Math.min(log.active.baseOffset, stableEnd(log, committed), tooYoungFrom(log, firstDirtyOffset, now)),
  )
  const firstUncleanableOffset = segmentStart(log, untouchable)
  const cleanBytes = bytesBetween(log, 0, firstDirtyOffset)
  const cleanableBytes = bytesBetween(log, Math.min(firstDirtyOffset, firstUncleanableOffset), firstUncleanableOffset)
  const total = cleanBytes + cleanableBytes
  return {
    firstDirtyOffset,
    firstUncleanableOffset,
    cleanBytes,
    cleanableBytes,
    dirtyRatio: total === 0 ? 0 : cleanableBytes / total,
    isOverdue: isOverdue(log, firstDirtyOffset, now),
  }
}

/** A checkpoint outside of the log says nothing of it. */
function firstDirty(log: LogState): Offset {
  const { cleanedOffset } = log
  return cleanedOffset === null || cleanedOffset < log.start || cleanedOffset > log.end ? log.start : cleanedOffset
}

/** The last stable offset: what is committed, but not what belongs to a transaction that is still open. */
function stableEnd(log: LogState, committed: Offset): Offset {
  return Math.min(committed, log.producers.firstOpenTransaction)
}

/** Base of the segment that holds the offset; of the active one for offsets beyond. */
export function segmentStart(log: LogState, offset: Offset): Offset {
  return log.segments[log.segmentIndexFor(offset)]?.baseOffset ?? 0
}

function tooYoungFrom(log: LogState, firstDirtyOffset: Offset, now: Timestamp): Offset {
  const lag: Millis = Math.max(log.config.minCompactionLagMs, 0)
  if (lag === 0) return Infinity
  return dirtySegments(log, firstDirtyOffset).find((segment) => segment.retentionTimestamp() > now - lag)?.baseOffset ?? Infinity
}

function isOverdue(log: LogState, firstDirtyOffset: Offset, now: Timestamp): boolean {
  const lag: Millis = Math.max(log.config.maxCompactionLagMs, 0)
  if (now - lag <= 0) return false
  return dirtySegments(log, firstDirtyOffset).some((segment) => {
    const first = segment.size === 0 ? -1 : segment.readFirstTimestamp()
    return first > 0 && first < now - lag
  })
}

function dirtySegments(log: LogState, firstDirtyOffset: Offset): readonly Segment[] {
  return log.segments.slice(log.segmentIndexFor(firstDirtyOffset), -1)
}

/** Segments that hold something of [from, to). */
export function segmentsBetween(log: LogState, from: Offset, to: Offset): readonly Segment[] {
  if (to <= from) return []
  const first = log.segmentIndexFor(from)
  return log.segments.slice(first).filter((segment) => segment.baseOffset < to)
}

function bytesBetween(log: LogState, from: Offset, to: Offset): number {
  return segmentsBetween(log, from, to).reduce((sum, segment) => sum + segment.size, 0)
}
