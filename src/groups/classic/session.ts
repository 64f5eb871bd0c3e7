import type { Millis } from '../../base/units.ts'
import type { GroupsState } from '../state.ts'
import type { Turn } from '../turn.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicMember } from './classic-member.ts'

/** Ids may have any characters in them: the length in front keeps two pairs from having one key. */
function sessionKey(groupId: string, memberId: string): string {
  return `classic-session:${groupId.length}:${groupId}:${memberId}`
}

/** Until when the join phase of the group may last. */
export function joinKey(groupId: string): string {
  return `classic-join:${groupId}`
}

/** A rebalance that was asked for, and begins at the next wake. */
export function askedKey(groupId: string): string {
  return `classic-asked:${groupId}`
}

/** Until when all members of the generation have to have synced. */
export function syncKey(groupId: string): string {
  return `classic-sync:${groupId}`
}

/** The member has been heard: it is a member for another session at least. */
export function keepMember(
  state: GroupsState,
  now: Millis,
  groupId: string,
  member: Pick<ClassicMember, 'memberId' | 'sessionTimeoutMs'>,
): void {
  keepMemberFor(state, now, groupId, member.memberId, member.sessionTimeoutMs)
}

export function keepMemberFor(state: GroupsState, now: Millis, groupId: string, memberId: string, timeoutMs: Millis): void {
  state.deadlines.set(sessionKey(groupId, memberId), now + Math.max(timeoutMs, 0), { kind: 'classicSession', groupId, memberId })
}

/** An id that was given out has to be used within the session that was asked for. */
export function awaitPendingMember(state: GroupsState, now: Millis, groupId: string, memberId: string, timeoutMs: Millis): void {
  state.deadlines.set(sessionKey(groupId, memberId), now + timeoutMs, { kind: 'classicPendingJoin', groupId, memberId })
}

export function endSession(state: GroupsState, groupId: string, memberId: string): void {
  state.deadlines.cancel(sessionKey(groupId, memberId))
}

/**
 * A member that commits is alive (OffsetMetadataManager.validateOffsetCommit): its session begins anew, also while a rebalance is being prepared. Who is
 * no member of this group is passed over.
 */
export function refreshSession(state: GroupsState, turn: Turn, group: ClassicGroup, memberId: string): void {
  if (group.state !== 'Stable' && group.state !== 'PreparingRebalance') return
  const member = group.members.get(memberId)
  if (member !== undefined) keepMember(state, turn.now, group.groupId, member)
}

/** Nothing is due for this group any more. */
export function cancelDeadlines(state: GroupsState, group: ClassicGroup): void {
  const { groupId, members } = group
  for (const { memberId } of members.all()) endSession(state, groupId, memberId)
  for (const memberId of members.pendingJoin) endSession(state, groupId, memberId)
  state.deadlines.cancel(joinKey(groupId))
  state.deadlines.cancel(askedKey(groupId))
  state.deadlines.cancel(syncKey(groupId))
}
