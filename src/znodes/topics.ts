import type { Epoch, Uuid } from '../base/units.ts'
import { METADATA_VERSION_LATEST } from '../metadata/metadata-version.ts'
import { newRecord } from '../metadata/new-record.ts'
import type { PartitionImage } from '../metadata/partition-image.ts'
import type { MetadataRecord } from '../metadata/record-types.ts'
import type { TopicImage } from '../metadata/topics-image.ts'
import { type JsonObject, numberIn, numbersIn, objectOf, parseObject, stringIn, stringsIn, ZnodeError } from './json.ts'
import { nameOf, partOf, paths } from './paths.ts'
import type { Znode, ZnodeTree } from './znode-tree.ts'

/**
 * A topic is in three places: who its replicas are in `/brokers/topics/<t>`, who leads and who is in sync in `…/partitions/<p>/state` (both as Kafka
 * writes them), and what Kafka's ZooKeeper mode never had (partition epoch, directories, eligible leaders) in `/odradek/topics/<t>/<p>`.
 */

export function topicPath(name: string): string {
  return `${paths.topics}/${partOf(name)}`
}

/** What Kafka's layout has no place for. */
export function extrasPath(name: string): string {
  return `${paths.partitions}/${partOf(name)}`
}

/** TopicZNode version 3. */
export function topicText(topic: TopicImage): string {
  const lists = (of: (partition: PartitionImage) => readonly number[], all: boolean) =>
    Object.fromEntries(
      topic.partitions.flatMap((it) => (it === undefined || (!all && of(it).length === 0) ? [] : [[it.partition, of(it)]])),
    )
  return JSON.stringify({
    removing_replicas: lists((it) => it.removingReplicas, false),
    partitions: lists((it) => it.replicas, true),
    topic_id: topic.id,
    adding_replicas: lists((it) => it.addingReplicas, false),
    version: 3,
  })
}

export function* partitionZnodes(name: string, partition: PartitionImage, controllerEpoch: Epoch): Iterable<Znode> {
  yield [`${topicPath(name)}/partitions/${partition.partition}/state`, stateText(partition, controllerEpoch)]
  yield [`${extrasPath(name)}/${partition.partition}`, extrasText(partition)]
}

/** TopicPartitionStateZNode version 1. `controller_epoch`: of the controller that wrote it. */
function stateText(partition: PartitionImage, controllerEpoch: Epoch): string {
  return JSON.stringify({
    controller_epoch: controllerEpoch,
    leader: partition.leader,
    version: 1,
    leader_epoch: partition.leaderEpoch,
    isr: partition.isr,
    leader_recovery_state: partition.leaderRecoveryState,
  })
}

function extrasText(partition: PartitionImage): string {
  return JSON.stringify({
    version: 1,
    partition_epoch: partition.partitionEpoch,
    directories: partition.directories,
    eligible_leader_replicas: partition.eligibleLeaderReplicas,
    last_known_elr: partition.lastKnownElr,
  })
}

export function* topicZnodes(topic: TopicImage, controllerEpoch: Epoch): Iterable<Znode> {
  yield [topicPath(topic.name), topicText(topic)]
  yield [extrasPath(topic.name), '']
  for (const partition of topic.partitions) if (partition !== undefined) yield* partitionZnodes(topic.name, partition, controllerEpoch)
}

/** @throws ZnodeError */
export function* topicRecords(tree: ZnodeTree): Iterable<MetadataRecord> {
  for (const part of tree.namesBelow(paths.topics)) yield* recordsOfTopic(tree, nameOf(part))
}

function* recordsOfTopic(tree: ZnodeTree, name: string): Iterable<MetadataRecord> {
  const path = topicPath(name)
  const topic = parseObject(path, textAt(tree, path))
  const topicId = stringIn(path, topic, 'topic_id')
  yield newRecord('topic', METADATA_VERSION_LATEST, { name, topicId })
  const replicas = objectOf(path, topic['partitions'])
  const indexes = Object.keys(replicas).sort((a, b) => Number(a) - Number(b))
  for (const index of indexes) yield partitionRecord(tree, name, topicId, index, topic)
}

function partitionRecord(tree: ZnodeTree, name: string, topicId: Uuid, index: string, topic: JsonObject): MetadataRecord {
  const path = topicPath(name)
  const statePath = `${path}/partitions/${index}/state`
  const state = parseObject(statePath, textAt(tree, statePath))
  const morePath = `${extrasPath(name)}/${index}`
  const more = parseObject(morePath, textAt(tree, morePath))
  const listed = (key: string) => {
    const lists = objectOf(path, topic[key] ?? {})
    return Object.hasOwn(lists, index) ? numbersIn(path, lists, index) : []
  }
  return newRecord('partition', METADATA_VERSION_LATEST, {
    partitionId: Number(index),
    topicId,
    replicas: listed('partitions'),
    isr: numbersIn(statePath, state, 'isr'),
    removingReplicas: listed('removing_replicas'),
    addingReplicas: listed('adding_replicas'),
    leader: numberIn(statePath, state, 'leader'),
    leaderRecoveryState: numberIn(statePath, state, 'leader_recovery_state'),
    leaderEpoch: numberIn(statePath, state, 'leader_epoch'),
    partitionEpoch: numberIn(morePath, more, 'partition_epoch'),
    directories: stringsIn(morePath, more, 'directories'),
    eligibleLeaderReplicas: numbersIn(morePath, more, 'eligible_leader_replicas'),
    lastKnownElr: numbersIn(morePath, more, 'last_known_elr'),
  })
}

function textAt(tree: ZnodeTree, path: string): string {
  const text = tree.get(path)
  if (text === undefined) throw new ZnodeError(path, 'is not there')
  return text
}
