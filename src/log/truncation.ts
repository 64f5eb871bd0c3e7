import { assert } from '../base/assert.ts'
import type { Offset } from '../base/units.ts'
import type { LogState } from './log-state.ts'
import { replayProducers } from './producers/replay.ts'
import { runNow } from './segments/scan.ts'
import { Segment } from './segments/segment.ts'

/**
 * Cuts all at and above `offset`. In the order in which a crash in between does no harm: the stored recovery point is lowered, later
 * segments go from the last one back, the file is cut, and only then is anything in memory different. Throws DiskError.
 */
export function truncateTo(log: LogState, offset: Offset): void {
  assert(offset >= 0, `truncate to ${offset}`)
  if (offset >= log.end) {
    log.epochs.truncateFromEnd(offset)
    return
  }
  if (offset <= log.start && offset < (log.segments[0]?.baseOffset ?? 0)) {
    truncateFullyAndStartAt(log, offset)
    return
  }
  lowerDurable(log, offset)
  log.forgetReads()
  log.tail.clear()
  removeSegmentsFrom(log, log.segmentIndexFor(offset) + 1)
  const { active } = log
  const position = active.positionOf(offset)
  active.truncate(position, offset)
  settleEnd(log, offset)
}

function settleEnd(log: LogState, offset: Offset): void {
  const { active } = log
  // A cut in the middle of a batch takes the whole batch, so that the log goes on where the last one left ends.
  const end = active.size === 0 ? active.baseOffset : active.readEnd().nextOffset
  log.end = Math.min(offset, Math.max(end, log.start))
  if (log.start > log.end) log.start = log.end
  lowerDurable(log, log.end)
  log.epochs.truncateFromEnd(log.end)
  log.saveEpochs()
  reloadProducers(log)
  assert(log.durable <= log.end && log.start <= log.end, 'a truncated log keeps its order')
}

/** Drops everything; the log is empty and starts at `offset`. Throws DiskError. */
export function truncateFullyAndStartAt(log: LogState, offset: Offset): void {
  lowerDurable(log, offset)
  log.forgetReads()
  log.tail.clear()
  removeSegmentsFrom(log, 0)
  log.snapshots.removeAbove(-1)
  log.segments.push(Segment.create(log.options.shared.files, log.directory, offset, log.ports.clock.wall(), true))
  log.start = offset
  log.end = offset
  log.durable = offset
  log.epochs.clear()
  log.producers.clear()
  log.saveEpochs()
}

function removeSegmentsFrom(log: LogState, first: number): void {
  while (log.segments.length > first) {
    log.segments.at(-1)?.remove(log.ports.disk)
    log.segments.pop()
    log.namesUnsynced = true
  }
}

function lowerDurable(log: LogState, offset: Offset): void {
  for (const flush of log.flushes) flush.target = Math.min(flush.target, offset)
  if (offset >= log.durable) return
  log.options.beforeLowering?.(offset)
  log.durable = offset
}

/** The producers as of the new end: the newest snapshot that is not above it, and the batches since. */
function reloadProducers(log: LogState): void {
  const { snapshots, producers, segments, options } = log
  if (producers.size === 0 && snapshots.latest < 0) return
  snapshots.removeAbove(log.end)
  const snapshot = snapshots.readNewest(log.end)
  producers.load(snapshot?.entries ?? [], log.ports.clock.wall())
  for (const step of replayProducers(segments, snapshot?.offset ?? 0, log.end, producers)) {
    runNow(step.scan, options.shared.files.use(step.segment.logPath))
  }
}
