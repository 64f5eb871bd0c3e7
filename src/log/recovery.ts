import { DiskError } from '../base/ports.ts'
import type { Offset, Timestamp } from '../base/units.ts'
import { formatEpochs, parseEpochs } from './checkpoints.ts'
import { CheckpointError } from './checkpoints.ts'
import { producerAppendOf } from './producers/end-marker.ts'
import { EpochHistory } from './epoch-history.ts'
import { segmentBases, settleLeftovers } from './segments/leftovers.ts'
import { CorruptLogError } from './outcomes.ts'
import type { LogPorts, PartitionLogOptions } from './options.ts'
import { ProducerSnapshots } from './producers/producer-snapshots.ts'
import { ProducerState } from './producers/producer-state.ts'
import { replayProducers } from './producers/replay.ts'
import { recoveryWindowBytes, run, scanBatches } from './segments/scan.ts'
import { relativeOffsetMax, Segment } from './segments/segment.ts'
import { writeSmall } from './small-file.ts'
import { type FoundEnd, isTear } from './torn.ts'

export const epochFileName = 'leader-epoch-checkpoint'

/** What a log is when it opens. */
export interface RecoveredLog {
  readonly segments: Segment[]
  readonly logStartOffset: Offset
  readonly logEndOffset: Offset
  /** Below it all is durable, indexes included: not above what was stored. */
  readonly recoveryPoint: Offset
  readonly epochs: EpochHistory
  readonly producers: ProducerState
  readonly snapshots: ProducerSnapshots
}

/** The mutable state of one recovery. */
interface Recovery extends RecoveredLog {
  readonly ports: LogPorts
  readonly options: PartitionLogOptions
  readonly now: Timestamp
  logStartOffset: Offset
  logEndOffset: Offset
  recoveryPoint: Offset
}

/**
 * Finds the log in a directory (org.apache.kafka.storage.internals.log.LogLoader).
 *
 * 1. What a compaction or a deletion left is settled.
 * 2. After a crash every batch from the segment of the recovery point on is checked (CRC, order of offsets and epochs) and the indexes,
 *    the epoch history and the producers are made anew from it. The first bad byte ends the log, and so does a segment that does not begin
 *    where the one before it ends (its unsynced end was lost at a batch boundary; compaction too leaves such gaps); later segments go.
 *    When that byte lies below the recovery point, or could not have been left by the death of a process while the machine ran on, it is rot and not a
 *    torn tail: CorruptLogError, unless the caller wants it cut.
 * 3. After a clean shutdown only the end is looked at, and a segment whose index files are missing or impossible is treated as in 2.
 *
 * `isNew`: the directory was made just now, nothing can be in it. It may itself be cut short anywhere and run again: nothing is dropped but what step 2 would drop again.
 */
export async function recoverLog(ports: LogPorts, options: PartitionLogOptions, isNew: boolean): Promise<RecoveredLog> {
  const { disk } = ports
  const { directory } = options
  const files = options.shared.files
  const now = ports.clock.wall()
  const names = isNew ? new Set<string>() : settleLeftovers(disk, files, directory)
  const segments = segmentBases(names).map((base) => Segment.load(files, disk, directory, base, names, now))
  const epochs = readEpochs(ports, options, names)
  const recovery: Recovery = {
    ports,
    options,
    now,
    segments,
    logStartOffset: Math.max(options.logStartOffset, segments[0]?.baseOffset ?? 0),
    logEndOffset: segments[0]?.baseOffset ?? 0,
    recoveryPoint: options.recoveryPoint,
    epochs: new EpochHistory(epochs ?? []),
    producers: new ProducerState(options.producerIdExpirationMs),
    snapshots: new ProducerSnapshots(disk, directory, names),
  }
  const hasRecords = segments.some((segment) => segment.size > 0)
  const first = epochs === null && hasRecords ? 0 : firstToRecover(recovery)
  lowerRecoveryPoint(recovery, first)
  await findEnd(recovery, first)
  refuseLoss(recovery)
  startAtLogStart(recovery)
  settleEpochs(recovery, epochs)
  return recovery
}

/** Null: the file is missing or does not make sense, and the history must be read off the batches. */
function readEpochs(ports: LogPorts, options: PartitionLogOptions, names: ReadonlySet<string>): ReturnType<typeof parseEpochs> | null {
  if (!names.has(epochFileName)) return null
  try {
    return parseEpochs(ports.disk.readSmall(`${options.directory}/${epochFileName}`).toString())
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error
    ports.log.write('warn', 'checkpoint-unreadable', `${options.directory}/${epochFileName}: ${error.message}; rebuilt from the log`)
    return null
  }
}

/** Index of the first segment whose batches must be checked; the number of segments when none must. */
function firstToRecover(recovery: Recovery): number {
  const { segments, options } = recovery
  if (options.checksAll === true) return 0
  const insane = segments.findIndex((segment) => !indexesAreSane(segment))
  const first = insane < 0 ? segments.length : insane
  if (options.cleanShutdown) return first
  const unflushed = segments.findLastIndex((segment) => segment.baseOffset <= options.recoveryPoint)
  return Math.min(first, Math.max(0, unflushed))
}

/**
 * Indexes that are made anew below the recovery point are not durable yet. Should this start die, the next one must not find them half
 * written and take them for good.
 */
function lowerRecoveryPoint(recovery: Recovery, first: number): void {
  const base = recovery.segments[first]?.baseOffset
  if (recovery.options.checksAll === true || base === undefined || base >= recovery.recoveryPoint) return
  const next = recovery.segments[first + 1]?.baseOffset ?? Infinity
  if (next > recovery.recoveryPoint) return
  recovery.options.beforeLowering?.(base)
  recovery.recoveryPoint = base
}

/** An index is never trusted further than this: entries within the segment, and for a large segment at least one. */
function indexesAreSane(segment: Segment): boolean {
  if (segment.size === 0) return segment.index.file.entries === 0 && segment.timeIndex.file.entries === 0
  const last = segment.index.last()
  const lastTime = segment.timeIndex.last()
  if (!segment.indexFilesExist) return false
  if (segment.index.file.entries > 0 && last.offset < segment.baseOffset) return false
  return last.position < segment.size && lastTime.offset >= segment.baseOffset
}

async function findEnd(recovery: Recovery, first: number): Promise<void> {
  const { segments, options } = recovery
  const start = segments[first]
  if (start === undefined) return findCleanEnd(recovery)
  recovery.logEndOffset = start.baseOffset
  recovery.epochs.truncateFromEnd(start.baseOffset)
  await loadProducers(recovery, start.baseOffset)
  for (let i = first; i < segments.length; i++) {
    const segment = segments[i]
    if (segment === undefined) break
    if (i > first && segment.baseOffset > recovery.logEndOffset && !mayFollowGap(options, segment)) {
      dropFrom(recovery, i)
      break
    }
    if (i > first) recovery.snapshots.write(segment.baseOffset, recovery.producers.list())
    if (!(await recoverSegment(recovery, segment, segments[i + 1]?.baseOffset ?? Infinity))) {
      dropFrom(recovery, i + 1)
      break
    }
  }
}

/** Apache Kafka's compaction leaves gaps between segments, ours does not. What the configuration is may not be known yet, how far it was clean is. */
function mayFollowGap({ config, cleanedOffset, recoveryPoint }: PartitionLogOptions, { baseOffset }: Segment): boolean {
  return config.cleanupCompact || baseOffset <= recoveryPoint || baseOffset <= (cleanedOffset ?? -1)
}

async function findCleanEnd(recovery: Recovery): Promise<void> {
  const { segments } = recovery
  const last = segments.at(-1)
  if (last === undefined) return
  const end = last.readEnd(true)
  // The offset of a batch is under no checksum, and the recovery point of a clean shutdown is the end of the log
  if (end.problem !== null || end.nextOffset !== recovery.recoveryPoint) return findEnd(recovery, segments.length - 1)
  recovery.logEndOffset = end.nextOffset
  if (segments.some((segment) => segment.size > 0)) await loadProducers(recovery, end.nextOffset)
}

/** Producers as they were just before `offset`: the newest snapshot, and the batches since. */
async function loadProducers(recovery: Recovery, offset: Offset): Promise<void> {
  const { snapshots, producers, segments, options, now } = recovery
  snapshots.removeAbove(offset)
  const snapshot = snapshots.readNewest(offset)
  producers.load(snapshot?.entries ?? [], now)
  for (const step of replayProducers(segments, snapshot?.offset ?? 0, offset, producers)) {
    await options.shared.files.pinned(step.segment.logPath, (file) => run(step.scan, file))
  }
}

/**
 * False when the log ends in this segment. Whole batches at or above `nextBase` are what a truncation cut off before that next segment was
 * begun: they go, and the next segment stays.
 *
 * A batch of later in the place of another shows only by the one after it, which is not later, or by the end of the log behind it: then the log ends before the
 * batch that came after a gap, not behind it. `misplacedAt`: found so in a first walk.
 */
async function recoverSegment(recovery: Recovery, segment: Segment, nextBase: Offset, misplacedAt: number | null = null): Promise<boolean> {
  const { epochs, producers, options } = recovery
  const size = segment.size
  segment.resetIndexes()
  recovery.logEndOffset = Math.max(recovery.logEndOffset, segment.baseOffset)
  const startOffset = recovery.logEndOffset
  let afterGap: number | null = null
  const scan = scanBatches({ from: 0, until: size, checkCrc: true, windowBytes: recoveryWindowBytes }, (header, position, batch) => {
    if (recovery.logEndOffset === nextBase) return 'stop'
    if (position === misplacedAt) return { problem: `offset ${header.baseOffset} where ${recovery.logEndOffset} belongs` }
    if (header.lastOffset >= nextBase) return { problem: `offset ${header.lastOffset} in a segment before that of ${nextBase}` }
    if (header.baseOffset < recovery.logEndOffset) return { problem: `offset ${header.baseOffset} after ${recovery.logEndOffset - 1}` }
    if (header.lastOffset - segment.baseOffset > relativeOffsetMax)
      return { problem: `offset ${header.lastOffset} in the segment of ${segment.baseOffset}` }
    if (header.leaderEpoch < epochs.latestEpoch) return { problem: `leader epoch ${header.leaderEpoch} after ${epochs.latestEpoch}` }
    afterGap = header.baseOffset > recovery.logEndOffset ? position : null
    epochs.assign(header.leaderEpoch, header.baseOffset)
    const append = producerAppendOf(header, batch)
    if (append !== null) producers.apply(append)
    segment.noteBatch(header, position, options.config.indexIntervalBytes)
    recovery.logEndOffset = header.lastOffset + 1
    return 'continue'
  })
  const end = size === 0 ? { position: 0, problem: null } : await options.shared.files.pinned(segment.logPath, (file) => run(scan, file))
  const superseded = recovery.logEndOffset === nextBase
  const isEnd = end.problem !== null || end.position < size || nextBase === Infinity
  if (afterGap !== null && isEnd && !options.config.cleanupCompact && (options.cleanedOffset ?? null) === null) {
    await beginAnew(recovery, startOffset)
    return recoverSegment(recovery, segment, nextBase, afterGap)
  }
  const problem = end.problem ?? (end.position < size ? 'truncated before the next segment began' : null)
  if (problem !== null && !superseded) {
    const isLastSegment = nextBase === Infinity
    await refuseRot(recovery, segment, { position: end.position, size, problem, isLastSegment }, end.problem !== null)
  }
  if (problem !== null) await cutTail(recovery, segment, end.position, problem)
  segment.finishIndexes()
  return problem === null || superseded
}

/** As before the segment was walked. */
async function beginAnew(recovery: Recovery, offset: Offset): Promise<void> {
  recovery.logEndOffset = offset
  recovery.epochs.truncateFromEnd(offset)
  recovery.producers.clear()
  await loadProducers(recovery, offset)
}

/** Rejects with CorruptLogError where what does not check was whole once: below the recovery point, and all but a tear while the machine has run on. */
async function refuseRot({ options, logEndOffset }: Recovery, segment: Segment, end: FoundEnd, isBad: boolean): Promise<void> {
  if (options.onCorruption === 'cut') return
  const refuse = (why: string): never => {
    throw new CorruptLogError(segment.logPath, end.position, logEndOffset, `${end.problem}, ${why}`)
  }
  if (logEndOffset < options.recoveryPoint) refuse(`below the recovery point ${options.recoveryPoint}`)
  if (options.machineRanOn !== true || !isBad) return
  if (!(await options.shared.files.pinned(segment.logPath, (file) => isTear(file, end)))) refuse('which no process leaves that dies')
}

/** Synced at once, so that a second crash cannot bring the bytes back into what is appended in their place. */
async function cutTail(recovery: Recovery, segment: Segment, position: number, problem: string): Promise<void> {
  const { options, ports, logEndOffset } = recovery
  const bytes = segment.size - position
  ports.log.write('warn', 'log-tail-cut', `${segment.logPath}: ${problem}; ${bytes} bytes cut at offset ${logEndOffset}`, {
    bytes,
    position,
  })
  segment.cutAt(position)
  try {
    await options.shared.files.pinned(segment.logPath, (file) => file.sync())
  } catch (error) {
    if (error instanceof DiskError) options.onFailure?.(error)
    throw error
  }
}

/** From the last one back, so that a crash on the way leaves a log without a hole. */
function dropFrom(recovery: Recovery, first: number): void {
  const { segments, ports } = recovery
  for (const segment of segments.splice(first).reverse()) {
    ports.log.write('warn', 'segment-dropped', `${segment.logPath}: dropped, the log ends before it at ${recovery.logEndOffset}`)
    segment.remove(ports.disk)
  }
}

/** The recovery point says how far the log was durable; files that end before it have been lost, not torn. */
function refuseLoss(recovery: Recovery): void {
  const { options, logEndOffset } = recovery
  if (options.onCorruption === 'cut' || logEndOffset >= options.recoveryPoint) return
  if (options.recoveryPoint <= options.logStartOffset) return
  throw new CorruptLogError(
    options.directory,
    0,
    logEndOffset,
    `the log ends at ${logEndOffset}, below its recovery point ${options.recoveryPoint}`,
  )
}

/** A log that ends before its start holds nothing that may be read. */
function startAtLogStart(recovery: Recovery): void {
  const { segments, options, now } = recovery
  const files = options.shared.files
  if (recovery.logEndOffset < recovery.logStartOffset) {
    dropFrom(recovery, 0)
    recovery.logEndOffset = recovery.logStartOffset
    recovery.epochs.clear()
    recovery.producers.clear()
  }
  if (segments.length > 0) return
  const base = recovery.logStartOffset
  segments.push(Segment.create(files, options.directory, base, now, base > 0))
  recovery.logEndOffset = base
}

function settleEpochs(recovery: Recovery, found: ReturnType<typeof parseEpochs> | null): void {
  const { epochs, ports, options, segments, snapshots } = recovery
  epochs.truncateFromEnd(recovery.logEndOffset)
  epochs.truncateFromStart(recovery.logStartOffset)
  const text = formatEpochs(epochs.list())
  const known = formatEpochs(found ?? [])
  if (text !== known) writeSmall(ports.disk, `${options.directory}/${epochFileName}`, text)
  // One of a history that is gone would be taken for the present one's as soon as the log has grown beyond it
  snapshots.removeAbove(recovery.logEndOffset)
  snapshots.removeStray(new Set(segments.map((segment) => segment.baseOffset)))
}
