import type { GroupsState } from '../state.ts'
import type { Turn } from '../turn.ts'
import type { ClassicGroup } from './classic-group.ts'
import { prepareRebalance } from './rebalance.ts'
import { cancelDeadlines, keepMember } from './session.ts'

/**
 * A term begins: every member has a whole session, for nobody could be heard until now. A generation without assignments rebalances at once, for its
 * members may not know of it: the coordinator before may have died before it told them, or the group was of the consumer protocol until then. So does a group
 * above `group.max.size`, and the last to join are turned away.
 */
export function activateClassicGroups(state: GroupsState, turn: Turn): void {
  for (const group of state.groups.values()) if (group.type === 'classic') activate(state, turn, group)
}

function activate(state: GroupsState, turn: Turn, group: ClassicGroup): void {
  cancelDeadlines(state, group)
  group.restart()
  for (const member of group.members.all()) keepMember(state, turn.now, group.groupId, member)
  const isTooLarge = group.members.size > state.world.settings.groupMaxSize
  if (group.state === 'CompletingRebalance' || isTooLarge) prepareRebalance(state, turn, group)
}
