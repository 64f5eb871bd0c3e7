import type { Millis, Uuid } from '../../base/units.ts'
import type { GroupRecordOf, GroupValue } from '../records/fact.ts'

/** Partitions that a member has, by topic, each with the epoch at which it was given it (KIP-1251). No topic without partitions. */
export type OwnedPartitions = ReadonlyMap<Uuid, ReadonlyMap<number, number>>

export const noPartitions: OwnedPartitions = new Map()

/**
 * Where a member stands between what it has and its target (org.apache.kafka.coordinator.group.modern.MemberState, whose numbers records have).
 *
 *  - stable: it has its target, or has not been looked at since the target changed.
 *  - unrevoked: it has been told to give up partitions, and has not said that it did.
 *  - unreleased: it is at the epoch of its target, but some of the target is still with other members.
 *  - unknown: written by a later release; it has to give up everything and join anew.
 */
export type MemberState = 'stable' | 'unrevoked' | 'unreleased' | 'unknown'

export type ClassicMemberMetadata = NonNullable<GroupValue<'consumerGroupMemberMetadata'>['classicMemberMetadata']>

/**
 * One member of a consumer group: an immutable value, all of it from the log (ConsumerGroupMember). Its metadata (what it said of itself) and its
 * current assignment (from `memberEpoch` on) are two records.
 */
export interface ConsumerMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Sorted, each once. */
  readonly subscribedTopicNames: readonly string[]
  /** Null or '': none. */
  readonly subscribedTopicRegex: string | null
  readonly rebalanceTimeoutMs: Millis
  /** The assignor that it would like; null: it does not mind. */
  readonly serverAssignor: string | null
  /** Not null: it speaks the classic protocol. */
  readonly classicMemberMetadata: ClassicMemberMetadata | null

  /** 0: it has no assignment yet; `staticLeaveEpoch`: a static member that is away for a while. */
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
  readonly state: MemberState
  readonly assigned: OwnedPartitions
  /** What it has to give up, and may still be using. Nobody else is given it. */
  readonly pendingRevocation: OwnedPartitions
}

export const joinEpoch = 0
export const leaveEpoch = -1
export const staticLeaveEpoch = -2

/** A member that nothing is known of but its id. */
export function newMember(memberId: string): ConsumerMember {
  return {
    memberId,
    instanceId: null,
    rackId: null,
    clientId: '',
    clientHost: '',
    subscribedTopicNames: [],
    subscribedTopicRegex: '',
    rebalanceTimeoutMs: -1,
    serverAssignor: null,
    classicMemberMetadata: null,
    memberEpoch: joinEpoch,
    previousMemberEpoch: -1,
    state: 'stable',
    assigned: noPartitions,
    pendingRevocation: noPartitions,
  }
}

/** What a request says of a member; null: nothing new. */
export interface MemberUpdate {
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly rebalanceTimeoutMs: Millis | null
  readonly serverAssignor: string | null
  readonly subscribedTopicNames: readonly string[] | null
  readonly subscribedTopicRegex: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Always said: null when it speaks the consumer protocol. */
  readonly classicMemberMetadata: ClassicMemberMetadata | null
}

/** The very same object when nothing changes. */
export function updatedMember(member: ConsumerMember, update: MemberUpdate): ConsumerMember {
  const updated = {
    ...member,
    instanceId: update.instanceId ?? member.instanceId,
    rackId: update.rackId ?? member.rackId,
    rebalanceTimeoutMs: update.rebalanceTimeoutMs ?? member.rebalanceTimeoutMs,
    serverAssignor: update.serverAssignor ?? member.serverAssignor,
    subscribedTopicNames: update.subscribedTopicNames === null ? member.subscribedTopicNames : sortedOnce(update.subscribedTopicNames),
    subscribedTopicRegex: update.subscribedTopicRegex ?? member.subscribedTopicRegex,
    clientId: update.clientId,
    clientHost: update.clientHost,
    classicMemberMetadata: update.classicMemberMetadata,
  }
  return isSameMetadata(member, updated) ? member : updated
}

export function sortedOnce(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort()
}

export function isSameMetadata(one: ConsumerMember, other: ConsumerMember): boolean {
  return (
    one.instanceId === other.instanceId &&
    one.rackId === other.rackId &&
    one.rebalanceTimeoutMs === other.rebalanceTimeoutMs &&
    one.serverAssignor === other.serverAssignor &&
    one.subscribedTopicRegex === other.subscribedTopicRegex &&
    one.clientId === other.clientId &&
    one.clientHost === other.clientHost &&
    isSameNames(one.subscribedTopicNames, other.subscribedTopicNames) &&
    isSameClassic(one.classicMemberMetadata, other.classicMemberMetadata)
  )
}

export function isSameNames(one: readonly string[], other: readonly string[]): boolean {
  return one === other || (one.length === other.length && one.every((name, at) => name === other[at]))
}

function isSameClassic(one: ClassicMemberMetadata | null, other: ClassicMemberMetadata | null): boolean {
  if (one === other) return true
  if (one === null || other === null) return false
  if (one.sessionTimeoutMs !== other.sessionTimeoutMs || one.supportedProtocols.length !== other.supportedProtocols.length) return false
  return one.supportedProtocols.every(({ name, metadata }, at) => {
    const second = other.supportedProtocols[at]
    return second !== undefined && name === second.name && metadata.equals(second.metadata)
  })
}

export function speaksClassic(member: ConsumerMember): boolean {
  return member.classicMemberMetadata !== null
}

export function hasRegex(member: ConsumerMember): boolean {
  return member.subscribedTopicRegex !== null && member.subscribedTopicRegex !== ''
}

/** Whether it is done with the target of this epoch. */
export function isReconciledTo(member: ConsumerMember, assignmentEpoch: number): boolean {
  return member.state === 'stable' && member.memberEpoch === assignmentEpoch
}

const stateNumbers = new Map<MemberState, number>([
  ['stable', 0],
  ['unrevoked', 1],
  ['unreleased', 2],
  ['unknown', 127],
])
const states: readonly MemberState[] = ['stable', 'unrevoked', 'unreleased']

export function stateNumber(state: MemberState): number {
  return stateNumbers.get(state) ?? 127
}

/** With what the record of its metadata says. */
export function withMetadata(
  member: ConsumerMember,
  value: NonNullable<GroupRecordOf<'consumerGroupMemberMetadata'>['value']>,
): ConsumerMember {
  return {
    ...member,
    instanceId: value.instanceId,
    rackId: value.rackId,
    clientId: value.clientId,
    clientHost: value.clientHost,
    subscribedTopicNames: sortedOnce(value.subscribedTopicNames),
    subscribedTopicRegex: value.subscribedTopicRegex,
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    serverAssignor: value.serverAssignor,
    classicMemberMetadata: value.classicMemberMetadata,
  }
}

type CurrentAssignment = NonNullable<GroupRecordOf<'consumerGroupCurrentMemberAssignment'>['value']>

/** With what the record of its current assignment says. */
export function withCurrentAssignment(member: ConsumerMember, value: CurrentAssignment): ConsumerMember {
  return {
    ...member,
    memberEpoch: value.memberEpoch,
    previousMemberEpoch: value.previousMemberEpoch,
    state: states[value.state] ?? 'unknown',
    assigned: ownedPartitions(value.assignedPartitions, value.memberEpoch),
    pendingRevocation: ownedPartitions(value.partitionsPendingRevocation, value.memberEpoch),
  }
}

/** Without epochs of its own (Kafka before 4.3) a partition counts as assigned at the member's epoch. */
function ownedPartitions(topics: CurrentAssignment['assignedPartitions'], memberEpoch: number): OwnedPartitions {
  if (topics.length === 0) return noPartitions
  return new Map(
    topics.map(({ topicId, partitions, assignmentEpochs }) => [
      topicId,
      new Map(partitions.map((partition, at) => [partition, assignmentEpochs?.[at] ?? memberEpoch])),
    ]),
  )
}
