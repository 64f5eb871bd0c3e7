import type { NodeId, Offset } from '../../base/units.ts'
import type { Read } from '../../log/outcomes.ts'
import type { PartitionImage } from '../../metadata/partition-image.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { divergence } from '../../replication/truncation.ts'
import type { ResponseDraftOf } from '../../server/handlers.ts'
import type { HostedPartition } from '../hosted-partition.ts'
import type { LeaderHints } from '../leader-hints.ts'

export type FetchedPartition = NonNullable<NonNullable<ResponseDraftOf<'fetch'>['responses']>[number]['partitions']>[number]

/** What a fetch asks of one partition. */
export interface PartitionFetch {
  readonly partition: number
  /** -1: the client does not say. */
  readonly currentLeaderEpoch: number
  readonly fetchOffset: Offset
  /** -1: the client does not say. */
  readonly lastFetchedEpoch: number
  /** Only from followers. */
  readonly logStartOffset: Offset
  readonly partitionMaxBytes: number
}

/** Who fetches. */
export interface Fetcher {
  /** -1: a consumer. */
  readonly replicaId: NodeId
  /** -1: not said. */
  readonly replicaEpoch: number
  readonly readCommitted: boolean
}

export function isFollower(fetcher: Fetcher): boolean {
  return fetcher.replicaId >= 0
}

/** An answer for one partition without records. */
export function withoutRecords(partition: number, errorCode: ErrorCode): FetchedPartition {
  return {
    partitionIndex: partition,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    abortedTransactions: null,
    records: Buffer.alloc(0),
  }
}

/**
 * Checks one partition of a fetch before anything is read: standing, epochs, offset. For a follower, a fetch that passes is its acknowledgement
 * of all before the offset. Null: read on.
 */
export function admitFetch(
  hosted: HostedPartition,
  asked: PartitionFetch,
  fetcher: Fetcher,
  hints: LeaderHints,
  state: PartitionImage | undefined,
  acknowledges: boolean,
): FetchedPartition | null {
  const { replica, log } = hosted
  const error = isFollower(fetcher)
    ? replica.fetchError(fetcher.replicaId, fetcher.replicaEpoch, asked.currentLeaderEpoch)
    : replica.epochError(asked.currentLeaderEpoch)
  if (error !== ErrorCode.NONE) {
    const answer = withoutRecords(asked.partition, error)
    const moved = error === ErrorCode.NOT_LEADER_OR_FOLLOWER || error === ErrorCode.FENCED_LEADER_EPOCH
    return moved && state !== undefined ? { ...answer, currentLeader: hints.note(state) } : answer
  }
  const diverging = whereDiverging(hosted, asked, isFollower(fetcher))
  if (diverging !== null) return diverging
  if (asked.fetchOffset < log.logStartOffset || asked.fetchOffset > log.logEndOffset)
    return withEnds(hosted, withoutRecords(asked.partition, ErrorCode.OFFSET_OUT_OF_RANGE))
  if (acknowledges && isFollower(fetcher)) {
    hosted.tell({
      type: 'followerFetched',
      replica: fetcher.replicaId,
      brokerEpoch: fetcher.replicaEpoch,
      leaderEpoch: asked.currentLeaderEpoch < 0 ? replica.leaderEpoch : asked.currentLeaderEpoch,
      fetchOffset: asked.fetchOffset,
      logStartOffset: asked.logStartOffset,
    })
  }
  return null
}

const noEpoch = { epoch: -1, endOffset: -1 }

/** KIP-595: a fetcher whose last record is not in this log is told where the two part, and gets nothing. */
function whereDiverging(hosted: HostedPartition, asked: PartitionFetch, isFollower: boolean): FetchedPartition | null {
  const { log } = hosted
  const end = log.endOffsetForEpoch(asked.lastFetchedEpoch)
  const latest = isFollower ? log.endOffsetForEpoch(log.latestEpoch) : noEpoch
  const parting = divergence(asked.lastFetchedEpoch, asked.fetchOffset, end, latest)
  if (parting === null) return null
  if (parting === 'out of range') return withEnds(hosted, withoutRecords(asked.partition, ErrorCode.OFFSET_OUT_OF_RANGE))
  return { ...withEnds(hosted, withoutRecords(asked.partition, ErrorCode.NONE)), divergingEpoch: parting }
}

/** With the offsets of the log, which an error does not hide. */
export function withEnds(hosted: HostedPartition, answer: FetchedPartition): FetchedPartition {
  const { highWatermark } = hosted.replica
  return { ...answer, highWatermark, lastStableOffset: highWatermark, logStartOffset: hosted.log.logStartOffset }
}

/** The offset that a fetcher may read up to (exclusive): replicas all that is there, consumers what is committed. */
export function readableEnd(hosted: HostedPartition, fetcher: Fetcher): Offset {
  return isFollower(fetcher) ? hosted.log.logEndOffset : hosted.replica.highWatermark
}

/** An admitted fetch with what was read for it. There are no transactions: the last stable offset is the high watermark. */
export function fetched(hosted: HostedPartition, asked: PartitionFetch, fetcher: Fetcher, read: Read | null): FetchedPartition {
  const { highWatermark } = hosted.replica
  return {
    partitionIndex: asked.partition,
    errorCode: ErrorCode.NONE,
    highWatermark,
    lastStableOffset: highWatermark,
    logStartOffset: hosted.log.logStartOffset,
    abortedTransactions: fetcher.readCommitted ? [] : null,
    records: read === null ? [] : read.records,
  }
}
