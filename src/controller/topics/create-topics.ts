import { type NodeId, NO_UUID, type Uuid } from '../../base/units.ts'
import { ResourceType } from '../../metadata/configs-image.ts'
import { hasDirectories } from '../../metadata/metadata-version.ts'
import type { ControllerRequest, ControllerResponse, RequestContext } from '../commands.ts'
import { type Outcome, refused } from '../outcome.ts'
import { partitionsPerRequestMax } from '../settings.ts'
import { MIN_ISR } from '../configs/min-isr.ts'
import { type ControllerState, directoryFor, isElrEnabled, type RecordBatch } from '../state.ts'
import { manualAssignmentProblem } from './manual-assignment.ts'
import { placeReplicas, usableBrokers } from './placement.ts'
import { collisionKey, mayCollide, topicNameProblem } from './topic-name.ts'

type Request = ControllerRequest<'createTopics'>
type Response = ControllerResponse<'createTopics'>
type Topic = Request['topics'][number]
type Result = Response['topics'][number]

/** A replica set with those of it that are there to begin with: the first of them leads. */
export interface NewPartition {
  readonly replicas: readonly NodeId[]
  readonly isr: readonly NodeId[]
}

const METADATA_TOPIC = '__cluster_metadata'

/** CreateTopics (19) v2–7, ReplicationControlManager.createTopics. Each topic for itself, but all within one batch of records. */
export function createTopics(state: ControllerState, request: Request, context: RequestContext, out: RecordBatch): Response {
  if (partitionsWanted(state, request) > partitionsPerRequestMax) {
    const error = refused('POLICY_VIOLATION', 'Excessively large number of partitions per request.')
    return { topics: request.topics.map(({ name }) => ({ name, ...error })) }
  }
  const names = new NameCheck(state, request)
  const topics: Result[] = []
  for (const topic of uniqueByName(request.topics)) {
    const refusal = names.check(topic.name)
    const result = refusal === null ? createTopic(state, topic, context, request.validateOnly ? null : out) : refusal
    topics.push({ name: topic.name, ...result })
    if (result.errorCode === 0) names.taken(topic.name)
  }
  return { topics }
}

function uniqueByName(topics: readonly Topic[]): Iterable<Topic> {
  return new Map(topics.map((topic) => [topic.name, topic])).values()
}

function partitionsWanted(state: ControllerState, request: Request): number {
  let wanted = 0
  for (const { assignments, numPartitions } of request.topics) {
    wanted +=
      assignments.length > 0 ? assignments.length : numPartitions === -1 ? state.settings.defaultPartitions : Math.max(numPartitions, 0)
  }
  return wanted
}

/** Names against the rules, the other names of the request, and the topics that are there. */
class NameCheck {
  private readonly image: ControllerState['image']
  private readonly timesNamed = new Map<string, number>()
  private readonly byCollisionKey = new Map<string, string>()

  constructor(state: ControllerState, request: Request) {
    this.image = state.image
    for (const { name } of request.topics) this.timesNamed.set(name, (this.timesNamed.get(name) ?? 0) + 1)
    if (!request.topics.some(({ name }) => mayCollide(name))) return
    for (const name of this.image.topics.names()) this.taken(name)
  }

  taken(name: string): void {
    if (mayCollide(name)) this.byCollisionKey.set(collisionKey(name), name)
  }

  check(name: string): Outcome | null {
    if ((this.timesNamed.get(name) ?? 0) > 1) return refused('INVALID_REQUEST', 'Duplicate topic name.')
    if (name === METADATA_TOPIC) return refused('INVALID_REQUEST', `Creation of internal topic ${METADATA_TOPIC} is prohibited.`)
    const problem = topicNameProblem(name)
    if (problem !== null) return refused('INVALID_TOPIC_EXCEPTION', problem)
    if (this.image.topics.byName(name) !== undefined) return refused('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)
    const other = mayCollide(name) ? this.byCollisionKey.get(collisionKey(name)) : undefined
    return other === undefined ? null : refused('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with existing topic: ${other}`)
  }
}

type TopicResult = Omit<Result, 'name'>

/** `out` null: only say what would become of it. */
function createTopic(state: ControllerState, topic: Topic, context: RequestContext, out: RecordBatch | null): TopicResult {
  const configs = configsOf(state, topic)
  if ('errorCode' in configs) return configs
  const partitions = topic.assignments.length > 0 ? assigned(state, topic) : placed(state, topic)
  if ('errorCode' in partitions) return partitions
  const topicId = newTopicId(state)
  if (out !== null) {
    for (const [name, value] of configs) out.add('config', { resourceType: ResourceType.TOPIC, resourceName: topic.name, name, value })
    out.add('topic', { name: topic.name, topicId })
    const minIsr = Number(state.rules.topicValue(MIN_ISR, configs, state.image.configs.ofAllBrokers()))
    partitions.forEach((partition, at) => addPartition(state, { topicId, minIsr }, at, partition, out))
  }
  return {
    topicId: out === null ? NO_UUID : topicId,
    errorCode: 0,
    errorMessage: null,
    numPartitions: partitions.length,
    replicationFactor: partitions[0]?.replicas.length ?? -1,
    configs: context.version >= 5 ? state.rules.topicConfigs(configs, state.image.configs.ofAllBrokers()) : null,
  }
}

function newTopicId(state: ControllerState): Uuid {
  for (;;) {
    const id = state.entropy.uuid()
    if (state.image.topics.byId(id) === undefined) return id
  }
}

function configsOf(state: ControllerState, topic: Topic): ReadonlyMap<string, string> | Outcome {
  const values = new Map<string, string>()
  for (const { name, value } of topic.configs) {
    if (value === null) return refused('INVALID_CONFIG', `Null value not supported for topic configs: ${name}`)
    if (values.has(name)) return refused('INVALID_REQUEST', `Duplicate topic config: ${name}`)
    values.set(name, value)
  }
  const problem = state.rules.problem({ type: ResourceType.TOPIC, name: topic.name }, values)
  return problem === null ? values : refused(problem.error, problem.message)
}

function assigned(state: ControllerState, topic: Topic): readonly NewPartition[] | Outcome {
  if (topic.replicationFactor !== -1) {
    return refused('INVALID_REQUEST', 'A manual partition assignment was specified, but replication factor was not set to -1.')
  }
  if (topic.numPartitions !== -1) {
    return refused('INVALID_REQUEST', 'A manual partition assignment was specified, but numPartitions was not set to -1.')
  }
  const partitions = new Map<number, NewPartition>()
  let replicationFactor: number | null = null
  for (const { partitionIndex, brokerIds } of topic.assignments) {
    if (partitions.has(partitionIndex)) {
      return refused('INVALID_REPLICA_ASSIGNMENT', `Found multiple manual partition assignments for partition ${partitionIndex}`)
    }
    const partition = newPartition(state, partitionIndex, brokerIds, replicationFactor)
    if ('errorCode' in partition) return partition
    replicationFactor = brokerIds.length
    partitions.set(partitionIndex, partition)
  }
  const inOrder = [...partitions].sort(([a], [b]) => a - b)
  if (inOrder.some(([index], at) => index !== at)) {
    return refused('INVALID_REPLICA_ASSIGNMENT', 'partitions should be a consecutive 0-based integer sequence')
  }
  return inOrder.map(([, partition]) => partition)
}

/** A partition on brokers that somebody chose. */
export function newPartition(
  state: ControllerState,
  index: number,
  brokers: readonly NodeId[],
  replicationFactor: number | null,
): NewPartition | Outcome {
  const problem = manualAssignmentProblem(state, brokers, replicationFactor)
  if (problem !== null) return refused('INVALID_REPLICA_ASSIGNMENT', problem)
  const isr = brokers.filter((broker) => state.image.brokers.isActive(broker))
  if (isr.length > 0) return { replicas: brokers, isr }
  return refused(
    'INVALID_REPLICA_ASSIGNMENT',
    `All brokers specified in the manual partition assignment for partition ${index} are fenced or in controlled shutdown.`,
  )
}

function placed(state: ControllerState, topic: Topic): readonly NewPartition[] | Outcome {
  if (topic.replicationFactor < -1 || topic.replicationFactor === 0) {
    return refused('INVALID_REPLICATION_FACTOR', 'Replication factor must be larger than 0, or -1 to use the default value.')
  }
  if (topic.numPartitions < -1 || topic.numPartitions === 0) {
    return refused('INVALID_PARTITIONS', 'Number of partitions was set to an invalid non-positive value.')
  }
  const partitions = topic.numPartitions === -1 ? state.settings.defaultPartitions : topic.numPartitions
  const factor = topic.replicationFactor === -1 ? state.settings.defaultReplicationFactor : topic.replicationFactor
  return placePartitions(state, partitions, factor)
}

/** Partitions on brokers that the placement chooses. */
export function placePartitions(state: ControllerState, partitions: number, replicationFactor: number): readonly NewPartition[] | Outcome {
  const failed = (why: string): Outcome =>
    refused('INVALID_REPLICATION_FACTOR', `Unable to replicate the partition ${replicationFactor} time(s): ${why}`)
  const placement = placeReplicas(usableBrokers(state.image.brokers.all()), partitions, replicationFactor, state.entropy)
  if ('problem' in placement) return failed(placement.problem)
  const made = placement.replicas.map((replicas) => ({ replicas, isr: replicas.filter((broker) => state.image.brokers.isActive(broker)) }))
  return made.some(({ isr }) => isr.length === 0) ? failed('All brokers are currently fenced or in controlled shutdown.') : made
}

/**
 * A new partition, led by the first of its ISR. Where that is too small to commit whoever is not there yet has all that was acknowledged, which is nothing,
 * and is eligible to lead (Kafka leaves that out).
 */
export function addPartition(
  state: ControllerState,
  { topicId, minIsr }: { readonly topicId: Uuid; readonly minIsr: number },
  partitionId: number,
  { replicas, isr }: NewPartition,
  out: RecordBatch,
): void {
  const isEligible = isElrEnabled(state) && isr.length < Math.min(minIsr, replicas.length)
  out.add('partition', {
    partitionId,
    topicId,
    replicas,
    isr,
    removingReplicas: [],
    addingReplicas: [],
    leader: isr[0] ?? -1,
    leaderRecoveryState: 0,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: hasDirectories(state.image.metadataVersion) ? replicas.map((broker) => directoryFor(state, broker)) : [],
    eligibleLeaderReplicas: isEligible ? replicas.filter((broker) => !isr.includes(broker)) : null,
  })
}
