import { METADATA_TOPIC_ID, NO_NODE, NO_UUID } from '../base/units.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { RaftReply, RaftRequest } from '../raft/messages.ts'
import type { Handlers, RequestOf, ResponseDraftOf } from '../server/handlers.ts'
import { metadataTopic } from './metadata-log.ts'
import type { MetadataLogServer } from './metadata-log-server.ts'
import type { DescribedReplica } from './raft-node-options.ts'

/**
 * Vote (0–2), BeginQuorumEpoch (0–1), EndQuorumEpoch (0–1), Fetch (4–18) of the metadata log, FetchSnapshot (0–1), DescribeQuorum (0–2), for a
 * controller's listener. Rules of KafkaRaftClient: another cluster's id is refused with INCONSISTENT_CLUSTER_ID, a request for anything but
 * partition 0 of `__cluster_metadata` with INVALID_REQUEST, both for the whole request; the rest is said of the partition.
 */
export function raftHandlers(node: MetadataLogServer): Pick<Handlers, RaftApi> {
  return {
    ...metadataLogHandlers(node),
    vote: (request) => vote(node, request),
    beginQuorumEpoch: (request) => beginQuorumEpoch(node, request),
    endQuorumEpoch: (request) => endQuorumEpoch(node, request),
  }
}

/** What those who follow the log ask, whoever elects its leader. */
export function metadataLogHandlers(node: MetadataLogServer): Pick<Handlers, MetadataLogApi> {
  return {
    fetch: (request, context) => fetch(node, request, context.apiVersion),
    fetchSnapshot: (request) => fetchSnapshot(node, request),
    describeQuorum: (request, context) => describeQuorum(node, request, context.apiVersion),
  }
}

type MetadataLogApi = 'fetch' | 'fetchSnapshot' | 'describeQuorum'
type RaftApi = MetadataLogApi | 'vote' | 'beginQuorumEpoch' | 'endQuorumEpoch'
type Reply<Kind extends RaftReply['kind']> = Extract<RaftReply, { kind: Kind }>

const noBytes = Buffer.alloc(0)

function clusterError(node: MetadataLogServer, clusterId: string | null): number {
  return clusterId === null || clusterId === node.clusterId ? ErrorCode.NONE : ErrorCode.INCONSISTENT_CLUSTER_ID
}

/** The only partition there is. Null: the request is about something else. */
function onlyPartition<P>(
  topics: readonly { readonly topicName: string; readonly partitions: readonly P[] }[],
  index: (partition: P) => number,
): P | null {
  const [topic, ...more] = topics
  const partition = topic?.partitions[0]
  if (topic === undefined || partition === undefined || more.length > 0 || topic.partitions.length > 1) return null
  return topic.topicName === metadataTopic && index(partition) === 0 ? partition : null
}

function endpoints(node: MetadataLogServer, reply: RaftReply): { nodeId: number; host: string; port: number }[] {
  const endpoint = node.endpointOf(reply.leaderId)
  return endpoint === null ? [] : [{ nodeId: reply.leaderId, ...endpoint }]
}

/** The node answers with a reply of another kind only when it is going down. */
async function ask<Kind extends RaftReply['kind']>(
  node: MetadataLogServer,
  kind: Kind,
  request: Extract<RaftRequest, { kind: Kind }>,
): Promise<Reply<Kind> | null> {
  const { reply } = await node.ask(request, 0)
  return reply.kind === kind ? (reply as Reply<Kind>) : null
}

async function vote(node: MetadataLogServer, request: RequestOf<'vote'>): Promise<ResponseDraftOf<'vote'>> {
  const errorCode = clusterError(node, request.clusterId)
  if (errorCode !== ErrorCode.NONE) return { errorCode, topics: [] }
  const asked = onlyPartition(request.topics, (it) => it.partitionIndex)
  if (asked === null) return { errorCode: ErrorCode.INVALID_REQUEST, topics: [] }
  const reply = await ask(node, 'vote', {
    kind: 'vote',
    epoch: asked.replicaEpoch,
    candidate: { id: asked.replicaId, directoryId: asked.replicaDirectoryId },
    voter: { id: request.voterId, directoryId: asked.voterDirectoryId },
    lastEpoch: asked.lastOffsetEpoch,
    lastOffset: asked.lastOffset,
    preVote: asked.preVote,
  })
  if (reply === null) return { errorCode: ErrorCode.BROKER_NOT_AVAILABLE, topics: [] }
  const partition = { partitionIndex: 0, ...standing(reply), voteGranted: reply.granted }
  return { errorCode, topics: [{ topicName: metadataTopic, partitions: [partition] }], nodeEndpoints: endpoints(node, reply) }
}

function standing(reply: RaftReply): { errorCode: number; leaderId: number; leaderEpoch: number } {
  return { errorCode: ErrorCode[reply.error], leaderId: reply.leaderId, leaderEpoch: reply.epoch }
}

async function beginQuorumEpoch(
  node: MetadataLogServer,
  request: RequestOf<'beginQuorumEpoch'>,
): Promise<ResponseDraftOf<'beginQuorumEpoch'>> {
  const errorCode = clusterError(node, request.clusterId)
  if (errorCode !== ErrorCode.NONE) return { errorCode, topics: [] }
  const asked = onlyPartition(request.topics, (it) => it.partitionIndex)
  if (asked === null) return { errorCode: ErrorCode.INVALID_REQUEST, topics: [] }
  const voter = { id: request.voterId, directoryId: asked.voterDirectoryId }
  const reply = await ask(node, 'beginQuorumEpoch', { kind: 'beginQuorumEpoch', epoch: asked.leaderEpoch, leaderId: asked.leaderId, voter })
  if (reply === null) return { errorCode: ErrorCode.BROKER_NOT_AVAILABLE, topics: [] }
  const partition = { partitionIndex: 0, ...standing(reply) }
  return { errorCode, topics: [{ topicName: metadataTopic, partitions: [partition] }], nodeEndpoints: endpoints(node, reply) }
}

async function endQuorumEpoch(node: MetadataLogServer, request: RequestOf<'endQuorumEpoch'>): Promise<ResponseDraftOf<'endQuorumEpoch'>> {
  const errorCode = clusterError(node, request.clusterId)
  if (errorCode !== ErrorCode.NONE) return { errorCode, topics: [] }
  const asked = onlyPartition(request.topics, (it) => it.partitionIndex)
  if (asked === null) return { errorCode: ErrorCode.INVALID_REQUEST, topics: [] }
  const named = asked.preferredCandidates.map((it) => ({ id: it.candidateId, directoryId: it.candidateDirectoryId }))
  const preferredCandidates = named.length > 0 ? named : asked.preferredSuccessors.map((id) => ({ id, directoryId: NO_UUID }))
  const reply = await ask(node, 'endQuorumEpoch', {
    kind: 'endQuorumEpoch',
    epoch: asked.leaderEpoch,
    leaderId: asked.leaderId,
    preferredCandidates,
  })
  if (reply === null) return { errorCode: ErrorCode.BROKER_NOT_AVAILABLE, topics: [] }
  const partition = { partitionIndex: 0, ...standing(reply) }
  return { errorCode, topics: [{ topicName: metadataTopic, partitions: [partition] }], nodeEndpoints: endpoints(node, reply) }
}

/** Topics have ids from version 13 on, names before. */
function fetchedPartition(request: RequestOf<'fetch'>, version: number) {
  const named = request.topics.map(({ topic, topicId, partitions }) => ({
    topicName: version >= 13 ? (topicId === METADATA_TOPIC_ID ? metadataTopic : '') : topic,
    partitions,
  }))
  return onlyPartition(named, (it) => it.partition)
}

async function fetch(node: MetadataLogServer, request: RequestOf<'fetch'>, version: number): Promise<ResponseDraftOf<'fetch'>> {
  const errorCode = clusterError(node, request.clusterId)
  if (errorCode !== ErrorCode.NONE) return { errorCode, responses: [] }
  const asked = fetchedPartition(request, version)
  if (asked === null) return { errorCode: ErrorCode.INVALID_REQUEST, responses: [] }
  const { reply, records } = await node.ask(
    {
      kind: 'fetch',
      epoch: asked.currentLeaderEpoch,
      replica: { id: version >= 15 ? request.replicaState.replicaId : request.replicaId, directoryId: asked.replicaDirectoryId },
      fetchOffset: asked.fetchOffset,
      lastFetchedEpoch: asked.lastFetchedEpoch,
      highWatermark: asked.highWatermark,
      maxWaitMs: request.maxWaitMs,
    },
    Math.min(request.maxBytes, asked.partitionMaxBytes),
  )
  if (reply.kind !== 'fetch') return { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, responses: [] }
  return fetched(node, version, reply, records)
}

function fetched(node: MetadataLogServer, version: number, reply: Reply<'fetch'>, records: readonly Buffer[]): ResponseDraftOf<'fetch'> {
  const { diverging, snapshotId } = reply
  const partition = {
    partitionIndex: 0,
    errorCode: ErrorCode[reply.error],
    highWatermark: reply.highWatermark,
    logStartOffset: reply.logStartOffset,
    abortedTransactions: null,
    records: records.length === 0 ? noBytes : records,
    ...(version >= 12
      ? {
          ...(diverging === null ? {} : { divergingEpoch: { epoch: diverging.epoch, endOffset: diverging.offset } }),
          ...(snapshotId === null ? {} : { snapshotId: { endOffset: snapshotId.offset, epoch: snapshotId.epoch } }),
          currentLeader: { leaderId: reply.leaderId, leaderEpoch: reply.epoch },
        }
      : {}),
  }
  const topic = version >= 13 ? { topicId: METADATA_TOPIC_ID } : { topic: metadataTopic }
  const nodeEndpoints = version >= 16 ? endpoints(node, reply) : []
  return { errorCode: ErrorCode.NONE, responses: [{ ...topic, partitions: [partition] }], nodeEndpoints }
}

async function fetchSnapshot(node: MetadataLogServer, request: RequestOf<'fetchSnapshot'>): Promise<ResponseDraftOf<'fetchSnapshot'>> {
  const errorCode = clusterError(node, request.clusterId)
  if (errorCode !== ErrorCode.NONE) return { throttleTimeMs: 0, errorCode, topics: [] }
  const topics = request.topics.map(({ name, partitions }) => ({ topicName: name, partitions }))
  const asked = onlyPartition(topics, (it) => it.partition)
  if (asked === null) return { throttleTimeMs: 0, errorCode: ErrorCode.INVALID_REQUEST, topics: [] }
  const snapshotId = { offset: asked.snapshotId.endOffset, epoch: asked.snapshotId.epoch }
  const replica = { id: request.replicaId, directoryId: asked.replicaDirectoryId }
  const { position } = asked
  const { reply, piece } = await node.ask(
    { kind: 'fetchSnapshot', epoch: asked.currentLeaderEpoch, replica, snapshotId, position },
    request.maxBytes,
  )
  const partition = {
    index: 0,
    errorCode: ErrorCode[reply.error],
    snapshotId: asked.snapshotId,
    currentLeader: { leaderId: reply.leaderId, leaderEpoch: reply.epoch },
    size: piece?.size ?? 0,
    position,
    unalignedRecords: piece?.bytes ?? noBytes,
  }
  return { throttleTimeMs: 0, errorCode, topics: [{ name: metadataTopic, partitions: [partition] }], nodeEndpoints: endpoints(node, reply) }
}

/** Directories of replicas and endpoints of voters are told from version 2 on. */
function describeQuorum(node: MetadataLogServer, request: RequestOf<'describeQuorum'>, version: number): ResponseDraftOf<'describeQuorum'> {
  if (onlyPartition(request.topics, (it) => it.partitionIndex) === null) {
    return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, topics: [] }
  }
  const found = node.describeQuorum()
  if (found === null) return describedElsewhere()
  const described = (it: DescribedReplica) => ({
    replicaId: it.id,
    replicaDirectoryId: version >= 2 ? it.directoryId : NO_UUID,
    logEndOffset: it.logEndOffset,
    lastFetchTimestamp: it.lastFetchAt,
    lastCaughtUpTimestamp: it.lastCaughtUpAt,
  })
  const partition = {
    partitionIndex: 0,
    errorCode: ErrorCode.NONE,
    leaderId: found.leader.id,
    leaderEpoch: found.leader.epoch,
    highWatermark: found.highWatermark,
    currentVoters: found.voters.map(described),
    observers: found.observers.map(described),
  }
  const nodes = (version >= 2 ? node.voters : []).map((voter) => ({
    nodeId: voter.id,
    listeners: [{ name: node.listenerName, host: voter.host, port: voter.port }],
  }))
  return { errorCode: ErrorCode.NONE, topics: [{ topicName: metadataTopic, partitions: [partition] }], nodes }
}

/** Only the leader knows; whoever asks finds it by Metadata of a broker, or asks the next controller. */
function describedElsewhere(): ResponseDraftOf<'describeQuorum'> {
  const partition = {
    partitionIndex: 0,
    errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
    leaderId: NO_NODE,
    leaderEpoch: -1,
    highWatermark: -1,
    currentVoters: [],
    observers: [],
  }
  return { errorCode: ErrorCode.NONE, topics: [{ topicName: metadataTopic, partitions: [partition] }] }
}
