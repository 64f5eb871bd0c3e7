import type { DiskError } from '../../base/ports.ts'
import type { Offset } from '../../base/units.ts'
import type { LogShared } from '../options.ts'
import type { CorruptLogError } from '../outcomes.ts'
import type { PartitionLog } from '../partition-log.ts'

export interface LogDirectoryOptions {
  readonly path: string
  readonly shared: LogShared
  readonly producerIdExpirationMs: number
  readonly onCorruption: 'refuse' | 'cut'
  /** Logs recovered or opened at once (num.recovery.threads.per.data.dir). */
  readonly openConcurrency: number
  /** Bytes of an open log do not check (`PartitionLogOptions.onRot`). */
  readonly onRot?: (topic: string, partition: number, error: CorruptLogError) => void
  /** Called once when the directory can no longer be trusted. */
  readonly onOffline?: (error: DiskError) => void
}

export interface OpenedLogs {
  readonly logs: readonly PartitionLog[]
  /** Partition directories that could not be opened (CorruptLogError, DiskError); they are left as they are. */
  readonly failed: readonly { readonly topic: string; readonly partition: number; readonly error: Error }[]
}

/** What replication-offset-checkpoint is to say of a log; null for "leave out". */
export type HighWatermarkOf = (log: PartitionLog) => Offset | null
