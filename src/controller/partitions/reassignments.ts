import { addTo } from '../../base/grouped.ts'
import type { NodeId } from '../../base/units.ts'
import { isReassigning, type PartitionImage } from '../../metadata/partition-image.ts'
import type { TopicImage } from '../../metadata/topics-image.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ControllerRequest, ControllerResponse } from '../commands.ts'
import { done, type Outcome, refused } from '../outcome.ts'
import { recordsPerRequestMax } from '../settings.ts'
import { changeSetting, type ControllerState, type RecordBatch, uncleanElectionAllowed } from '../state.ts'
import { manualAssignmentProblem } from '../topics/manual-assignment.ts'
import { partitionChange, type PartitionTarget } from './partition-change.ts'

type AlterRequest = ControllerRequest<'alterPartitionReassignments'>
type AlterResponse = ControllerResponse<'alterPartitionReassignments'>
type ListRequest = ControllerRequest<'listPartitionReassignments'>
type ListResponse = ControllerResponse<'listPartitionReassignments'>

/**
 * AlterPartitionReassignments (45) v0–1 (KIP-455). While a partition moves, its replicas are the wanted ones followed by those that will go;
 * it is done once all that were added are in sync (partition-change.ts), which is seen by the AlterPartition that brings the last one in.
 */
export function alterPartitionReassignments(state: ControllerState, request: AlterRequest, out: RecordBatch): AlterResponse {
  const seen = new Set<string>()
  const responses = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, replicas }) => {
      const key = `${partitionIndex}:${name}`
      const outcome = seen.has(key)
        ? refused('INVALID_REQUEST', `Partition ${name}-${partitionIndex} is named more than once.`)
        : alterOne(state, name, partitionIndex, replicas, request.allowReplicationFactorChange, out)
      seen.add(key)
      return { partitionIndex, ...outcome }
    }),
  }))
  const { allowReplicationFactorChange } = request
  return { throttleTimeMs: 0, allowReplicationFactorChange, errorCode: ErrorCode.NONE, errorMessage: null, responses }
}

function alterOne(
  state: ControllerState,
  name: string,
  index: number,
  replicas: readonly NodeId[] | null,
  mayChangeFactor: boolean,
  out: RecordBatch,
): Outcome {
  const topic = state.image.topics.byName(name)
  if (topic === undefined) return refused('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find a topic named ${name}.`)
  const partition = topic.partitions[index]
  if (partition === undefined) return refused('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find partition ${name}:${index}.`)
  if (out.size >= recordsPerRequestMax) return refused('POLICY_VIOLATION', 'Excessively large number of partitions per request.')
  const target = replicas === null ? cancelled(topic, partition) : wanted(state, partition, replicas, mayChangeFactor)
  if ('errorCode' in target) return target
  const election = uncleanElectionAllowed(state, topic) ? 'unclean' : 'online'
  const draft = partitionChange(partition, { ...target, election }, changeSetting(state, topic, partition))
  if (draft !== null) out.add('partitionChange', draft)
  return done
}

/**
 * What was there before this reassignment and any earlier one that is not done: replicas still being added to it are not part of it, so naming them
 * again keeps them "adding", and the reassignment is not done before they are in sync. One that is not wanted any more and is neither in sync nor
 * eligible holds nothing that could be missed: it goes at once.
 */
function wanted(
  state: ControllerState,
  partition: PartitionImage,
  replicas: readonly NodeId[],
  mayChangeFactor: boolean,
): PartitionTarget | Outcome {
  const problem = manualAssignmentProblem(state, replicas, null)
  if (problem !== null) return refused('INVALID_REPLICA_ASSIGNMENT', problem)
  const original = originalReplicas(partition)
  if (!mayChangeFactor && replicas.length !== original.length) {
    return refused('INVALID_REPLICATION_FACTOR', `The replication factor is changed from ${original.length} to ${replicas.length}`)
  }
  const unwanted = partition.replicas.filter((replica) => !replicas.includes(replica))
  const removing = unwanted.filter((replica) => original.includes(replica) || holdsAll(partition, replica))
  const adding = replicas.filter((replica) => !original.includes(replica))
  return { replicas: [...replicas, ...removing], adding, removing }
}

function holdsAll({ isr, eligibleLeaderReplicas }: PartitionImage, replica: NodeId): boolean {
  return isr.includes(replica) || eligibleLeaderReplicas.includes(replica)
}

function originalReplicas(partition: PartitionImage): readonly NodeId[] {
  return partition.replicas.filter((replica) => !partition.addingReplicas.includes(replica))
}

function cancelled(topic: TopicImage, partition: PartitionImage): PartitionTarget | Outcome {
  if (!isReassigning(partition)) return refused('NO_REASSIGNMENT_IN_PROGRESS', 'No partition reassignment is in progress.')
  const replicas = originalReplicas(partition)
  const isr = partition.isr.filter((replica) => replicas.includes(replica))
  const back = { replicas, adding: [], removing: [] }
  if (isr.length > 0) return { ...back, isr }
  const message = `Unable to revert partition assignment for ${topic.name}:${partition.partition} because it would require an unclean leader election.`
  return refused('INVALID_REPLICA_ASSIGNMENT', message)
}

/** ListPartitionReassignments (46) v0; null topics: all that are moving. */
export function listPartitionReassignments(state: ControllerState, request: ListRequest): ListResponse {
  const asked = request.topics ?? movingByTopic(state)
  const topics = asked.flatMap(({ name, partitionIndexes }) => {
    const topic = state.image.topics.byName(name)
    const partitions = topic === undefined ? [] : partitionIndexes.flatMap((index) => ongoing(topic, index))
    return partitions.length === 0 ? [] : [{ name, partitions }]
  })
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, topics }
}

function movingByTopic(state: ControllerState): readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[] {
  const byTopic = new Map<string, number[]>()
  for (const { topicId, partition } of state.index.reassigning.all()) {
    const name = state.image.topics.byId(topicId)?.name
    if (name === undefined) continue
    addTo(byTopic, name, partition)
  }
  return [...byTopic].map(([name, partitionIndexes]) => ({ name, partitionIndexes }))
}

function ongoing(topic: TopicImage, index: number): ListResponse['topics'][number]['partitions'] {
  const partition = topic.partitions[index]
  if (partition === undefined || !isReassigning(partition)) return []
  const { replicas, addingReplicas, removingReplicas } = partition
  return [{ partitionIndex: index, replicas, addingReplicas, removingReplicas }]
}
