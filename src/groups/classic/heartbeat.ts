import { ErrorCode } from '../../protocol/errors.ts'
import type { GroupRequest } from '../commands.ts'
import type { GroupsState } from '../state.ts'
import type { Asked, Turn } from '../turn.ts'
import { keepMember } from './session.ts'

/** Heartbeat 0 to 4. A member that is told of a rebalance (REBALANCE_IN_PROGRESS) is alive all the same. */
export function heartbeat(state: GroupsState, turn: Turn, { ticket, request }: Asked<'heartbeat'>): void {
  turn.answer(ticket, { api: 'heartbeat', response: { errorCode: beat(state, turn, request) } })
}

function beat(state: GroupsState, turn: Turn, request: GroupRequest<'heartbeat'>): ErrorCode {
  if (request.groupId === '') return ErrorCode.INVALID_GROUP_ID
  const group = state.groups.get(request.groupId)
  if (group?.type !== 'classic') return ErrorCode.UNKNOWN_MEMBER_ID
  const unknown = group.members.validate(request.memberId, request.groupInstanceId)
  if (unknown !== ErrorCode.NONE) return unknown
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  const member = group.members.get(request.memberId)
  if (member === undefined || group.isEmpty) return ErrorCode.UNKNOWN_MEMBER_ID
  keepMember(state, turn.now, group.groupId, member)
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}
