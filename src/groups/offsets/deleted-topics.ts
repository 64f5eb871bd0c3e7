import type { GroupRecord } from '../records/fact.ts'
import type { GroupsState } from '../state.ts'
import type { Turn } from '../turn.ts'
import { cleanupPauseMs } from './expiry.ts'
import { BatchRoom } from './record-size.ts'
import { offsetTombstone } from './tombstones.ts'
import { isOfAnotherTopic } from './topic-offsets.ts'

/**
 * Removes the offsets of topics that have been deleted, committed and pending ones (OffsetMetadataManager.onTopicsDeleted). `names` are topics of
 * which anything has changed: those that are there still keep their offsets, but not those of a topic of the same name before them.
 *
 * Nobody is subscribed in a way that matters: what a consumer would commit next for such a topic is refused before it comes here.
 * Writes one batch; if that is full, what is left comes in turns of its own, soon.
 */
export function deleteOffsetsOfTopics(state: GroupsState, turn: Turn, names: Iterable<string>): void {
  const changed = [...names]
  const room = new BatchRoom(state.world.settings.recordBatchBytesMax)
  for (const record of staleOffsets(state, changed)) {
    if (!room.take([record])) {
      const key = `offsets/deletedTopics/${changed.join()}`
      state.deadlines.set(key, turn.now + cleanupPauseMs, { kind: 'offsetsOfDeletedTopics', names: changed })
      return
    }
    turn.write(record)
  }
}

function* staleOffsets(state: GroupsState, names: readonly string[]): Generator<GroupRecord> {
  for (const groupId of state.offsets.groupIds()) {
    for (const name of names) yield* staleCommitted(state, groupId, name)
  }
  for (const groupId of state.offsets.transactional.groups()) {
    for (const name of names) yield* stalePending(state, groupId, name)
  }
}

function* staleCommitted(state: GroupsState, groupId: string, topic: string): Generator<GroupRecord> {
  const offsets = state.offsets.topicsOf(groupId).get(topic)
  if (offsets === undefined) return
  const present = state.world.topics.byName(topic)
  for (const [partition, committed] of offsets.entries()) {
    if (present === undefined || isOfAnotherTopic(committed, present.id)) yield offsetTombstone(groupId, topic, partition)
  }
}

function* stalePending(state: GroupsState, groupId: string, topic: string): Generator<GroupRecord> {
  const present = state.world.topics.byName(topic)
  for (const [partition, pending] of state.offsets.transactional.ofTopic(groupId, topic)) {
    const isStale = present === undefined || [...pending].every(({ value }) => isOfAnotherTopic(value, present.id))
    if (isStale && !state.offsets.has(groupId, topic, partition)) yield offsetTombstone(groupId, topic, partition)
  }
}
