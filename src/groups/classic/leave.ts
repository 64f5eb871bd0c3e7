import { ErrorCode } from '../../protocol/errors.ts'
import type { GroupsState } from '../state.ts'
import type { Asked, Turn } from '../turn.ts'
import { noMemberId } from './answers.ts'
import type { ClassicGroup } from './classic-group.ts'
import { maybeCompleteJoin, prepareRebalance, removeMember } from './rebalance.ts'
import { endSession } from './session.ts'

type Leave = Asked<'leaveGroup'>

export interface Leaver {
  readonly memberId: string
  readonly groupInstanceId: string | null
}
export interface Left extends Leaver {
  readonly errorCode: ErrorCode
}

/** From this version on several members can leave at once, static ones by their instance ids alone (KIP-345). */
const versionOfMembers = 3

/** LeaveGroup 0 to 5. Each member has its own error; why it leaves (KIP-800) changes nothing. */
export function leaveGroup(state: GroupsState, turn: Turn, asked: Leave): void {
  const { request } = asked
  if (request.groupId === '') return answerLeave(turn, asked, { errorCode: ErrorCode.INVALID_GROUP_ID, members: [] })
  const group = state.groups.get(request.groupId)
  const leavers = leaversOf(asked)
  if (group?.type !== 'classic') {
    const members = leavers.map((leaver) => ({ ...leaver, errorCode: ErrorCode.UNKNOWN_MEMBER_ID }))
    return answerLeave(turn, asked, { errorCode: ErrorCode.NONE, members })
  }
  const members = leavers.map((leaver) => ({ ...leaver, errorCode: leave(state, turn, group, leaver) }))
  answerLeave(turn, asked, { errorCode: ErrorCode.NONE, members })
  if (members.every(({ errorCode }) => errorCode !== ErrorCode.NONE)) return
  if (group.state === 'PreparingRebalance') maybeCompleteJoin(state, turn, group)
  else if (!group.isEmpty) prepareRebalance(state, turn, group)
}

/** Also of members of a consumer group. */
export function leaversOf({ request, context }: Leave): readonly Leaver[] {
  if (context.version < versionOfMembers) return [{ memberId: request.memberId, groupInstanceId: null }]
  return request.members.map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId }))
}

function leave(state: GroupsState, turn: Turn, group: ClassicGroup, { memberId, groupInstanceId }: Leaver): ErrorCode {
  const { members, groupId } = group
  if (members.pendingJoin.has(memberId)) {
    group.remove(memberId)
    endSession(state, groupId, memberId)
    return ErrorCode.NONE
  }
  const member = memberOf(group, memberId, groupInstanceId)
  if (typeof member === 'number') return member
  removeMember(state, turn, group, member)
  return ErrorCode.NONE
}

/** An administrator knows instance ids only. */
function memberOf({ members }: ClassicGroup, memberId: string, groupInstanceId: string | null) {
  const byInstance = groupInstanceId === null ? undefined : members.byInstance(groupInstanceId)
  if (memberId === noMemberId) return byInstance ?? ErrorCode.UNKNOWN_MEMBER_ID
  const unknown = members.validate(memberId, groupInstanceId)
  return unknown === ErrorCode.NONE ? (members.get(memberId) ?? ErrorCode.UNKNOWN_MEMBER_ID) : unknown
}

export interface Outcome {
  readonly errorCode: ErrorCode
  readonly members: readonly Left[]
}

/** Old versions have one member, whose error is that of the whole. */
export function answerLeave(turn: Turn, { ticket, context }: Leave, { errorCode, members }: Outcome): void {
  const response: { readonly errorCode: ErrorCode; readonly members?: readonly Left[] } =
    context.version >= versionOfMembers
      ? { errorCode, members }
      : { errorCode: errorCode === ErrorCode.NONE ? (members[0]?.errorCode ?? errorCode) : errorCode }
  turn.answer(ticket, { api: 'leaveGroup', response })
}
