import type { GroupRecordOf } from '../records/fact.ts'
import type { GroupsState } from '../state.ts'
import { ClassicGroup } from './classic-group.ts'
import { cancelDeadlines, joinKey } from './session.ts'

/**
 * The last record of a group is what it is. On the coordinator it was decided by the very group that takes it over. A group of another type under the
 * same id was ended by tombstones before; should they have been compacted away, this ends it.
 */
export function replayGroupMetadata(state: GroupsState, { key, value }: GroupRecordOf<'groupMetadata'>): void {
  const before = state.groups.get(key.group)
  const known = before?.type === 'classic' ? before : undefined
  if (value === null) {
    if (known !== undefined) end(state, known)
    return
  }
  const group = known ?? new ClassicGroup(key.group)
  group.takeOver(value, true)
  if (known === undefined) state.groups.set(key.group, group)
  if (group.state !== 'PreparingRebalance') state.deadlines.cancel(joinKey(key.group))
}

function end(state: GroupsState, group: ClassicGroup): void {
  cancelDeadlines(state, group)
  group.becomeDead()
  state.groups.delete(group.groupId)
}
