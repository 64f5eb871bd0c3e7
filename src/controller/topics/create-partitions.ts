import type { TopicImage } from '../../metadata/topics-image.ts'
import type { ControllerRequest, ControllerResponse } from '../commands.ts'
import { done, type Outcome, refused } from '../outcome.ts'
import { partitionsPerRequestMax } from '../settings.ts'
import { MIN_ISR } from '../configs/min-isr.ts'
import type { ControllerState, RecordBatch } from '../state.ts'
import { addPartition, newPartition, type NewPartition, placePartitions } from './create-topics.ts'

type Request = ControllerRequest<'createPartitions'>
type Response = ControllerResponse<'createPartitions'>
type Topic = Request['topics'][number]

/** CreatePartitions (37) v0–3: a topic may grow, never shrink. */
export function createPartitions(state: ControllerState, request: Request, out: RecordBatch): Response {
  const timesNamed = new Map<string, number>()
  for (const { name } of request.topics) timesNamed.set(name, (timesNamed.get(name) ?? 0) + 1)
  let left = partitionsPerRequestMax
  const results = [...new Map(request.topics.map((topic) => [topic.name, topic])).values()].map((topic) => {
    if ((timesNamed.get(topic.name) ?? 0) > 1) return { name: topic.name, ...refused('INVALID_REQUEST', 'Duplicate topic name.') }
    const before = out.size
    const outcome = grow(state, topic, left, request.validateOnly, out)
    left -= out.size - before
    return { name: topic.name, ...outcome }
  })
  return { throttleTimeMs: 0, results }
}

function grow(state: ControllerState, asked: Topic, partitionsLeft: number, validateOnly: boolean, out: RecordBatch): Outcome {
  const topic = state.image.topics.byName(asked.name)
  if (topic === undefined) return refused('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.')
  const has = topic.partitions.length
  if (asked.count === has) return refused('INVALID_PARTITIONS', `Topic already has ${has} partition(s).`)
  if (asked.count < has) {
    const message = `The topic ${asked.name} currently has ${has} partition(s); ${asked.count} would not be an increase.`
    return refused('INVALID_PARTITIONS', message)
  }
  if (asked.count - has > partitionsLeft) return refused('POLICY_VIOLATION', 'Excessively large number of partitions per request.')
  const partitions = newPartitions(state, topic, asked)
  if ('errorCode' in partitions) return partitions
  if (validateOnly) return done
  const { configs } = state.image
  const minIsr = Number(state.rules.topicValue(MIN_ISR, configs.ofTopic(topic.name), configs.ofAllBrokers()))
  partitions.forEach((partition, at) => addPartition(state, { topicId: topic.id, minIsr }, has + at, partition, out))
  return done
}

function newPartitions(state: ControllerState, topic: TopicImage, asked: Topic): readonly NewPartition[] | Outcome {
  const has = topic.partitions.length
  const additional = asked.count - has
  const replicationFactor = topic.partitions[0]?.replicas.length ?? state.settings.defaultReplicationFactor
  if (asked.assignments === null) return placePartitions(state, additional, replicationFactor)
  if (asked.assignments.length !== additional) {
    return refused(
      'INVALID_REPLICA_ASSIGNMENT',
      `Attempted to add ${additional} additional partition(s), but only ${asked.assignments.length} assignment(s) were specified.`,
    )
  }
  const partitions: NewPartition[] = []
  for (const { brokerIds } of asked.assignments) {
    const partition = newPartition(state, has + partitions.length, brokerIds, replicationFactor)
    if ('errorCode' in partition) return partition
    partitions.push(partition)
  }
  return partitions
}
