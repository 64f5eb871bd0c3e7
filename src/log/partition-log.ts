import type { Clock, Disk, DiskError, Log } from '../base/ports.ts'
import type { Epoch, Offset, Timestamp, Uuid } from '../base/units.ts'
import type { LogConfig } from './log-config.ts'
import type { OpenFiles } from './open-files.ts'
import type { AppendOutcome, EpochEnd, FollowerOutcome, ProducerDescription, ReadOutcome, TimestampedOffset } from './outcomes.ts'
import type { TailBudget } from './tail.ts'

export interface LogPorts {
  readonly clock: Clock
  readonly disk: Disk
  readonly log: Log
}

/** What the partitions of one process share. */
export interface LogShared {
  /** At most so many files are open at once. */
  readonly files: OpenFiles
  /** At most so many bytes of recent batches are kept in memory. */
  readonly tail: TailBudget
}

export interface PartitionLogOptions {
  /** Path of the partition's own directory (`<log.dir>/<topic>-<partition>`); made when it is not there. */
  readonly directory: string
  readonly topic: string
  readonly partition: number
  /** Written to `partition.metadata` when the directory is new. Null: none is written (the metadata quorum's log). */
  readonly topicId: Uuid | null
  readonly config: LogConfig
  /** Offsets below are known to be on stable storage. */
  readonly recoveryPoint: Offset
  readonly logStartOffset: Offset
  /** The files were closed in order: skip recovery, trust checkpoints and indexes. */
  readonly cleanShutdown: boolean
  readonly shared: LogShared
  /** Producers that were silent for longer are forgotten (`producer.id.expiration.ms`). */
  readonly producerIdExpirationMs: number
  /** What to do with bad bytes below the recovery point: reject with CorruptLogError, or cut them off as Kafka does. */
  readonly onCorruption: 'refuse' | 'cut'
  /** Told once, before the call that failed throws: a sync failed, or a failed write could not be undone. Nothing in the directory may be trusted. */
  readonly onFailure?: (error: DiskError) => void
}

/**
 * One partition on disk. All calls but those that return a Promise complete in the page cache within the turn.
 * Every call may throw DiskError; state is then what it was before.
 */
export declare class PartitionLog {
  readonly topic: string
  readonly partition: number
  readonly directory: string
  /** Null when partition.metadata does not say. */
  readonly topicId: Uuid | null
  /** Replaceable at run time. */
  config: LogConfig

  /** Recovers what a crash left (rejects with CorruptLogError, DiskError). Yields, so that many may open at once. */
  static open(ports: LogPorts, options: PartitionLogOptions): Promise<PartitionLog>

  get logStartOffset(): Offset
  get logEndOffset(): Offset
  /** All below is on stable storage. */
  get recoveryPoint(): Offset
  get sizeBytes(): number
  /** Epoch of the last entry of the epoch history; -1 when it is empty. */
  get latestEpoch(): Epoch
  /** Null while the directory can be trusted. */
  get failure(): DiskError | null

  /** Assigns an id to a log that has none and writes partition.metadata. */
  assignTopicId(topicId: Uuid): void

  /**
   * Appends whole batches of magic 2 whose headers and CRC the caller has checked (LogValidator's rules). Base offset and leader epoch
   * (and, for LogAppendTime, the timestamp and CRC) are written into `records`, which belong to the log from here on.
   * Producer ids, epochs and sequences are checked before anything changes (ProducerAppendInfo).
   */
  appendAsLeader(records: Buffer, leaderEpoch: Epoch, now: Timestamp): AppendOutcome

  /**
   * Appends batches as the leader (or a quorum) made them: offsets and epochs as given, the first at or above logEndOffset.
   * CRCs are checked; batches of an epoch above `maxEpoch` and what follows them are left out; a cut-off last batch is ignored.
   */
  appendAsFollower(records: Buffer, maxEpoch: Epoch): FollowerOutcome

  /**
   * Whole batches from the one that holds `offset`, none that reaches `untilOffset` or beyond. About `maxBytes` at most;
   * with `minOneMessage` the first batch comes whatever its size. At once from the tail in memory, otherwise from the file.
   */
  read(offset: Offset, maxBytes: number, untilOffset: Offset, minOneMessage: boolean): ReadOutcome | Promise<ReadOutcome>

  /** Cuts all at and above `offset`; nothing when the log ends before it. */
  truncateTo(offset: Offset): void
  /** Drops everything; the log is empty and starts at `offset`. */
  truncateFullyAndStartAt(offset: Offset): void

  /** LeaderEpochFileCache.endOffsetFor */
  endOffsetForEpoch(epoch: Epoch): EpochEnd
  /** The epoch under which the batch that holds `offset` was (or would be) appended; -1 when unknown. */
  epochForOffset(offset: Offset): Epoch
  /** A new leader notes where its epoch begins, before it serves. Ignored when it is not above the latest. */
  assignEpochStart(epoch: Epoch, startOffset: Offset): void

  /** The first record whose timestamp is at or after `timestamp`; null when there is none. */
  offsetForTimestamp(timestamp: Timestamp): Promise<TimestampedOffset | null>
  /** The first record with the greatest timestamp; null when the log is empty. */
  offsetOfMaxTimestamp(): Promise<TimestampedOffset | null>

  /** DeleteRecords, a follower's learning of it, a snapshot: whole segments below go. False when it is not an advance. At most logEndOffset. */
  advanceLogStartOffset(offset: Offset): boolean
  /** Deletes whole segments that retention.ms, retention.bytes or the log start allow, below `highWatermark`. Returns how many. */
  deleteOldSegments(highWatermark: Offset, now: Timestamp): number
  /** Closes the active segment when segment.ms has passed since its first batch. */
  rollIfDue(now: Timestamp): boolean

  /** fdatasync of all that is not known to be durable, then advances the recovery point. A failure is final: see `failure`. */
  flush(): Promise<void>
  /** As flush, only up to the active segment: what a roll leaves to do. */
  flushRolled(): Promise<void>
  /** As flush, blocking: for the metadata quorum. */
  flushNow(): void

  /** Forgets producers that were silent too long. */
  expireProducers(now: Timestamp): void
  describeProducers(): readonly ProducerDescription[]

  /** Writes what a clean start trusts (indexes, epochs, producer snapshot), durably, and closes the files. */
  close(): Promise<void>
  /** Closes without writing anything, as after a failure. */
  abandon(): void
  /** Renames the directory to its `-delete` name and returns that path, which `Disk.removeTree` may remove at leisure. */
  deleteOnDisk(): string

  describe(): Record<string, unknown>
}
