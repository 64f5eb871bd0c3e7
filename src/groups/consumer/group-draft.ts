import { assert } from '../../base/assert.ts'
import type { Uuid } from '../../base/units.ts'
import type { MemberAssignment } from '../assignors/assign.ts'
import type { GroupsState } from '../state.ts'
import type { Turn } from '../turn.ts'
import { type ConsumerGroup, noTarget, type ResolvedRegex } from './consumer-group.ts'
import { type ConsumerMember, speaksClassic } from './consumer-member.ts'
import { count, type Counts } from './counts.ts'
import { PartitionOwners } from './partition-owners.ts'
import {
  currentAssignmentRecord,
  currentAssignmentTombstone,
  groupEpochRecord,
  memberMetadataRecord,
  memberMetadataTombstone,
  regexRecord,
  regexTombstone,
  targetMemberRecord,
  targetMemberTombstone,
  targetMetadataRecord,
} from './records.ts'

/**
 * A consumer group as it will be when the records of this turn have been replayed: what the log says, and over it what this turn changes. Every change writes
 * its record at once, in the order in which it is made, so the order of changes is the order in the log (see `heartbeat.ts`). The group itself is not touched.
 *
 *  1. After the turn's records are replayed the group is what the draft was.
 *  2. A draft costs what is changed in it, not what the group holds: a heartbeat that changes nothing copies nothing.
 *  3. One draft for one group in one turn: two would not know of each other's changes.
 */
export class GroupDraft {
  readonly state: GroupsState
  readonly turn: Turn
  /** As the log has it; of a group that does not exist yet, an empty one that `state.groups` does not have. */
  readonly group: ConsumerGroup
  /** Null: removed. */
  private readonly changedMembers = new Map<string, ConsumerMember | null>()
  private readonly changedInstances = new Map<string, string | null>()
  private readonly changedTargets = new Map<string, MemberAssignment | null>()
  private readonly changedRegexes = new Map<string, ResolvedRegex | null>()
  /** Of members that this turn changes; partitions of others are in the group's. */
  private readonly changedOwners = new PartitionOwners()
  private epoch: number
  private hash: number
  private targetEpoch: number
  private targetTimestamp: number
  private size: number
  private classicSize: number

  constructor(state: GroupsState, turn: Turn, group: ConsumerGroup) {
    this.state = state
    this.turn = turn
    this.group = group
    this.epoch = group.groupEpoch
    this.hash = group.metadataHash
    this.targetEpoch = group.assignmentEpoch
    this.targetTimestamp = group.assignmentTimestamp
    this.size = group.members.size
    this.classicSize = group.classicMemberCount
  }

  /** A group that no log has yet may go on with the generation of a classic one. */
  private get isNew(): boolean {
    return this.state.groups.get(this.groupId) !== this.group
  }

  get groupId(): string {
    return this.group.groupId
  }

  get groupEpoch(): number {
    return this.epoch
  }

  get metadataHash(): number {
    return this.hash
  }

  get assignmentEpoch(): number {
    return this.targetEpoch
  }

  get assignmentTimestamp(): number {
    return this.targetTimestamp
  }

  get memberCount(): number {
    return this.size
  }

  get classicMemberCount(): number {
    return this.classicSize
  }

  member(memberId: string): ConsumerMember | undefined {
    const changed = this.changedMembers.get(memberId)
    return changed === undefined ? this.group.members.get(memberId) : (changed ?? undefined)
  }

  staticMember(instanceId: string): ConsumerMember | undefined {
    const changed = this.changedInstances.get(instanceId)
    const memberId = changed === undefined ? this.group.staticMemberId(instanceId) : changed
    return memberId === null || memberId === undefined ? undefined : this.member(memberId)
  }

  /** All of them: what this costs is the size of the group. */
  *members(): Generator<ConsumerMember> {
    for (const [memberId, member] of this.group.members) if (!this.changedMembers.has(memberId)) yield member
    for (const member of this.changedMembers.values()) if (member !== null) yield member
  }

  target(memberId: string): MemberAssignment {
    const changed = this.changedTargets.get(memberId)
    return changed === undefined ? this.group.target(memberId) : (changed ?? noTarget)
  }

  hasTarget(memberId: string): boolean {
    const changed = this.changedTargets.get(memberId)
    return changed === undefined ? this.group.targets.has(memberId) : changed !== null
  }

  /** The member that has the partition, or still has to give it up; null: it is free. */
  owner(topicId: Uuid, partition: number): string | null {
    const changed = this.changedOwners.owner(topicId, partition)
    if (changed !== null) return changed
    const owner = this.group.owners.owner(topicId, partition)
    return owner === null || this.changedMembers.has(owner) ? null : owner
  }

  regex(expression: string): ResolvedRegex | undefined {
    const changed = this.changedRegexes.get(expression)
    return changed === undefined ? this.group.regexes.get(expression) : (changed ?? undefined)
  }

  *regexes(): Generator<[string, ResolvedRegex]> {
    for (const entry of this.group.regexes) if (!this.changedRegexes.has(entry[0])) yield entry
    for (const [expression, resolved] of this.changedRegexes) if (resolved !== null) yield [expression, resolved]
  }

  /** Subscribers by name of topic; expressions are not counted here. */
  subscribersByName(): ReadonlyMap<string, number> {
    return this.counted(this.group.subscribersByName, (member) => member.subscribedTopicNames)
  }

  subscribersByRegex(): ReadonlyMap<string, number> {
    return this.counted(this.group.subscribersByRegex, ({ subscribedTopicRegex: regex }) => (regex === null || regex === '' ? [] : [regex]))
  }

  membersByAssignor(): ReadonlyMap<string, number> {
    return this.counted(this.group.membersByAssignor, ({ serverAssignor }) => (serverAssignor === null ? [] : [serverAssignor]))
  }

  classicMembersByProtocol(): ReadonlyMap<string, number> {
    return this.counted(
      this.group.classicMembersByProtocol,
      ({ classicMemberMetadata }) => classicMemberMetadata?.supportedProtocols.map(({ name }) => name) ?? [],
    )
  }

  private counted(
    counts: ReadonlyMap<string, number>,
    namesOf: (member: ConsumerMember) => readonly string[],
  ): ReadonlyMap<string, number> {
    if (this.changedMembers.size === 0) return counts
    const after: Counts = new Map(counts)
    for (const [memberId, member] of this.changedMembers) {
      const before = this.group.members.get(memberId)
      for (const name of before === undefined ? [] : namesOf(before)) count(after, name, -1)
      for (const name of member === null ? [] : namesOf(member)) count(after, name, 1)
    }
    return after
  }

  /** The member is new, or what it says of itself has changed. Its current assignment is as before (`putCurrentAssignment`). */
  putMember(member: ConsumerMember): void {
    this.change(member)
    this.turn.write(memberMetadataRecord(this.groupId, member))
  }

  putCurrentAssignment(member: ConsumerMember): void {
    this.change(member)
    this.turn.write(currentAssignmentRecord(this.groupId, member))
  }

  /** With its target: a member that has gone leaves nothing behind. */
  removeMember(memberId: string): void {
    this.remove(memberId)
    this.changedTargets.set(memberId, null)
    const { groupId } = this
    this.turn.write(
      currentAssignmentTombstone(groupId, memberId),
      targetMemberTombstone(groupId, memberId),
      memberMetadataTombstone(groupId, memberId),
    )
  }

  setEpoch(epoch: number, hash: number): void {
    assert(this.isNew || epoch >= this.epoch, `${this.groupId}: the group epoch goes from ${this.epoch} to ${epoch}`)
    this.epoch = epoch
    this.hash = hash
    this.turn.write(groupEpochRecord(this.groupId, epoch, hash))
  }

  putTarget(memberId: string, target: MemberAssignment): void {
    this.changedTargets.set(memberId, target)
    this.turn.write(targetMemberRecord(this.groupId, memberId, target))
  }

  setAssignmentEpoch(epoch: number, timestamp: number): void {
    assert(this.isNew || epoch >= this.targetEpoch, `${this.groupId}: the assignment epoch goes from ${this.targetEpoch} to ${epoch}`)
    this.targetEpoch = epoch
    this.targetTimestamp = timestamp
    this.turn.write(targetMetadataRecord(this.groupId, epoch, timestamp))
  }

  putRegex(expression: string, resolved: ResolvedRegex): void {
    this.changedRegexes.set(expression, resolved)
    this.turn.write(regexRecord(this.groupId, expression, resolved))
  }

  removeRegex(expression: string): void {
    if (this.regex(expression) === undefined) return
    this.changedRegexes.set(expression, null)
    this.turn.write(regexTombstone(this.groupId, expression))
  }

  private change(member: ConsumerMember): void {
    const before = this.member(member.memberId)
    if (before === undefined) this.size += 1
    this.classicSize += Number(speaksClassic(member)) - Number(before !== undefined && speaksClassic(before))
    // Partitions of a member that the group has, too, are looked up here from now on
    this.changedOwners.replace(this.changedMembers.get(member.memberId) ?? undefined, member)
    this.changedMembers.set(member.memberId, member)
    const { memberId, instanceId } = member
    if (before !== undefined && before.instanceId !== instanceId) this.releaseInstance(before.instanceId, memberId)
    if (instanceId !== null) this.changedInstances.set(instanceId, memberId)
  }

  private remove(memberId: string): void {
    const before = this.member(memberId)
    if (before === undefined) return
    this.size -= 1
    this.classicSize -= Number(speaksClassic(before))
    this.changedOwners.replace(this.changedMembers.get(memberId) ?? undefined, undefined)
    this.changedMembers.set(memberId, null)
    this.releaseInstance(before.instanceId, memberId)
  }

  private releaseInstance(instanceId: string | null, memberId: string): void {
    if (instanceId === null) return
    const changed = this.changedInstances.get(instanceId)
    const holder = changed === undefined ? this.group.staticMemberId(instanceId) : changed
    if (holder === memberId) this.changedInstances.set(instanceId, null)
  }
}
