import { assert } from '../base/assert.ts'
import type { Offset } from '../base/units.ts'
import type { LogState } from './log-state.ts'
import { replayProducers } from './producers/replay.ts'
import { runNow } from './segments/scan.ts'
import { Segment } from './segments/segment.ts'

/**
 * Cuts all at and above `offset`, and goes on in a new segment: bytes that were cut off are never overwritten in their file. Were they,
 * a power cut could bring back the old bytes of one sector beside the new bytes of another, and whole batches of two histories might stand
 * in one log without a checksum that fails.
 *
 * The order is one in which a crash anywhere does no harm: the stored recovery point is lowered below the cut, so that recovery looks at
 * the segment that was cut; later segments go, durably; the file is cut; the new segment appears. Whatever recovery then
 * finds of the old bytes lies above the base of the new segment and is dropped for it. Throws DiskError.
 */
export function truncateTo(log: LogState, offset: Offset): void {
  assert(offset >= 0, `truncate to ${offset}`)
  if (offset >= log.end) {
    log.epochs.truncateFromEnd(offset)
    return
  }
  const first = log.segments[0]?.baseOffset ?? 0
  if (offset <= first) {
    truncateFullyAndStartAt(log, offset)
    return
  }
  // Where the cut comes must be certain before anything goes
  log.segments[log.segmentIndexFor(offset - 1)]?.positionOf(offset)
  lowerDurable(log, offset - 1)
  lowerCleaned(log, log.segments[log.segmentIndexFor(offset - 1)]?.baseOffset ?? 0)
  settleReplaced(log)
  log.forgetReads()
  log.tail.clear()
  log.epochs.truncateFromEnd(offset)
  removeLaterSegments(log, log.segmentIndexFor(offset - 1) + 1)
  const end = cutActive(log, offset)
  log.start = Math.min(log.start, end)
  log.durable = Math.min(log.durable, end)
  log.end = end
  log.epochs.truncateFromEnd(end)
  log.saveEpochs()
  reloadProducers(log)
  startSegment(log, end)
}

/** Where the log ends after the cut: a cut in the middle of a batch takes the whole batch. */
function cutActive(log: LogState, offset: Offset): Offset {
  const { active } = log
  active.truncate(active.positionOf(offset), offset)
  return active.size === 0 ? active.baseOffset : Math.min(offset, active.readEnd().nextOffset)
}

function startSegment(log: LogState, offset: Offset): void {
  const { active, options, ports } = log
  if (active.size === 0) active.remove(ports.disk)
  else active.finishIndexes()
  const segment = Segment.create(options.shared.files, log.directory, offset, ports.clock.wall(), true)
  if (active.size === 0) log.segments.pop()
  else log.snapshots.write(offset, log.producers.list())
  log.segments.push(segment)
  log.namesUnsynced = true
}

/**
 * Drops everything; the log is empty and starts at `offset`. Throws DiskError.
 *
 * A death half-way leaves a log that ends below what was durable, or that has no segment at all: the stored recovery point must not call that a loss.
 */
export function truncateFullyAndStartAt(log: LogState, offset: Offset): void {
  lowerDurable(log, 0)
  lowerCleaned(log, offset)
  settleReplaced(log)
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

/**
 * Their names must be gone for good before the file is cut: a hole between two segments looks like what compaction leaves.
 * Replacing a file syncs the directory.
 */
function removeLaterSegments(log: LogState, first: number): void {
  if (first >= log.segments.length) return
  removeSegmentsFrom(log, first)
  log.ports.disk.replaceSmallSync(log.epochPath, log.epochsText())
  log.noteEpochsSaved(log.epochs.version)
}

/** From the last one back, so that a crash on the way leaves a log without a hole. */
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

/** As the cut may take a whole batch, the segment that is cut is taken for dirty from its beginning. */
function lowerCleaned(log: LogState, offset: Offset): void {
  if (log.cleanedOffset === null || log.cleanedOffset <= offset) return
  log.options.beforeUncleaning?.(offset)
  log.cleanedOffset = offset
}

/** Before a file is cut that a cleaning has just put in its place: a power cut must not bring back those that it replaced, uncut. */
function settleReplaced(log: LogState): void {
  if (!log.replacedUnsynced) return
  log.ports.disk.replaceSmallSync(log.epochPath, log.epochsText())
  log.noteEpochsSaved(log.epochs.version)
  log.replacedUnsynced = false
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
