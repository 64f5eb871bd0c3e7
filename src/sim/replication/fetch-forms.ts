import type { Offset } from '../../base/units.ts'
import type { ErrorCode } from '../../protocol/errors.ts'
import type { FetchRequest, FetchRequestDraft, FetchResponse } from '../../protocol/messages/fetch.ts'
import type { FetchAnswer, PartitionData } from '../../replication/fetch-sessions.ts'

/** What is answered of the one partition. */
export function dataOf(errorCode: ErrorCode, highWatermark: Offset, records: Buffer): PartitionData {
  return {
    partitionIndex: 0,
    errorCode,
    highWatermark,
    lastStableOffset: highWatermark,
    logStartOffset: 0,
    abortedTransactions: null,
    records,
  }
}

const noEndOffset = { epoch: -1, endOffset: -1 }

/** An answer as it is when it has been encoded and decoded. */
export function toResponse(answer: FetchAnswer): FetchResponse {
  const responses = (answer.responses ?? []).map(({ topicId: id, partitions }) => ({
    topic: '',
    topicId: id ?? '',
    partitions: partitions.map((data) => ({
      partitionIndex: data.partitionIndex,
      errorCode: data.errorCode,
      highWatermark: data.highWatermark,
      lastStableOffset: -1,
      logStartOffset: data.logStartOffset ?? -1,
      divergingEpoch: { ...noEndOffset, ...data.divergingEpoch },
      currentLeader: { leaderId: -1, leaderEpoch: -1 },
      snapshotId: noEndOffset,
      abortedTransactions: null,
      preferredReadReplica: -1,
      records: Buffer.isBuffer(data.records) ? data.records : null,
    })),
  }))
  return { throttleTimeMs: 0, errorCode: answer.errorCode ?? 0, sessionId: answer.sessionId ?? 0, responses, nodeEndpoints: [] }
}

/** A request as it is when it has been encoded and decoded. */
export function toRequest(draft: FetchRequestDraft): FetchRequest {
  const topics = draft.topics.map(({ topic, topicId: id, partitions }) => ({
    topic: topic ?? '',
    topicId: id ?? '',
    partitions: partitions.map((partition) => ({
      partition: partition.partition,
      currentLeaderEpoch: partition.currentLeaderEpoch ?? -1,
      fetchOffset: partition.fetchOffset,
      lastFetchedEpoch: partition.lastFetchedEpoch ?? -1,
      logStartOffset: partition.logStartOffset ?? -1,
      partitionMaxBytes: partition.partitionMaxBytes,
      replicaDirectoryId: '',
      highWatermark: -1,
    })),
  }))
  const forgottenTopicsData = (draft.forgottenTopicsData ?? []).map(({ topic, topicId: id, partitions }) => ({
    topic: topic ?? '',
    topicId: id ?? '',
    partitions: partitions ?? [],
  }))
  return {
    clusterId: null,
    replicaId: -1,
    replicaState: { replicaId: draft.replicaState?.replicaId ?? -1, replicaEpoch: draft.replicaState?.replicaEpoch ?? -1 },
    maxWaitMs: draft.maxWaitMs,
    minBytes: draft.minBytes,
    maxBytes: draft.maxBytes ?? 0,
    isolationLevel: 0,
    sessionId: draft.sessionId ?? 0,
    sessionEpoch: draft.sessionEpoch ?? -1,
    topics,
    forgottenTopicsData,
    rackId: '',
  }
}
