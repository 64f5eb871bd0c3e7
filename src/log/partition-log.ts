import { assert } from '../base/assert.ts'
import type { DiskError } from '../base/ports.ts'
import { NO_UUID } from '../base/units.ts'
import type { Epoch, Offset, Timestamp, Uuid } from '../base/units.ts'
import { appendAsFollower, appendAsLeader, roll } from './appending.ts'
import { CheckpointError, formatPartitionMetadata, parsePartitionMetadata } from './checkpoints.ts'
import { type CleaningPlan, planCleaning } from './compaction/cleaning-plan.ts'
import type { CleaningMeans } from './compaction/cleaning-run.ts'
import { type CleaningOutcome, cleanLog } from './compaction/cleaning.ts'
import { flush, flushNow } from './flushing.ts'
import type { LogConfig } from './log-config.ts'
import { LogState } from './log-state.ts'
import type { LogPorts, PartitionLogOptions } from './options.ts'
import { partitionMetadataName } from './options.ts'
import type { AppendOutcome, EpochEnd, FollowerOutcome, ProducerDescription, ReadOutcome, TimestampedOffset } from './outcomes.ts'
import { read } from './reading.ts'
import { recoverLog } from './recovery.ts'
import { advanceLogStart, deleteOldSegments, totalBytes } from './retention.ts'
import { type Scrubbed, scrubLog, type ScrubbingMeans } from './scrubbing.ts'
import { writeSmall } from './small-file.ts'
import { succeed } from './directory/succession.ts'
import { findMaxTimestamp, findTimestamp } from './timestamps.ts'
import { truncateFullyAndStartAt, truncateTo } from './truncation.ts'

export type { LogPorts, LogShared, PartitionLogOptions } from './options.ts'

/**
 * One partition on disk (org.apache.kafka.storage.internals.log.UnifiedLog). All calls but those that return a Promise complete in the
 * page cache within the turn. Every call may throw DiskError; state is then what it was before, unless `failure` says otherwise.
 */
export class PartitionLog {
  readonly topic: string
  readonly partition: number
  readonly directory: string
  private readonly state: LogState
  private id: Uuid | null

  private constructor(state: LogState, topicId: Uuid | null) {
    this.topic = state.options.topic
    this.partition = state.options.partition
    this.directory = state.options.directory
    this.state = state
    this.id = topicId
  }

  /** Recovers what a crash left (rejects with CorruptLogError, DiskError). Yields, so that many may open at once. */
  static async open(ports: LogPorts, options: PartitionLogOptions): Promise<PartitionLog> {
    const isNew = !ports.disk.exists(options.directory)
    if (isNew) ports.disk.makeDirectory(options.directory)
    const topicId = settleTopicId(ports, options, isNew)
    return new PartitionLog(new LogState(ports, options, await recoverLog(ports, options, isNew)), topicId)
  }

  /** Null when partition.metadata does not say. */
  get topicId(): Uuid | null {
    return this.id
  }

  get config(): LogConfig {
    return this.state.config
  }

  /** Takes effect with the next append, roll or retention. */
  set config(config: LogConfig) {
    this.state.config = config
  }

  get logStartOffset(): Offset {
    return this.state.start
  }

  get logEndOffset(): Offset {
    return this.state.end
  }

  /** All below is on stable storage: what a flush has achieved. */
  get flushedOffset(): Offset {
    return this.state.durable
  }

  /** What recovery-point-offset-checkpoint may say: at most `flushedOffset`, and such that recovery looks at every index that is not durable. */
  get recoveryPoint(): Offset {
    return this.state.recoveryPoint
  }

  get sizeBytes(): number {
    return totalBytes(this.state)
  }

  get segmentCount(): number {
    return this.state.segments.length
  }

  /** Base offset of the segment that grows. */
  get activeBaseOffset(): Offset {
    return this.state.active.baseOffset
  }

  /** Epoch of the last entry of the epoch history; -1 when it is empty. */
  get latestEpoch(): Epoch {
    return this.state.epochs.latestEpoch
  }

  /** Null while the directory can be trusted. */
  get failure(): DiskError | null {
    return this.state.failure
  }

  /** Assigns an id to a log that has none and writes partition.metadata. */
  assignTopicId(topicId: Uuid): void {
    assert(this.id === null || this.id === topicId, 'a log keeps its topic id')
    if (this.id === topicId) return
    writeSmall(this.state.ports.disk, `${this.directory}/${partitionMetadataName}`, formatPartitionMetadata(topicId))
    this.state.namesUnsynced = true
    this.id = topicId
  }

  /**
   * Appends whole batches of magic 2 whose headers and CRC the caller has checked (LogValidator's rules). Base offset and leader epoch
   * (and, for LogAppendTime, the timestamp and CRC) are written into `records`, which belong to the log from here on.
   * Producer ids, epochs and sequences are checked before anything changes (ProducerAppendInfo).
   */
  appendAsLeader(records: Buffer, leaderEpoch: Epoch, now: Timestamp): AppendOutcome {
    return this.state.guarded(() => appendAsLeader(this.state, records, leaderEpoch, now))
  }

  /**
   * Appends batches as the leader (or a quorum) made them: offsets and epochs as given, the first at or above logEndOffset.
   * CRCs are checked; a batch of an epoch above `maxEpoch` and all that follows it are left out; a cut-off last batch is ignored.
   */
  appendAsFollower(records: Buffer, maxEpoch: Epoch): FollowerOutcome {
    return this.state.guarded(() => appendAsFollower(this.state, records, maxEpoch, this.state.ports.clock.wall()))
  }

  /**
   * Whole batches from the one that holds `offset`, none that reaches `untilOffset` or beyond. About `maxBytes` at most;
   * with `minOneMessage` the first batch comes whatever its size. At once from the tail in memory, otherwise from the file
   * (rejects with DiskError, CorruptLogError).
   */
  read(offset: Offset, maxBytes: number, untilOffset: Offset, minOneMessage: boolean): ReadOutcome | Promise<ReadOutcome> {
    return read(this.state, { offset, maxBytes, untilOffset, minOneMessage, isToSend: false })
  }

  /** As read; what comes may go into one `Connection.write` and nowhere else, for its memory is then used again. */
  readToSend(offset: Offset, maxBytes: number, untilOffset: Offset, minOneMessage: boolean): ReadOutcome | Promise<ReadOutcome> {
    return read(this.state, { offset, maxBytes, untilOffset, minOneMessage, isToSend: true })
  }

  /** Cuts all at and above `offset`; only epochs that begin there when the log ends before it. A DiskError is final: see `failure`. */
  truncateTo(offset: Offset): void {
    this.state.guarded(() => this.state.wholly(() => truncateTo(this.state, offset)))
  }

  /** Drops everything; the log is empty and starts at `offset`. A DiskError is final: see `failure`. */
  truncateFullyAndStartAt(offset: Offset): void {
    this.state.guarded(() => this.state.wholly(() => truncateFullyAndStartAt(this.state, offset)))
  }

  /** LeaderEpochFileCache.endOffsetFor */
  endOffsetForEpoch(epoch: Epoch): EpochEnd {
    return this.state.epochs.endOffsetFor(epoch, this.state.end)
  }

  /** The epoch under which the batch that holds `offset` was (or would be) appended; -1 when unknown. */
  epochForOffset(offset: Offset): Epoch {
    return this.state.epochs.epochForOffset(offset)
  }

  /** A new leader notes where its epoch begins, before it serves. Later epochs, and those that begin there or later, are dropped. */
  assignEpochStart(epoch: Epoch, startOffset: Offset): void {
    this.state.epochs.assign(epoch, startOffset)
  }

  /** The first record whose timestamp is at or after `timestamp`; null when there is none. */
  offsetForTimestamp(timestamp: Timestamp): Promise<TimestampedOffset | null> {
    return findTimestamp(this.state, timestamp)
  }

  /** The first record with the greatest timestamp; null when the log is empty. */
  offsetOfMaxTimestamp(): Promise<TimestampedOffset | null> {
    return findMaxTimestamp(this.state)
  }

  /** DeleteRecords, a follower's learning of it, a snapshot: whole segments below go. False when it is not an advance. At most logEndOffset. */
  advanceLogStartOffset(offset: Offset): boolean {
    return this.state.guarded(() => advanceLogStart(this.state, offset))
  }

  /** Deletes whole segments that retention.ms, retention.bytes or the log start allow, below `highWatermark`. Returns how many. */
  deleteOldSegments(highWatermark: Offset, now: Timestamp): number {
    return this.state.guarded(() => deleteOldSegments(this.state, highWatermark, now))
  }

  /** What a cleaning would do now; null for a log that is not compacted, or that is not served. `committed` is the high watermark. Throws DiskError. */
  planCleaning(committed: Offset, now: Timestamp): CleaningPlan | null {
    const { state } = this
    if (!state.config.cleanupCompact || state.closed || state.failure !== null) return null
    return planCleaning(state, committed, now)
  }

  /**
   * Cleans the log once: of each key the last record stays. Everything else may be done with the log meanwhile; a truncation, a deletion, and a
   * rise of the log start that takes segments away end the cleaning. Only one at a time.
   */
  clean(means: CleaningMeans, committed: Offset, now: Timestamp): Promise<CleaningOutcome> {
    return cleanLog(this.state, means, committed, now)
  }

  /** Reads and checks every batch from the files. Only one at a time. Rejects with DiskError. */
  scrub(means: ScrubbingMeans): Promise<Scrubbed> {
    return scrubLog(this.state, means)
  }

  /** Something may have been taken out of what it was copied from, below `offset`: gaps between batches mean nothing. Before the first is copied. */
  noteCleanedSource(offset: Offset): void {
    this.state.cleanedOffset ??= offset
  }

  /** Below it the log was cleaned: what cleaner-offset-checkpoint may say. Null: never. */
  get cleanedOffset(): Offset | null {
    return this.state.cleanedOffset
  }

  /** Closes the active segment when segment.ms has passed since its first batch. */
  rollIfDue(now: Timestamp): boolean {
    const { active, config, end } = this.state
    if (active.size === 0 || !active.shouldRoll(config, 0, now, end, now)) return false
    this.roll(now)
    return true
  }

  /** Closes the active segment, if it has records, and starts a new one at the log end. */
  roll(now: Timestamp): void {
    this.state.guarded(() => roll(this.state, this.state.end, now))
  }

  /** fdatasync of all that is not known to be durable, then advances the recovery point. A failure is final: see `failure`. */
  flush(): Promise<void> {
    return flush(this.state, 'all')
  }

  /** As flush, only up to the active segment: what a roll leaves to do. */
  flushRolled(): Promise<void> {
    return flush(this.state, 'rolled')
  }

  /** As flush, blocking: for the metadata quorum. */
  flushNow(): void {
    flushNow(this.state)
  }

  /** Brings leader-epoch-checkpoint up to date without waiting for the disk; not for a log that never held anything. */
  saveEpochs(): void {
    if (this.state.end > 0) this.state.saveEpochs()
  }

  /** Forgets producers that were silent too long. */
  expireProducers(now: Timestamp): void {
    this.state.producers.expire(now)
  }

  describeProducers(): readonly ProducerDescription[] {
    return this.state.producers.describe()
  }

  /** Writes what a clean start trusts (indexes, epochs, producer snapshot), durably, and closes the files. */
  async close(): Promise<void> {
    const { state } = this
    if (state.closed) return
    state.checkUsable()
    if (state.active.size > 0) state.active.finishIndexes()
    if (state.end > 0 && state.snapshots.latest !== state.end) state.snapshots.write(state.end, state.producers.list())
    this.saveEpochs()
    await flush(state, 'close')
    this.letGo()
  }

  /** The directory failed elsewhere: nothing more is written here, nothing is synced (S-6). `onFailure` is not told. */
  distrust(error: DiskError): void {
    this.state.failure ??= error
  }

  /** Closes without writing anything, as after a failure. */
  abandon(): void {
    if (!this.state.closed) this.letGo()
  }

  /**
   * Takes the place of `current`, of which it is a copy in another log directory, under the partition's own name in its own. Nothing else may
   * be done with it before or after, but by the log that is returned; `current` is closed, its files stay as they are. See `succeed`. Throws DiskError,
   * with nothing changed.
   */
  succeed(current: PartitionLog, directory: string): PartitionLog {
    const state = succeed(this.state, current.state, directory)
    this.abandon()
    current.abandon()
    current.state.successor = state
    return new PartitionLog(state, this.id)
  }

  /** What is done with the log now, a flush, ends before another may have its files. */
  get isFlushing(): boolean {
    return this.state.flushes.size > 0
  }

  /** Renames the directory to its `-delete` name and returns that path, which `Disk.removeTree` may remove at leisure. */
  deleteOnDisk(): string {
    this.abandon()
    const doomed = renamedPath(this.directory, this.state.ports.clock.wall(), '-delete')
    this.state.ports.disk.rename(this.directory, doomed)
    return doomed
  }

  /** Renames the directory to a `-stray` name, which is kept for whoever wants to look at it; the log is closed. Throws DiskError. */
  setAsideOnDisk(): void {
    this.abandon()
    setAsideOnDisk(this.state.ports, this.directory)
  }

  describe(): Record<string, unknown> {
    const { state } = this
    return {
      partition: `${this.topic}-${this.partition}`,
      start: state.start,
      end: state.end,
      flushed: state.durable,
      bytes: totalBytes(state),
      segments: state.segments.map((segment) => segment.baseOffset),
      epochs: state.epochs.list(),
      producers: state.producers.size,
    }
  }

  private letGo(): void {
    this.state.closed = true
    this.state.forgetReads()
    this.state.tail.clear()
    for (const segment of this.state.segments) segment.close()
  }
}

/** Of a log that does not open. Throws DiskError. */
export function setAsideOnDisk(ports: LogPorts, directory: string, kind: '-delete' | '-stray' = '-stray'): string {
  const path = renamedPath(directory, ports.clock.wall(), kind)
  ports.disk.rename(directory, path)
  return path
}

let deletions = 0

/**
 * Kafka's name of a partition's directory that waits for its removal, that is stray, or that is a copy in the making (32 hexadecimal digits, here the time and a number), cut so
 * that any file system takes it.
 */
export function renamedPath(directory: string, now: Timestamp, kind: '-delete' | '-stray' | '-future'): string {
  const slash = directory.lastIndexOf('/')
  deletions += 1
  const suffix = `.${now.toString(16).padStart(16, '0')}${deletions.toString(16).padStart(16, '0')}${kind}`
  return directory.slice(0, slash + 1) + directory.slice(slash + 1).slice(0, 255 - suffix.length) + suffix
}

/** What partition.metadata says; for a new partition, what it is to say. */
function settleTopicId(ports: LogPorts, options: PartitionLogOptions, isNew: boolean): Uuid | null {
  const path = `${options.directory}/${partitionMetadataName}`
  if (isNew && options.topicId !== null) {
    assert(options.topicId !== NO_UUID, 'a topic has an id')
    const file = ports.disk.open(path, { create: true })
    try {
      file.write(0, [Buffer.from(formatPartitionMetadata(options.topicId))])
    } finally {
      file.close()
    }
    return options.topicId
  }
  if (!ports.disk.exists(path)) return null
  try {
    return parsePartitionMetadata(ports.disk.readSmall(path).toString())
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error
    ports.log.write('warn', 'checkpoint-unreadable', `${path}: ${error.message}`)
    return null
  }
}
