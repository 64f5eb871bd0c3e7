import { ErrorCode } from '../../../protocol/errors.ts'
import { answerLeave, type Leaver, leaversOf } from '../../classic/leave.ts'
import type { GroupsState } from '../../state.ts'
import type { Asked, Turn } from '../../turn.ts'
import type { ConsumerGroup } from '../consumer-group.ts'
import type { ConsumerMember } from '../consumer-member.ts'
import { fenceMembers } from '../leaving.ts'
import { memberOf } from './members.ts'

/**
 * Members leave, of whatever protocol: an administrator removes members of both by this request. Those that are named by an instance id alone are static
 * members (GroupMetadataManager.classicGroupLeaveToConsumerGroup).
 */
export function leave(state: GroupsState, turn: Turn, group: ConsumerGroup, asked: Asked<'leaveGroup'>): void {
  const gone = new Set<string>()
  const members = leaversOf(asked).map((leaver) => {
    const member = memberToLeave(group, leaver)
    if (typeof member === 'number') return { ...leaver, errorCode: member }
    gone.add(member.memberId)
    return { ...leaver, errorCode: ErrorCode.NONE }
  })
  answerLeave(turn, asked, { errorCode: ErrorCode.NONE, members })
  if (gone.size > 0) fenceMembers(state, turn, group, gone)
}

function memberToLeave(group: ConsumerGroup, { memberId, groupInstanceId }: Leaver): ConsumerMember | ErrorCode {
  const instance = groupInstanceId === null ? undefined : group.staticMemberId(groupInstanceId)
  return memberOf(group, { memberId: memberId === '' && instance !== undefined ? instance : memberId, groupInstanceId })
}
