import { assert } from '../base/assert.ts'
import { type Clock, DiskError } from '../base/ports.ts'
import { type Epoch, type Millis, type NodeId, type Offset, partitionName, type Timestamp, type Uuid } from '../base/units.ts'
import type { LogDirectory } from '../log/log-directory.ts'
import type { LogConfig } from '../log/log-config.ts'
import type { AppendOutcome, FollowerOutcome } from '../log/outcomes.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { baseOffsetAt, batchHeaderBytes, lastOffsetAt } from '../protocol/records/batch-header.ts'
import type { TouchKind } from '../replication/fetch-sessions.ts'
import {
  type PartitionEffect,
  type PartitionInput,
  PartitionReplica,
  type PartitionReplicaOptions,
} from '../replication/partition-replica.ts'
import { type Settled, Settling } from './settling.ts'
import type { Sleeper, WakeQueue } from './wake-queue.ts'

/** Where effects go that concern more than the partition itself. */
export interface PartitionSurroundings {
  readonly clock: Clock
  readonly wakeQueue: WakeQueue
  proposeIsr(partition: HostedPartition, effect: Extract<PartitionEffect, { type: 'proposeIsr' }>): void
  follow(partition: HostedPartition, leader: NodeId, epoch: Epoch): void
  /** The partition is led here now, or by nobody: fetch it from no one. */
  unfollow(partition: HostedPartition): void
  isrChanged(partition: HostedPartition, isr: readonly NodeId[]): void
  becameLeader(partition: HostedPartition): void
  /** Something of the partition that a fetch may show has changed. */
  touched(partition: HostedPartition, kind: TouchKind): void
}

/** What a truncation writes (checkpoints, indexes, a snapshot) is less: failing half-way would cost the directory. */
const truncationBytes = 64 * 1024

export type ProduceDone = (error: ErrorCode) => void

/**
 * One replica on this broker: its log and its machine. Drives the machine: every input goes through `tell`, and its effects are carried out
 * before `tell` returns. Records pass from the network to the log and back here; the machine learns offsets only.
 */
export class HostedPartition implements Sleeper {
  readonly topic: string
  readonly partition: number
  readonly topicId: Uuid
  readonly name: string
  readonly replica: PartitionReplica
  /** On its way to another log directory. */
  move: { readonly future: PartitionLog | null; truncated(): void } | null = null
  private currentLog: PartitionLog
  private currentDirectory: LogDirectory
  private readonly settling: Settling
  private readonly around: PartitionSurroundings
  private readonly produces = new Map<number, ProduceDone>()
  private readonly lowWatermarkWaiters = new Set<() => void>()
  private nextTicket = 1
  /** Whom this replica is to fetch from, also while it does not for want of room. */
  private following: { readonly leader: NodeId; readonly epoch: Epoch } | null = null
  private isPaused = false
  /** Rot was found in its log: it is not to be fetched on. */
  private isDistrusted = false

  constructor(topicId: Uuid, log: PartitionLog, directory: LogDirectory, options: PartitionReplicaOptions, around: PartitionSurroundings) {
    this.topic = log.topic
    this.partition = log.partition
    this.topicId = topicId
    this.name = partitionName(log.topic, log.partition)
    this.currentLog = log
    this.currentDirectory = directory
    this.replica = new PartitionReplica(options)
    this.around = around
    this.settling = new Settling(log, around.clock, () => this.onSettled())
    this.isPaused = directory.isFull
  }

  get log(): PartitionLog {
    return this.currentLog
  }

  get directory(): LogDirectory {
    return this.currentDirectory
  }

  get isLeader(): boolean {
    return this.replica.role === 'leader'
  }

  /** The log counts up to here: see `Settling`. */
  get settledOffset(): Offset {
    return this.settling.offset
  }

  /** All of the log counts: a fetch from its end claims nothing that a loss of power may take against the topic's `flush.messages`. */
  get isSettled(): boolean {
    return this.settling.isSettled
  }

  /** Calls `done` when the log counts up to `offset`, with false if it will not here. */
  awaitSettled(offset: Offset, done: Settled): void {
    this.settling.await(offset, done)
  }

  /** Rejects with DiskError; the directory has failed then. */
  flush(): Promise<void> {
    return this.settling.flushNow()
  }

  /** The topic's configuration changed. What `flush.messages` asks for now is asked of all that is there already. */
  configure(config: LogConfig, minInsyncReplicas: number): void {
    this.log.config = config
    this.settling.look()
    this.tell({ type: 'configured', minInsyncReplicas })
    this.onSettled()
  }

  private onSettled(): void {
    this.tell({ type: 'settled', settledOffset: this.settling.offset })
  }

  /** No flush begins that `flush.messages` asks for; whoever waits for one waits a little longer. */
  holdFlushes(isHeld: boolean): void {
    this.settling.hold(isHeld)
  }

  /** A copy of the log in another directory has taken its place (`PartitionLog.succeed`). */
  moveTo(log: PartitionLog, directory: LogDirectory): void {
    assert(log.logEndOffset === this.log.logEndOffset && log.logStartOffset === this.log.logStartOffset, `${this.name}: moved as it is`)
    this.currentLog = log
    this.currentDirectory = directory
    this.settling.goOnIn(log)
    this.pause(directory.isFull)
  }

  distrust(): void {
    this.isDistrusted = true
    this.around.unfollow(this)
  }

  tell(input: PartitionInput): void {
    const effects = this.replica.step(this.around.clock.mono(), input)
    if (effects.length > 0) this.carryOut(effects)
    this.around.wakeQueue.look(this)
  }

  wakeAt(): Millis {
    return this.replica.wakeAt()
  }

  wake(now: Millis): void {
    this.carryOut(this.replica.wake(now))
  }

  /** Batches that were checked by the caller, to a partition led here. @throws DiskError, with nothing changed */
  appendAsLeader(records: Buffer, now: Timestamp): AppendOutcome {
    assert(this.isLeader, `${this.name} is not led here`)
    this.demandRoom()
    const outcome = this.log.appendAsLeader(records, this.replica.leaderEpoch, now)
    if (outcome.kind === 'appended') this.onAppended()
    return outcome
  }

  /** What the leader answered to a fetch in `epoch`. @throws DiskError, with nothing changed */
  appendAsFollower(records: Buffer, epoch: Epoch): FollowerOutcome {
    this.demandRoom()
    const start = this.startInsideBatch(records)
    if (start !== null) this.directory.demandRoom(records.length + truncationBytes)
    if (start !== null) this.log.truncateFullyAndStartAt(baseOffsetAt(records, 0))
    if (start !== null) this.move?.truncated()
    const outcome = this.log.appendAsFollower(records, epoch)
    if (start !== null) this.log.advanceLogStartOffset(Math.min(start, this.log.logEndOffset))
    if (outcome.kind === 'appended' && outcome.batches > 0) this.tellAppended()
    return outcome
  }

  /**
   * The leader's log may start in the middle of a batch (DeleteRecords): a new replica, empty and starting there, is given that batch whole.
   * It takes the batch from its beginning and then starts where it did (KAFKA-6361, Partition.appendRecordsToFollowerOrFutureReplica).
   */
  private startInsideBatch(records: Buffer): Offset | null {
    const { logStartOffset, logEndOffset } = this.log
    if (logStartOffset !== logEndOffset || records.length < batchHeaderBytes) return null
    return baseOffsetAt(records, 0) < logEndOffset && lastOffsetAt(records, 0) >= logEndOffset ? logStartOffset : null
  }

  private tellAppended(): void {
    this.settling.look()
    this.tell({ type: 'appended', logEndOffset: this.log.logEndOffset, settledOffset: this.settling.offset })
  }

  private onAppended(): void {
    this.tellAppended()
    this.around.touched(this, 'appended')
  }

  /** Before any record is written: a directory that is known to be full is not tried. @throws DiskError ENOSPC */
  private demandRoom(): void {
    if (this.directory.isFull) throw new DiskError('ENOSPC', this.directory.path, `${this.name}: append in`)
  }

  /** While paused nothing is fetched, so that a replica without room does not claim to be in sync. */
  pause(isPaused: boolean): void {
    if (isPaused === this.isPaused) return
    this.isPaused = isPaused
    if (this.following === null || this.isDistrusted) return
    if (isPaused) this.around.unfollow(this)
    else this.around.follow(this, this.following.leader, this.following.epoch)
  }

  /** @throws DiskError: ENOSPC with nothing changed */
  truncateTo(offset: Offset): void {
    this.directory.demandRoom(truncationBytes)
    this.log.truncateTo(offset)
    this.move?.truncated()
    this.settling.look()
    this.tell({ type: 'truncated', logEndOffset: this.log.logEndOffset })
  }

  /** @throws DiskError: ENOSPC with nothing changed */
  truncateFullyAndStartAt(offset: Offset): void {
    this.directory.demandRoom(truncationBytes)
    this.log.truncateFullyAndStartAt(offset)
    this.move?.truncated()
    this.settling.look()
    this.tell({ type: 'truncated', logEndOffset: this.log.logEndOffset })
    this.tell({ type: 'logStartMoved', logStartOffset: this.log.logStartOffset })
  }

  moveLogStart(offset: Offset): void {
    if (!this.log.advanceLogStartOffset(offset)) return
    this.logStartMoved()
  }

  /** Also after retention has deleted segments. */
  logStartMoved(): void {
    this.tell({ type: 'logStartMoved', logStartOffset: this.log.logStartOffset })
    this.around.touched(this, 'state')
  }

  /** Calls `done` when all in-sync replicas have what ends at `lastOffset`, or why they have not by `deadline`. */
  awaitCommit(lastOffset: Offset, deadline: Millis, done: ProduceDone): void {
    const ticket = this.nextTicket
    this.nextTicket += 1
    this.produces.set(ticket, done)
    this.tell({ type: 'produce', ticket, lastOffset, deadline })
  }

  /** Calls `look` at each rise of the low watermark, and when leadership is lost, until the returned function is called. */
  watchLowWatermark(look: () => void): () => void {
    this.lowWatermarkWaiters.add(look)
    return () => this.lowWatermarkWaiters.delete(look)
  }

  private carryOut(effects: readonly PartitionEffect[]): void {
    for (const effect of effects) this.carryOutOne(effect)
  }

  private carryOutOne(effect: PartitionEffect): void {
    switch (effect.type) {
      case 'highWatermark':
        return this.around.touched(this, 'highWatermark')
      case 'lowWatermark':
        for (const look of this.lowWatermarkWaiters) look()
        return
      case 'produceDone': {
        const done = this.produces.get(effect.ticket)
        assert(done !== undefined, `${this.name}: produce ${effect.ticket} is answered twice`)
        this.produces.delete(effect.ticket)
        // Of a directory that has failed nothing is acknowledged, until the process has started anew and looked at what is there (S-6)
        return done(this.log.failure === null ? effect.error : ErrorCode.KAFKA_STORAGE_ERROR)
      }
      case 'proposeIsr':
        return this.around.proposeIsr(this, effect)
      case 'isrChanged':
        return this.around.isrChanged(this, effect.isr)
      case 'becameLeader':
        this.following = null
        this.log.assignEpochStart(effect.epoch, effect.epochStartOffset)
        this.around.unfollow(this)
        this.around.touched(this, 'state')
        return this.around.becameLeader(this)
      case 'becameFollower':
        this.following = effect.leader < 0 ? null : { leader: effect.leader, epoch: effect.epoch }
        if (effect.leader < 0 || this.isPaused || this.isDistrusted) return this.around.unfollow(this)
        return this.around.follow(this, effect.leader, effect.epoch)
      case 'lostLeadership':
        this.settling.giveUp()
        for (const look of this.lowWatermarkWaiters) look()
        return this.around.touched(this, 'state')
    }
  }

  /** Not hosted any more: all who wait are answered, nothing is fetched. The log is the caller's to remove or abandon. */
  unhost(): void {
    this.settling.stop()
    this.tell({ type: 'unassigned' })
    this.following = null
    this.around.unfollow(this)
    this.around.wakeQueue.forget(this)
    assert(this.produces.size === 0, `${this.name} left ${this.produces.size} produces unanswered`)
  }
}
