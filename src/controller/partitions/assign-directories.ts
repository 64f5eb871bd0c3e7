import type { NodeId, Uuid } from '../../base/units.ts'
import { hasDirectories } from '../../metadata/metadata-version.ts'
import { DIRECTORY_LOST, directoryOf } from '../../metadata/partition-image.ts'
import type { TopicImage } from '../../metadata/topics-image.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ControllerRequest, ControllerResponse } from '../commands.ts'
import { changeSetting, type ControllerState, isOnlineDirectory, type RecordBatch, uncleanElectionAllowed } from '../state.ts'
import { partitionChange } from './partition-change.ts'

type Request = ControllerRequest<'assignReplicasToDirs'>
type Response = ControllerResponse<'assignReplicasToDirs'>

/**
 * AssignReplicasToDirs (73) v0 (KIP-858): a broker says which of its log directories holds which of its replicas
 * (ReplicationControlManager.handleAssignReplicasToDirs).
 *
 * A replica that is told to be in a directory that its broker does not have, or in LOST, has nothing that may be led: with the same record
 * it leaves the ISR and is not eligible, another in-sync replica leads, and the leader epoch rises, so that no fetch of before brings it back. The last
 * one who is trusted stays in the ISR, and the partition is without a leader until the broker says that the replica is somewhere after all. (Kafka writes two records for this; here a decision changes a partition once.)
 * A replica that a request names twice is where it was named first, and the second is refused (INVALID_REQUEST).
 */
export function assignReplicasToDirs(state: ControllerState, request: Request, out: RecordBatch): Response {
  if (!hasDirectories(state.image.metadataVersion)) return refusedWhole(ErrorCode.UNSUPPORTED_VERSION)
  const broker = state.image.brokers.byId(request.brokerId)
  if (broker === undefined) return refusedWhole(ErrorCode.BROKER_ID_NOT_REGISTERED)
  if (broker.epoch !== request.brokerEpoch) return refusedWhole(ErrorCode.STALE_BROKER_EPOCH)
  const seen = new Set<string>()
  const directories = request.directories.map(({ id, topics }) => ({
    id,
    topics: topics.map(({ topicId, partitions }) => {
      const topic = state.image.topics.byId(topicId)
      return {
        topicId,
        partitions: partitions.map(({ partitionIndex }) => {
          const key = `${topicId}:${partitionIndex}`
          const errorCode = seen.has(key) ? ErrorCode.INVALID_REQUEST : assign(state, broker.id, topic, partitionIndex, id, out)
          seen.add(key)
          return { partitionIndex, errorCode }
        }),
      }
    }),
  }))
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, directories }
}

function refusedWhole(errorCode: ErrorCode): Response {
  return { throttleTimeMs: 0, errorCode, directories: [] }
}

function assign(
  state: ControllerState,
  broker: NodeId,
  topic: TopicImage | undefined,
  at: number,
  directory: Uuid,
  out: RecordBatch,
): ErrorCode {
  if (topic === undefined) return ErrorCode.UNKNOWN_TOPIC_ID
  const partition = topic.partitions[at]
  if (partition === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  if (!partition.replicas.includes(broker)) return ErrorCode.NOT_LEADER_OR_FOLLOWER
  const online = isOnlineDirectory(state, broker, directory)
  // Given up by its broker because others have everything; if nobody has it is taken back (`placeToTell`)
  const isLast = directory === DIRECTORY_LOST && ![...partition.isr, ...partition.eligibleLeaderReplicas].some((id) => id !== broker)
  const isr = online || isLast ? partition.isr : partition.isr.filter((id) => id !== broker)
  const base = changeSetting(state, topic, partition, (id) => state.image.brokers.isActive(id) && (online || id !== broker))
  const setting = { ...base, hasReplica: (id: NodeId) => (id === broker ? online : base.hasReplica(id)) }
  const election = uncleanElectionAllowed(state, topic) ? 'unclean' : 'online'
  // Told again that it is lost: it has another log than the one of the time before
  const bumpEpoch = !online && (directory === DIRECTORY_LOST || directoryOf(partition, broker) !== directory)
  const lossy = online || isLast ? [] : [broker]
  const draft = partitionChange(partition, { isr, lossy, election, bumpEpoch, directory: { broker, id: directory } }, setting)
  if (draft !== null) out.add('partitionChange', draft)
  return ErrorCode.NONE
}
