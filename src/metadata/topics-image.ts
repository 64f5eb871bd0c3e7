import { assert } from '../base/assert.ts'
import type { Uuid } from '../base/units.ts'
import type { ChangeLog } from './changes.ts'
import { hasDirectories } from './metadata-version.ts'
import { newRecord } from './new-record.ts'
import { type PartitionImage, partitionAfter, partitionFromRecord } from './partition-image.ts'
import type { MetadataRecord } from './record-types.ts'
import type { ClearElrRecord, PartitionChangeRecord, PartitionRecord, RemoveTopicRecord, TopicRecord } from './records/topics.ts'

/** A topic. The object stays the same while the topic exists; what it says of its partitions follows the log. */
export interface TopicImage {
  readonly name: string
  readonly id: Uuid
  /** By partition index. Without holes, but for a moment while a topic is being read from a log. */
  readonly partitions: readonly (PartitionImage | undefined)[]
}

interface Topic extends TopicImage {
  readonly partitions: (PartitionImage | undefined)[]
}

export class TopicsImage {
  private readonly topicsByName = new Map<string, Topic>()
  private readonly topicsById = new Map<Uuid, Topic>()
  private count = 0

  byName(name: string): TopicImage | undefined {
    return this.topicsByName.get(name)
  }

  byId(id: Uuid): TopicImage | undefined {
    return this.topicsById.get(id)
  }

  partition(topicId: Uuid, partition: number): PartitionImage | undefined {
    return this.topicsById.get(topicId)?.partitions[partition]
  }

  /** In the order of creation. */
  all(): Iterable<TopicImage> {
    return this.topicsByName.values()
  }

  /** In the order of creation. */
  names(): Iterable<string> {
    return this.topicsByName.keys()
  }

  get size(): number {
    return this.topicsByName.size
  }

  get partitionCount(): number {
    return this.count
  }

  create(record: TopicRecord, changes: ChangeLog): void {
    assert(!this.topicsByName.has(record.name), `topic '${record.name}' is there already`)
    assert(!this.topicsById.has(record.topicId), `topic id ${record.topicId} is there already`)
    const topic: Topic = { name: record.name, id: record.topicId, partitions: [] }
    this.topicsByName.set(topic.name, topic)
    this.topicsById.set(topic.id, topic)
    changes.topicCreated(topic)
  }

  setPartition(record: PartitionRecord, changes: ChangeLog): void {
    const topic = this.topicOf(record.topicId)
    assert(record.partitionId >= 0, `partition ${record.partitionId} of '${topic.name}'`)
    this.put(topic, topic.partitions[record.partitionId], partitionFromRecord(record, topic.id), changes)
  }

  changePartition(record: PartitionChangeRecord, changes: ChangeLog): void {
    const topic = this.topicOf(record.topicId)
    const before = topic.partitions[record.partitionId]
    assert(before !== undefined, `a change of partition '${topic.name}-${record.partitionId}', which is not there`)
    this.put(topic, before, partitionAfter(before, record), changes)
  }

  private put(topic: Topic, before: PartitionImage | undefined, after: PartitionImage, changes: ChangeLog): void {
    topic.partitions[after.partition] = after
    if (before === undefined) this.count += 1
    changes.partitionChanged(topic, before, after)
  }

  /** Returns the topic that went. */
  remove(record: RemoveTopicRecord, changes: ChangeLog): TopicImage {
    const topic = this.topicOf(record.topicId)
    this.topicsByName.delete(topic.name)
    this.topicsById.delete(topic.id)
    topic.partitions.forEach(() => (this.count -= 1))
    changes.topicDeleted(topic)
    return topic
  }

  /** Who was eligible to lead in a topic (in all topics for an empty name) is so no longer (TopicDelta.maybeClearElr). */
  clearElr(record: ClearElrRecord, changes: ChangeLog): void {
    const topics = record.topicName === '' ? [...this.topicsByName.values()] : [this.topicsByName.get(record.topicName)]
    for (const topic of topics) {
      assert(topic !== undefined, `ClearElrRecord for '${record.topicName}', which is not there`)
      topic.partitions.forEach((partition) => {
        if (partition === undefined || (partition.eligibleLeaderReplicas.length === 0 && partition.lastKnownElr.length === 0)) return
        const partitionEpoch = partition.partitionEpoch + 1
        this.put(topic, partition, { ...partition, eligibleLeaderReplicas: [], lastKnownElr: [], partitionEpoch }, changes)
      })
    }
  }

  private topicOf(id: Uuid): Topic {
    const topic = this.topicsById.get(id)
    assert(topic !== undefined, `topic ${id} is not there`)
    return topic
  }

  *toRecords(metadataVersion: number): Iterable<MetadataRecord> {
    for (const topic of this.topicsByName.values()) {
      yield newRecord('topic', metadataVersion, { name: topic.name, topicId: topic.id })
      for (const partition of topic.partitions) {
        if (partition !== undefined) yield partitionToRecord(partition, metadataVersion)
      }
    }
  }
}

/** A whole partition as a record (PartitionRegistration.toRecord). */
export function partitionToRecord(partition: PartitionImage, metadataVersion: number): MetadataRecord {
  const { eligibleLeaderReplicas: elr, lastKnownElr } = partition
  return newRecord('partition', metadataVersion, {
    partitionId: partition.partition,
    topicId: partition.topicId,
    replicas: partition.replicas,
    isr: partition.isr,
    removingReplicas: partition.removingReplicas,
    addingReplicas: partition.addingReplicas,
    leader: partition.leader,
    leaderRecoveryState: partition.leaderRecoveryState,
    leaderEpoch: partition.leaderEpoch,
    partitionEpoch: partition.partitionEpoch,
    directories: hasDirectories(metadataVersion) ? partition.directories : [],
    eligibleLeaderReplicas: elr.length === 0 ? null : elr,
    lastKnownElr: lastKnownElr.length === 0 ? null : lastKnownElr,
  })
}
