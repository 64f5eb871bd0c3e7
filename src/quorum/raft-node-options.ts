import type { DiskError } from '../base/ports.ts'
import type { Millis, NodeId, Offset, Timestamp, Uuid } from '../base/units.ts'
import type { RaftReply } from '../raft/messages.ts'
import { defaultTiming, type RaftTiming } from '../raft/roles.ts'
import type { QuorumLeader } from './metadata-quorum.ts'

/** One entry of `controller.quorum.voters`. */
export interface RaftVoter {
  readonly id: NodeId
  readonly host: string
  readonly port: number
}

export interface RaftNodeOptions {
  readonly nodeId: NodeId
  readonly clusterId: string
  /** `directory.id` of meta.properties of the metadata log directory; NO_UUID for an observer in memory. */
  readonly directoryId: Uuid
  readonly voters: readonly RaftVoter[]
  /** A voter keeps its log in `<directory>/__cluster_metadata-0`; null: an observer, whose log is in memory only. */
  readonly directory: string | null
  /** Name of the controller listener, as `controller.listener.names`. */
  readonly listenerName: string
  /** `controller.quorum.fetch.timeout.ms`; what is left out is as in `defaultTiming`. */
  readonly fetchTimeoutMs?: number
  /** `controller.quorum.election.timeout.ms` */
  readonly electionTimeoutMs?: number
  /** `controller.quorum.election.backoff.max.ms` */
  readonly electionBackoffMaxMs?: number
  /** `controller.quorum.request.timeout.ms` */
  readonly requestTimeoutMs?: number
  /** `metadata.log.segment.bytes` */
  readonly segmentBytes?: number
  /** The disk has failed: this node has stopped taking part and must not be used any more. Without it the error is thrown. */
  readonly onFailure?: (error: DiskError) => void
}

/** What a peer's request is answered with: the machine's words and the bytes that go along. */
export interface RaftOutcome {
  readonly reply: RaftReply
  readonly records: readonly Buffer[]
  readonly piece: { readonly size: number; readonly bytes: Buffer } | null
}

export interface QuorumDescription {
  readonly leader: QuorumLeader
  readonly highWatermark: Offset
  readonly voters: readonly DescribedReplica[]
  readonly observers: readonly DescribedReplica[]
}

export interface DescribedReplica {
  readonly id: NodeId
  readonly directoryId: Uuid
  readonly logEndOffset: Offset
  /** Wall-clock milliseconds; -1 when unknown. */
  readonly lastFetchAt: Timestamp
  readonly lastCaughtUpAt: Timestamp
}

/** A fetch waits at the leader for a quarter of the fetch timeout, so that a follower hears of a living leader in time. */
const fetchMaxWaitMs: Millis = 500
const fetchMaxWaitShare = 4

export function timingOf(options: RaftNodeOptions): RaftTiming {
  const { fetchTimeoutMs = defaultTiming.fetchTimeoutMs } = options
  return {
    ...defaultTiming,
    fetchTimeoutMs,
    fetchMaxWaitMs: Math.min(fetchMaxWaitMs, Math.floor(fetchTimeoutMs / fetchMaxWaitShare)),
    electionTimeoutMs: options.electionTimeoutMs ?? defaultTiming.electionTimeoutMs,
    electionBackoffMaxMs: options.electionBackoffMaxMs ?? defaultTiming.electionBackoffMaxMs,
    requestTimeoutMs: options.requestTimeoutMs ?? defaultTiming.requestTimeoutMs,
  }
}
