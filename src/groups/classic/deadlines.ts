import type { GroupsState } from '../state.ts'
import type { Turn } from '../turn.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicDue } from './due.ts'
import { completeJoin, endInitialDelay, prepareRebalance, rebalanceOrCompleteJoin, removeMember } from './rebalance.ts'

/** What a group has come to since its deadline was set is looked at here: one that has passed by changes nothing. */
export function classicDue(state: GroupsState, turn: Turn, due: ClassicDue): void {
  const group = state.groups.get(due.groupId)
  if (group?.type !== 'classic') return
  switch (due.kind) {
    case 'classicSession':
    case 'classicPendingJoin':
      return expire(state, turn, group, due.memberId)
    case 'classicInitialJoin':
      if (group.state === 'PreparingRebalance') endInitialDelay(state, turn, group)
      return
    case 'classicRebalance':
      return endJoinPhase(state, turn, group)
    case 'classicPendingSync':
      return endSyncPhase(state, turn, group)
  }
}

function expire(state: GroupsState, turn: Turn, group: ClassicGroup, memberId: string): void {
  const member = group.members.get(memberId)
  if (member === undefined) {
    if (!group.members.pendingJoin.has(memberId)) return
    group.remove(memberId)
    return completeIfAllJoined(state, turn, group)
  }
  if (member.needsNoHeartbeat) return
  removeMember(state, turn, group, member)
  if (group.state === 'PreparingRebalance') completeIfAllJoined(state, turn, group)
  else rebalanceOrCompleteJoin(state, turn, group)
}

/** Without regard to an initial delay: with somebody gone there may be nobody left to wait for (GroupMetadataManager.removeMemberAndUpdateClassicGroup). */
function completeIfAllJoined(state: GroupsState, turn: Turn, group: ClassicGroup): void {
  if (group.state === 'PreparingRebalance' && group.members.allJoined) completeJoin(state, turn, group)
}

/** A group that is not preparing a rebalance was asked to begin one. */
function endJoinPhase(state: GroupsState, turn: Turn, group: ClassicGroup): void {
  if (group.state === 'PreparingRebalance') completeJoin(state, turn, group)
  else if (!group.isEmpty) prepareRebalance(state, turn, group)
}

/** Members that know of the generation but did not sync are removed, those that will never have a leader's assignments included. */
function endSyncPhase(state: GroupsState, turn: Turn, group: ClassicGroup): void {
  const { members } = group
  if ((group.state !== 'CompletingRebalance' && group.state !== 'Stable') || members.pendingSync.size === 0) return
  for (const memberId of members.pendingSync) {
    const member = members.get(memberId)
    if (member !== undefined) removeMember(state, turn, group, member)
  }
  prepareRebalance(state, turn, group)
}
