import { assert } from '../../base/assert.ts'
import type { ClassicGroup } from '../classic/classic-group.ts'
import type { GroupRequest } from '../commands.ts'
import type { GroupsState } from '../state.ts'
import { compileRegex, isInvalid } from '../subscriptions/regex.ts'
import type { Turn } from '../turn.ts'
import { upgradeRefused, upgradeToConsumerGroup } from './classic/upgrade.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, joinEpoch, newMember, speaksClassic, staticLeaveEpoch } from './consumer-member.ts'
import { GroupDraft } from './group-draft.ts'
import { usesOnly } from './reconcile.ts'
import { isRefusal, type Refusal, refusal } from './refusal.ts'
import { endDeadlines } from './sessions.ts'

type Heartbeat = GroupRequest<'consumerGroupHeartbeat'>

/** Who beats: the member as it is known before this request, new ones and those that take another's place included. */
export interface Beating {
  readonly draft: GroupDraft
  readonly member: ConsumerMember
}

/**
 * The group and the member that a heartbeat speaks for. Everything that may be refused is refused before anything is changed. A join makes the group; an empty
 * classic group is ended by it, one with members becomes a consumer group, if it may (getOrMaybeCreateConsumerGroup).
 */
export function beating(state: GroupsState, turn: Turn, request: Heartbeat, memberId: string): Beating | Refusal {
  const { groupId, memberEpoch } = request
  const group = state.groups.get(groupId)
  if (group?.type === 'classic') {
    return memberEpoch === joinEpoch ? joiningClassic(state, turn, group, request, memberId) : notConsumers(groupId)
  }
  if (group === undefined && memberEpoch !== joinEpoch) return refusal('GROUP_ID_NOT_FOUND', `Consumer group ${groupId} not found.`)
  const found = group ?? new ConsumerGroup(groupId)
  const refused =
    fullRefusal(state, found.members, request.memberId) ?? memberRefusal(found, request, memberId) ?? regexRefusal(found, request)
  return refused ?? theMember(new GroupDraft(state, turn, found), request, memberId)
}

export function notConsumers(groupId: string): Refusal {
  return refusal('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a consumer group.`)
}

function joiningClassic(state: GroupsState, turn: Turn, group: ClassicGroup, request: Heartbeat, memberId: string): Beating | Refusal {
  if (group.isEmpty) {
    const refused = regexRefusal(null, request)
    if (refused !== null) return refused
    turn.write(...group.tombstones())
    return theMember(new GroupDraft(state, turn, new ConsumerGroup(group.groupId)), request, memberId)
  }
  const upgrade = upgradeRefused(state, group)
  if (upgrade !== null) return refusal('GROUP_ID_NOT_FOUND', upgrade.errorMessage)
  const members = { size: group.members.size, has: (id: string) => group.members.get(id) !== undefined }
  const refused = fullRefusal(state, members, request.memberId) ?? regexRefusal(null, request)
  return refused ?? theMember(upgradeToConsumerGroup(state, turn, group), request, memberId)
}

/** As the request names the member: one that has no id yet is new. */
export function fullRefusal(
  { world }: GroupsState,
  members: { readonly size: number; has(memberId: string): boolean },
  memberId: string,
): Refusal | null {
  const { groupConsumerMaxSize: sizeMax } = world.settings
  if (members.size < sizeMax || (memberId !== '' && members.has(memberId))) return null
  return refusal('GROUP_MAX_SIZE_REACHED', `The consumer group has reached its maximum capacity of ${sizeMax} members.`)
}

function memberRefusal(group: ConsumerGroup, request: Heartbeat, memberId: string): Refusal | null {
  const { instanceId, memberEpoch } = request
  if (instanceId !== null && memberEpoch === joinEpoch) return unreleasedRefusal(group, instanceId, memberId)
  const member = instanceId === null ? dynamicMember(group, request, memberId) : staticMember(group, instanceId, memberId)
  if (member === null) return null
  return isRefusal(member) ? member : epochRefusal(member, request)
}

/** Null: a new one. */
function dynamicMember(group: ConsumerGroup, { memberEpoch }: Heartbeat, memberId: string): ConsumerMember | Refusal | null {
  const member = group.members.get(memberId)
  if (member !== undefined) return member
  return memberEpoch === joinEpoch ? null : unknownMember(group.groupId, memberId)
}

export function unknownMember(groupId: string, memberId: string): Refusal {
  return refusal('UNKNOWN_MEMBER_ID', `Member ${memberId} is not a member of group ${groupId}.`)
}

/** The member with this instance id, if it is the one that asks. */
export function staticMember(group: ConsumerGroup, instanceId: string, memberId: string): ConsumerMember | Refusal {
  const owner = group.staticMemberId(instanceId)
  const member = owner === undefined ? undefined : group.members.get(owner)
  if (member === undefined) return refusal('UNKNOWN_MEMBER_ID', `Instance id ${instanceId} is unknown.`)
  if (member.memberId === memberId) return member
  const message = `Static member ${memberId} with instance id ${instanceId} was fenced by member ${member.memberId}.`
  return refusal('FENCED_INSTANCE_ID', message)
}

/** An instance id is another member's until that has said that it is away. Members of the classic protocol do not say so, and can be replaced at any time. */
function unreleasedRefusal(group: ConsumerGroup, instanceId: string, memberId: string): Refusal | null {
  const owner = group.members.get(group.staticMemberId(instanceId) ?? '')
  if (owner === undefined || owner.memberId === memberId || owner.memberEpoch === staticLeaveEpoch || speaksClassic(owner)) return null
  const whose = `the instance id is owned by ${owner.memberId} member`
  return refusal(
    'UNRELEASED_INSTANCE_ID',
    `Static member ${memberId} with instance id ${instanceId} cannot join the group because ${whose}.`,
  )
}

/**
 * The epoch before is good, too, if what the member says it uses is its own: it may not have had the answer that told it of the newer one
 * (throwIfConsumerGroupMemberEpochIsInvalid).
 */
function epochRefusal(member: ConsumerMember, { memberEpoch, topicPartitions }: Heartbeat): Refusal | null {
  if (memberEpoch === joinEpoch) return null
  if (memberEpoch > member.memberEpoch) return fenced('greater', memberEpoch, member)
  const isPrevious = memberEpoch === member.previousMemberEpoch && usesOnly(topicPartitions, member.assigned)
  if (memberEpoch < member.memberEpoch && !isPrevious) return fenced('smaller', memberEpoch, member)
  if (member.state !== 'unknown' || topicPartitions?.length === 0) return null
  return refusal(
    'FENCED_MEMBER_EPOCH',
    'The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin.',
  )
}

function fenced(how: 'greater' | 'smaller', epoch: number, member: ConsumerMember): Refusal {
  return refusal(
    'FENCED_MEMBER_EPOCH',
    `The consumer group member has a ${how} member epoch (${epoch}) than the one known by the group coordinator (${member.memberEpoch}). ` +
      'The member must abandon all its partitions and rejoin.',
  )
}

/** An expression that some member is subscribed to has been found good. */
function regexRefusal(group: ConsumerGroup | null, { subscribedTopicRegex: expression }: Heartbeat): Refusal | null {
  if (expression === null || expression === '' || group?.subscribersByRegex.has(expression) === true) return null
  const regex = compileRegex(expression)
  return isInvalid(regex) ? refusal('INVALID_REGULAR_EXPRESSION', regex.errorMessage) : null
}

function theMember(draft: GroupDraft, { instanceId, memberEpoch }: Heartbeat, memberId: string): Beating {
  const released = instanceId === null || memberEpoch !== joinEpoch ? undefined : draft.staticMember(instanceId)
  if (released !== undefined && released.memberId !== memberId) return { draft, member: replaceMember(draft, released, memberId) }
  return { draft, member: draft.member(memberId) ?? newMember(memberId) }
}

/**
 * A static member has come back under another id: it takes over what the other said of itself, was to have and had, and starts at epoch 0
 * (GroupMetadataManager.replaceMember).
 */
export function replaceMember(draft: GroupDraft, old: ConsumerMember, memberId: string): ConsumerMember {
  assert(old.memberId !== memberId, `member ${memberId} replaces itself`)
  const member = { ...old, memberId, memberEpoch: joinEpoch, previousMemberEpoch: joinEpoch }
  const target = draft.target(old.memberId)
  endDeadlines(draft.state, draft.groupId, old.memberId)
  draft.removeMember(old.memberId)
  draft.putMember(member)
  draft.putTarget(memberId, target)
  draft.putCurrentAssignment(member)
  return member
}
