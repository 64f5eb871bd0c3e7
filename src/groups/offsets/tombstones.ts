import type { GroupRecord } from '../records/fact.ts'
import type { OffsetStore } from './offset-store.ts'

export function offsetTombstone(groupId: string, topic: string, partition: number): GroupRecord {
  return { type: 'offsetCommit', key: { group: groupId, topic, partition }, value: null }
}

/** Of all that the group has committed, and of what is pending in transactions: a tombstone keeps their end from bringing it back. */
export function* offsetTombstonesOf(store: OffsetStore, groupId: string): Generator<GroupRecord> {
  for (const [topic, offsets] of store.topicsOf(groupId)) {
    for (const partition of offsets.partitions()) yield offsetTombstone(groupId, topic, partition)
  }
  for (const topic of store.transactional.topics(groupId)) {
    for (const [partition] of store.transactional.ofTopic(groupId, topic)) {
      if (!store.has(groupId, topic, partition)) yield offsetTombstone(groupId, topic, partition)
    }
  }
}
