import type { NodeId, Uuid } from '../base/units.ts'
import type { BrokerImage } from './brokers-image.ts'
import type { ConfigResource } from './configs-image.ts'
import type { PartitionImage } from './partition-image.ts'
import type { TopicImage } from './topics-image.ts'

export interface PartitionChange {
  readonly topic: TopicImage
  readonly partition: number
  /** undefined: it was not there. */
  readonly before: PartitionImage | undefined
  readonly after: PartitionImage
}

export interface BrokerChange {
  readonly id: NodeId
  readonly before: BrokerImage | undefined
  /** undefined: it was unregistered. */
  readonly after: BrokerImage | undefined
}

/** What is different in an image since its changes were last taken: first and last state of each thing, not the steps between. */
export interface ClusterChanges {
  /** With their partitions, which are in `partitions` too. */
  readonly topicsCreated: ReadonlyMap<Uuid, TopicImage>
  /** As they were last. A topic that was created and deleted in between is in neither. */
  readonly topicsDeleted: ReadonlyMap<Uuid, TopicImage>
  /** By topic id, then partition. Not those of deleted topics. */
  readonly partitions: ReadonlyMap<Uuid, ReadonlyMap<number, PartitionChange>>
  readonly brokers: ReadonlyMap<NodeId, BrokerChange>
  /** Resources whose configuration changed; a deleted topic's too. */
  readonly configs: readonly ConfigResource[]
  readonly controllersChanged: boolean
  readonly featuresChanged: boolean
  readonly quotasChanged: boolean
  readonly securityChanged: boolean
  readonly producerIdsChanged: boolean
}

/** Every changed partition, whatever its topic. */
export function* changedPartitions(changes: ClusterChanges): Iterable<PartitionChange> {
  for (const ofTopic of changes.partitions.values()) yield* ofTopic.values()
}

/** Gathers changes while records are applied. */
export class ChangeLog implements ClusterChanges {
  readonly topicsCreated = new Map<Uuid, TopicImage>()
  readonly topicsDeleted = new Map<Uuid, TopicImage>()
  readonly partitions = new Map<Uuid, Map<number, PartitionChange>>()
  readonly brokers = new Map<NodeId, BrokerChange>()
  private readonly configsByKey = new Map<string, ConfigResource>()
  controllersChanged = false
  featuresChanged = false
  quotasChanged = false
  securityChanged = false
  producerIdsChanged = false

  get configs(): readonly ConfigResource[] {
    return [...this.configsByKey.values()]
  }

  topicCreated(topic: TopicImage): void {
    this.topicsCreated.set(topic.id, topic)
  }

  topicDeleted(topic: TopicImage): void {
    this.partitions.delete(topic.id)
    if (!this.topicsCreated.delete(topic.id)) this.topicsDeleted.set(topic.id, topic)
  }

  partitionChanged(topic: TopicImage, before: PartitionImage | undefined, after: PartitionImage): void {
    let ofTopic = this.partitions.get(topic.id)
    if (ofTopic === undefined) this.partitions.set(topic.id, (ofTopic = new Map()))
    const earlier = ofTopic.get(after.partition)
    const first = earlier === undefined ? before : earlier.before
    ofTopic.set(after.partition, { topic, partition: after.partition, before: first, after })
  }

  brokerChanged(id: NodeId, before: BrokerImage | undefined, after: BrokerImage | undefined): void {
    const earlier = this.brokers.get(id)
    this.brokers.set(id, { id, before: earlier === undefined ? before : earlier.before, after })
  }

  configChanged(resource: ConfigResource): void {
    this.configsByKey.set(`${resource.type}:${resource.name}`, resource)
  }
}
