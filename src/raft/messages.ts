import type { Ticket } from '../base/machine.ts'
import type { Epoch, Millis, NodeId, Offset } from '../base/units.ts'
import type { ErrorCode } from '../protocol/errors.ts'
import type { OffsetAndEpoch } from './log-shape.ts'
import type { ReplicaKey } from './voters.ts'

/** What peers, the disk and the driver say to the machine, and what it wants done. Names and fields as in Kafka's raft requests. */

export type RaftError = Extract<
  keyof typeof ErrorCode,
  | 'NONE'
  | 'FENCED_LEADER_EPOCH'
  | 'UNKNOWN_LEADER_EPOCH'
  | 'NOT_LEADER_OR_FOLLOWER'
  | 'BROKER_NOT_AVAILABLE'
  | 'INVALID_REQUEST'
  | 'INVALID_VOTER_KEY'
  | 'SNAPSHOT_NOT_FOUND'
  | 'POSITION_OUT_OF_RANGE'
  | 'INCONSISTENT_CLUSTER_ID'
  | 'UNKNOWN_SERVER_ERROR'
>

export interface VoteRequest {
  readonly kind: 'vote'
  /** The epoch in which the vote is asked for; for a pre-vote the one that the asker is in. */
  readonly epoch: Epoch
  readonly candidate: ReplicaKey
  /** For whom this request is meant; id NO_NODE in versions that do not say. */
  readonly voter: ReplicaKey
  readonly lastEpoch: Epoch
  readonly lastOffset: Offset
  readonly preVote: boolean
}

export interface BeginQuorumEpochRequest {
  readonly kind: 'beginQuorumEpoch'
  readonly epoch: Epoch
  readonly leaderId: NodeId
  readonly voter: ReplicaKey
}

export interface EndQuorumEpochRequest {
  readonly kind: 'endQuorumEpoch'
  readonly epoch: Epoch
  readonly leaderId: NodeId
  /** Best first. */
  readonly preferredCandidates: readonly ReplicaKey[]
}

export interface FetchRequest {
  readonly kind: 'fetch'
  readonly epoch: Epoch
  /** A negative id is counted nowhere: a reader that is no replica. */
  readonly replica: ReplicaKey
  /** Everything below it is durable at the replica. */
  readonly fetchOffset: Offset
  readonly lastFetchedEpoch: Epoch
  /** The replica's own (KIP-1166); Infinity when its version does not say. */
  readonly highWatermark: Offset
  readonly maxWaitMs: Millis
}

export interface FetchSnapshotRequest {
  readonly kind: 'fetchSnapshot'
  readonly epoch: Epoch
  readonly replica: ReplicaKey
  readonly snapshotId: OffsetAndEpoch
  readonly position: number
}

export type RaftRequest = VoteRequest | BeginQuorumEpochRequest | EndQuorumEpochRequest | FetchRequest | FetchSnapshotRequest

/** In every answer: the epoch of who answers, and its leader as far as known. */
export interface Standing {
  readonly error: RaftError
  readonly epoch: Epoch
  readonly leaderId: NodeId
}

export interface VoteReply extends Standing {
  readonly kind: 'vote'
  readonly granted: boolean
}

export interface BeginQuorumEpochReply extends Standing {
  readonly kind: 'beginQuorumEpoch'
}

export interface EndQuorumEpochReply extends Standing {
  readonly kind: 'endQuorumEpoch'
}

export interface FetchReply extends Standing {
  readonly kind: 'fetch'
  /** -1 when this node does not lead. */
  readonly highWatermark: Offset
  readonly logStartOffset: Offset
  readonly diverging: OffsetAndEpoch | null
  readonly snapshotId: OffsetAndEpoch | null
  /** The records to send along: at least the first batch from `from`, none at or after `to`. Null: no records. */
  readonly range: { readonly from: Offset; readonly to: Offset } | null
}

export interface FetchSnapshotReply extends Standing {
  readonly kind: 'fetchSnapshot'
  readonly snapshotId: OffsetAndEpoch
  /** With error NONE the driver sends bytes from here, or finds SNAPSHOT_NOT_FOUND or POSITION_OUT_OF_RANGE. */
  readonly position: number
}

export type RaftReply = VoteReply | BeginQuorumEpochReply | EndQuorumEpochReply | FetchReply | FetchSnapshotReply

/** A run of fetched batches of one epoch. */
export interface BatchSpan {
  readonly epoch: Epoch
  readonly baseOffset: Offset
  /** Exclusive. */
  readonly endOffset: Offset
}

export interface FetchResponse extends Standing {
  readonly kind: 'fetch'
  readonly highWatermark: Offset
  readonly diverging: OffsetAndEpoch | null
  readonly snapshotId: OffsetAndEpoch | null
  readonly batches: readonly BatchSpan[]
}

export interface FetchSnapshotResponse extends Standing {
  readonly kind: 'fetchSnapshot'
  readonly snapshotId: OffsetAndEpoch
  /** Of the whole snapshot, in bytes. */
  readonly size: number
  readonly position: number
  /** Bytes that came. */
  readonly length: number
}

export type RaftResponse = VoteReply | BeginQuorumEpochReply | EndQuorumEpochReply | FetchResponse | FetchSnapshotResponse

/** Names one request of ours until its answer. */
export type CallId = number
/** Writes are numbered in order; `persisted` names the last that is durable together with all before it. */
export type WriteId = number

export type RaftInput =
  /** Once, before anything else. */
  | { readonly kind: 'start' }
  | { readonly kind: 'request'; readonly ticket: Ticket; readonly request: RaftRequest }
  | { readonly kind: 'response'; readonly call: CallId; readonly response: RaftResponse }
  /** No answer will come. `refused`: the peer's kernel said that nothing listens there. */
  | { readonly kind: 'failed'; readonly call: CallId; readonly refused: boolean }
  /** A connection to this peer was refused outside of any call. */
  | { readonly kind: 'peerRefused'; readonly id: NodeId }
  /** One batch of `count` records; only while `leaderEpoch()` is this epoch. */
  | { readonly kind: 'propose'; readonly epoch: Epoch; readonly count: number }
  | { readonly kind: 'persisted'; readonly write: WriteId }
  /** A snapshot of committed records was made here and is durable. */
  | { readonly kind: 'snapshotCreated'; readonly snapshotId: OffsetAndEpoch }
  | { readonly kind: 'resign'; readonly epoch: Epoch }
  /** Hand over, then `shutdownComplete`. */
  | { readonly kind: 'shutdown' }

/** What a node must find again after a crash, besides its log: `quorum-state`. */
export interface DurableState {
  readonly epoch: Epoch
  /** NO_NODE when not known at the time of writing. */
  readonly leaderId: NodeId
  /** Null: no vote in this epoch. */
  readonly voted: ReplicaKey | null
}

/** What a voter knows of records that it has acknowledged and has no more: its disk has spoilt them. */
export interface LogLoss {
  /** It has acknowledged nothing at or above this. */
  readonly endOffset: Offset
  /** Nothing of what is lost was acknowledged in a later epoch. */
  readonly epoch: Epoch
}

export type RaftEffect =
  | { readonly kind: 'send'; readonly call: CallId; readonly to: NodeId; readonly request: RaftRequest; readonly timeoutMs: Millis }
  | { readonly kind: 'reply'; readonly ticket: Ticket; readonly reply: RaftReply }
  | { readonly kind: 'persistState'; readonly write: WriteId; readonly state: DurableState }
  /** The batch of the proposal just made. */
  | { readonly kind: 'append'; readonly write: WriteId; readonly epoch: Epoch; readonly baseOffset: Offset; readonly endOffset: Offset }
  /** The first record of an epoch: the LEADER_CHANGE control batch. */
  | {
      readonly kind: 'appendLeaderChange'
      readonly write: WriteId
      readonly epoch: Epoch
      readonly offset: Offset
      readonly voters: readonly ReplicaKey[]
      readonly granting: readonly ReplicaKey[]
    }
  /** Of the batches that came with this call, those in [baseOffset, endOffset). */
  | {
      readonly kind: 'appendFetched'
      readonly write: WriteId
      readonly call: CallId
      readonly baseOffset: Offset
      readonly endOffset: Offset
    }
  | { readonly kind: 'truncate'; readonly write: WriteId; readonly endOffset: Offset }
  /** Keep the bytes that came with this call at this position of the snapshot being fetched; position 0 begins it anew. */
  | { readonly kind: 'snapshotChunk'; readonly call: CallId; readonly snapshotId: OffsetAndEpoch; readonly position: number }
  /** The fetched snapshot is whole: it replaces the log. */
  | { readonly kind: 'installSnapshot'; readonly write: WriteId; readonly snapshotId: OffsetAndEpoch }
  /** The log before this snapshot, and older snapshots, are not needed any more. */
  | { readonly kind: 'deletePrefix'; readonly start: OffsetAndEpoch }
  | { readonly kind: 'highWatermark'; readonly offset: Offset }
  | { readonly kind: 'leaderChange'; readonly leaderId: NodeId; readonly epoch: Epoch }
  /** This node leads, and all of earlier epochs is committed and below the high watermark. */
  | { readonly kind: 'leading'; readonly epoch: Epoch }
  /** After `leading` of the same epoch: it leads no more. */
  | { readonly kind: 'resigned'; readonly epoch: Epoch }
  /** What was lost is here again, as far as it was committed: `LogLoss` may be forgotten. */
  | { readonly kind: 'restored' }
  | { readonly kind: 'shutdownComplete' }

/** What DescribeQuorum tells of one replica. Times are of the machine's clock; -1 when unknown. */
export interface ReplicaStanding {
  readonly replica: ReplicaKey
  readonly logEndOffset: Offset
  readonly lastFetchAt: Millis
  readonly lastCaughtUpAt: Millis
}
