import { type Clock, DiskError, isOutOfSpace, type Log, type Timer } from '../base/ports.ts'
import type { Millis, Offset } from '../base/units.ts'
import type { LogDirectory } from '../log/log-directory.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { HostedPartition } from './hosted-partition.ts'
import type { HostedPartitions } from './hosted-partitions.ts'

export interface UpkeepOptions {
  /** `replica.high.watermark.checkpoint.interval.ms` */
  readonly checkpointIntervalMs: Millis
  /** `log.retention.check.interval.ms` */
  readonly retentionIntervalMs: Millis
  /** `producer.id.expiration.check.interval.ms` */
  readonly producerExpiryIntervalMs: Millis
}

/** Between two directories that are removed, so that deleting a large topic never holds up the loop for long. */
const removalPauseMs: Millis = 20
/** Before deleted files are looked for again when none was found. */
const removalIdleMs: Millis = 5_000
/** `flush.ms` is looked at this often where a topic has it. */
const flushLookMs: Millis = 1_000
/** For so long the files of a replica that was given up are kept for whoever wants to look at them. */
const setAsideKeptMs: Millis = 7 * 24 * 3_600_000
/** Partitions looked at in one turn. */
const partitionsPerTurn = 64

/** What a broker does by itself, now and then: checkpoints, retention, flushes, forgetting producers, removing what was deleted. */
export class Upkeep {
  private readonly clock: Clock
  private readonly log: Log
  private readonly hosted: HostedPartitions
  private readonly directories: readonly LogDirectory[]
  private readonly options: UpkeepOptions
  private readonly timers = new Map<string, Timer>()
  private readonly flushedAt = new WeakMap<HostedPartition, Millis>()
  private stopped = false

  constructor(
    ports: { readonly clock: Clock; readonly log: Log },
    hosted: HostedPartitions,
    directories: readonly LogDirectory[],
    options: UpkeepOptions,
  ) {
    this.clock = ports.clock
    this.log = ports.log
    this.hosted = hosted
    this.directories = directories
    this.options = options
  }

  start(): void {
    this.every('checkpoints', this.options.checkpointIntervalMs, () => this.writeCheckpoints())
    this.every('retention', this.options.retentionIntervalMs, () => this.eachPartition((it) => this.retain(it)))
    this.every('set aside', this.options.retentionIntervalMs, () => this.expireSetAside())
    this.every('producers', this.options.producerExpiryIntervalMs, () =>
      this.eachPartition((it) => it.log.expireProducers(this.clock.wall())),
    )
    this.every('flush', flushLookMs, () => this.eachPartition((it) => this.flushIfDue(it)))
    this.removeLater(removalIdleMs)
  }

  stop(): void {
    this.stopped = true
    for (const timer of this.timers.values()) timer.cancel()
    this.timers.clear()
  }

  /** What the high watermark checkpoint says of a log: nothing for one that metadata has not been heard about yet. */
  highWatermarkOf = (log: PartitionLog): Offset | null => {
    const hosted = this.hosted.byName(log.topic, log.partition)
    if (hosted === undefined) return null
    if (hosted.log === log) return hosted.replica.highWatermark
    // A copy on its way to take the place of the log
    return hosted.move?.future === log ? Math.min(hosted.replica.highWatermark, log.logEndOffset) : null
  }

  private every(what: string, interval: Millis, work: () => Promise<void>): void {
    const turn = (): void => {
      void this.attempt(what, work).then(() => {
        if (!this.stopped) this.timers.set(what, this.clock.after(interval, turn))
      })
    }
    this.timers.set(what, this.clock.after(interval, turn))
  }

  /** A disk that fails is the directory's to report; the upkeep of the others goes on. */
  private async attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.log.write(isOutOfSpace(error) ? 'warn' : 'error', 'upkeep-failed', `${what}: ${error.message}`)
    }
  }

  private async writeCheckpoints(): Promise<void> {
    for (const directory of this.directories) {
      if (directory.failure !== null) continue
      await directory.flushRolled()
      await directory.writeCheckpoints(this.highWatermarkOf)
    }
  }

  private expireSetAside(): Promise<void> {
    for (const directory of this.directories) if (directory.failure === null) directory.expireSetAside(this.clock.wall() - setAsideKeptMs)
    return Promise.resolve()
  }

  private async eachPartition(work: (partition: HostedPartition) => void | Promise<void>): Promise<void> {
    let inTurn = 0
    for (const partition of [...this.hosted.all()]) {
      if (this.stopped || partition.directory.failure !== null) continue
      await work(partition)
      inTurn += 1
      if (inTurn % partitionsPerTurn === 0) await new Promise<void>((resolve) => void this.clock.after(0, resolve))
    }
  }

  private retain(partition: HostedPartition): void {
    this.unlessFull(partition, () => partition.log.rollIfDue(this.clock.wall()))
    this.unlessFull(partition, () => this.deleteOld(partition))
  }

  /** A roll needs a little room, deleting needs none: what one partition lacks must not keep others from giving room back. */
  private unlessFull(partition: HostedPartition, work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!isOutOfSpace(error)) throw error
      this.log.write('debug', 'retention-needs-room', `${partition.name}: ${error.message}`)
    }
  }

  private deleteOld(partition: HostedPartition): void {
    const deleted = partition.log.deleteOldSegments(partition.replica.highWatermark, this.clock.wall())
    if (deleted === 0) return
    partition.logStartMoved()
    this.log.write(
      'info',
      'segments-deleted',
      `${partition.name}: ${deleted} segments are past their retention; the log starts at ${partition.log.logStartOffset}`,
    )
  }

  private async flushIfDue(partition: HostedPartition): Promise<void> {
    const { log } = partition
    const unflushed = log.logEndOffset - log.flushedOffset
    if (unflushed <= 0) return
    const { flushMs } = log.config
    const now = this.clock.mono()
    const since = this.flushedAt.get(partition)
    if (flushMs < Number.MAX_SAFE_INTEGER && since === undefined) this.flushedAt.set(partition, now)
    if (since === undefined || now - since < flushMs) return
    this.flushedAt.delete(partition)
    await partition.flush()
  }

  private removeLater(pause: Millis): void {
    if (this.stopped) return
    this.timers.set(
      'removal',
      this.clock.after(pause, () => {
        const removed = this.directories.some((directory) => directory.failure === null && this.removeOne(directory))
        this.removeLater(removed ? removalPauseMs : removalIdleMs)
      }),
    )
  }

  private removeOne(directory: LogDirectory): boolean {
    try {
      return directory.removeDeleted()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.log.write('warn', 'removal-failed', error.message)
      return false
    }
  }
}
