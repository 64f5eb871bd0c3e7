import type { EndTransactionFact, GroupKey, GroupValue, PendingOffsetFact } from '../records/fact.ts'
import { PendingOffsets } from './pending-offsets.ts'
import { type CommittedOffset, TopicOffsets } from './topic-offsets.ts'

type Topics = Map<string, TopicOffsets>

const noTopics: ReadonlyMap<string, TopicOffsets> = new Map()

/**
 * The committed offsets of the groups of one ledger: the fold of the offset records and transaction markers of its log.
 *
 *  1. There is no group without a topic, and no topic without an offset, in `groups`.
 *  2. What is pending is in no answer; it can only be told that something is (`isPending`).
 */
export class OffsetStore {
  private readonly groups = new Map<string, Topics>()
  private readonly pending = new PendingOffsets()
  private count = 0

  /** Committed offsets, those that are pending not counted. */
  get size(): number {
    return this.count
  }

  /** A commit, or a tombstone (null), which also drops what is pending for the partition. */
  replay(key: GroupKey<'offsetCommit'>, value: GroupValue<'offsetCommit'> | null): void {
    if (value === null) {
      this.delete(key)
      this.pending.drop(key)
      return
    }
    this.pending.overtake(key)
    this.set(key, value)
  }

  replayPending(fact: PendingOffsetFact): void {
    if (fact.value === null) this.replay(fact.key, null)
    else this.pending.put(fact, fact.value)
  }

  /** Committed offsets of the transaction count, unless a later record has spoken for the partition meanwhile; aborted ones are forgotten. */
  endTransaction(fact: EndTransactionFact): void {
    const ended = this.pending.end(fact.producerId)
    if (!fact.committed) return
    for (const { key, value, order, overtaken } of ended) {
      if (overtaken) continue
      this.pending.overtake(key, order)
      this.set(key, value)
    }
  }

  /** Null: never committed, or deleted, or expired. */
  get(groupId: string, topic: string, partition: number): CommittedOffset | null {
    return this.groups.get(groupId)?.get(topic)?.get(partition) ?? null
  }

  has(groupId: string, topic: string, partition: number): boolean {
    return this.groups.get(groupId)?.get(topic)?.has(partition) ?? false
  }

  /** What the group has committed, by topic; what is pending is not among it. */
  topicsOf(groupId: string): ReadonlyMap<string, TopicOffsets> {
    return this.groups.get(groupId) ?? noTopics
  }

  /** Whether the group has committed offsets, or has some pending. */
  hasGroup(groupId: string): boolean {
    return this.groups.has(groupId) || this.pending.hasGroup(groupId)
  }

  /** Groups with committed offsets. */
  groupIds(): Iterable<string> {
    return this.groups.keys()
  }

  /** Whether a transaction that has not ended has committed an offset of the partition. */
  isPending(groupId: string, topic: string, partition: number): boolean {
    return this.pending.has(groupId, topic, partition)
  }

  isPendingInGroup(groupId: string): boolean {
    return this.pending.hasGroup(groupId)
  }

  /** Offsets of transactions that have not ended. */
  get transactional(): PendingOffsets {
    return this.pending
  }

  private set({ group, topic, partition }: GroupKey<'offsetCommit'>, value: GroupValue<'offsetCommit'>): void {
    let topics = this.groups.get(group)
    if (topics === undefined) this.groups.set(group, (topics = new Map()))
    const offsets = topics.get(topic)
    if (offsets === undefined) topics.set(topic, new TopicOffsets(partition, value))
    if (offsets === undefined || offsets.set(partition, value)) this.count += 1
  }

  private delete({ group, topic, partition }: GroupKey<'offsetCommit'>): void {
    const topics = this.groups.get(group)
    const offsets = topics?.get(topic)
    if (topics === undefined || offsets === undefined || !offsets.delete(partition)) return
    this.count -= 1
    if (offsets.size === 0) topics.delete(topic)
    if (topics.size === 0) this.groups.delete(group)
  }
}
