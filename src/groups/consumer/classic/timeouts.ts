import type { GroupsState } from '../../state.ts'
import type { Turn } from '../../turn.ts'
import type { ConsumerMember } from '../consumer-member.ts'

/** Ids may have any characters in them: the length in front keeps two pairs from having one key. */
function joinKey(groupId: string, memberId: string): string {
  return `consumer-classic-join:${groupId.length}:${groupId}:${memberId}`
}

function syncKey(groupId: string, memberId: string): string {
  return `consumer-classic-sync:${groupId.length}:${groupId}:${memberId}`
}

/** The member has been told to join again, and has its rebalance timeout to do so, counted from when it was told first. */
export function awaitJoin({ deadlines }: GroupsState, turn: Turn, groupId: string, { memberId, rebalanceTimeoutMs }: ConsumerMember): void {
  const key = joinKey(groupId, memberId)
  if (deadlines.at(key) !== null) return
  deadlines.set(key, turn.now + Math.max(rebalanceTimeoutMs, 0), { kind: 'consumerClassicJoin', groupId, memberId })
}

/** The member has joined, and has its rebalance timeout to ask for its assignment. */
export function awaitSync({ deadlines }: GroupsState, turn: Turn, groupId: string, { memberId, rebalanceTimeoutMs }: ConsumerMember): void {
  const at = turn.now + Math.max(rebalanceTimeoutMs, 0)
  deadlines.set(syncKey(groupId, memberId), at, { kind: 'consumerClassicSync', groupId, memberId })
}

export function hasJoined({ deadlines }: GroupsState, groupId: string, memberId: string): void {
  deadlines.cancel(joinKey(groupId, memberId))
}

export function hasSynced({ deadlines }: GroupsState, groupId: string, memberId: string): void {
  deadlines.cancel(syncKey(groupId, memberId))
}

/** The member is gone, or speaks the consumer protocol now: neither a join nor a sync is due from it. */
export function cancelClassicTimeouts(state: GroupsState, groupId: string, memberId: string): void {
  hasJoined(state, groupId, memberId)
  hasSynced(state, groupId, memberId)
}
