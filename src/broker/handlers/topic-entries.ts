import type { NodeId, Uuid } from '../../base/units.ts'
import type { BrokerImage, EndpointImage } from '../../metadata/brokers-image.ts'
import type { ClusterImage } from '../../metadata/image.ts'
import { DIRECTORY_LOST, directoryOf, isReservedDirectory, type PartitionImage } from '../../metadata/partition-image.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { internalTopics } from '../internal-topics.ts'

/** How the cluster looks to a client of one listener (org.apache.kafka.metadata.KRaftMetadataCache). */

export interface BrokerEntry {
  readonly nodeId: NodeId
  readonly host: string
  readonly port: number
  readonly rack: string | null
  readonly fenced: boolean
}

export interface PartitionEntry {
  readonly errorCode: ErrorCode
  readonly partitionIndex: number
  readonly leaderId: NodeId
  readonly leaderEpoch: number
  readonly replicaNodes: readonly NodeId[]
  readonly isrNodes: readonly NodeId[]
  readonly offlineReplicas: readonly NodeId[]
}

const noLeaderId: NodeId = -1

export function isInternalTopic(name: string): boolean {
  return internalTopics.has(name)
}

const topicNameLengthMax = 249

/** org.apache.kafka.common.internals.Topic.validate */
export function isValidTopicName(name: string): boolean {
  return name !== '.' && name !== '..' && name.length <= topicNameLengthMax && /^[a-zA-Z0-9._-]+$/.test(name)
}

/** What a client is told of a topic that is not there. */
export function absentTopicError(name: string): ErrorCode {
  return isValidTopicName(name) ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION
}

/** All that everybody may do with a topic, as bits by AclOperation: there is no access control, so that is everything. */
export const topicOperations = 0b1101_1111_1000
/** As above, with a group. */
export const groupOperations = 0b1101_0100_1000
/** As above, with the cluster. */
export const clusterOperations = 0b1_1111_1010_0000
/** The client did not ask. */
export const operationsNotAsked = -0x8000_0000

export function endpointOf(broker: BrokerImage | undefined, listener: string): EndpointImage | undefined {
  return broker?.endpoints.find((it) => it.name === listener)
}

/** Brokers that have the listener, by id. Clients of Metadata are told of those that are not fenced. */
export function brokersOf(image: ClusterImage, listener: string): readonly BrokerEntry[] {
  const found: BrokerEntry[] = []
  for (const broker of image.brokers.all()) {
    const endpoint = endpointOf(broker, listener)
    if (endpoint === undefined) continue
    found.push({ nodeId: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack, fenced: broker.fenced })
  }
  return found.sort((a, b) => a.nodeId - b.nodeId)
}

/**
 * The controller that clients are told of: some live broker, which passes on what only the controller can do
 * (KRaftMetadataCache.getRandomAliveBrokerId). -1 when there is none. `random` is any whole number.
 */
export function advertisedController(alive: readonly BrokerEntry[], random: number): NodeId {
  return alive[random % Math.max(1, alive.length)]?.nodeId ?? noLeaderId
}

export interface EntryOptions {
  readonly listener: string
  /** Metadata v0: replicas without the listener are left out, and make the partition REPLICA_NOT_AVAILABLE. */
  readonly onlyReachable: boolean
  /** Metadata v6 and later: a leader without the listener is LISTENER_NOT_FOUND, before LEADER_NOT_AVAILABLE. */
  readonly namesMissingListeners: boolean
}

export function partitionEntry(image: ClusterImage, partition: PartitionImage, options: EntryOptions): PartitionEntry {
  const { listener, onlyReachable } = options
  const reachable = (ids: readonly NodeId[]): readonly NodeId[] =>
    onlyReachable ? ids.filter((id) => endpointOf(image.brokers.byId(id), listener) !== undefined) : ids
  const replicaNodes = reachable(partition.replicas)
  const isrNodes = reachable(partition.isr)
  const short = replicaNodes.length < partition.replicas.length || isrNodes.length < partition.isr.length
  const hasLeader = endpointOf(image.brokers.byId(partition.leader), listener) !== undefined
  const present = short ? ErrorCode.REPLICA_NOT_AVAILABLE : ErrorCode.NONE
  return {
    errorCode: hasLeader ? present : missingLeaderError(image, partition, options),
    partitionIndex: partition.partition,
    leaderId: hasLeader ? partition.leader : noLeaderId,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes,
    isrNodes,
    offlineReplicas: partition.replicas.filter((id) => isOffline(image, partition, id, listener)),
  }
}

function missingLeaderError(image: ClusterImage, partition: PartitionImage, options: EntryOptions): ErrorCode {
  const exists = image.brokers.byId(partition.leader) !== undefined
  return exists && options.namesMissingListeners ? ErrorCode.LISTENER_NOT_FOUND : ErrorCode.LEADER_NOT_AVAILABLE
}

function isOffline(image: ClusterImage, partition: PartitionImage, id: NodeId, listener: string): boolean {
  const broker = image.brokers.byId(id)
  if (broker === undefined || broker.fenced || endpointOf(broker, listener) === undefined) return true
  return !hasDirectory(broker, directoryOf(partition, id))
}

/** DirectoryId.isOnline: a broker that has named no directories is believed, and so is an assignment that is not settled. */
function hasDirectory(broker: BrokerImage, directory: Uuid | undefined): boolean {
  if (directory === undefined) return true
  if (directory === DIRECTORY_LOST) return false
  if (isReservedDirectory(directory) || broker.logDirs.length === 0) return true
  return broker.logDirs.includes(directory)
}
