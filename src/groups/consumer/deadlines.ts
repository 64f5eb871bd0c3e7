import type { GroupsState } from '../state.ts'
import type { Turn } from '../turn.ts'
import type { ConsumerDue } from './due.ts'
import { fenceMembers } from './leaving.ts'

/**
 * A member's time is up: its session, or the time that it had to give partitions up, to join or to sync. It is put out of the group. A deadline may
 * have outlived what it was set for: the member, the group, or the epoch that the member was to leave.
 */
export function consumerDue(state: GroupsState, turn: Turn, due: ConsumerDue): void {
  const group = state.groups.get(due.groupId)
  if (group?.type !== 'consumer') return
  const member = group.members.get(due.memberId)
  if (member === undefined) return
  if (due.kind === 'consumerRebalance' && member.memberEpoch !== due.memberEpoch) return
  fenceMembers(state, turn, group, new Set([due.memberId]))
}
