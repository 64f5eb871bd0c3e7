import type { Uuid } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { GroupRequest, GroupResponse } from '../commands.ts'
import type { GroupsState } from '../state.ts'
import { fitInOneBatch } from '../offsets/record-size.ts'
import { type Asked, Turn } from '../turn.ts'
import { cancelClassicTimeouts } from './classic/timeouts.ts'
import {
  type ConsumerMember,
  joinEpoch,
  leaveEpoch,
  type OwnedPartitions,
  speaksClassic,
  staticLeaveEpoch,
  updatedMember,
} from './consumer-member.ts'
import { heartbeatRefusal } from './heartbeat-rules.ts'
import { beating, notConsumers, staticMember, unknownMember } from './joining.ts'
import { fenceMembers, leaveForAWhile } from './leaving.ts'
import { isSamePartitions } from './reconcile.ts'
import { maybeReconcile } from './reconciling.ts'
import { isRefusal, type Refusal, refusal } from './refusal.ts'
import { keepMember } from './sessions.ts'
import { maybeBumpGroupEpoch, saveMember } from './subscribing.ts'
import { maybeAssign } from './target-assignment.ts'

type Heartbeat = Asked<'consumerGroupHeartbeat'>
type Response = GroupResponse<'consumerGroupHeartbeat'>

/** Each in its own file or below, in the order in which Kafka does and writes them (GroupMetadataManager.consumerGroupHeartbeat). */
export function consumerGroupHeartbeat(state: GroupsState, turn: Turn, asked: Heartbeat): void {
  const trial = new Turn(turn.now)
  const outcome = respond(state, trial, asked)
  const response = isRefusal(outcome) ? refused(outcome) : written(state, turn, trial, asked.request.groupId, outcome)
  for (const { to, reply } of trial.answers) turn.answer(to, reply)
  turn.answer(asked.ticket, { api: 'consumerGroupHeartbeat', response })
}

/** All records of a turn are one batch. When they are too large for one, the group stays as it is, and the next heartbeat tries again. */
function written({ world, groups }: GroupsState, turn: Turn, { records }: Turn, groupId: string, response: Response): Response {
  if (records.length === 0 || fitInOneBatch(records, world.settings.recordBatchBytesMax)) {
    for (const record of records) turn.write(record)
    return response
  }
  const group = groups.get(groupId)
  if (group?.type === 'consumer') Object.assign(group.refresh, { metadata: true, regexes: true })
  return refused(refusal('UNKNOWN_SERVER_ERROR', `What is to be written of group ${groupId} is larger than a batch of records may be.`))
}

function respond(state: GroupsState, turn: Turn, asked: Heartbeat): Response | Refusal {
  const { request, context } = asked
  const invalid = heartbeatRefusal(state.world.settings, context.version, request)
  if (invalid !== null) return invalid
  const { memberEpoch } = request
  return memberEpoch === leaveEpoch || memberEpoch === staticLeaveEpoch ? leave(state, turn, request) : beat(state, turn, asked)
}

/**
 *  1. The member is made or changed; what it is subscribed to may raise the group epoch, and so may changes of topics.
 *  2. If the group epoch is above that of the target, a new target is computed.
 *  3. The member is led on towards the target.
 */
function beat(state: GroupsState, turn: Turn, { request, context }: Heartbeat): Response | Refusal {
  const { groupId, rebalanceTimeoutMs } = request
  const memberId = request.memberId === '' ? state.world.entropy.uuid() : request.memberId
  const outcome = beating(state, turn, request, memberId)
  if (isRefusal(outcome)) return outcome
  const { draft, member } = outcome
  const { clientId, clientHost } = context
  const update = { ...request, rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? null : rebalanceTimeoutMs, clientId, clientHost }
  const updated = updatedMember(member, { ...update, classicMemberMetadata: null })
  const change = saveMember(draft, member, updated)
  maybeBumpGroupEpoch(draft, change.needsTarget)
  maybeAssign(draft)
  const reconciled = maybeReconcile(draft, updated, { owned: request.topicPartitions, subscriptionChanged: change.subscription })
  // What it may have been asked for as a classic member is not due any more
  if (speaksClassic(member)) cancelClassicTimeouts(state, groupId, memberId)
  keepMember(state, turn, groupId, reconciled)
  const isToBeTold = isFull(request) || !isSamePartitions(member.assigned, reconciled.assigned)
  return answered(reconciled, state.world.consumerConfig(groupId).heartbeatIntervalMs, isToBeTold ? reconciled.assigned : null)
}

/** Who joins, or has lost an answer, says all of itself, and is told all. */
function isFull(request: GroupRequest<'consumerGroupHeartbeat'>): boolean {
  const { memberEpoch, rebalanceTimeoutMs, subscribedTopicNames, subscribedTopicRegex, topicPartitions } = request
  if (memberEpoch === joinEpoch) return true
  return rebalanceTimeoutMs !== -1 && (subscribedTopicNames !== null || subscribedTopicRegex !== null) && topicPartitions !== null
}

function answered({ memberId, memberEpoch }: ConsumerMember, heartbeatIntervalMs: number, assigned: OwnedPartitions | null): Response {
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    memberId,
    memberEpoch,
    heartbeatIntervalMs,
    assignment: assigned === null ? null : { topicPartitions: topicPartitions(assigned) },
  }
}

function topicPartitions(assigned: OwnedPartitions): { topicId: Uuid; partitions: number[] }[] {
  return [...assigned].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions.keys()] }))
}

/** For good, or of a static member for a while (GroupMetadataManager.consumerGroupLeave). */
function leave(state: GroupsState, turn: Turn, request: GroupRequest<'consumerGroupHeartbeat'>): Response | Refusal {
  const { groupId, memberId, memberEpoch, instanceId } = request
  const group = state.groups.get(groupId)
  if (group === undefined) return refusal('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
  if (group.type === 'classic') return notConsumers(groupId)
  const member =
    instanceId === null ? (group.members.get(memberId) ?? unknownMember(groupId, memberId)) : staticMember(group, instanceId, memberId)
  if (isRefusal(member)) return member
  if (memberEpoch === staticLeaveEpoch) leaveForAWhile(state, turn, group, member)
  else fenceMembers(state, turn, group, new Set([member.memberId]))
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, memberId, memberEpoch, heartbeatIntervalMs: 0 }
}

function refused({ error, message: errorMessage }: Refusal): Response {
  return { throttleTimeMs: 0, errorCode: ErrorCode[error], errorMessage, memberEpoch: 0, heartbeatIntervalMs: 0 }
}
