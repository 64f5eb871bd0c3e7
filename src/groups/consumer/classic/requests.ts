import { assert } from '../../../base/assert.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import { refuseSync, waitingOf } from '../../classic/answers.ts'
import { consumerProtocolType } from '../../classic/commit-rules.ts'
import type { GroupRequest } from '../../commands.ts'
import type { GroupsState } from '../../state.ts'
import type { Asked, Turn } from '../../turn.ts'
import type { ConsumerGroup } from '../consumer-group.ts'
import type { ConsumerMember } from '../consumer-member.ts'
import { GroupDraft } from '../group-draft.ts'
import { keepMember } from '../sessions.ts'
import { maybeBumpGroupEpoch } from '../subscribing.ts'
import { maybeAssign } from '../target-assignment.ts'

import { assignmentBytes, classicOf, protocolOf, withoutEpochs } from './assignment.ts'
import { join } from './join.ts'
import { leave } from './leave.ts'
import { hasToRejoin, memberInGeneration } from './members.ts'
import { awaitJoin, hasSynced } from './timeouts.ts'

/** The ledger asks here only while there is a consumer group with members. */
function groupOf(state: GroupsState, groupId: string): ConsumerGroup {
  const group = state.groups.get(groupId)
  assert(group?.type === 'consumer', `${groupId} is not a consumer group`)
  return group
}

/** JoinGroup 0 to 9. It never waits: this member's assignment depends on nobody's join. */
export function joinAsClassicMember(state: GroupsState, turn: Turn, asked: Asked<'joinGroup'>): void {
  join(state, turn, groupOf(state, asked.request.groupId), asked)
}

/** LeaveGroup 0 to 5. Each member has its own error. */
export function leaveAsClassicMember(state: GroupsState, turn: Turn, asked: Asked<'leaveGroup'>): void {
  leave(state, turn, groupOf(state, asked.request.groupId), asked)
}

/** Heartbeat 0 to 4. A member that is told to join again (REBALANCE_IN_PROGRESS) is alive all the same. */
export function heartbeatOfClassicMember(state: GroupsState, turn: Turn, { ticket, request }: Asked<'heartbeat'>): void {
  const errorCode = beat(state, turn, groupOf(state, request.groupId), request)
  turn.answer(ticket, { api: 'heartbeat', response: { errorCode } })
}

function beat(state: GroupsState, turn: Turn, group: ConsumerGroup, request: GroupRequest<'heartbeat'>): ErrorCode {
  const member = memberInGeneration(group, request)
  if (typeof member === 'number') return member
  keepMember(state, turn, group.groupId, member)
  if (!hasToRejoin(group, member) && member.memberEpoch >= upToDate(state, turn, group)) return ErrorCode.NONE
  awaitJoin(state, turn, group.groupId, member)
  return ErrorCode.REBALANCE_IN_PROGRESS
}

/**
 * Brings the target of a group up to date that has no members of the consumer protocol, whose heartbeats do so otherwise: without it partitions that somebody
 * left, or that a topic has got, would be nobody's until some member joins for another reason (so it is in Kafka 4.3). Returns the assignment epoch.
 */
function upToDate(state: GroupsState, turn: Turn, group: ConsumerGroup): number {
  if (group.classicMemberCount < group.members.size) return group.assignmentEpoch
  const draft = new GroupDraft(state, turn, group)
  maybeBumpGroupEpoch(draft, false)
  maybeAssign(draft)
  return draft.assignmentEpoch
}

/**
 * SyncGroup 0 to 5: what the member is assigned, in the form that it knows. It was told of no leader, so it brings no assignments; if it does they are
 * passed over.
 */
export function syncAsClassicMember(state: GroupsState, turn: Turn, asked: Asked<'syncGroup'>): void {
  const { request, ticket } = asked
  const group = groupOf(state, request.groupId)
  const member = memberToSync(state, turn, group, request)
  if (typeof member === 'number') return refuseSync(turn, waitingOf(asked), member)
  hasSynced(state, group.groupId, member.memberId)
  keepMember(state, turn, group.groupId, member)
  const { protocolType, protocolName } = request
  const assignment = assignmentBytes(state.world.topics, withoutEpochs(member.assigned), protocolOf(classicOf(member)).metadata)
  turn.answer(ticket, { api: 'syncGroup', response: { errorCode: ErrorCode.NONE, protocolType, protocolName, assignment } })
}

function memberToSync(
  state: GroupsState,
  turn: Turn,
  group: ConsumerGroup,
  request: GroupRequest<'syncGroup'>,
): ConsumerMember | ErrorCode {
  const member = memberInGeneration(group, request)
  if (typeof member === 'number') return member
  const { protocolType, protocolName } = request
  if (protocolType !== null && protocolType !== consumerProtocolType) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
  if (protocolName !== null && protocolName !== protocolOf(classicOf(member)).name) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
  // Who has to give partitions up syncs first, so that it learns what is left to it
  if (member.memberEpoch >= group.assignmentEpoch || member.state === 'unrevoked') return member
  awaitJoin(state, turn, group.groupId, member)
  return ErrorCode.REBALANCE_IN_PROGRESS
}
