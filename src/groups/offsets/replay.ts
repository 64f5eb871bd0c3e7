import { createSimpleGroup } from '../classic/simple-group.ts'
import type { GroupRecordOf, PendingOffsetFact } from '../records/fact.ts'
import type { GroupsState } from '../state.ts'

/**
 * Replays a committed offset or a pending one. Whoever commits without being a member of anything has a group all the same, a simple one: it comes
 * into being with its first offset, and stays until a tombstone of the group ends it (OffsetMetadataManager.replay).
 */
export function replayOffset(state: GroupsState, fact: GroupRecordOf<'offsetCommit'> | PendingOffsetFact): void {
  const groupId = fact.key.group
  if (fact.value !== null && !state.groups.has(groupId)) state.groups.set(groupId, createSimpleGroup(groupId))
  if (fact.type === 'pendingOffset') state.offsets.replayPending(fact)
  else state.offsets.replay(fact.key, fact.value)
}
