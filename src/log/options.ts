import type { Clock, Disk, DiskError, Log } from '../base/ports.ts'
import type { Offset, Uuid } from '../base/units.ts'
import type { LogConfig } from './log-config.ts'
import type { OpenFiles } from './open-files.ts'
import type { CorruptLogError } from './outcomes.ts'
import type { TailBudget } from './tail.ts'

export const partitionMetadataName = 'partition.metadata'

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
  /** After any stop: every byte is checked, below the recovery point too, and every index made anew (a small log that must be right). */
  readonly checksAll?: boolean
  /** What to do with bad bytes below the recovery point: reject with CorruptLogError, or cut them off as Kafka does. */
  readonly onCorruption: 'refuse' | 'cut'
  /** The machine has run on since the log was last written, and with it the page cache: bad bytes are a tear only at the end of a write (`isTear`). */
  readonly machineRanOn?: boolean
  /** From cleaner-offset-checkpoint: the log is clean below. */
  readonly cleanedOffset?: Offset | null
  /** Told once, before the call that failed throws: a sync failed, or a failed write could not be undone. Nothing in the directory may be trusted. */
  readonly onFailure?: (error: DiskError) => void
  /** Told each time bytes of the log do not check, before the call that came across them throws. */
  readonly onRot?: (error: CorruptLogError) => void
  /**
   * A truncation is about to go below the recovery point (or start the log elsewhere): a stored recovery point above `recoveryPoint` must
   * be lowered, durably, before this returns, or the next start would take the truncation for a loss. Throws DiskError.
   */
  readonly beforeLowering?: (recoveryPoint: Offset) => void
  /** A truncation is about to take away what was clean: what is stored of that must be lowered to `cleanedOffset`, durably. Throws DiskError. */
  readonly beforeUncleaning?: (cleanedOffset: Offset) => void
}
