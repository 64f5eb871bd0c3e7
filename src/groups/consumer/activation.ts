import type { GroupsState } from '../state.ts'
import type { Turn } from '../turn.ts'
import { awaitRevocation, keepMember } from './sessions.ts'

/** This node coordinates the groups from now on: all members have their whole session, and those that have to give partitions up their whole time to do so. */
export function activateConsumerGroups(state: GroupsState, turn: Turn): void {
  for (const group of state.groups.values()) {
    if (group.type !== 'consumer') continue
    for (const member of group.members.values()) {
      keepMember(state, turn, group.groupId, member)
      // A static member that is away has nothing to give up: its session alone decides, as it did where it left
      if (member.state === 'unrevoked' && member.pendingRevocation.size > 0) awaitRevocation(state, turn, group.groupId, member)
    }
  }
}
