import { assert, unreachable } from '../base/assert.ts'
import { NEVER, NO_EPOCH, NO_NODE, NO_OFFSET, type Epoch, type Millis, type NodeId, type Offset, type Uuid } from '../base/units.ts'
import type { Machine, Ticket } from '../base/machine.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { EffectList } from './effect-list.ts'
import { Leadership, type LeadershipHost } from './leadership.ts'

/** What the partition needs to know of other brokers; the driver answers from the newest metadata it has applied. */
export interface BrokerView {
  /** Registered with exactly this broker epoch (-1: any), not fenced, not in controlled shutdown (KIP-841, KIP-903). */
  isEligibleForIsr(brokerId: NodeId, brokerEpoch: number): boolean
  /** The broker epoch of the registration known here; -1 when there is none. For this broker itself: its own current epoch. */
  brokerEpoch(brokerId: NodeId): number
}

export interface PartitionReplicaOptions {
  readonly brokerId: NodeId
  readonly brokers: BrokerView
  /** `replica.lag.time.max.ms`: a member of the ISR that has been behind for longer is proposed for removal. */
  readonly replicaLagTimeMaxMs: Millis
  /** How long to wait before an AlterPartition of unknown outcome is sent again, and before a refused candidate is looked at again. */
  readonly isrRetryBackoffMs: Millis
}

/** 0 RECOVERED; 1 RECOVERING: after an unclean election, until the leader's next ISR change. */
export type LeaderRecoveryState = 0 | 1

/** What metadata says of the partition, and where this broker's log stands at that moment. */
export interface PartitionAssignment {
  readonly topicId: Uuid
  readonly replicas: readonly NodeId[]
  readonly isr: readonly NodeId[]
  /** The metadata was replaced as a whole (a snapshot): what the partition went through since the assignment before is not known. */
  readonly isReplaced?: boolean
  /** -1: nobody leads. */
  readonly leader: NodeId
  readonly leaderEpoch: Epoch
  readonly partitionEpoch: Epoch
  readonly leaderRecoveryState: LeaderRecoveryState
  readonly addingReplicas: readonly NodeId[]
  readonly removingReplicas: readonly NodeId[]
  /** `min.insync.replicas` of the topic; the effective minimum is the lesser of it and the number of replicas. */
  readonly minInsyncReplicas: number
  readonly logEndOffset: Offset
  /** As of `appended`. */
  readonly settledOffset?: Offset
  readonly logStartOffset: Offset
  /** From the high watermark checkpoint; looked at only when the partition was not hosted before. */
  readonly storedHighWatermark: Offset
}

export interface IsrMember {
  readonly brokerId: NodeId
  /** -1: not known (bypasses the controller's check of KIP-903, as for members that have not fetched from this leader yet). */
  readonly brokerEpoch: number
}

/** The controller's word on one proposal, or that there was none (`error` NETWORK_EXCEPTION or REQUEST_TIMED_OUT: the outcome is unknown). */
export type IsrAnswer =
  | { readonly error: typeof ErrorCode.NONE; readonly isr: readonly NodeId[]; readonly leaderEpoch: Epoch; readonly partitionEpoch: Epoch }
  | { readonly error: Exclude<ErrorCode, typeof ErrorCode.NONE> }

export type PartitionInput =
  /** Metadata said something about the partition, new or not. An older `partitionEpoch` than known is ignored. */
  | { readonly type: 'assigned'; readonly assignment: PartitionAssignment }
  /** The partition is no longer hosted here: deleted, reassigned away, or its log directory failed. */
  | { readonly type: 'unassigned' }
  /** `min.insync.replicas` of the topic changed. */
  | { readonly type: 'configured'; readonly minInsyncReplicas: number }
  /** Fencing, shutdown or registration of some broker changed: `BrokerView` may answer otherwise than before. */
  | { readonly type: 'brokersChanged' }
  /**
   * The local log now ends here: the leader appended, or a follower copied. Below `settledOffset` it is as durable as the topic asks
   * (`flush.messages`), and counts for the high watermark of a leader; absent: all of it.
   */
  | { readonly type: 'appended'; readonly logEndOffset: Offset; readonly settledOffset?: Offset }
  /** A flush is done: the local log counts up to here. Never below what was said before, but after a truncation. */
  | { readonly type: 'settled'; readonly settledOffset: Offset }
  /** A follower cut its log. A leader's log is never cut. */
  | { readonly type: 'truncated'; readonly logEndOffset: Offset }
  /** Retention, DeleteRecords, or the leader moved the start of the local log. */
  | { readonly type: 'logStartMoved'; readonly logStartOffset: Offset }
  /** A produce with acks=all whose records are in the local log, the last at `lastOffset`, waits for them to be committed. */
  | { readonly type: 'produce'; readonly ticket: Ticket; readonly lastOffset: Offset; readonly deadline: Millis }
  /**
   * A replica fetched. The offset is its acknowledgement of all before it. Only after `fetchError` said NONE, and only if the log found no
   * diverging epoch. A fetch of another epoch, of no replica, beyond the end of the log or of a stale broker epoch is ignored.
   */
  | {
      readonly type: 'followerFetched'
      readonly replica: NodeId
      /** -1 when the request carried none (Fetch before v15). */
      readonly brokerEpoch: number
      readonly leaderEpoch: Epoch
      readonly fetchOffset: Offset
      readonly logStartOffset: Offset
    }
  /** The leader this broker follows in `leaderEpoch` answered a fetch; told after the records of that answer are appended. */
  | { readonly type: 'leaderSaid'; readonly leaderEpoch: Epoch; readonly highWatermark: Offset }
  /** What became of `proposeIsr` number `proposal`. */
  | { readonly type: 'isrAnswered'; readonly proposal: number; readonly answer: IsrAnswer }

export type PartitionEffect =
  /** The high watermark is now here: parked fetches of consumers may go on, the checkpoint may take it up. */
  | { readonly type: 'highWatermark'; readonly offset: Offset }
  /** The least log start offset of the live replicas rose (a leader's DeleteRecords waits for it). */
  | { readonly type: 'lowWatermark'; readonly offset: Offset }
  /** NONE, NOT_ENOUGH_REPLICAS_AFTER_APPEND, REQUEST_TIMED_OUT or NOT_LEADER_OR_FOLLOWER. */
  | { readonly type: 'produceDone'; readonly ticket: Ticket; readonly error: ErrorCode }
  /** Send AlterPartition; answer with `isrAnswered` exactly once for each, whatever happens. */
  | {
      readonly type: 'proposeIsr'
      readonly proposal: number
      readonly topicId: Uuid
      readonly isr: readonly IsrMember[]
      readonly leaderEpoch: Epoch
      readonly partitionEpoch: Epoch
      readonly leaderRecoveryState: LeaderRecoveryState
    }
  /** The ISR known here changed (for a line in the log and for metrics). */
  | { readonly type: 'isrChanged'; readonly isr: readonly NodeId[]; readonly partitionEpoch: Epoch }
  /** A new leader epoch begins here: assign it to the log's epoch history at `epochStartOffset` before anything is appended or served. */
  | { readonly type: 'becameLeader'; readonly epoch: Epoch; readonly epochStartOffset: Offset }
  /** Fetch from `leader` in `epoch` (-1: from nobody). */
  | { readonly type: 'becameFollower'; readonly leader: NodeId; readonly epoch: Epoch }
  /** No longer leader: parked produces have been answered by the effects before; parked fetches are the driver's to answer. */
  | { readonly type: 'lostLeadership'; readonly error: ErrorCode }

type LeaderInput = Extract<
  PartitionInput,
  { readonly type: 'followerFetched' | 'isrAnswered' | 'configured' | 'brokersChanged' | 'logStartMoved' | 'settled' }
>

export type PartitionRole = 'none' | 'leader' | 'follower'

/** Hosted, but another broker leads, or nobody. */
interface Following {
  readonly kind: 'follower'
  readonly leader: NodeId
  readonly leaderEpoch: Epoch
  readonly partitionEpoch: Epoch
  readonly isr: readonly NodeId[]
  readonly topicId: Uuid
  logEndOffset: Offset
  highWatermark: Offset
}

interface Leading {
  readonly kind: 'leader'
  readonly topicId: Uuid
  readonly leadership: Leadership
}

type Role = { readonly kind: 'none' } | Leading | Following

const noRole: Role = { kind: 'none' }
const nobody: readonly NodeId[] = []

/**
 * One partition hosted on this broker.
 *
 *   none --assigned, leader here--> leader          none --assigned, leader elsewhere or nobody--> follower
 *   leader --assigned, higher epoch, leader elsewhere--> follower: parked produces end with NOT_LEADER_OR_FOLLOWER
 *   leader --assigned, higher epoch, still here--> leader: all progress of followers is forgotten, parked produces stay
 *   leader --assigned, same epoch--> leader: progress stays, ISR and replicas change
 *   follower --assigned--> leader or follower       any --unassigned--> none
 *
 * The high watermark of a hosted partition never falls but by a truncation below it: what it told once is committed, whoever leads.
 */
export class PartitionReplica implements Machine<PartitionInput, PartitionEffect>, LeadershipHost {
  readonly options: PartitionReplicaOptions
  readonly effects = new EffectList<PartitionEffect>()
  private state: Role = noRole
  private proposals = 0

  constructor(options: PartitionReplicaOptions) {
    this.options = options
  }

  step(now: Millis, input: PartitionInput): readonly PartitionEffect[] {
    switch (input.type) {
      case 'assigned':
        this.onAssigned(now, input.assignment)
        break
      case 'unassigned':
        this.onUnassigned()
        break
      case 'produce':
        this.onProduce(now, input.ticket, input.lastOffset, input.deadline)
        break
      case 'appended':
        this.onAppended(now, input.logEndOffset, input.settledOffset ?? input.logEndOffset)
        break
      case 'truncated':
        this.onTruncated(input.logEndOffset)
        break
      case 'leaderSaid':
        this.onLeaderSaid(input.leaderEpoch, input.highWatermark)
        break
      default:
        if (this.state.kind === 'leader') this.onLeaderInput(now, this.state.leadership, input)
    }
    return this.effects.take()
  }

  nextProposal(): number {
    this.proposals += 1
    return this.proposals
  }

  wakeAt(): Millis {
    return this.state.kind === 'leader' ? this.state.leadership.wakeAt() : NEVER
  }

  wake(now: Millis): readonly PartitionEffect[] {
    if (this.state.kind !== 'leader' || now < this.state.leadership.wakeAt()) return this.effects.take()
    this.state.leadership.wake(now)
    return this.effects.take()
  }

  get role(): PartitionRole {
    return this.state.kind
  }

  /** -1 when nobody is known to lead. */
  get leader(): NodeId {
    if (this.state.kind === 'leader') return this.options.brokerId
    return this.state.kind === 'follower' ? this.state.leader : NO_NODE
  }

  /** -1 when the partition is not hosted. */
  get leaderEpoch(): Epoch {
    if (this.state.kind === 'leader') return this.state.leadership.epoch
    return this.state.kind === 'follower' ? this.state.leaderEpoch : NO_EPOCH
  }

  /** -1 when the partition is not hosted. */
  get partitionEpoch(): Epoch {
    if (this.state.kind === 'leader') return this.state.leadership.partitionEpoch
    return this.state.kind === 'follower' ? this.state.partitionEpoch : NO_EPOCH
  }

  /** 0 when the partition is not hosted. */
  get highWatermark(): Offset {
    if (this.state.kind === 'leader') return this.state.leadership.highWatermark
    return this.state.kind === 'follower' ? this.state.highWatermark : 0
  }

  /** The committed ISR, as far as known here. */
  get isr(): readonly NodeId[] {
    if (this.state.kind === 'leader') return this.state.leadership.isr
    return this.state.kind === 'follower' ? this.state.isr : nobody
  }

  /** The committed ISR united with what is proposed. */
  get maximalIsr(): readonly NodeId[] {
    return this.state.kind === 'leader' ? this.state.leadership.maximalIsr : this.isr
  }

  /**
   * Where the leader's epoch begins; -1 when not leading. ListOffsets of the latest offset is refused with OFFSET_NOT_AVAILABLE while the
   * high watermark is below it (KIP-207).
   */
  get epochStartOffset(): Offset {
    return this.state.kind === 'leader' ? this.state.leadership.epochStartOffset : NO_OFFSET
  }

  /** The least log start offset of the live replicas; -1 when not leading or not yet known of all. */
  get lowWatermark(): Offset {
    return this.state.kind === 'leader' ? this.state.leadership.lowWatermark : NO_OFFSET
  }

  /** To be asked right before an append: NONE, NOT_LEADER_OR_FOLLOWER or (acks -1) NOT_ENOUGH_REPLICAS. */
  appendError(acks: number): ErrorCode {
    if (this.state.kind !== 'leader') return ErrorCode.NOT_LEADER_OR_FOLLOWER
    const { isr, effectiveMinIsr } = this.state.leadership
    return acks === -1 && isr.length < effectiveMinIsr ? ErrorCode.NOT_ENOUGH_REPLICAS : ErrorCode.NONE
  }

  /**
   * KIP-320, for requests of consumers and tools that only a leader may answer: FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH,
   * NOT_LEADER_OR_FOLLOWER or NONE. An epoch of -1 is not compared.
   */
  epochError(currentLeaderEpoch: Epoch): ErrorCode {
    if (this.state.kind === 'none') return ErrorCode.NOT_LEADER_OR_FOLLOWER
    if (currentLeaderEpoch !== NO_EPOCH && currentLeaderEpoch < this.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH
    if (currentLeaderEpoch > this.leaderEpoch) return ErrorCode.UNKNOWN_LEADER_EPOCH
    return this.state.kind === 'leader' ? ErrorCode.NONE : ErrorCode.NOT_LEADER_OR_FOLLOWER
  }

  /**
   * As epochError, for a fetch of a replica; without an epoch (-1) it is FENCED_LEADER_EPOCH, for such a fetch proves nothing. A broker that
   * is not known to be a replica (yet) gets UNKNOWN_LEADER_EPOCH and comes again; an incarnation that is gone, NOT_LEADER_OR_FOLLOWER.
   */
  fetchError(replica: NodeId, brokerEpoch: number, currentLeaderEpoch: Epoch): ErrorCode {
    const error = this.epochError(currentLeaderEpoch)
    if (error !== ErrorCode.NONE) return error
    if (this.state.kind !== 'leader') return ErrorCode.NOT_LEADER_OR_FOLLOWER
    if (currentLeaderEpoch === NO_EPOCH) return ErrorCode.FENCED_LEADER_EPOCH
    const follower = this.state.leadership.follower(replica)
    if (follower === undefined) return ErrorCode.UNKNOWN_LEADER_EPOCH
    return this.state.leadership.isStale(follower, brokerEpoch) ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.NONE
  }

  private onLeaderInput(now: Millis, leadership: Leadership, input: LeaderInput): void {
    switch (input.type) {
      case 'followerFetched':
        if (input.leaderEpoch !== leadership.epoch) return
        leadership.followerFetched(now, input.replica, input.brokerEpoch, input.fetchOffset, input.logStartOffset)
        return
      case 'isrAnswered':
        leadership.isrAnswered(now, input.proposal, input.answer)
        return
      case 'settled':
        leadership.settled(now, input.settledOffset)
        return
      case 'configured':
        leadership.configure(now, input.minInsyncReplicas)
        return
      case 'brokersChanged':
        leadership.brokersChanged(now)
        return
      case 'logStartMoved':
        leadership.logStartMoved(input.logStartOffset)
        return
      default:
        unreachable(input)
    }
  }

  private onAssigned(now: Millis, assignment: PartitionAssignment): void {
    const before = this.state
    if (before.kind !== 'none' && before.topicId !== assignment.topicId) this.onUnassigned()
    else if (before.kind !== 'none' && assignment.partitionEpoch <= this.partitionEpoch) return
    assert(assignment.leaderEpoch >= this.leaderEpoch, 'a leader epoch went back')
    if (assignment.leader === this.options.brokerId) this.lead(now, assignment)
    else this.follow(assignment)
  }

  private lead(now: Millis, assignment: PartitionAssignment): void {
    const before = this.state
    if (before.kind === 'leader' && before.leadership.epoch === assignment.leaderEpoch) {
      before.leadership.reassign(now, assignment)
      return
    }
    const previous = before.kind === 'leader' ? before.leadership : null
    const highWatermark = this.highWatermarkFor(assignment)
    const leadership = new Leadership(now, assignment, highWatermark, this, previous)
    this.state = { kind: 'leader', topicId: assignment.topicId, leadership }
  }

  private follow(assignment: PartitionAssignment): void {
    const { topicId, leader, leaderEpoch, partitionEpoch, isr, logEndOffset } = assignment
    const isNewEpoch = leaderEpoch !== this.leaderEpoch
    const highWatermark = this.highWatermarkFor(assignment)
    if (this.state.kind === 'leader') this.state.leadership.resign(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    this.state = { kind: 'follower', topicId, leader, leaderEpoch, partitionEpoch, isr, logEndOffset, highWatermark }
    if (isNewEpoch) this.effects.push({ type: 'becameFollower', leader, epoch: leaderEpoch })
  }

  /** What is known while hosted; else the checkpoint, which may be older than the log's start or (after a lossy crash) beyond its end. */
  private highWatermarkFor(assignment: PartitionAssignment): Offset {
    const known = this.state.kind === 'none' ? Math.max(assignment.storedHighWatermark, assignment.logStartOffset) : this.highWatermark
    return Math.min(known, assignment.logEndOffset)
  }

  private onUnassigned(): void {
    if (this.state.kind === 'leader') this.state.leadership.resign(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    this.state = noRole
  }

  private onProduce(now: Millis, ticket: Ticket, lastOffset: Offset, deadline: Millis): void {
    if (this.state.kind === 'leader') this.state.leadership.produce(now, ticket, lastOffset, deadline)
    else this.effects.push({ type: 'produceDone', ticket, error: ErrorCode.NOT_LEADER_OR_FOLLOWER })
  }

  private onAppended(now: Millis, logEndOffset: Offset, settledOffset: Offset): void {
    if (this.state.kind === 'leader') this.state.leadership.appended(now, logEndOffset, settledOffset)
    else if (this.state.kind === 'follower') this.state.logEndOffset = logEndOffset
  }

  private onTruncated(logEndOffset: Offset): void {
    assert(this.state.kind !== 'leader', 'a leader does not truncate its log')
    if (this.state.kind !== 'follower') return
    const isBelow = logEndOffset < this.state.highWatermark
    this.state.logEndOffset = logEndOffset
    this.state.highWatermark = Math.min(this.state.highWatermark, logEndOffset)
    if (isBelow) this.effects.push({ type: 'highWatermark', offset: logEndOffset })
  }

  private onLeaderSaid(leaderEpoch: Epoch, leaderHighWatermark: Offset): void {
    if (this.state.kind !== 'follower' || leaderEpoch !== this.state.leaderEpoch) return
    const highWatermark = Math.min(leaderHighWatermark, this.state.logEndOffset)
    if (highWatermark <= this.state.highWatermark) return
    this.state.highWatermark = highWatermark
    this.effects.push({ type: 'highWatermark', offset: highWatermark })
  }
}
