import { METADATA_TOPIC_ID, type Millis } from '../base/units.ts'
import { apis } from '../protocol/apis.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { FetchResponse as FetchBody } from '../protocol/messages/fetch.ts'
import type { FetchSnapshotResponse as FetchSnapshotBody } from '../protocol/messages/fetch-snapshot.ts'
import { MalformedError } from '../protocol/reader.ts'
import type { Peer } from '../client/peer.ts'
import type {
  BatchSpan,
  BeginQuorumEpochRequest,
  EndQuorumEpochRequest,
  FetchRequest,
  FetchSnapshotRequest,
  RaftError,
  RaftRequest,
  RaftResponse,
  VoteRequest,
} from '../raft/messages.ts'
import { batchesIn, type MetadataBatch, metadataBatchBytesMax } from './metadata-batch.ts'
import { metadataTopic } from './metadata-log.ts'

/** Between the machine's words and Kafka's raft requests, in the newest versions that Kafka 4.3.1 speaks. */

export interface RaftSpeaker {
  readonly clusterId: string
  readonly listenerName: string
  /** Of the controller listener here; null for an observer. */
  readonly endpoint: { readonly host: string; readonly port: number } | null
}

export interface RaftAnswer {
  readonly response: RaftResponse
  /** Batches of a fetch. */
  readonly batches: readonly MetadataBatch[]
  /** Bytes of a snapshot's piece. */
  readonly piece: Buffer | null
}

/** The answer is an error of the whole request: the peer does not take us for one of its cluster, or for sane. */
export class RaftRefusedError extends Error {
  override readonly name = 'RaftRefusedError'
  readonly error: RaftError
  constructor(error: RaftError, api: string) {
    super(`${api} was refused: ${error}`)
    this.error = error
  }
}

const raftErrors: ReadonlyMap<number, RaftError> = new Map(
  (
    [
      'NONE',
      'FENCED_LEADER_EPOCH',
      'UNKNOWN_LEADER_EPOCH',
      'NOT_LEADER_OR_FOLLOWER',
      'BROKER_NOT_AVAILABLE',
      'INVALID_REQUEST',
      'INVALID_VOTER_KEY',
      'SNAPSHOT_NOT_FOUND',
      'POSITION_OUT_OF_RANGE',
      'INCONSISTENT_CLUSTER_ID',
    ] as const
  ).map((name) => [ErrorCode[name], name]),
)

function errorOf(code: number): RaftError {
  return raftErrors.get(code) ?? 'UNKNOWN_SERVER_ERROR'
}

/** Rejects with PeerError, RaftRefusedError, MalformedError. */
export function ask(peer: Peer, speaker: RaftSpeaker, request: RaftRequest, timeoutMs: Millis): Promise<RaftAnswer> {
  switch (request.kind) {
    case 'vote':
      return askVote(peer, speaker, request, timeoutMs)
    case 'beginQuorumEpoch':
      return askBegin(peer, speaker, request, timeoutMs)
    case 'endQuorumEpoch':
      return askEnd(peer, speaker, request, timeoutMs)
    case 'fetch':
      return askFetch(peer, speaker, request, timeoutMs)
    case 'fetchSnapshot':
      return askFetchSnapshot(peer, speaker, request, timeoutMs)
  }
}

interface Topics<P> {
  readonly errorCode: number
  readonly topics: readonly { readonly partitions: readonly P[] }[]
}

function partitionOf<P>(body: Topics<P>, api: string): P {
  if (body.errorCode !== ErrorCode.NONE) throw new RaftRefusedError(errorOf(body.errorCode), api)
  const partition = body.topics[0]?.partitions[0]
  if (partition === undefined) throw new MalformedError(`${api} without its partition`)
  return partition
}

function standingOf(partition: { readonly errorCode: number; readonly leaderId: number; readonly leaderEpoch: number }) {
  return { error: errorOf(partition.errorCode), epoch: partition.leaderEpoch, leaderId: partition.leaderId }
}

function bare(response: RaftResponse): RaftAnswer {
  return { response, batches: [], piece: null }
}

function endpointsOf(speaker: RaftSpeaker) {
  return speaker.endpoint === null ? [] : [{ name: speaker.listenerName, ...speaker.endpoint }]
}

async function askVote(peer: Peer, speaker: RaftSpeaker, request: VoteRequest, timeoutMs: Millis): Promise<RaftAnswer> {
  const partition = {
    partitionIndex: 0,
    replicaEpoch: request.epoch,
    replicaId: request.candidate.id,
    replicaDirectoryId: request.candidate.directoryId,
    voterDirectoryId: request.voter.directoryId,
    lastOffsetEpoch: request.lastEpoch,
    lastOffset: request.lastOffset,
    preVote: request.preVote,
  }
  const topics = [{ topicName: metadataTopic, partitions: [partition] }]
  const body = await peer.request(apis.vote, 2, { clusterId: speaker.clusterId, voterId: request.voter.id, topics }, { timeoutMs })
  const found = partitionOf(body, 'Vote')
  return bare({ kind: 'vote', ...standingOf(found), granted: found.voteGranted })
}

async function askBegin(peer: Peer, speaker: RaftSpeaker, request: BeginQuorumEpochRequest, timeoutMs: Millis): Promise<RaftAnswer> {
  const { voter, leaderId, epoch } = request
  const partition = { partitionIndex: 0, voterDirectoryId: voter.directoryId, leaderId, leaderEpoch: epoch }
  const topics = [{ topicName: metadataTopic, partitions: [partition] }]
  const draft = { clusterId: speaker.clusterId, voterId: voter.id, topics, leaderEndpoints: endpointsOf(speaker) }
  const body = await peer.request(apis.beginQuorumEpoch, 1, draft, { timeoutMs })
  return bare({ kind: 'beginQuorumEpoch', ...standingOf(partitionOf(body, 'BeginQuorumEpoch')) })
}

async function askEnd(peer: Peer, speaker: RaftSpeaker, request: EndQuorumEpochRequest, timeoutMs: Millis): Promise<RaftAnswer> {
  const preferredCandidates = request.preferredCandidates.map((it) => ({ candidateId: it.id, candidateDirectoryId: it.directoryId }))
  const partition = { partitionIndex: 0, leaderId: request.leaderId, leaderEpoch: request.epoch, preferredCandidates }
  const topics = [{ topicName: metadataTopic, partitions: [partition] }]
  const draft = { clusterId: speaker.clusterId, topics, leaderEndpoints: endpointsOf(speaker) }
  const body = await peer.request(apis.endQuorumEpoch, 1, draft, { timeoutMs })
  return bare({ kind: 'endQuorumEpoch', ...standingOf(partitionOf(body, 'EndQuorumEpoch')) })
}

async function askFetch(peer: Peer, speaker: RaftSpeaker, request: FetchRequest, timeoutMs: Millis): Promise<RaftAnswer> {
  const partition = {
    partition: 0,
    currentLeaderEpoch: request.epoch,
    fetchOffset: request.fetchOffset,
    lastFetchedEpoch: request.lastFetchedEpoch,
    partitionMaxBytes: metadataBatchBytesMax,
    replicaDirectoryId: request.replica.directoryId,
    highWatermark: request.highWatermark,
  }
  const draft = {
    clusterId: speaker.clusterId,
    replicaState: { replicaId: request.replica.id, replicaEpoch: -1 },
    maxWaitMs: request.maxWaitMs,
    minBytes: 0,
    maxBytes: metadataBatchBytesMax,
    topics: [{ topicId: METADATA_TOPIC_ID, partitions: [partition] }],
  }
  return readFetch(await peer.request(apis.fetch, 18, draft, { timeoutMs }))
}

function readFetch(body: FetchBody): RaftAnswer {
  const found = partitionOf({ errorCode: body.errorCode, topics: body.responses }, 'Fetch')
  const { leaderId, leaderEpoch } = found.currentLeader
  const { divergingEpoch, snapshotId } = found
  const batches = found.records === null ? [] : [...batchesIn(found.records)]
  const response: RaftResponse = {
    kind: 'fetch',
    error: errorOf(found.errorCode),
    epoch: leaderEpoch,
    leaderId,
    highWatermark: found.highWatermark,
    diverging: divergingEpoch.endOffset < 0 ? null : { offset: divergingEpoch.endOffset, epoch: divergingEpoch.epoch },
    snapshotId: snapshotId.endOffset < 0 ? null : { offset: snapshotId.endOffset, epoch: snapshotId.epoch },
    batches: batches.map(spanOf),
  }
  return { response, batches, piece: null }
}

function spanOf({ header }: MetadataBatch): BatchSpan {
  return { epoch: header.leaderEpoch, baseOffset: header.baseOffset, endOffset: header.lastOffset + 1 }
}

async function askFetchSnapshot(peer: Peer, speaker: RaftSpeaker, request: FetchSnapshotRequest, timeoutMs: Millis): Promise<RaftAnswer> {
  const partition = {
    partition: 0,
    currentLeaderEpoch: request.epoch,
    snapshotId: { endOffset: request.snapshotId.offset, epoch: request.snapshotId.epoch },
    position: request.position,
    replicaDirectoryId: request.replica.directoryId,
  }
  const draft = {
    clusterId: speaker.clusterId,
    replicaId: request.replica.id,
    maxBytes: metadataBatchBytesMax,
    topics: [{ name: metadataTopic, partitions: [partition] }],
  }
  return readFetchSnapshot(await peer.request(apis.fetchSnapshot, 1, draft, { timeoutMs }))
}

function readFetchSnapshot(body: FetchSnapshotBody): RaftAnswer {
  const found = partitionOf(body, 'FetchSnapshot')
  const { leaderId, leaderEpoch } = found.currentLeader
  const piece = found.unalignedRecords
  const response: RaftResponse = {
    kind: 'fetchSnapshot',
    error: errorOf(found.errorCode),
    epoch: leaderEpoch,
    leaderId,
    snapshotId: { offset: found.snapshotId.endOffset, epoch: found.snapshotId.epoch },
    size: found.size,
    position: found.position,
    length: piece.length,
  }
  return { response, batches: [], piece }
}
