import { assert } from '../base/assert.ts'
import type { Ticket } from '../base/machine.ts'
import { NEVER, type Epoch, type Millis, type NodeId, type Offset, type Uuid } from '../base/units.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { EffectList } from './effect-list.ts'
import { FollowerProgress } from './follower-progress.ts'
import { ParkedProduces } from './parked-produces.ts'
import type {
  IsrAnswer,
  IsrMember,
  LeaderRecoveryState,
  PartitionAssignment,
  PartitionEffect,
  PartitionReplicaOptions,
} from './partition-replica.ts'

/** LeaderRecoveryState of a proposal: whoever leads after an unclean election has recovered by leading (Partition.makeLeader). */
const recovered: LeaderRecoveryState = 0

/** What outlives one leadership of the partition. */
export interface LeadershipHost {
  readonly options: PartitionReplicaOptions
  readonly effects: EffectList<PartitionEffect>
  /** Numbers rise for as long as the partition is hosted, so that an answer to an earlier leadership is never taken for one to this. */
  nextProposal(): number
}

/**
 * A proposal to the controller whose outcome is not known. `isr` is what is asked for; until the outcome is known the ISR counts as the
 * union of it and the committed one. Waits either for an answer (`resendAt` NEVER) or for the moment to ask again.
 */
interface Proposal {
  readonly number: number
  readonly isr: readonly NodeId[]
  readonly resendAt: Millis
  /** When an attempt was last given up without an answer; -Infinity: never. Until it is dead for certain it may still be carried out. */
  readonly unansweredAt: Millis
}

/** What the leader does once the controller has said `error` to a proposal (kafka.cluster.Partition.handleAlterPartitionError). */
type AfterRefusal = 'withdraw' | 'wait for metadata' | 'ask again'

function afterRefusal(error: ErrorCode): AfterRefusal {
  switch (error) {
    // The controller says that the partition epoch is right and nothing was written, now or by a controller before.
    case ErrorCode.INELIGIBLE_REPLICA:
    case ErrorCode.OPERATION_NOT_ATTEMPTED:
      return 'withdraw'
    // Something was written that is not known here yet (perhaps by this very proposal, sent twice): only metadata can tell what.
    case ErrorCode.INVALID_UPDATE_VERSION:
    case ErrorCode.FENCED_LEADER_EPOCH:
    case ErrorCode.NEW_LEADER_ELECTED:
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.UNKNOWN_TOPIC_ID:
    case ErrorCode.INVALID_REQUEST:
      return 'wait for metadata'
    default:
      return 'ask again'
  }
}

/**
 * What a partition's leader knows in one leader epoch (kafka.cluster.Partition).
 *
 * Invariants:
 * 1. The high watermark never falls. It rises at most to the log end offset of each other member of the maximal ISR, as told by a fetch of this
 *    epoch, and to the settled offset here: a follower claims only what is as durable as the topic asks, and the leader counts itself like one.
 * 2. It rises only while the committed ISR has at least min(`min.insync.replicas`, number of replicas) members (KIP-966).
 * 3. The maximal ISR is the committed ISR united with the proposal of unknown outcome; a shrink counts only once it is committed.
 * 4. At most one proposal is under way; its fate is decided by its answer or by metadata with a higher partition epoch, nothing else.
 *
 * Transitions of the ISR:  committed --propose--> pending --answered NONE, or newer metadata--> committed
 *                          pending --INELIGIBLE_REPLICA, OPERATION_NOT_ATTEMPTED--> committed as before (see proposalRefused)
 *                          pending --outcome unknown--> pending, asked again after a while
 *                          pending --anything else--> pending until metadata tells
 */
export class Leadership {
  readonly epoch: Epoch
  readonly epochStartOffset: Offset
  partitionEpoch: Epoch
  isr: readonly NodeId[]
  logEndOffset: Offset
  settledOffset: Offset
  logStartOffset: Offset
  highWatermark: Offset
  lowWatermark: Offset = -1
  minInsyncReplicas: number
  private readonly topicId: Uuid
  private readonly host: LeadershipHost
  private readonly options: PartitionReplicaOptions
  private readonly effects: EffectList<PartitionEffect>
  private readonly parked: ParkedProduces
  private followers: readonly FollowerProgress[]
  private proposal: Proposal | null = null
  /** After a refusal nothing is proposed before this time. NEVER when there was none. */
  private lookAgainAt: Millis = NEVER
  /** A replica outside the ISR that is about to join holds the high watermark back, at most until then. */
  private heldBackUntil: Millis = NEVER

  /** `previous` is this broker's own leadership of an earlier epoch, if that is what went before: its parked produces wait on. */
  constructor(now: Millis, assignment: PartitionAssignment, highWatermark: Offset, host: LeadershipHost, previous: Leadership | null) {
    assert(highWatermark <= assignment.logEndOffset, 'the high watermark is beyond the end of the log')
    this.epoch = assignment.leaderEpoch
    this.epochStartOffset = assignment.logEndOffset
    this.partitionEpoch = assignment.partitionEpoch
    this.isr = assignment.isr
    this.logEndOffset = assignment.logEndOffset
    this.settledOffset = assignment.settledOffset ?? assignment.logEndOffset
    this.logStartOffset = assignment.logStartOffset
    this.highWatermark = highWatermark
    this.minInsyncReplicas = assignment.minInsyncReplicas
    this.topicId = assignment.topicId
    this.host = host
    this.options = host.options
    this.effects = host.effects
    this.parked = previous?.parked ?? new ParkedProduces()
    this.followers = this.followersOf(now, assignment, [])
    this.effects.push({ type: 'becameLeader', epoch: this.epoch, epochStartOffset: this.epochStartOffset })
    this.advance(now)
    this.updateLowWatermark()
  }

  get maximalIsr(): readonly NodeId[] {
    const proposed = this.proposal?.isr.filter((id) => !this.isr.includes(id)) ?? []
    return proposed.length === 0 ? this.isr : [...this.isr, ...proposed]
  }

  get effectiveMinIsr(): number {
    return Math.min(this.minInsyncReplicas, this.followers.length + 1)
  }

  follower(brokerId: NodeId): FollowerProgress | undefined {
    for (const follower of this.followers) if (follower.brokerId === brokerId) return follower
    return undefined
  }

  /** Metadata of this leader epoch with a higher partition epoch: whatever was proposed against the old one has been decided by it. */
  reassign(now: Millis, assignment: PartitionAssignment): void {
    assert(assignment.leaderEpoch === this.epoch, 'assignment of another leader epoch')
    this.partitionEpoch = assignment.partitionEpoch
    this.minInsyncReplicas = assignment.minInsyncReplicas
    this.lookAgainAt = NEVER
    for (const follower of this.followers) if (this.hasLeft(follower, assignment)) follower.left()
    this.followers = this.followersOf(now, assignment, this.followers)
    this.commitIsr(now, assignment.isr)
  }

  configure(now: Millis, minInsyncReplicas: number): void {
    this.minInsyncReplicas = minInsyncReplicas
    this.advance(now)
  }

  /**
   * Nobody here proposed it, and its broker is in service: it left by itself (for want of room), having stopped to fetch. What it fetched before that
   * is no reason to take it back. Where metadata has skipped what was in between, it may have been fenced and have come back, and fetches on.
   */
  private hasLeft(follower: FollowerProgress, { isr, isReplaced = false }: PartitionAssignment): boolean {
    const { brokerId } = follower
    const wasProposed = this.proposal !== null && !this.proposal.isr.includes(brokerId)
    return !isReplaced && follower.inIsr && !isr.includes(brokerId) && !wasProposed && this.isEligible(follower)
  }

  /** Somebody may have become eligible for the ISR, or no longer be worth waiting for. */
  brokersChanged(now: Millis): void {
    this.proposeExpansion(now)
    this.advance(now)
    this.updateLowWatermark()
  }

  appended(now: Millis, logEndOffset: Offset, settledOffset: Offset): void {
    assert(logEndOffset >= this.logEndOffset, 'a leader does not truncate its log')
    if (logEndOffset === this.logEndOffset) return
    for (const follower of this.followers) follower.leaderAppends(now, this.logEndOffset)
    this.logEndOffset = logEndOffset
    this.settled(now, settledOffset)
  }

  settled(now: Millis, settledOffset: Offset): void {
    assert(settledOffset <= this.logEndOffset, 'more is settled than there is')
    this.settledOffset = settledOffset
    this.advance(now)
  }

  logStartMoved(logStartOffset: Offset): void {
    this.logStartOffset = logStartOffset
    this.updateLowWatermark()
  }

  produce(now: Millis, ticket: Ticket, lastOffset: Offset, deadline: Millis): void {
    assert(lastOffset < this.logEndOffset, 'a produce waits for what is not in the log')
    if (lastOffset < this.highWatermark) this.produceDone(ticket, this.errorOfCommitted())
    else if (deadline <= now) this.produceDone(ticket, ErrorCode.REQUEST_TIMED_OUT)
    else this.parked.park(ticket, lastOffset + 1, deadline)
  }

  followerFetched(now: Millis, replica: NodeId, brokerEpoch: number, fetchOffset: Offset, logStartOffset: Offset): void {
    const follower = this.follower(replica)
    if (follower === undefined || fetchOffset > this.logEndOffset || this.isStale(follower, brokerEpoch)) return
    follower.fetched(now, fetchOffset, brokerEpoch, this.logEndOffset)
    if (!follower.inMaximalIsr) this.proposeExpansion(now)
    this.advance(now)
    if (logStartOffset === follower.logStartOffset) return
    follower.logStartOffset = logStartOffset
    this.updateLowWatermark()
  }

  /** A fetch of an incarnation of the broker that is known to be gone (KIP-903). */
  isStale(follower: FollowerProgress, brokerEpoch: number): boolean {
    if (brokerEpoch === -1) return false
    return brokerEpoch < follower.brokerEpoch || brokerEpoch < this.options.brokers.brokerEpoch(follower.brokerId)
  }

  isrAnswered(now: Millis, number: number, answer: IsrAnswer): void {
    const proposal = this.proposal
    if (proposal === null || proposal.number !== number || proposal.resendAt !== NEVER) return
    if (answer.error === ErrorCode.NONE) this.proposalAccepted(now, answer)
    else this.proposalRefused(now, proposal, answer.error)
  }

  wakeAt(): Millis {
    return Math.min(this.parked.nextDeadline, this.heldBackUntil, this.proposal === null ? this.nextProposalAt() : this.proposal.resendAt)
  }

  wake(now: Millis): void {
    this.parked.expire(now, (ticket) => this.produceDone(ticket, ErrorCode.REQUEST_TIMED_OUT))
    if (this.proposal !== null) this.maybeAskAgain(now, this.proposal)
    else if (now >= this.nextProposalAt()) this.proposeAnything(now)
    if (now >= this.heldBackUntil) this.advance(now)
  }

  /** The end of this leadership: nobody waits here any longer. */
  resign(error: ErrorCode): void {
    this.parked.drain((ticket) => this.produceDone(ticket, error))
    this.effects.push({ type: 'lostLeadership', error })
  }

  private followersOf(
    now: Millis,
    { replicas, isr }: PartitionAssignment,
    known: readonly FollowerProgress[],
  ): readonly FollowerProgress[] {
    const others = replicas.filter((id) => id !== this.options.brokerId)
    return others.map((id) => known.find((follower) => follower.brokerId === id) ?? new FollowerProgress(id, isr.includes(id), now))
  }

  private errorOfCommitted(): ErrorCode {
    return this.isr.length >= this.effectiveMinIsr ? ErrorCode.NONE : ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND
  }

  private produceDone(ticket: Ticket, error: ErrorCode): void {
    this.effects.push({ type: 'produceDone', ticket, error })
  }

  /** Raises the high watermark as far as it may go, and answers whoever waited for that. */
  private advance(now: Millis): void {
    this.heldBackUntil = NEVER
    if (this.isr.length < this.effectiveMinIsr) return
    const reached = this.committedUpTo(now)
    if (reached <= this.highWatermark) return
    this.highWatermark = reached
    this.effects.push({ type: 'highWatermark', offset: reached })
    if (this.parked.size > 0) this.parked.reach(reached, (ticket) => this.produceDone(ticket, this.errorOfCommitted()))
  }

  private committedUpTo(now: Millis): Offset {
    let least = this.settledOffset
    for (const follower of this.followers) {
      if (follower.logEndOffset < least && (follower.inMaximalIsr || this.isAboutToJoin(now, follower))) least = follower.logEndOffset
    }
    return least
  }

  /** Without waiting for it, the high watermark could run ahead of it for ever. Not for long, and only while it could be proposed at all. */
  private isAboutToJoin(now: Millis, follower: FollowerProgress): boolean {
    if (follower.logEndOffset < 0) return false
    const until = follower.lastCaughtUpTime + this.options.replicaLagTimeMaxMs
    if (now >= until || !this.isEligible(follower)) return false
    this.heldBackUntil = Math.min(this.heldBackUntil, until)
    return true
  }

  private isEligible(follower: FollowerProgress): boolean {
    return this.options.brokers.isEligibleForIsr(follower.brokerId, follower.brokerEpoch)
  }

  private nextProposalAt(): Millis {
    return this.lookAgainAt === NEVER ? this.nextLag() : this.lookAgainAt
  }

  private proposeAnything(now: Millis): void {
    this.lookAgainAt = NEVER
    this.proposeExpansion(now)
    if (this.proposal === null) this.proposeShrink(now)
  }

  private maybeAskAgain(now: Millis, proposal: Proposal): void {
    if (now >= proposal.resendAt) this.propose(proposal.isr, proposal.unansweredAt)
  }

  /** When the first member of the ISR that is behind will have been so for too long. A member that is not behind has no deadline. */
  private nextLag(): Millis {
    let next: Millis = NEVER
    for (const follower of this.followers) {
      if (!follower.inIsr || follower.logEndOffset === this.logEndOffset) continue
      next = Math.min(next, follower.lastCaughtUpTime + this.options.replicaLagTimeMaxMs)
    }
    return next
  }

  private proposeShrink(now: Millis): void {
    const behind = this.followers.filter(
      (follower) => follower.inIsr && !follower.isCaughtUp(now, this.logEndOffset, this.options.replicaLagTimeMaxMs),
    )
    if (behind.length > 0) this.propose(this.isr.filter((id) => !behind.some((follower) => follower.brokerId === id)))
  }

  /**
   * The join rule: in this epoch it has fetched from at or beyond both the high watermark and the start of the epoch, and the broker that
   * did so is registered, not fenced and not shutting down. It must still be fetching, or it would go in and out by turns.
   */
  private proposeExpansion(now: Millis): void {
    if (this.proposal !== null || this.lookAgainAt !== NEVER) return
    const joining = this.followers.filter((follower) => !follower.inIsr && this.mayJoin(now, follower))
    if (joining.length > 0) this.propose([...this.isr, ...joining.map((follower) => follower.brokerId)])
  }

  private mayJoin(now: Millis, follower: FollowerProgress): boolean {
    if (follower.logEndOffset < this.highWatermark || follower.logEndOffset < this.epochStartOffset) return false
    return follower.isFetching(now, this.logEndOffset, this.options.replicaLagTimeMaxMs) && this.isEligible(follower)
  }

  private propose(isr: readonly NodeId[], unansweredAt = -Infinity): void {
    const number = this.host.nextProposal()
    this.proposal = { number, isr, resendAt: NEVER, unansweredAt }
    for (const follower of this.followers) follower.inMaximalIsr = follower.inIsr || isr.includes(follower.brokerId)
    this.effects.push({
      type: 'proposeIsr',
      proposal: number,
      topicId: this.topicId,
      isr: isr.map((id) => this.isrMember(id)),
      leaderEpoch: this.epoch,
      partitionEpoch: this.partitionEpoch,
      leaderRecoveryState: recovered,
    })
  }

  private isrMember(brokerId: NodeId): IsrMember {
    const { brokerId: own, brokers } = this.options
    return { brokerId, brokerEpoch: brokerId === own ? brokers.brokerEpoch(own) : (this.follower(brokerId)?.brokerEpoch ?? -1) }
  }

  private proposalAccepted(now: Millis, answer: Extract<IsrAnswer, { readonly isr: readonly NodeId[] }>): void {
    if (answer.leaderEpoch !== this.epoch || answer.partitionEpoch < this.partitionEpoch) return
    this.partitionEpoch = answer.partitionEpoch
    this.commitIsr(now, answer.isr)
  }

  /**
   * A refusal speaks for the attempt it answers. If an earlier attempt of the same proposal was given up unanswered, it may be waiting in
   * some buffer and be carried out once the candidate is eligible again, for the partition epoch is still the same. Then the proposal stays
   * pending until that attempt is so old that it cannot be alive.
   */
  private proposalRefused(now: Millis, proposal: Proposal, error: ErrorCode): void {
    const after = afterRefusal(error)
    const resendAt = now + this.options.isrRetryBackoffMs
    if (after === 'wait for metadata') return
    if (after === 'ask again') this.proposal = { ...proposal, resendAt, unansweredAt: now }
    else if (now < proposal.unansweredAt + this.options.replicaLagTimeMaxMs) this.proposal = { ...proposal, resendAt }
    else this.withdraw(now, resendAt)
  }

  private withdraw(now: Millis, lookAgainAt: Millis): void {
    this.lookAgainAt = lookAgainAt
    this.commitIsr(now, this.isr)
  }

  /** The ISR is known for certain: nothing is pending any longer, and what was put off may go on. */
  private commitIsr(now: Millis, isr: readonly NodeId[]): void {
    const changed = isr.length !== this.isr.length || isr.some((id) => !this.isr.includes(id))
    this.proposal = null
    this.isr = isr
    for (const follower of this.followers) {
      follower.inIsr = isr.includes(follower.brokerId)
      follower.inMaximalIsr = follower.inIsr
    }
    if (changed) this.effects.push({ type: 'isrChanged', isr, partitionEpoch: this.partitionEpoch })
    this.proposeExpansion(now)
    this.advance(now)
    this.updateLowWatermark()
  }

  /** Over the replicas that live; what a dead one still holds delays no DeleteRecords. */
  private updateLowWatermark(): void {
    let least = this.logStartOffset
    for (const follower of this.followers) {
      if (follower.logStartOffset < least && this.options.brokers.isEligibleForIsr(follower.brokerId, -1)) least = follower.logStartOffset
    }
    if (least <= this.lowWatermark) return
    this.lowWatermark = least
    this.effects.push({ type: 'lowWatermark', offset: least })
  }
}
