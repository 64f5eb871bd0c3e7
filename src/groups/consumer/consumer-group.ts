import type { Millis, Timestamp } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { MemberAssignment } from '../assignors/assign.ts'
import type { AnyGroup, ExpiryBasis, OffsetsCaller, OffsetsTarget } from '../group.ts'
import type { GroupRecord } from '../records/fact.ts'
import { type ConsumerMember, hasRegex, isReconciledTo, speaksClassic } from './consumer-member.ts'
import { commitErrorOf, fetchErrorOf } from './commit-rules.ts'
import { count, type Counts } from './counts.ts'
import { PartitionOwners } from './partition-owners.ts'
import { groupTombstones } from './records.ts'

export type ConsumerGroupStateName = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable' | 'Dead'

/** What a regular expression matched when it was last looked at. */
export interface ResolvedRegex {
  readonly topics: ReadonlySet<string>
  /** Of the metadata at that time; Kafka's own counting, and of no use here. */
  readonly version: number
  readonly timestamp: Timestamp
}

export const noTarget: MemberAssignment = new Map()

/** Of a group that nothing has been written of: group and assignment epoch, as in Kafka 4.3. */
export const initialEpoch = 1

/** Soft: no log holds it. It says what the next heartbeat has to look at. */
export interface RefreshState {
  /** A topic that the group is subscribed to has changed, or nobody has looked since the group was loaded. */
  metadata: boolean
  /** Topics have come or gone that expressions match, or nobody has looked since the group was loaded. */
  regexes: boolean
  /** When expressions are resolved anew in any case; of the monotonic clock. */
  regexesAt: Millis
}

/**
 * A group of the consumer protocol (org.apache.kafka.coordinator.group.modern.consumer.ConsumerGroup): the fold of its records, changed by `replay.ts` alone,
 * through the methods below. What is decided is put together in a `GroupDraft`, and comes here as records.
 *
 *  Its state follows from the rest and is kept nowhere:
 *
 *    Empty         no members
 *    Assigning     group epoch > assignment epoch: a target is to be computed
 *    Reconciling   some member is not at its target yet
 *    Stable        all are
 *    Dead          a name only: a group that is gone is not there
 *
 *  Three epochs, group ≥ assignment ≥ member, none of which ever goes back while the group exists:
 *
 *  - the group epoch rises with every change of members, subscriptions or topics;
 *  - the assignment epoch is the group epoch for which the target was computed;
 *  - a member's epoch is the assignment epoch that it has been brought to. It fences: who sends or commits with another one is refused.
 *
 *  1. A partition is with one member at most, counting what is assigned to it and what it still has to give up. (G-1, G-5)
 *  2. A member gets a partition only when nobody has it: the former owner has said, in a heartbeat, that it does not use it any more, or was fenced
 *     and removed, after which its epoch is unknown here. (G-5)
 *  3. A member that has to give partitions up stays at its epoch until it has, or is fenced when its rebalance timeout is over.
 *  4. The epoch of a group outlives all its members; it starts again only when the group is deleted. (G-4)
 *  5. Static members: an instance id belongs to one member. One that is away for a while keeps its partitions at epoch -2 until its session is over.
 *
 *  `MemberState` has a member's own states; `reconcile.ts` their transitions.
 */
export class ConsumerGroup implements AnyGroup {
  readonly groupId: string
  readonly type = 'consumer'
  readonly protocolType = 'consumer'
  readonly refresh: RefreshState = { metadata: true, regexes: true, regexesAt: 0 }
  private readonly memberById = new Map<string, ConsumerMember>()
  private readonly memberIdByInstance = new Map<string, string>()
  private readonly targetById = new Map<string, MemberAssignment>()
  private readonly regexByExpression = new Map<string, ResolvedRegex>()
  private readonly partitionOwners = new PartitionOwners()
  /** Subscribers by name of topic, expressions not counted. */
  private readonly nameCounts: Counts = new Map()
  private readonly regexCounts: Counts = new Map()
  private readonly assignorCounts: Counts = new Map()
  /** Classic members that support a protocol, by its name. */
  private readonly protocolCounts: Counts = new Map()
  private classicMembers = 0
  private epoch = initialEpoch
  private hash = 0
  private targetEpoch = initialEpoch
  private targetTimestamp: Timestamp = 0

  constructor(groupId: string) {
    this.groupId = groupId
  }

  get groupEpoch(): number {
    return this.epoch
  }

  /** Of the subscribed topics (KIP-1101), when the group epoch was written last. */
  get metadataHash(): number {
    return this.hash
  }

  get assignmentEpoch(): number {
    return this.targetEpoch
  }

  /** When the target was computed; 0: unknown. */
  get assignmentTimestamp(): Timestamp {
    return this.targetTimestamp
  }

  get members(): ReadonlyMap<string, ConsumerMember> {
    return this.memberById
  }

  get classicMemberCount(): number {
    return this.classicMembers
  }

  get targets(): ReadonlyMap<string, MemberAssignment> {
    return this.targetById
  }

  get regexes(): ReadonlyMap<string, ResolvedRegex> {
    return this.regexByExpression
  }

  get owners(): Pick<PartitionOwners, 'owner'> {
    return this.partitionOwners
  }

  get subscribersByName(): ReadonlyMap<string, number> {
    return this.nameCounts
  }

  get subscribersByRegex(): ReadonlyMap<string, number> {
    return this.regexCounts
  }

  get membersByAssignor(): ReadonlyMap<string, number> {
    return this.assignorCounts
  }

  get classicMembersByProtocol(): ReadonlyMap<string, number> {
    return this.protocolCounts
  }

  staticMemberId(instanceId: string): string | undefined {
    return this.memberIdByInstance.get(instanceId)
  }

  target(memberId: string): MemberAssignment {
    return this.targetById.get(memberId) ?? noTarget
  }

  get stateName(): ConsumerGroupStateName {
    if (this.isEmpty) return 'Empty'
    if (this.epoch > this.targetEpoch) return 'Assigning'
    for (const member of this.memberById.values()) if (!isReconciledTo(member, this.targetEpoch)) return 'Reconciling'
    return 'Stable'
  }

  get isEmpty(): boolean {
    return this.memberById.size === 0
  }

  commitError(caller: OffsetsCaller, target: OffsetsTarget | null): ErrorCode {
    return commitErrorOf(this, caller, target)
  }

  fetchError(memberId: string | null, memberEpoch: number): ErrorCode {
    return fetchErrorOf(this, memberId, memberEpoch)
  }

  offsetDeleteError(): ErrorCode {
    return ErrorCode.NONE
  }

  isSubscribedTo(topic: string): boolean {
    if (this.nameCounts.has(topic)) return true
    for (const { topics } of this.regexByExpression.values()) if (topics.has(topic)) return true
    return false
  }

  deleteError(): ErrorCode {
    return this.isEmpty ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP
  }

  tombstones(): readonly GroupRecord[] {
    return groupTombstones(this.groupId, this.memberById.keys(), this.regexByExpression.keys())
  }

  get expiryBasis(): ExpiryBasis {
    return { kind: 'commit' }
  }

  /** Only from here on does anything change, and only records change it. */
  putMember(member: ConsumerMember): void {
    const before = this.memberById.get(member.memberId)
    if (before !== undefined) this.forget(before)
    this.memberById.set(member.memberId, member)
    this.learn(member)
    this.partitionOwners.replace(before, member)
  }

  removeMember(memberId: string): void {
    const before = this.memberById.get(memberId)
    if (before === undefined) return
    this.memberById.delete(memberId)
    this.forget(before)
    this.partitionOwners.replace(before, undefined)
  }

  setEpoch(epoch: number, hash: number): void {
    this.epoch = epoch
    this.hash = hash
  }

  putTarget(memberId: string, target: MemberAssignment | null): void {
    if (target === null) this.targetById.delete(memberId)
    else this.targetById.set(memberId, target)
  }

  setAssignmentEpoch(epoch: number, timestamp: Timestamp): void {
    this.targetEpoch = epoch
    this.targetTimestamp = timestamp
  }

  putRegex(expression: string, resolved: ResolvedRegex | null): void {
    if (resolved === null) this.regexByExpression.delete(expression)
    else this.regexByExpression.set(expression, resolved)
  }

  private learn(member: ConsumerMember): void {
    if (member.instanceId !== null) this.memberIdByInstance.set(member.instanceId, member.memberId)
    this.tally(member, 1)
  }

  /** An instance id may be another member's by now: who was replaced is removed after its successor has come. */
  private forget(member: ConsumerMember): void {
    const { instanceId, memberId } = member
    if (instanceId !== null && this.memberIdByInstance.get(instanceId) === memberId) this.memberIdByInstance.delete(instanceId)
    this.tally(member, -1)
  }

  private tally(member: ConsumerMember, by: 1 | -1): void {
    for (const name of member.subscribedTopicNames) count(this.nameCounts, name, by)
    if (member.subscribedTopicRegex !== null && hasRegex(member)) count(this.regexCounts, member.subscribedTopicRegex, by)
    if (member.serverAssignor !== null) count(this.assignorCounts, member.serverAssignor, by)
    if (!speaksClassic(member)) return
    this.classicMembers += by
    for (const { name } of member.classicMemberMetadata?.supportedProtocols ?? []) count(this.protocolCounts, name, by)
  }
}
