import { ErrorCode } from '../../protocol/errors.ts'
import type { Group } from '../group.ts'
import type { GroupsState } from '../state.ts'
import type { Asked, Turn } from '../turn.ts'

/**
 * ListGroups 0 to 5: all groups, also those that are nothing but offsets. A filter that is empty lets everything pass; letters may
 * be of either case. States and types that no group can have let nothing pass, and are no error.
 */
export function listGroups(state: GroupsState, turn: Turn, { ticket, request }: Asked<'listGroups'>): void {
  const states = lowerCased(request.statesFilter)
  const types = lowerCased(request.typesFilter)
  const isWanted = ({ stateName, type }: Group): boolean => passes(states, stateName) && passes(types, type)
  const groups = []
  for (const group of state.groups.values()) {
    if (!isWanted(group)) continue
    const { groupId, protocolType, stateName: groupState, type: groupType } = group
    groups.push({ groupId, protocolType, groupState, groupType })
  }
  turn.answer(ticket, { api: 'listGroups', response: { errorCode: ErrorCode.NONE, groups } })
}

function lowerCased(filter: readonly string[]): ReadonlySet<string> {
  return new Set(filter.map((name) => name.toLowerCase().trim()))
}

function passes(filter: ReadonlySet<string>, name: string): boolean {
  return filter.size === 0 || filter.has(name.toLowerCase())
}
