import { assert } from '../base/assert.ts'
import { DiskError } from '../base/ports.ts'
import type { Offset } from '../base/units.ts'
import { formatEpochs } from './checkpoints.ts'
import type { EpochHistory } from './epoch-history.ts'
import type { LogConfig } from './log-config.ts'
import type { LogPorts, PartitionLogOptions } from './options.ts'
import { CorruptLogError } from './outcomes.ts'
import type { ProducerSnapshots } from './producers/producer-snapshots.ts'
import type { ProducerState } from './producers/producer-state.ts'
import type { RecoveredLog } from './recovery.ts'
import { epochFileName } from './recovery.ts'
import type { Segment } from './segments/segment.ts'
import { UndoError } from './segments/segment.ts'
import { writeSmall } from './small-file.ts'
import { Tail } from './tail.ts'

/** Where a read ended, so that a reader going through an old part of the log need not search for each next one. */
export interface ReadHint {
  readonly offset: Offset
  readonly segment: Segment
  readonly position: number
}

/**
 * What an open partition log is made of; the files beside this one change it (appending, truncation, retention, flushing, reading).
 *
 * Invariants:
 * 1. `segments` is never empty and rises by base offset; the last is the active one, the only one that grows.
 * 2. Every batch below `end` is wholly written; offsets rise, leader epochs do not fall.
 * 3. start ≤ end and durable ≤ end; below `durable` all is on stable storage, names included.
 * 4. `epochs` and `producers` are the fold of the batches below `end` (and of those that retention has taken).
 * 5. `generation` changes whenever bytes that a read may be waiting for have gone.
 * 6. The tail, when not empty, ends at `end`.
 */
export class LogState {
  readonly ports: LogPorts
  readonly options: PartitionLogOptions
  readonly segments: Segment[]
  readonly epochs: EpochHistory
  readonly producers: ProducerState
  readonly snapshots: ProducerSnapshots
  readonly tail: Tail
  config: LogConfig
  start: Offset
  end: Offset
  durable: Offset
  generation = 0
  failure: DiskError | null = null
  /** Its files are let go; the directory may already be another log's. */
  closed = false
  /** The log that has taken its place, in another directory: who still reads here goes on there. */
  successor: LogState | null = null
  /** Names in the directory have changed since it was last synced. */
  namesUnsynced = true
  /** A cleaning has exchanged segments, and the directory was not synced since. */
  replacedUnsynced = false
  /** Below it the log was cleaned; null: never. Not above what cleaner-offset-checkpoint may say. */
  cleanedOffset: Offset | null
  /** Ends that flushes under way will make durable; a truncation lowers them. */
  readonly flushes = new Set<{ target: Offset }>()
  /** Settles when the flush that was asked for last is over, well or not. */
  lastFlush: Promise<void> = Promise.resolve()
  hints: ReadHint[] = []
  private savedEpochs: number

  constructor(ports: LogPorts, options: PartitionLogOptions, recovered: RecoveredLog) {
    this.ports = ports
    this.options = options
    this.config = options.config
    this.segments = recovered.segments
    this.epochs = recovered.epochs
    this.producers = recovered.producers
    this.snapshots = recovered.snapshots
    this.tail = new Tail(options.shared.tail)
    this.start = recovered.logStartOffset
    this.end = recovered.logEndOffset
    this.durable = Math.min(Math.max(recovered.recoveryPoint, this.start), this.end)
    this.savedEpochs = this.epochs.version
    this.cleanedOffset = options.cleanedOffset ?? null
    for (const [i, segment] of this.segments.entries()) {
      segment.unsynced = (this.segments[i + 1]?.baseOffset ?? this.end) > this.durable
      segment.indexesUnsynced = segment.unsynced
    }
  }

  /** Takes all that is not known to be durable for unsynced, whatever a flush under way may have begun. */
  markUnsynced(): void {
    for (const [i, segment] of this.segments.entries()) {
      if ((this.segments[i + 1]?.baseOffset ?? this.end) <= this.durable) continue
      segment.unsynced = true
      segment.indexesUnsynced = true
    }
    this.namesUnsynced = true
  }

  get active(): Segment {
    const active = this.segments.at(-1)
    assert(active !== undefined, 'a log has a segment')
    return active
  }

  /**
   * What to store as the recovery point. Recovery begins with the segment that holds it, so it stays within (not at the end of) a segment
   * whose indexes are not durable, as those of the active one.
   */
  get recoveryPoint(): Offset {
    let point = this.durable
    for (const [i, segment] of this.segments.entries()) {
      const end = this.segments[i + 1]?.baseOffset ?? this.end
      if (segment.indexesUnsynced && segment.size > 0) point = Math.min(point, end - 1)
    }
    return point
  }

  get directory(): string {
    return this.options.directory
  }

  get epochPath(): string {
    return `${this.options.directory}/${epochFileName}`
  }

  get epochsAreUnsaved(): boolean {
    return this.savedEpochs !== this.epochs.version
  }

  epochsText(): string {
    return formatEpochs(this.epochs.list())
  }

  noteEpochsSaved(version: number): void {
    this.savedEpochs = version
  }

  /** Whole or not at all, but not waited for: what it says of batches above the recovery point can be read off them. Throws DiskError. */
  saveEpochs(): void {
    if (!this.epochsAreUnsaved) return
    writeSmall(this.ports.disk, this.epochPath, this.epochsText())
    this.savedEpochs = this.epochs.version
    this.namesUnsynced = true
  }

  /** Index in `segments` of the one whose range holds `offset`; the first one for offsets below all. */
  segmentIndexFor(offset: Offset): number {
    let low = 0
    let high = this.segments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.segments[middle]?.baseOffset ?? Infinity) <= offset) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }

  /** The directory can no longer be trusted; told once. */
  fail(error: DiskError): void {
    if (this.failure !== null || this.closed) return
    this.failure = error
    this.options.onFailure?.(error)
  }

  /** Rot that was come across is told of, on its way to whoever came across it. */
  noted<T>(error: T): T {
    if (error instanceof CorruptLogError && !this.closed) this.options.onRot?.(error)
    return error
  }

  /** For what a failed sync rejects with. */
  failWith(error: unknown): never {
    if (error instanceof DiskError) this.fail(error)
    throw error
  }

  /** Throws what made the log unusable. Called before anything that changes it. */
  checkUsable(): void {
    if (this.failure !== null) throw this.failure
    this.checkOpen()
  }

  checkOpen(): void {
    if (this.closed) throw new DiskError('ENOENT', this.directory, 'use after close of')
  }

  /** Carries out a change; when a failed write could not be undone, the log fails with it. */
  guarded<T>(change: () => T): T {
    this.checkUsable()
    try {
      return change()
    } catch (error) {
      if (!(error instanceof UndoError)) throw this.noted(error)
      this.fail(error.disk)
      throw error.disk
    }
  }

  /** For what takes away: half of it done leaves memory and disk apart, so that a DiskError on the way is the end of the log. */
  wholly<T>(removal: () => T): T {
    try {
      return removal()
    } catch (error) {
      if (error instanceof DiskError) this.fail(error)
      throw error
    }
  }

  /** Batches have gone: reads under way must look again. */
  forgetReads(): void {
    this.generation += 1
    this.hints = []
  }
}
