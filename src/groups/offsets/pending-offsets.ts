import type { GroupKey, GroupValue, PendingOffsetFact } from '../records/fact.ts'

type Key = GroupKey<'offsetCommit'>
type Value = GroupValue<'offsetCommit'>

/** An offset in an open transaction. */
export interface PendingOffset {
  readonly producerId: number
  readonly key: Key
  readonly value: Value
  /** Rises with the log: which of two pending offsets was written first. */
  readonly order: number
  /** A later record of the log has spoken for the partition: the transaction's end will change nothing. */
  overtaken: boolean
}

type ByProducer = Map<number, PendingOffset>
type ByPartition = Map<number, ByProducer>
type ByTopic = Map<string, ByPartition>

/**
 * The offsets of transactions that have not ended (OffsetMetadataManager.pendingTransactionalOffsets and openTransactions). What is committed in
 * the end goes by the order of records, not of ends: an offset is not put back by a transaction that ends late. Kafka compares offsets of records;
 * here whoever writes later marks what was pending before it as overtaken, which needs no offset beside every committed one.
 */
export class PendingOffsets {
  private readonly byGroup = new Map<string, ByTopic>()
  private readonly byProducer = new Map<number, Set<PendingOffset>>()
  private nextOrder = 0

  put({ producerId, key }: PendingOffsetFact, value: Value): void {
    const pending = { producerId, key, value, order: this.nextOrder, overtaken: false }
    this.nextOrder += 1
    const byProducer = this.makeAt(key)
    const before = byProducer.get(producerId)
    if (before !== undefined) this.byProducer.get(producerId)?.delete(before)
    byProducer.set(producerId, pending)
    let all = this.byProducer.get(producerId)
    if (all === undefined) this.byProducer.set(producerId, (all = new Set()))
    all.add(pending)
  }

  /** The offsets of the transaction that `producerId` has open, which has ended: they are pending no more. */
  end(producerId: number): readonly PendingOffset[] {
    const ended = [...(this.byProducer.get(producerId) ?? [])]
    this.byProducer.delete(producerId)
    for (const { key } of ended) this.removeAt(key, producerId)
    return ended
  }

  /** A plain commit (or one of a transaction, whose record had that order) has been written: pending offsets before it will not count. */
  overtake(key: Key, order = this.nextOrder): void {
    for (const pending of this.at(key.group, key.topic, key.partition)?.values() ?? []) {
      if (pending.order < order) pending.overtaken = true
    }
  }

  /** A tombstone drops what is pending, too. */
  drop(key: Key): void {
    for (const pending of this.at(key.group, key.topic, key.partition)?.values() ?? []) {
      const all = this.byProducer.get(pending.producerId)
      all?.delete(pending)
      if (all?.size === 0) this.byProducer.delete(pending.producerId)
    }
    this.removeAt(key, null)
  }

  hasGroup(groupId: string): boolean {
    return this.byGroup.has(groupId)
  }

  has(groupId: string, topic: string, partition: number): boolean {
    return this.at(groupId, topic, partition) !== undefined
  }

  *groups(): Generator<string> {
    yield* this.byGroup.keys()
  }

  /** The topic's partitions with pending offsets, and the pending offsets of each. */
  *ofTopic(groupId: string, topic: string): Generator<readonly [partition: number, pending: Iterable<PendingOffset>]> {
    for (const [partition, byProducer] of this.byGroup.get(groupId)?.get(topic) ?? []) yield [partition, byProducer.values()]
  }

  *topics(groupId: string): Generator<string> {
    yield* this.byGroup.get(groupId)?.keys() ?? []
  }

  private at(groupId: string, topic: string, partition: number): ByProducer | undefined {
    return this.byGroup.get(groupId)?.get(topic)?.get(partition)
  }

  private makeAt({ group, topic, partition }: Key): ByProducer {
    let byTopic = this.byGroup.get(group)
    if (byTopic === undefined) this.byGroup.set(group, (byTopic = new Map()))
    let byPartition = byTopic.get(topic)
    if (byPartition === undefined) byTopic.set(topic, (byPartition = new Map()))
    let byProducer = byPartition.get(partition)
    if (byProducer === undefined) byPartition.set(partition, (byProducer = new Map()))
    return byProducer
  }

  /** `producerId` null: of all producers. */
  private removeAt({ group, topic, partition }: Key, producerId: number | null): void {
    const byTopic = this.byGroup.get(group)
    const byPartition = byTopic?.get(topic)
    const byProducer = byPartition?.get(partition)
    if (byTopic === undefined || byPartition === undefined || byProducer === undefined) return
    if (producerId !== null) byProducer.delete(producerId)
    if (producerId !== null && byProducer.size > 0) return
    byPartition.delete(partition)
    if (byPartition.size === 0) byTopic.delete(topic)
    if (byTopic.size === 0) this.byGroup.delete(group)
  }
}
