import type { GroupsState } from '../state.ts'
import type { Turn } from '../turn.ts'
import type { ClassicGroup } from './classic-group.ts'
import { awaitSyncs, prepareRebalance } from './rebalance.ts'
import { cancelDeadlines, keepMember } from './session.ts'

/**
 * A term begins: every member has a whole session, for nobody could be heard until now. A generation that had begun goes on, its members know of it; who
 * has not synced in time is removed. A group above `group.max.size` rebalances at once, and the last to join are turned away.
 */
export function activateClassicGroups(state: GroupsState, turn: Turn): void {
  for (const group of state.groups.values()) if (group.type === 'classic') activate(state, turn, group)
}

function activate(state: GroupsState, turn: Turn, group: ClassicGroup): void {
  cancelDeadlines(state, group)
  group.restart()
  for (const member of group.members.all()) keepMember(state, turn.now, group.groupId, member)
  if (group.state === 'CompletingRebalance') awaitSyncs(state, turn, group)
  if (group.members.size > state.world.settings.groupMaxSize) prepareRebalance(state, turn, group)
}
