import type { Uuid } from '../../base/units.ts'
import type { MemberAssignment } from '../assignors/assign.ts'
import { type ConsumerMember, type MemberState, noPartitions, type OwnedPartitions } from './consumer-member.ts'

/** What a member is to be led to, and what it says. */
export interface Reconciliation {
  readonly targetEpoch: number
  readonly target: MemberAssignment
  /** Topics that it is not subscribed to (any more) it gives up without waiting for a new target. */
  isSubscribed(topicId: Uuid): boolean
  /** The member that has a partition or still has to give it up. */
  owner(topicId: Uuid, partition: number): string | null
  /** What the member says it uses; null: it does not say. */
  readonly owned: readonly OwnedTopic[] | null
  /** With this request. */
  readonly subscriptionChanged: boolean
}

export interface OwnedTopic {
  readonly topicId: Uuid
  readonly partitions: readonly number[]
}

/**
 * The next current assignment of a member (CurrentAssignmentBuilder); the very same object when it stays where it is.
 *
 *                target epoch is another, nothing to give up, all of it free
 *      stable ------------------------------------------------------------------> stable
 *         |                                                                         ^
 *         | something to give up                                  all of it is free |
 *         v                     has given up, some not free                         |
 *      unrevoked -----------------------------------------------------> unreleased -'
 *         ^                                                                |
 *         '---------------- something to give up --------------------------'
 *
 *  1. Giving up comes first: the member stays at its epoch until it says that it does not use the partitions any more.
 *  2. Then it moves to the epoch of the target, with all of the target that is free, and gets the rest when others have let go of it.
 *  3. A partition that it has keeps the epoch at which it got it; one that it gets has the epoch of the target.
 */
export function reconcile(member: ConsumerMember, to: Reconciliation): ConsumerMember {
  const after = next(member, to)
  return isSameAssignment(member, after) ? member : after
}

function next(member: ConsumerMember, to: Reconciliation): ConsumerMember {
  switch (member.state) {
    case 'stable':
      if (member.memberEpoch !== to.targetEpoch) return towardsTarget(member, member.memberEpoch, to)
      return to.subscriptionChanged ? withoutUnsubscribed(member, to) : member
    case 'unrevoked':
      if (!uses(to.owned, member.pendingRevocation)) return towardsTarget(member, member.memberEpoch, to)
      return to.subscriptionChanged ? withoutUnsubscribed(member, to) : member
    case 'unreleased':
      return towardsTarget(member, member.memberEpoch, to)
    case 'unknown':
      return towardsTarget(member, to.targetEpoch, to)
  }
}

function towardsTarget(member: ConsumerMember, memberEpoch: number, to: Reconciliation): ConsumerMember {
  const { kept, revoked, free, unreleased } = compare(member, to)
  if (revoked.size > 0 && uses(to.owned, revoked)) return assigned(member, memberEpoch, 'unrevoked', kept, revoked)
  return assigned(member, to.targetEpoch, unreleased ? 'unreleased' : 'stable', union(kept, free), noPartitions)
}

type Partitions = Map<Uuid, Map<number, number>>

interface Comparison {
  readonly kept: Partitions
  readonly revoked: Partitions
  /** Of the target, what it does not have and nobody has. */
  readonly free: Partitions
  /** There is more, which others have. */
  readonly unreleased: boolean
}

function compare(member: ConsumerMember, to: Reconciliation): Comparison {
  const kept: Partitions = new Map()
  const revoked: Partitions = new Map()
  const free: Partitions = new Map()
  let unreleased = false
  for (const [topicId, partitions] of member.assigned) {
    const target = new Set(to.isSubscribed(topicId) ? to.target.get(topicId) : [])
    for (const [partition, epoch] of partitions) put(target.has(partition) ? kept : revoked, topicId, partition, epoch)
  }
  for (const [topicId, partitions] of to.target) {
    if (!to.isSubscribed(topicId)) continue
    const has = member.assigned.get(topicId)
    for (const partition of partitions) {
      if (has?.has(partition) === true) continue
      if (isFree(member, to.owner(topicId, partition))) put(free, topicId, partition, to.targetEpoch)
      else unreleased = true
    }
  }
  return { kept, revoked, free, unreleased }
}

/** What it is giving up itself is nobody else's: it may have it back. */
function isFree(member: ConsumerMember, owner: string | null): boolean {
  return owner === null || owner === member.memberId
}

/** The subscription has shrunk: what it covered no more is given up at once, the rest when there is a new target. */
function withoutUnsubscribed(member: ConsumerMember, to: Reconciliation): ConsumerMember {
  const kept: Partitions = new Map()
  const lost: Partitions = new Map()
  for (const [topicId, partitions] of member.assigned) (to.isSubscribed(topicId) ? kept : lost).set(topicId, new Map(partitions))
  if (lost.size === 0) return member
  const revoked = union(member.pendingRevocation, lost)
  if (uses(to.owned, revoked)) return assigned(member, member.memberEpoch, 'unrevoked', kept, revoked)
  return assigned(member, member.memberEpoch, member.state, kept, member.pendingRevocation)
}

/** Whether the member says that it uses any of these; when it does not say, it may. */
function uses(owned: readonly OwnedTopic[] | null, partitions: OwnedPartitions): boolean {
  if (owned === null) return true
  return owned.some((topic) => {
    const these = partitions.get(topic.topicId)
    return these !== undefined && topic.partitions.some((partition) => these.has(partition))
  })
}

function assigned(
  member: ConsumerMember,
  memberEpoch: number,
  state: MemberState,
  partitions: OwnedPartitions,
  pendingRevocation: OwnedPartitions,
): ConsumerMember {
  return {
    ...member,
    memberEpoch,
    previousMemberEpoch: member.memberEpoch,
    state,
    assigned: isSameOwned(member.assigned, partitions) ? member.assigned : partitions,
    pendingRevocation: isSameOwned(member.pendingRevocation, pendingRevocation) ? member.pendingRevocation : pendingRevocation,
  }
}

function put(partitions: Partitions, topicId: Uuid, partition: number, epoch: number): void {
  const those = partitions.get(topicId)
  if (those === undefined) partitions.set(topicId, new Map([[partition, epoch]]))
  else those.set(partition, epoch)
}

function union(one: OwnedPartitions, other: OwnedPartitions): OwnedPartitions {
  if (other.size === 0) return one
  const all: Partitions = new Map([...one].map(([topicId, partitions]) => [topicId, new Map(partitions)]))
  for (const [topicId, partitions] of other) {
    const those = all.get(topicId) ?? new Map<number, number>()
    const merged = [...those, ...partitions].sort(([a], [b]) => a - b)
    all.set(topicId, new Map(merged))
  }
  return all
}

export function isSameAssignment(one: ConsumerMember, other: ConsumerMember): boolean {
  return (
    one.memberEpoch === other.memberEpoch &&
    one.previousMemberEpoch === other.previousMemberEpoch &&
    one.state === other.state &&
    isSameOwned(one.assigned, other.assigned) &&
    isSameOwned(one.pendingRevocation, other.pendingRevocation)
  )
}

function isSameOwned(one: OwnedPartitions, other: OwnedPartitions): boolean {
  return (
    one === other || (one.size === other.size && [...one].every(([topicId, partitions]) => isSameEpochs(partitions, other.get(topicId))))
  )
}

function isSameEpochs(one: ReadonlyMap<number, number>, other: ReadonlyMap<number, number> | undefined): boolean {
  return other !== undefined && one.size === other.size && [...one].every(([partition, epoch]) => other.get(partition) === epoch)
}

/** Whether it uses nothing but these. */
export function usesOnly(owned: readonly OwnedTopic[] | null, partitions: OwnedPartitions): boolean {
  if (owned === null) return false
  return owned.every((topic) => {
    const these = partitions.get(topic.topicId)
    return these !== undefined && topic.partitions.every((partition) => these.has(partition))
  })
}

export function isSamePartitions(one: OwnedPartitions, other: OwnedPartitions): boolean {
  if (one === other) return true
  if (one.size !== other.size) return false
  return [...one].every(([topicId, partitions]) => {
    const those = other.get(topicId)
    return those !== undefined && partitions.size === those.size && [...partitions.keys()].every((partition) => those.has(partition))
  })
}
