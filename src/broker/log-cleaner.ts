import { type Clock, DiskError, type Entropy, type Log, type Timer } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'
import type { ServerConfig } from '../config/server-config.ts'
import { type CleaningPlan, isDueForCleaning } from '../log/compaction/cleaning-plan.ts'
import { type CleaningMeans, CleanerThrottle } from '../log/compaction/cleaning-run.ts'
import type { Cleaned, CleaningOutcome } from '../log/compaction/cleaning.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { HostedPartition } from './hosted-partition.ts'
import type { HostedPartitions } from './hosted-partitions.ts'

/** Looking for dirty logs costs something for each partition: no more often than this, whatever log.cleaner.backoff.ms says. */
const backoffMinMs: Millis = 50
const secretWords = 4

/**
 * Chooses which compacted log is cleaned next: the dirtiest of those that are due, `log.cleaner.threads` at a time
 * (org.apache.kafka.storage.internals.log.LogCleaner, LogCleanerManager). After a cleaning it looks again at once; when there is nothing to do, after
 * `log.cleaner.backoff.ms`, and so it does with a log whose cleaning ended without success. A log that cannot be read is left alone until the next
 * start. All settings but `log.cleaner.enable` may change at run time.
 */
export class LogCleaner {
  private readonly clock: Clock
  private readonly log: Log
  private readonly hosted: HostedPartitions
  private readonly settings: () => ServerConfig
  private readonly throttle: CleanerThrottle
  private readonly hashSecret: Buffer
  private readonly running = new Map<PartitionLog, Promise<void>>()
  private readonly restsUntil = new WeakMap<PartitionLog, Millis>()
  private readonly uncleanable = new WeakSet<PartitionLog>()
  private timer: Timer | null = null
  private stopped = false

  constructor(
    ports: { readonly clock: Clock; readonly log: Log; readonly entropy: Entropy },
    hosted: HostedPartitions,
    settings: () => ServerConfig,
  ) {
    this.clock = ports.clock
    this.log = ports.log
    this.hosted = hosted
    this.settings = settings
    this.throttle = new CleanerThrottle(ports.clock)
    this.hashSecret = Buffer.alloc(secretWords * 4)
    for (let i = 0; i < secretWords; i++) this.hashSecret.writeUInt32LE(ports.entropy.uint32(), i * 4)
  }

  start(): void {
    if (this.settings().logCleanerEnable) this.lookLater()
  }

  /** Resolves when no log is being cleaned any more: soon, as each cleaning ends where it is. */
  async stop(): Promise<void> {
    this.stopped = true
    this.timer?.cancel()
    await Promise.all(this.running.values())
  }

  private lookLater(): void {
    this.timer?.cancel()
    if (!this.stopped) this.timer = this.clock.after(Math.max(backoffMinMs, this.settings().logCleanerBackoffMs), () => this.look())
  }

  private look(): void {
    this.lookLater()
    while (!this.stopped && this.running.size < this.settings().logCleanerThreads) {
      const partition = this.dirtiest()
      if (partition === null) return
      const work = this.clean(partition).then((success) => {
        this.running.delete(partition.log)
        if (success) this.look()
        else this.restsUntil.set(partition.log, this.clock.mono() + this.settings().logCleanerBackoffMs)
      })
      this.running.set(partition.log, work)
    }
  }

  private dirtiest(): HostedPartition | null {
    let best: HostedPartition | null = null
    let bestRatio = -1
    for (const partition of this.hosted.all()) {
      const plan = this.planOf(partition)
      if (plan === null || plan.dirtyRatio <= bestRatio) continue
      best = partition
      bestRatio = plan.dirtyRatio
    }
    return best
  }

  /** Null: not now. */
  private planOf(partition: HostedPartition): CleaningPlan | null {
    const { log, replica, directory } = partition
    // What is on its way to another directory is left as it is until it is there (LogManager.abortAndPauseCleaning)
    if (directory.failure !== null || partition.move !== null || this.running.has(log) || this.uncleanable.has(log)) return null
    if ((this.restsUntil.get(log) ?? 0) > this.clock.mono()) return null
    try {
      const plan = log.planCleaning(replica.highWatermark, this.clock.wall())
      return plan !== null && isDueForCleaning(plan, log.config.minCleanableDirtyRatio) ? plan : null
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      return null
    }
  }

  /** True: something was cleaned. */
  private async clean(partition: HostedPartition): Promise<boolean> {
    const { log, replica, directory } = partition
    const started = this.clock.mono()
    const outcome = await log.clean(this.means(), replica.highWatermark, this.clock.wall())
    if (outcome.kind !== 'cleaned') {
      this.tellFailure(partition, outcome)
      return false
    }
    try {
      await directory.noteCleaned(log)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.log.write('error', 'cleaner-checkpoint-failed', `${partition.name}: ${error.message}`)
      return false
    }
    this.tellSuccess(partition, outcome, this.clock.mono() - started)
    return true
  }

  private means(): CleaningMeans {
    const settings = this.settings()
    const share = Math.max(1, settings.logCleanerThreads)
    return {
      dedupeBytesMax: settings.logCleanerDedupeBufferSize / share,
      loadFactor: settings.logCleanerIoBufferLoadFactor,
      ioBufferBytes: Math.max(1, Math.floor(settings.logCleanerIoBufferSize / share / 2)),
      throttle: this.throttle,
      bytesPerSecondMax: settings.logCleanerIoMaxBytesPerSecond,
      hashSecret: this.hashSecret,
      isStopped: () => this.stopped,
    }
  }

  private tellSuccess(partition: HostedPartition, done: Cleaned, ms: Millis): void {
    const { bytesBefore, bytesAfter, cleanedOffset } = done
    this.log.write(
      'info',
      'log-cleaned',
      `${partition.name}: clean below ${cleanedOffset}; ${bytesBefore} bytes became ${bytesAfter} in ${Math.round(ms)} ms`,
      { bytesBefore, bytesAfter, cleanedOffset },
    )
    if (done.batchesInSubstituteCodec === 0) return
    this.log.write(
      'warn',
      'codec-substituted',
      `${partition.name}: ${done.batchesInSubstituteCodec} batches were stored in gzip, as this Node cannot compress in their codec`,
    )
  }

  private tellFailure(partition: HostedPartition, outcome: Exclude<CleaningOutcome, Cleaned>): void {
    if (outcome.kind === 'failed')
      this.log.write('error', 'cleaning-failed', `${partition.name}: ${outcome.error.message}; tried again later`)
    if (outcome.kind !== 'uncleanable') return
    this.uncleanable.add(partition.log)
    this.log.write('error', 'log-uncleanable', `${partition.name} is not compacted until the next start: ${outcome.error.message}`)
  }
}
