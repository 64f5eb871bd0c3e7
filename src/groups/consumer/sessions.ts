import type { GroupsState } from '../state.ts'
import type { Turn } from '../turn.ts'
import { cancelClassicTimeouts } from './classic/timeouts.ts'
import type { ConsumerMember } from './consumer-member.ts'

/** Ids may have any characters in them: the length in front keeps two pairs from having one key. */
function sessionKey(groupId: string, memberId: string): string {
  return `consumer-session:${groupId.length}:${groupId}:${memberId}`
}

function rebalanceKey(groupId: string, memberId: string): string {
  return `consumer-rebalance:${groupId.length}:${groupId}:${memberId}`
}

/**
 * The member has been heard of: it may be silent for another session timeout. Members of the classic protocol bring one of their own, the others have the
 * group's. Deadlines are soft: whoever comes to coordinate the group starts them anew (`activation.ts`).
 */
export function keepMember({ world, deadlines }: GroupsState, turn: Turn, groupId: string, member: ConsumerMember): void {
  const { memberId, classicMemberMetadata } = member
  const timeoutMs = classicMemberMetadata?.sessionTimeoutMs ?? world.consumerConfig(groupId).sessionTimeoutMs
  deadlines.set(sessionKey(groupId, memberId), turn.now + Math.max(timeoutMs, 0), { kind: 'consumerSession', groupId, memberId })
}

/** The member has been told to give partitions up, and has its rebalance timeout to leave the epoch that it is at. */
export function awaitRevocation({ deadlines }: GroupsState, turn: Turn, groupId: string, member: ConsumerMember): void {
  const { memberId, memberEpoch, rebalanceTimeoutMs } = member
  const at = turn.now + Math.max(rebalanceTimeoutMs, 0)
  deadlines.set(rebalanceKey(groupId, memberId), at, { kind: 'consumerRebalance', groupId, memberId, memberEpoch })
}

export function hasRevoked({ deadlines }: GroupsState, groupId: string, memberId: string): void {
  deadlines.cancel(rebalanceKey(groupId, memberId))
}

/** The member is gone, or its group is none of consumers any more: nothing is due from it. */
export function endDeadlines(state: GroupsState, groupId: string, memberId: string): void {
  state.deadlines.cancel(sessionKey(groupId, memberId))
  hasRevoked(state, groupId, memberId)
  cancelClassicTimeouts(state, groupId, memberId)
}
