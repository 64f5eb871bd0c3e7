import { assert } from '../base/assert.ts'
import type { Offset, Timestamp } from '../base/units.ts'
import { roll } from './appending.ts'
import type { LogState } from './log-state.ts'
import type { Segment } from './segments/segment.ts'

/**
 * Deletes whole segments, oldest first, for as long as each may go: all of it is below the high watermark, and it is below the log start,
 * or too old, or the log is too large without it (UnifiedLog.deleteOldSegments). The active segment goes only after it was rolled.
 * Returns how many went. Throws DiskError.
 */
export function deleteOldSegments(log: LogState, highWatermark: Offset, now: Timestamp): number {
  let deleted = 0
  let excess = totalBytes(log) - log.config.retentionBytes
  for (;;) {
    const oldest = log.segments[0]
    if (oldest === undefined || oldest.size === 0) break
    if (nextBase(log) > highWatermark) break
    if (!isDue(log, oldest, excess, now)) break
    if (log.segments.length === 1) roll(log, log.end, now)
    excess -= oldest.size
    removeOldest(log)
    // Each time: a later one may fail, when there is no room to roll the active segment
    startAt(log, Math.max(log.start, log.segments[0]?.baseOffset ?? 0))
    deleted += 1
  }
  return deleted
}

/** Raises the log start and deletes the segments that lie wholly below it. Throws DiskError. */
export function advanceLogStart(log: LogState, offset: Offset): boolean {
  const start = Math.min(offset, log.end)
  if (start <= log.start) return false
  startAt(log, start)
  while (log.segments.length > 1 && nextBase(log) <= start) removeOldest(log)
  return true
}

/**
 * `durable` stays: what is below the start need not be durable, but a recovery point that says so, stored without the start, would make the
 * next start take a tail that was never synced for a loss.
 */
function startAt(log: LogState, offset: Offset): void {
  log.start = offset
  log.epochs.truncateFromStart(offset)
}

function isDue(log: LogState, segment: Segment, excess: number, now: Timestamp): boolean {
  const { config } = log
  if (nextBase(log) <= log.start) return true
  if (!config.cleanupDelete) return false
  if (config.retentionBytes >= 0 && excess >= segment.size) return true
  return config.retentionMs >= 0 && now - segment.retentionTimestamp() > config.retentionMs
}

/** Where the oldest segment ends and the next begins. */
function nextBase(log: LogState): Offset {
  return log.segments[1]?.baseOffset ?? log.end
}

function removeOldest(log: LogState): void {
  const [oldest] = log.segments
  assert(oldest !== undefined && log.segments.length > 1, 'the active segment stays')
  log.wholly(() => oldest.remove(log.ports.disk))
  log.segments.shift()
  log.forgetReads()
  log.namesUnsynced = true
  log.snapshots.removeBelow(log.segments[0]?.baseOffset ?? 0)
}

export function totalBytes(log: LogState): number {
  let bytes = 0
  for (const segment of log.segments) bytes += segment.size
  return bytes
}
