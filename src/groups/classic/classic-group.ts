import { assert } from '../../base/assert.ts'
import type { Millis } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { AnyGroup, ExpiryBasis, OffsetsCaller, OffsetsTarget } from '../group.ts'
import type { GroupRecord } from '../records/fact.ts'
import { ClassicMember, type MemberProtocol } from './classic-member.ts'
import { ClassicMembers } from './classic-members.ts'
import { commitError, consumerProtocolType, expiryBasis, topicsOfGeneration } from './commit-rules.ts'
import { type GroupMetadata, groupMetadataRecord, noMetadata } from './group-metadata.ts'

/** By Kafka's names (ClassicGroupState). */
export type ClassicState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

/** The first rebalance of a group that was empty waits for more members to come: again for `delayMs` if some did, for `remainingMs` at most. */
export interface InitialJoin {
  readonly delayMs: Millis
  readonly remainingMs: Millis
}

/**
 * One group of the classic protocol.
 *
 *               first join                all joined, or time is up           the leader's sync
 *     Empty ------------------> Preparing --------------------> Completing --------------------> Stable
 *       ^                        Rebalance <-------------------- Rebalance                          |
 *       |                          |  ^    join, leave, expiry                                      |
 *       '---- nobody is left ------'  '------------------ join, leave, expiry ----------------------'
 *
 *     Dead: no longer in the ledger's map; nobody can ask it anything.
 *
 *  1. Hard, the fold of the log: `metadata`, the last GroupMetadata. Generation and protocol, what members are assigned, and the states Empty,
 *     CompletingRebalance and Stable are entered in `takeOver` alone, which `replay` calls: a record without members is Empty, one with members but no
 *     leader is a generation that has begun (CompletingRebalance), any other Stable.
 *  2. Soft, lost with the coordinator as in Kafka: that a rebalance has begun (PreparingRebalance), who has joined or left since the last record,
 *     who is pending, and who waits for which answer. `decide` changes it. After a change of coordinator all members of the last record are members
 *     again, in its generation, with whole sessions; those that are gone run out of theirs.
 *  3. Every generation is in the log before anybody is told of it, so none is given out twice, whoever coordinates. (A generation whose members are too
 *     large to be written is the exception; it cannot become Stable.)
 *  4. A waiting answer is given when its member is removed, fenced or asks again.
 *
 * When a decision cannot be written, its answers are refused and no record is replayed, so the group is in the state and the generation it was in,
 * and its members ask again:
 *  - making the group: it is there without a record (`hasRecord` is false) until its first generation writes one.
 *  - beginning a generation: the group is still PreparingRebalance, with nobody waiting. Members join again as they did, and when all have, or the
 *    join's deadline (which a record's replay alone takes away) comes, it is tried again.
 *  - the leader's sync: still CompletingRebalance; leader and followers sync again, and nobody has seen the assignments.
 *  - becoming empty: PreparingRebalance without members; the join's deadline, or the next member's join, ends it.
 *  - a static member's new id: the member joins with its instance id again and is given another; nobody knows the one before.
 */
export class ClassicGroup implements AnyGroup {
  readonly type = 'classic'
  readonly groupId: string
  readonly members = new ClassicMembers()
  /** '' for none: a group of offsets alone, or one that nobody has joined yet. That of the members, the first of whom brings it. */
  protocolType = ''
  leaderId: string | null = null
  /** While the group's first rebalance, or the first after it was empty, waits for members. */
  initialJoin: InitialJoin | null = null
  /** Somebody has joined since the initial rebalance was last extended. */
  newMemberAdded = false
  private current: ClassicState = 'Empty'
  private last: GroupMetadata = noMetadata
  private inLog = false
  private topics: ReadonlySet<string> | null | undefined = undefined

  constructor(groupId: string) {
    this.groupId = groupId
  }

  get state(): ClassicState {
    return this.current
  }

  get stateName(): ClassicState {
    return this.current
  }

  /** The last record, or what stands for it as long as there is none. */
  get metadata(): GroupMetadata {
    return this.last
  }

  get hasRecord(): boolean {
    return this.inLog
  }

  get generationId(): number {
    return this.last.generation
  }

  /** Of this generation; null when it has no members. */
  get protocolName(): string | null {
    return this.last.protocol
  }

  get isEmpty(): boolean {
    return this.current === 'Empty'
  }

  /** Has never had members (ClassicGroup.isSimpleGroup). */
  get isSimple(): boolean {
    return this.isEmpty && this.protocolType === '' && this.members.pendingJoin.size === 0
  }

  get isOfConsumers(): boolean {
    return this.protocolType === consumerProtocolType
  }

  get canRebalance(): boolean {
    return this.current === 'Empty' || this.current === 'CompletingRebalance' || this.current === 'Stable'
  }

  /** What the members of this generation subscribed to, if it is known. */
  get subscribedTopics(): ReadonlySet<string> | null {
    if (this.topics === undefined) this.topics = topicsOfGeneration(this.last)
    return this.topics
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId
  }

  /** Whether somebody with these protocols may join (ClassicGroup.supportsProtocols). */
  supportsProtocols(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (this.isEmpty) return protocolType !== '' && protocols.length > 0
    return this.protocolType === protocolType && this.members.supportsAny(protocols)
  }

  add(member: ClassicMember, protocolType: string): void {
    if (this.members.size === 0) this.protocolType = protocolType
    assert(this.protocolType === protocolType, `${this.groupId}: a member of type ${protocolType} among those of ${this.protocolType}`)
    this.members.add(member)
    this.leaderId ??= member.memberId
  }

  /** A member that waits for nothing any more, or an id that is pending. */
  remove(memberId: string): void {
    this.members.remove(memberId)
    if (!this.isLeader(memberId)) return
    const [next] = this.members.all()
    this.leaderId = next?.memberId ?? null
  }

  /** The static member `old`, that waits for nothing any more, is known by another id from now on. */
  replaceStatic(old: ClassicMember, newMemberId: string): ClassicMember {
    const wasLeader = this.isLeader(old.memberId)
    const member = this.members.replaceStatic(old, newMemberId)
    if (wasLeader) this.leaderId = newMemberId
    return member
  }

  /**
   * The leader stays if it has joined again, else the first member that has becomes it. False when nobody has
   * (ClassicGroup.maybeElectNewJoinedLeader).
   */
  electJoinedLeader(): boolean {
    const leader = this.leaderId === null ? undefined : this.members.get(this.leaderId)
    if (leader === undefined) return false
    if (leader.awaitingJoin !== null) return true
    for (const member of this.members.all()) {
      if (member.awaitingJoin === null) continue
      this.leaderId = member.memberId
      return true
    }
    return false
  }

  /** Soft: nobody outlives a change of coordinator in this state. */
  becomePreparing(): void {
    assert(this.canRebalance, `${this.groupId} begins a rebalance while ${this.current}`)
    this.current = 'PreparingRebalance'
    this.members.pendingSync.clear()
  }

  /** The group has left the ledger. */
  becomeDead(): void {
    this.current = 'Dead'
  }

  /**
   * What a record says, whether it was just decided here or is read from the log. Members that are as the record says stay, with the protocols beyond
   * the chosen one, which no record has.
   */
  takeOver(metadata: GroupMetadata, fromLog: boolean): void {
    const isCreation = fromLog && this.current === 'PreparingRebalance' && !this.inLog && metadata.generation === 0
    if (fromLog) this.inLog = true
    this.last = metadata
    this.topics = undefined
    // The record that makes the group follows the first join: who joined is still to come into a generation
    if (isCreation) return
    this.members.replaceAll(metadata.members.map((member) => this.memberOf(metadata, member)))
    this.protocolType = metadata.protocolType
    this.leaderId = metadata.leader ?? metadata.members[0]?.memberId ?? null
    this.initialJoin = null
    this.newMemberAdded = false
    this.settle()
  }

  private settle(): void {
    const { members, last } = this
    if (members.size === 0) this.current = 'Empty'
    else this.current = last.leader === null ? 'CompletingRebalance' : 'Stable'
    if (this.current === 'CompletingRebalance') for (const { memberId } of members.all()) members.pendingSync.add(memberId)
  }

  private memberOf({ protocol }: GroupMetadata, saved: GroupMetadata['members'][number]): ClassicMember {
    // Records of Kafka before 0.10.1 have none
    const rebalanceTimeoutMs = saved.rebalanceTimeout === -1 ? saved.sessionTimeout : saved.rebalanceTimeout
    const known = this.members.get(saved.memberId)
    if (known !== undefined && known.groupInstanceId === saved.groupInstanceId && known.metadata(protocol).equals(saved.subscription)) {
      known.rebalanceTimeoutMs = rebalanceTimeoutMs
      known.sessionTimeoutMs = saved.sessionTimeout
      known.assignment = saved.assignment
      return known
    }
    const protocols = [{ name: protocol ?? '', metadata: saved.subscription }]
    return new ClassicMember({ ...saved, rebalanceTimeoutMs, sessionTimeoutMs: saved.sessionTimeout, protocols })
  }

  /** All that is soft begins anew: the group as its last record has it, and nobody waits. */
  restart(): void {
    this.members.forgetWaiting()
    this.takeOver(this.last, false)
  }

  commitError(caller: OffsetsCaller, _target: OffsetsTarget | null): ErrorCode {
    return commitError(this, caller)
  }

  fetchError(_memberId: string | null, _memberEpoch: number): ErrorCode {
    return this.current === 'Dead' ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.NONE
  }

  offsetDeleteError(): ErrorCode {
    if (this.current === 'Dead') return ErrorCode.GROUP_ID_NOT_FOUND
    return this.isEmpty || this.isOfConsumers ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP
  }

  /** A group of consumers whose subscriptions are not known is held to be subscribed to everything (ClassicGroup.isSubscribedToTopic). */
  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics?.has(topic) ?? this.isOfConsumers
  }

  deleteError(): ErrorCode {
    if (this.current === 'Dead') return ErrorCode.GROUP_ID_NOT_FOUND
    return this.isEmpty ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP
  }

  tombstones(): readonly GroupRecord[] {
    return [groupMetadataRecord(this.groupId, null)]
  }

  get expiryBasis(): ExpiryBasis {
    return expiryBasis(this)
  }
}
