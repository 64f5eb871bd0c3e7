import type { GroupsState } from '../state.ts'
import type { Turn } from '../turn.ts'
import { awaitRevocation, keepMember } from './sessions.ts'

/** This node coordinates the groups from now on: all members have their whole session, and those that have to give partitions up their whole time to do so. */
export function activateConsumerGroups(state: GroupsState, turn: Turn): void {
  for (const group of state.groups.values()) {
    if (group.type !== 'consumer') continue
    for (const member of group.members.values()) {
      keepMember(state, turn, group.groupId, member)
      if (member.state === 'unrevoked') awaitRevocation(state, turn, group.groupId, member)
    }
  }
}
