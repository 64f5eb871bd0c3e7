import { assert } from '../../base/assert.ts'
import { NO_NODE, type NodeId, type Offset } from '../../base/units.ts'
import { newRecord } from '../../metadata/new-record.ts'
import { partitionAfter, type PartitionImage, RECOVERED, RECOVERING } from '../../metadata/partition-image.ts'
import type { RecordDraft } from '../../metadata/record-types.ts'
import type { TopicImage } from '../../metadata/topics-image.ts'
import { ErrorCode, type ErrorName } from '../../protocol/errors.ts'
import type { ControllerRequest, ControllerResponse, RequestContext } from '../commands.ts'
import { changeSetting, type ControllerState, type RecordBatch, uncleanElectionAllowed } from '../state.ts'
import { partitionChange } from './partition-change.ts'

type Request = ControllerRequest<'alterPartition'>
type Response = ControllerResponse<'alterPartition'>
type Asked = Request['topics'][number]['partitions'][number]
type Result = Response['topics'][number]['partitions'][number]

interface Member {
  readonly brokerId: NodeId
  /** -1: not said (v2). */
  readonly brokerEpoch: Offset
}

/**
 * AlterPartition (56) v2–3: the leader of a partition proposes an ISR (KIP-497). A compare-and-set on leader, leader epoch and partition epoch; the
 * checks and their order are those of ReplicationControlManager.validateAlterPartitionData.
 *
 * Beyond Kafka, which answers INVALID_REQUEST: a replica, leading or not, may take itself (and nobody else) out of the ISR, as long as somebody stays
 * who can lead. So a broker hands over what it has no room for, partition by partition, and without being fenced.
 */
export function alterPartition(state: ControllerState, request: Request, context: RequestContext, out: RecordBatch): Response {
  const broker = state.image.brokers.byId(request.brokerId)
  if (broker === undefined || broker.epoch !== request.brokerEpoch) {
    return { throttleTimeMs: 0, errorCode: ErrorCode.STALE_BROKER_EPOCH, topics: [] }
  }
  const seen = new Set<string>()
  const topics = request.topics.map(({ topicId, partitions }) => {
    const topic = state.image.topics.byId(topicId)
    return {
      topicId,
      partitions: partitions.map((asked) => {
        if (topic === undefined) return failed(asked, 'UNKNOWN_TOPIC_ID')
        const key = `${topicId}:${asked.partitionIndex}`
        // The second would be made from the same state as the first
        if (seen.has(key)) return failed(asked, 'INVALID_REQUEST')
        seen.add(key)
        return alterOne(state, request.brokerId, topic, asked, context, out)
      }),
    }
  })
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, topics }
}

function failed({ partitionIndex }: Asked, error: ErrorName): Result {
  return { partitionIndex, errorCode: ErrorCode[error], leaderId: 0, leaderEpoch: 0, isr: [], partitionEpoch: 0 }
}

function alterOne(
  state: ControllerState,
  leader: NodeId,
  topic: TopicImage,
  asked: Asked,
  context: RequestContext,
  out: RecordBatch,
): Result {
  const partition = topic.partitions[asked.partitionIndex]
  if (partition === undefined) return failed(asked, 'UNKNOWN_TOPIC_OR_PARTITION')
  const isr: readonly Member[] =
    context.version >= 3 ? asked.newIsrWithEpochs : asked.newIsr.map((brokerId) => ({ brokerId, brokerEpoch: -1 }))
  const error = refusal(state, leader, partition, asked, isr)
  if (error !== null) return failed(asked, error)
  const target = {
    isr: isr.map((member) => member.brokerId),
    leaderRecoveryState: asked.leaderRecoveryState,
    election: uncleanElectionAllowed(state, topic) ? ('unclean' as const) : ('online' as const),
  }
  const draft = partitionChange(partition, target, changeSetting(state, topic, partition))
  const after = draft === null ? partition : merged(state, partition, draft)
  if (after.leader === NO_NODE && partition.leader !== NO_NODE) return failed(asked, 'INELIGIBLE_REPLICA')
  if (draft !== null) out.add('partitionChange', draft)
  // It left, or the change completed a reassignment that takes it away: that stands, and the leader is told that it is none any more
  if (after.leader !== partition.leader) return failed(asked, 'NEW_LEADER_ELECTED')
  return {
    partitionIndex: asked.partitionIndex,
    errorCode: ErrorCode.NONE,
    leaderId: after.leader,
    leaderEpoch: after.leaderEpoch,
    isr: after.isr,
    leaderRecoveryState: after.leaderRecoveryState,
    partitionEpoch: after.partitionEpoch,
  }
}

function merged(state: ControllerState, partition: PartitionImage, draft: RecordDraft<'partitionChange'>): PartitionImage {
  const record = newRecord('partitionChange', state.image.metadataVersion, draft)
  return partitionAfter(partition, record.message)
}

function refusal(
  state: ControllerState,
  leader: NodeId,
  partition: PartitionImage,
  asked: Asked,
  isr: readonly Member[],
): ErrorName | null {
  // Ahead of us: another controller has been active, and this one does not know yet
  if (asked.leaderEpoch > partition.leaderEpoch || asked.partitionEpoch > partition.partitionEpoch) return 'NOT_CONTROLLER'
  if (asked.leaderEpoch < partition.leaderEpoch) return 'FENCED_LEADER_EPOCH'
  const members = isr.map((member) => member.brokerId)
  const isLeaving = leaves(partition, leader, members)
  if (leader !== partition.leader && !isLeaving) return 'INVALID_REQUEST'
  if (asked.partitionEpoch < partition.partitionEpoch) return 'INVALID_UPDATE_VERSION'
  if (members.length === 0 || new Set(members).size !== members.length) return 'INVALID_REQUEST'
  if (!members.every((member) => partition.replicas.includes(member)) || (!members.includes(leader) && !isLeaving)) return 'INVALID_REQUEST'
  const recovery = asked.leaderRecoveryState
  if (recovery !== RECOVERED && recovery !== RECOVERING) return 'INVALID_REQUEST'
  if (recovery === RECOVERING && members.length > 1) return 'INVALID_REQUEST'
  if (recovery === RECOVERING && partition.leaderRecoveryState === RECOVERED) return 'INVALID_REQUEST'
  return isr.every((member) => isEligible(state, member)) ? null : 'INELIGIBLE_REPLICA'
}

/** The ISR as it is without the one who asks. */
function leaves({ isr }: PartitionImage, asking: NodeId, members: readonly NodeId[]): boolean {
  return isr.includes(asking) && members.length === isr.length - 1 && isr.every((id) => id === asking || members.includes(id))
}

/** Registered, not fenced, not shutting down (KIP-841), and still the incarnation that the leader saw fetching (KIP-903). */
function isEligible(state: ControllerState, { brokerId, brokerEpoch }: Member): boolean {
  const broker = state.image.brokers.byId(brokerId)
  assert(broker === undefined || broker.id === brokerId, `broker ${brokerId} under another id`)
  if (broker === undefined || broker.fenced || broker.inControlledShutdown) return false
  return brokerEpoch === -1 || brokerEpoch === broker.epoch
}
