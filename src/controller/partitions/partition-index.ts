import type { NodeId, Uuid } from '../../base/units.ts'
import { changedPartitions, type ClusterChanges } from '../../metadata/changes.ts'
import { hasPreferredLeader, isReassigning, type PartitionImage } from '../../metadata/partition-image.ts'
import type { TopicImage } from '../../metadata/topics-image.ts'

export interface PartitionKey {
  readonly topicId: Uuid
  readonly partition: number
}

/** A set of partitions, by topic: one id and some small numbers each, however many partitions there are. */
export class PartitionSet {
  private readonly byTopic = new Map<Uuid, Set<number>>()
  private count = 0

  get size(): number {
    return this.count
  }

  /** In the order in which they came in, by topic. */
  *all(): Iterable<PartitionKey> {
    for (const [topicId, partitions] of this.byTopic) {
      for (const partition of partitions) yield { topicId, partition }
    }
  }

  put(key: PartitionKey, present: boolean): void {
    if (present) this.add(key)
    else this.remove(key)
  }

  private add({ topicId, partition }: PartitionKey): void {
    let partitions = this.byTopic.get(topicId)
    if (partitions === undefined) this.byTopic.set(topicId, (partitions = new Set()))
    if (partitions.has(partition)) return
    partitions.add(partition)
    this.count += 1
  }

  private remove({ topicId, partition }: PartitionKey): void {
    const partitions = this.byTopic.get(topicId)
    if (partitions === undefined || !partitions.delete(partition)) return
    this.count -= 1
    if (partitions.size === 0) this.byTopic.delete(topicId)
  }
}

const nobody: readonly NodeId[] = []

/** For each broker the partitions that name it in one of their lists. */
class ReplicaSets {
  private readonly byBroker = new Map<NodeId, PartitionSet>()

  of(broker: NodeId): PartitionSet | undefined {
    return this.byBroker.get(broker)
  }

  follow(key: PartitionKey, before: readonly NodeId[] = nobody, after: readonly NodeId[] = nobody): void {
    if (before === after) return
    for (const broker of before) {
      if (!after.includes(broker)) this.byBroker.get(broker)?.put(key, false)
    }
    for (const broker of after) {
      let partitions = this.byBroker.get(broker)
      if (partitions === undefined) this.byBroker.set(broker, (partitions = new PartitionSet()))
      partitions.put(key, true)
    }
  }
}

/** Which partitions a broker's fate touches, so that nobody has to look through all of them. Follows the image. */
export class PartitionIndex {
  private readonly inIsr = new ReplicaSets()
  private readonly inElr = new ReplicaSets()
  private readonly ledBy = new Map<NodeId, number>()
  /** Partitions without a leader. */
  readonly leaderless = new PartitionSet()
  /** Partitions that another than the preferred replica leads, or nobody. */
  readonly imbalanced = new PartitionSet()
  readonly reassigning = new PartitionSet()

  /** Partitions that have the broker in their ISR, those that it leads among them. */
  inIsrOf(broker: NodeId): Iterable<PartitionKey> {
    return this.inIsr.of(broker)?.all() ?? []
  }

  /** Partitions that have the broker among their eligible leader replicas; none of them is in `inIsrOf`. */
  inElrOf(broker: NodeId): Iterable<PartitionKey> {
    return this.inElr.of(broker)?.all() ?? []
  }

  inIsrCount(broker: NodeId): number {
    return this.inIsr.of(broker)?.size ?? 0
  }

  leaderships(broker: NodeId): number {
    return this.ledBy.get(broker) ?? 0
  }

  follow(changes: ClusterChanges): void {
    for (const { topic, before, after } of changedPartitions(changes))
      this.change({ topicId: topic.id, partition: after.partition }, before, after)
    for (const topic of changes.topicsDeleted.values()) this.forget(topic)
  }

  private forget(topic: TopicImage): void {
    topic.partitions.forEach((partition, at) => this.change({ topicId: topic.id, partition: at }, partition, undefined))
  }

  private change(key: PartitionKey, before: PartitionImage | undefined, after: PartitionImage | undefined): void {
    this.inIsr.follow(key, before?.isr, after?.isr)
    this.inElr.follow(key, before?.eligibleLeaderReplicas, after?.eligibleLeaderReplicas)
    if (before?.leader !== after?.leader) {
      if (before !== undefined) this.countLeader(before.leader, -1)
      if (after !== undefined) this.countLeader(after.leader, 1)
    }
    this.leaderless.put(key, after !== undefined && after.leader < 0)
    this.imbalanced.put(key, after !== undefined && !hasPreferredLeader(after))
    this.reassigning.put(key, after !== undefined && isReassigning(after))
  }

  private countLeader(broker: NodeId, by: number): void {
    if (broker >= 0) this.ledBy.set(broker, this.leaderships(broker) + by)
  }
}
