import { assert } from '../base/assert.ts'
import { DiskError, isOutOfSpace } from '../base/ports.ts'
import { type Offset, partitionName, type Timestamp, type Uuid } from '../base/units.ts'
import type { DirectoryIdentity } from './checkpoints.ts'
import { placed } from './checkpointed-offsets.ts'
import { CleanerCheckpoint } from './compaction/cleaner-checkpoint.ts'
import { DirectoryCheckpoints } from './directory/checkpoint-files.ts'
import type { HighWatermarkOf, LogDirectoryOptions, OpenedLogs } from './directory/directory-options.ts'
import { safeTopicName } from './directory-names.ts'
import type { LogConfig } from './log-config.ts'
import type { LogPorts } from './options.ts'
import { CorruptLogError } from './outcomes.ts'
import { FutureLogs } from './directory/future-logs.ts'
import { readIdentity, settleIdentity } from './directory/identity.ts'
import { flushRolledOf, saveEpochsOf } from './directory/each-log.ts'
import { openEach } from './directory/opening-logs.ts'
import { Trust } from './directory/trust.ts'
import { PartitionLog, renamedPath } from './partition-log.ts'
import { ShutdownMarks } from './directory/shutdown-marks.ts'
import { type CorruptLog, findPartitions, type FoundLog, StrayLogs } from './directory/stray-logs.ts'

export type { DirectoryIdentity } from './checkpoints.ts'

const lockName = '.lock'

/**
 * One entry of `log.dirs`: who may use it (lock, meta.properties), the partitions in it, and the checkpoints that speak of all of them.
 */
export class LogDirectory {
  readonly path: string
  /** There is no room: records are refused, all else goes on. Kept by who watches the disk (broker/space). */
  isFull = false
  private readonly ports: LogPorts
  private readonly options: LogDirectoryOptions
  private readonly lock: { release(): void }
  private readonly open = new Map<string, PartitionLog>()
  private readonly doomed: string[] = []
  private readonly strays: StrayLogs
  private known: DirectoryIdentity | null
  private readonly trust: Trust
  private readonly marks: ShutdownMarks
  private opened = false
  private abandoned = false
  private readonly stored: DirectoryCheckpoints
  private readonly cleaned: CleanerCheckpoint
  private readonly moving: FutureLogs
  /** Checkpoints are written one after the other. */
  private writing: Promise<void> = Promise.resolve()

  private constructor(ports: LogPorts, options: LogDirectoryOptions, lock: { release(): void }) {
    this.path = options.path
    this.ports = ports
    this.options = options
    this.lock = lock
    this.trust = new Trust(options.path, (error) => this.onFailed(error))
    this.marks = new ShutdownMarks(ports, options.path)
    this.known = readIdentity(ports, options.path)
    this.stored = new DirectoryCheckpoints(ports, options.path)
    this.strays = new StrayLogs(ports, options.path, options.shared.files)
    this.moving = new FutureLogs(ports)
    this.cleaned = new CleanerCheckpoint(ports, options.path, this.isLive)
  }

  /** Takes the lock (DiskError EAGAIN when another process holds it) and reads meta.properties (CheckpointError when it makes no sense). */
  static open(ports: LogPorts, options: LogDirectoryOptions): LogDirectory {
    ports.disk.makeDirectory(options.path)
    const lock = ports.disk.lock(`${options.path}/${lockName}`)
    try {
      return new LogDirectory(ports, options, lock)
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /** Null when the directory was never formatted. */
  get identity(): DirectoryIdentity | null {
    return this.known
  }

  /** Null while it can be trusted. */
  get failure(): DiskError | null {
    return this.trust.failure
  }

  /** The last shutdown was clean. Known after `readMarks`. */
  get cleanShutdown(): boolean {
    return this.marks.earlierRun.clean
  }

  /** The broker epoch under which all that is here now was here; -1 when something may have been lost since. Known after `openAll`. */
  get previousBrokerEpoch(): number {
    return this.marks.earlierRun.brokerEpoch
  }

  /** Open logs by `topic-partition`. */
  get logs(): ReadonlyMap<string, PartitionLog> {
    return this.open
  }

  /** Copies of logs of other directories, by `topic-partition`, that are to take their place. */
  get futures(): ReadonlyMap<string, PartitionLog> {
    return this.moving.open
  }

  /** Also a copy that could not be opened. */
  hasFuture(name: string): boolean {
    return this.moving.has(name)
  }

  /** Logs that did not open because of bytes that do not check and that no crash can have torn: they are left as they are, until they are set aside. */
  get corrupt(): ReadonlyMap<string, CorruptLog> {
    return this.strays.corrupt
  }

  /** Writes meta.properties; a CheckpointError refuses a directory that belongs to another cluster or node. */
  format(identity: DirectoryIdentity): void {
    this.known = settleIdentity(this.ports, this.path, this.known, identity)
  }

  /** All that was found is open, so that it can be closed cleanly. */
  get isOpened(): boolean {
    return this.opened
  }

  /**
   * Opens every partition found; notes what an earlier delete left; takes away the clean-shutdown mark. `onOpened` is told how many of how many are done. Ends
   * early when the directory is abandoned. Rejects with DiskError.
   */
  async openAll(
    configOf: (topic: string) => LogConfig,
    onOpened: (done: number, all: number) => void = () => undefined,
  ): Promise<OpenedLogs> {
    await this.trust.guard(this.readMarks())
    const found = await this.trust.guard(Promise.resolve().then(() => findPartitions(this.ports, this.path, this.doomed)))
    const failed = await openEach(this.ports, found, {
      concurrency: this.options.openConcurrency,
      isAbandoned: () => this.abandoned,
      open: (it) => this.openFound(it, configOf(it.topic)),
      onOpened,
    })
    for (const { place, error } of failed)
      if (error instanceof CorruptLogError && !place.isFuture)
        this.strays.corrupt.set(partitionName(place.topic, place.partition), { at: place, error })
    this.opened = !this.abandoned
    return {
      logs: [...this.open.values()],
      failed: failed.filter(({ place }) => !place.isFuture).map(({ place, error }) => ({ ...place, error })),
    }
  }

  /** From replication-offset-checkpoint as found at start; 0 when unknown. */
  checkpointedHighWatermark(topic: string, partition: number): Offset {
    return this.stored.offsetOf('highWatermarks', partitionName(topic, partition)) ?? 0
  }

  /** A new empty partition (or the open one). Throws RangeError for names that are not Kafka's; rejects with DiskError. */
  async create(topic: string, partition: number, topicId: Uuid, config: LogConfig): Promise<PartitionLog> {
    if (!safeTopicName(topic) || !Number.isInteger(partition) || partition < 0)
      throw new RangeError(`no partition name: ${topic}-${partition}`)
    const existing = this.open.get(partitionName(topic, partition))
    if (existing !== undefined) return existing
    this.prepareName(topic, partition)
    const path = `${this.path}/${partitionName(topic, partition)}`
    const isNew = !this.ports.disk.exists(path)
    try {
      const log = await this.openLog(path, topic, partition, topicId, config, false)
      this.keep(log)
      return log
    } catch (error) {
      // Half a partition, without its id, would be taken for another topic's by the next start
      if (isNew && isOutOfSpace(error)) this.ports.disk.removeTree(path)
      throw error
    }
  }

  /** Nothing that was here under the name is taken for what comes. */
  private prepareName(topic: string, partition: number): void {
    const name = partitionName(topic, partition)
    this.trust.check()
    this.removeReplaced(topic, partition)
    assert(!this.moving.has(name), 'a directory has a log, or a copy of one that is elsewhere')
    this.trust.guardNow(() => {
      this.cleaned.drop(name)
      this.stored.drop(name, this.isLive)
    })
  }

  /** An empty copy, to take the place of a log in another directory. Rejects with DiskError; ENOSPC leaves nothing. */
  async createFuture(of: PartitionLog, topicId: Uuid): Promise<PartitionLog> {
    const { topic, partition } = of
    assert(!this.open.has(partitionName(topic, partition)), 'the log is here already')
    this.prepareName(topic, partition)
    const path = renamedPath(`${this.path}/${partitionName(topic, partition)}`, this.ports.clock.wall(), '-future')
    try {
      const log = await this.openLog(path, topic, partition, topicId, of.config, false)
      this.moving.add(log)
      return log
    } catch (error) {
      if (isOutOfSpace(error)) this.ports.disk.removeTree(path)
      throw error
    }
  }

  /** The copy takes the place of the log, which is in `from` (`PartitionLog.succeed`). `from.removeReplaced` follows when it was flushed. Throws DiskError. */
  promoteFuture(current: PartitionLog, from: LogDirectory): PartitionLog {
    const name = partitionName(current.topic, current.partition)
    const future = this.moving.open.get(name)
    assert(future !== undefined && from.open.get(name) === current, 'a copy takes the place of a log')
    const log = future.succeed(current, `${this.path}/${name}`)
    this.moving.promoted(name)
    this.open.set(name, log)
    from.open.delete(name)
    from.moving.addReplaced(current)
    return log
  }

  /** A copy that is not wanted any more goes, as `remove` does it. Throws DiskError. */
  removeFuture(topic: string, partition: number): void {
    this.doomed.push(...this.moving.remove(partitionName(topic, partition)))
  }

  /** The log whose place was taken by one elsewhere goes, as `remove` does it. Throws DiskError. */
  removeReplaced(topic: string, partition: number): void {
    this.doomed.push(...this.moving.removeReplaced(partitionName(topic, partition)))
  }

  /** Whether there are `bytes` free: asked before what must not fail half-way. Throws DiskError ENOSPC, and nothing has changed. */
  demandRoom(bytes: number): void {
    if (this.ports.disk.space(this.path).free < bytes) throw new DiskError('ENOSPC', this.path, 'write to')
  }

  /** Renames the partition's directory away; its files go with a later `removeDeleted`. Throws DiskError. */
  remove(topic: string, partition: number): void {
    const name = partitionName(topic, partition)
    const log = this.open.get(name)
    if (log === undefined) return
    this.open.delete(name)
    this.doomed.push(log.deleteOnDisk())
  }

  /** Renames the directory of a partition, open or corrupt, to a `-stray` name that is kept for a while; another one may take its place. Throws DiskError. */
  setAside(topic: string, partition: number): void {
    const name = partitionName(topic, partition)
    this.strays.setAside(name, this.open.get(name) ?? null)
    this.open.delete(name)
  }

  /** What was set aside before `before` is to be removed. Throws DiskError. */
  expireSetAside(before: Timestamp): void {
    for (const path of this.strays.setAsideBefore(before)) if (!this.doomed.includes(path)) this.doomed.push(path)
  }

  /** Removes one renamed directory; false when none is left. Throws DiskError. */
  removeDeleted(): boolean {
    const path = this.doomed[0]
    if (path === undefined) return false
    this.ports.disk.removeTree(path)
    this.doomed.shift()
    return true
  }

  /** Recovery-point, log-start and replication offset checkpoints, durably. `highWatermarkOf` says null for "leave out". */
  writeCheckpoints(highWatermarkOf: HighWatermarkOf): Promise<void> {
    const written = this.writing.then(() => this.writeCheckpointsNow(highWatermarkOf))
    this.writing = written.catch(() => undefined)
    return written
  }

  /** Flushes what rolls left unsynced. Rejects with DiskError; the directory is then offline. */
  flushRolled(): Promise<void> {
    return flushRolledOf(this.live(), this.isOpen)
  }

  private readonly isOpen = (log: PartitionLog): boolean => {
    const name = partitionName(log.topic, log.partition)
    return this.open.get(name) === log || this.futures.get(name) === log
  }

  private readonly isLive = (name: string): boolean => this.open.has(name) || this.futures.has(name)

  private live(): readonly PartitionLog[] {
    return [...this.open.values(), ...this.futures.values()]
  }

  /** The broker has registered under this epoch, and goes on with what is here. */
  noteRunning(brokerEpoch: number): Promise<void> {
    return this.failure === null ? this.marks.noteRunning(brokerEpoch) : Promise.resolve()
  }

  /**
   * Closes all logs, writes checkpoints and the clean-shutdown mark, lets the lock go. A broker that never registered (-1) leaves the epoch that it found.
   * Rejects with DiskError: then without the mark.
   */
  async closeCleanly(highWatermarkOf: HighWatermarkOf, brokerEpoch: number): Promise<void> {
    try {
      this.trust.check()
      for (const log of this.live()) await log.close()
      await this.writeCheckpoints(highWatermarkOf)
      await this.marks.noteClean(brokerEpoch)
    } finally {
      this.abandon()
    }
  }

  /** Lets everything go without writing: after a failure. */
  abandon(): void {
    this.abandoned = true
    for (const log of this.open.values()) log.abandon()
    this.open.clear()
    this.moving.abandon()
    this.lock.release()
  }

  /** How far a log is clean, durably when this resolves. Rejects with DiskError. */
  async noteCleaned(log: PartitionLog): Promise<void> {
    if (log.cleanedOffset === null || !this.isOpen(log)) return
    await this.trust.guard(this.cleaned.raise(placed(log, log.cleanedOffset)))
  }

  private async openFound(found: FoundLog, config: LogConfig): Promise<void> {
    const { topic, partition, path, isFuture } = found
    if (!isFuture) return this.keep(await this.openLog(path, topic, partition, null, config, this.cleanShutdown))
    const name = partitionName(topic, partition)
    try {
      if (this.moving.has(name)) return this.moving.addUnopened(name, path)
      this.moving.add(await this.openLog(path, topic, partition, null, config, this.cleanShutdown))
    } catch (error) {
      this.moving.addUnopened(name, path)
      throw error
    }
  }

  private keep(log: PartitionLog): void {
    const name = partitionName(log.topic, log.partition)
    assert(!this.open.has(name), `${name} was opened twice`)
    if (!this.abandoned) this.open.set(name, log)
  }

  private async openLog(
    directory: string,
    topic: string,
    partition: number,
    topicId: Uuid | null,
    config: LogConfig,
    clean: boolean,
  ): Promise<PartitionLog> {
    const name = partitionName(topic, partition)
    const opening = PartitionLog.open(this.ports, {
      directory,
      topic,
      partition,
      topicId,
      config,
      recoveryPoint: this.stored.offsetOf('recoveryPoints', name) ?? 0,
      logStartOffset: this.stored.offsetOf('logStarts', name) ?? 0,
      cleanShutdown: clean,
      machineRanOn: this.marks.earlierRun.brokerEpoch >= 0,
      shared: this.options.shared,
      producerIdExpirationMs: this.options.producerIdExpirationMs,
      onCorruption: this.options.onCorruption,
      onFailure: (error) => this.trust.lose(error),
      // What a copy has lost is in the log that it is made from
      onRot: (error) => (this.open.has(name) ? this.options.onRot?.(topic, partition, error) : undefined),
      cleanedOffset: this.cleaned.offsetOf(name),
      beforeLowering: (recoveryPoint) => this.trust.guardNow(() => this.stored.lowerRecoveryPoint(name, recoveryPoint)),
      beforeUncleaning: (offset) => this.cleaned.lower(name, offset),
    })
    // A disk that fails here fails for all (LogManager.handleIOException): left unopened, the replica would be missed by nobody
    const log = await this.trust.guard(opening)
    if (this.abandoned) log.abandon()
    return log
  }

  private async writeCheckpointsNow(highWatermarkOf: HighWatermarkOf): Promise<void> {
    this.trust.check()
    await saveEpochsOf(this.ports, this.live(), this.isOpen)
    this.trust.check()
    await this.trust.guard(this.stored.write(this.live(), highWatermarkOf))
  }

  private async readMarks(): Promise<void> {
    const { disk } = this.ports
    this.stored.load()
    this.cleaned.load()
    const { clean } = await this.marks.take()
    if (clean) await this.trust.guard(disk.syncDirectory(this.path))
  }

  private onFailed(error: DiskError): void {
    this.marks.onFailure(error)
    for (const log of this.live()) log.distrust(error)
    this.ports.log.write('error', 'log-directory-offline', `${this.path}: ${error.message}`, { code: error.code })
    this.options.onOffline?.(error)
  }
}
