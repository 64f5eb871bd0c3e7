import type { DiskError } from '../base/ports.ts'
import type { NodeId, Offset, Uuid } from '../base/units.ts'
import type { LogConfig } from './log-config.ts'
import type { LogPorts, LogShared, PartitionLog } from './partition-log.ts'

export interface LogDirectoryOptions {
  readonly path: string
  readonly shared: LogShared
  readonly producerIdExpirationMs: number
  readonly onCorruption: 'refuse' | 'cut'
  /** Logs recovered or opened at once (num.recovery.threads.per.data.dir). */
  readonly openConcurrency: number
  /** Called once when the directory can no longer be trusted. */
  readonly onOffline?: (error: DiskError) => void
}

/** What `meta.properties` says. */
export interface DirectoryIdentity {
  readonly clusterId: string
  readonly nodeId: NodeId
  readonly directoryId: Uuid
}

export interface OpenedLogs {
  readonly logs: readonly PartitionLog[]
  /** Partition directories that could not be opened (CorruptLogError, DiskError); they are left as they are. */
  readonly failed: readonly { readonly topic: string; readonly partition: number; readonly error: Error }[]
}

/** One entry of `log.dirs`. */
export declare class LogDirectory {
  readonly path: string
  /** Takes the lock (DiskError EAGAIN when another process holds it) and reads meta.properties. */
  static open(ports: LogPorts, options: LogDirectoryOptions): LogDirectory
  /** Null when the directory was never formatted. */
  get identity(): DirectoryIdentity | null
  /** Null while it can be trusted. */
  get failure(): DiskError | null
  /** The last shutdown was clean. */
  get cleanShutdown(): boolean
  /** The broker epoch noted at the last clean shutdown; -1 otherwise. */
  get previousBrokerEpoch(): number
  /** Writes meta.properties; refuses (Error) a directory that belongs to another cluster or node. */
  format(identity: DirectoryIdentity): void
  /** Opens every partition found; removes what an earlier delete left; takes away the clean-shutdown mark. */
  openAll(configOf: (topic: string) => LogConfig): Promise<OpenedLogs>
  /** Open logs by `topic-partition`. */
  get logs(): ReadonlyMap<string, PartitionLog>
  /** From replication-offset-checkpoint as found at start; 0 when unknown. */
  checkpointedHighWatermark(topic: string, partition: number): Offset
  /** A new empty partition (or the one that is there). Throws RangeError for names that are not Kafka's. */
  create(topic: string, partition: number, topicId: Uuid, config: LogConfig): Promise<PartitionLog>
  /** Renames the partition's directory away; its files go with a later `removeDeleted`. */
  remove(topic: string, partition: number): void
  /** Removes one renamed directory; false when none is left. */
  removeDeleted(): boolean
  /** recovery-point, log-start and replication offset checkpoints, durably. `highWatermarkOf` may say null for "leave out". */
  writeCheckpoints(highWatermarkOf: (log: PartitionLog) => Offset | null): Promise<void>
  /** Flushes what rolls left unsynced. */
  flushRolled(): Promise<void>
  /** Closes all logs, writes checkpoints and the clean-shutdown mark, lets the lock go. */
  closeCleanly(highWatermarkOf: (log: PartitionLog) => Offset | null, brokerEpoch: number): Promise<void>
  /** Lets everything go without writing: after a failure. */
  abandon(): void
}
