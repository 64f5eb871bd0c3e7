import { DiskError, isOutOfSpace, type Log } from '../../base/ports.ts'
import type { Millis, Offset, Uuid } from '../../base/units.ts'
import type { LogDirectory } from '../../log/log-directory.ts'
import { CorruptLogError } from '../../log/outcomes.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import type { HostedPartition } from '../hosted-partition.ts'
import type { Pace } from './pace.ts'
import { CopyError, ReplicaCopy } from './replica-copy.ts'

/** What a move needs of its broker. */
export interface MoveSurroundings {
  readonly log: Log
  readonly pace: Pace
  /** The directory in which metadata says that this broker's replica is. */
  placeOf(partition: HostedPartition): Uuid | undefined
  /** Tells the controller where the replica is (to be). */
  tell(partition: HostedPartition, directory: LogDirectory): void
  /** There is room to spare in the directory, beyond what its own replicas may need. */
  hasRoom(directory: LogDirectory, bytes: number): boolean
  /** A write found no room there. */
  refused(directory: LogDirectory): void
  ended(move: ReplicaMove, how: 'moved' | 'given up'): void
}

/** Read and appended in one step. */
const stepBytes = 1024 * 1024
/** Copied at most within the turn in which the copy takes the place of the log. */
const lastBytesMax = 4 * 1024 * 1024
/** Before it is looked again whether there is room. */
const noRoomPauseMs: Millis = 500
/** … whether metadata has heard of it; whether there is more to copy. */
const waitPauseMs: Millis = 20
const attemptsMax = 5

/**
 * A replica on its way to another log directory of its broker (KIP-113, KIP-858; ReplicaAlterLogDirsThread, Partition.maybeReplaceCurrentWithFutureReplica).
 *
 *   copying --the copy has all--> announced --metadata says so, the copy has all, durably--> moved --the new name is durable--> over
 *      |  ^-there is room again-.     |                                                        the old files go
 *      '--no room--> waiting ---'     '-- given up (another request, a failed directory): the controller is told the old place again
 *
 *  1. The log is served, appended to and cut as ever; a cut is made in the copy in the same turn. Nobody waits for a copy.
 *  2. The controller knows the new place before the copy takes the log's place (KIP-858): should that directory fail then, it is known who is in it. In
 *     between the log is where metadata does not say; a failure of its directory tells the controller so (`left`).
 *  3. The copy takes the place of the log in one turn in which it has all that the log has, and as much of it durably: while that is brought about flushes
 *     of the log are held back, so that nothing is promised meanwhile that the copy could not keep (`PartitionLog.succeed`).
 *  4. The old files stay under their name until the new name is durable. A crash in between leaves both: the log is where metadata says, which is the new place.
 *  5. A copy in a directory without room to spare waits; it never takes the room that the replicas of that directory need.
 */
export class ReplicaMove {
  readonly partition: HostedPartition
  readonly target: LogDirectory
  private readonly around: MoveSurroundings
  private readonly copy: ReplicaCopy
  private isPrepared = false
  private hasAnnounced = false
  /** Where the old files are. */
  private from: LogDirectory | null = null
  private state: 'copying' | 'moved' | 'over' = 'copying'

  constructor(partition: HostedPartition, target: LogDirectory, future: PartitionLog, around: MoveSurroundings) {
    this.partition = partition
    this.target = target
    this.around = around
    this.copy = new ReplicaCopy(partition.log, future)
  }

  /** The copy; null when it has become the log. */
  get future(): PartitionLog | null {
    return this.state === 'copying' ? this.copy.log : null
  }

  get lag(): Offset {
    return this.copy.lag
  }

  /** Where metadata is to say that the replica is. */
  get place(): LogDirectory {
    return this.hasAnnounced ? this.target : this.partition.directory
  }

  /** The old files are still there, and the move can no longer be given up. */
  get isMoved(): boolean {
    return this.state === 'moved'
  }

  /** In the turn in which the log was cut. */
  truncated(): void {
    if (this.state !== 'copying') return
    try {
      this.copy.truncated()
    } catch (error) {
      this.onError(error)
    }
  }

  /** Resolves when the move is over, well or not. */
  async run(): Promise<void> {
    while (this.state === 'copying') await this.attempt(() => this.goOn())
    if (this.state === 'moved') await this.settle()
  }

  /** Given up: the copy goes, the controller is told the old place if it has heard of the new one. */
  giveUp(why: string): void {
    if (this.state !== 'copying') return
    this.leave()
    this.around.log.write('info', 'replica-move-given-up', `${this.partition.name} stays in ${this.partition.directory.path}: ${why}`)
    if (this.target.failure !== null) return
    try {
      this.target.removeFuture(this.partition.topic, this.partition.partition)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.around.log.write('warn', 'replica-copy-not-removed', `${this.copy.log.directory}: ${error.message}`)
    }
  }

  /** The replica's own directory has failed, or the broker ends: the copy stays as it is. */
  leave(): void {
    if (this.state !== 'copying') return
    this.state = 'over'
    if (this.hasAnnounced) this.around.tell(this.partition, this.partition.directory)
    this.hasAnnounced = false
    this.around.ended(this, 'given up')
  }

  /** Also when the partition goes from this broker. Throws DiskError. */
  removeOld(): void {
    this.from?.removeReplaced(this.partition.topic, this.partition.partition)
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.onError(error)
      if (this.state === 'copying') await this.around.pace.pause(noRoomPauseMs)
    }
  }

  private async goOn(): Promise<void> {
    const { pace } = this.around
    if (this.target.isFull || !this.around.hasRoom(this.target, stepBytes)) return pace.pause(noRoomPauseMs)
    if (!this.isPrepared) return this.prepare()
    const bytes = await pace.inTurn(() => (this.state === 'copying' ? this.copy.step(stepBytes) : Promise.resolve(0)))
    if (this.state !== 'copying') return
    if (bytes > 0) return pace.rest(() => this.state !== 'copying')
    if (!this.hasAnnounced) this.announce()
    if (this.isKnown) await this.takePlace()
    else await pace.pause(waitPauseMs)
  }

  /** What a cleaning has taken out of the log leaves gaps between batches, which elsewhere would be a loss. */
  private async prepare(): Promise<void> {
    const { cleanedOffset, config } = this.partition.log
    if (cleanedOffset !== null || config.cleanupCompact) this.copy.log.noteCleanedSource(0)
    this.copy.align()
    await this.target.noteCleaned(this.copy.log)
    this.isPrepared = true
  }

  private announce(): void {
    this.hasAnnounced = true
    if (!this.isKnown) this.around.tell(this.partition, this.target)
  }

  private get isKnown(): boolean {
    const known = this.around.placeOf(this.partition)
    return known !== undefined && known === this.target.identity?.directoryId
  }

  /** Flushes of the log are held back for about as long as one of them takes. */
  private async takePlace(): Promise<void> {
    const { partition, copy } = this
    await copy.log.flush()
    partition.holdFlushes(true)
    try {
      for (let attempts = 0; attempts < attemptsMax && this.state === 'copying'; attempts += 1) {
        while (this.state === 'copying' && copy.lag > 0 && (await copy.step(stepBytes)) > 0);
        if (this.state !== 'copying') return
        await copy.log.flush()
        if (this.state !== 'copying' || !this.isKnown) return
        if (this.swap()) return
      }
    } finally {
      partition.holdFlushes(false)
    }
    await this.around.pace.pause(waitPauseMs)
  }

  /** All in one turn. False: not yet. */
  private swap(): boolean {
    const { partition, copy, target } = this
    if (!copy.stepNow(lastBytesMax) || copy.log.isFlushing || copy.log.flushedOffset < partition.log.flushedOffset) return false
    if (target.failure !== null || partition.directory.failure !== null) return false
    const from = partition.directory
    const old = partition.log
    partition.moveTo(target.promoteFuture(old, from), target)
    this.state = 'moved'
    this.from = from
    return true
  }

  /** The old files go when the new name is durable; when it cannot be made durable the directory has failed, and they stay. */
  private async settle(): Promise<void> {
    const { partition, from, target } = this
    try {
      await partition.log.flush()
      this.removeOld()
      this.around.log.write('info', 'replica-moved', `${partition.name} is in ${target.path} now, no longer in ${from?.path ?? ''}`)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.around.log.write(
        'warn',
        'replica-move-unsettled',
        `${partition.name}: ${error.message}; old files of it are left in ${from?.path ?? ''}`,
      )
    }
    this.state = 'over'
    this.around.ended(this, 'moved')
  }

  private onError(error: unknown): void {
    if (isOutOfSpace(error)) return this.around.refused(this.target)
    if (!(error instanceof DiskError || error instanceof CorruptLogError || error instanceof CopyError)) throw error
    this.giveUp(error.message)
  }
}
