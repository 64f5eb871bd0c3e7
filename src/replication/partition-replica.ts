import { NEVER, type Epoch, type Millis, type NodeId, type Offset, type Uuid } from '../base/units.ts'
import type { Machine, Ticket } from '../base/machine.ts'
import { ErrorCode } from '../protocol/errors.ts'

/** What the partition needs to know of other brokers; the driver answers from the newest metadata it has applied. */
export interface BrokerView {
  /** Registered with exactly this broker epoch (-1: any), not fenced, not in controlled shutdown (KIP-841, KIP-903). */
  isEligibleForIsr(brokerId: NodeId, brokerEpoch: number): boolean
  /** The broker epoch of the registration known here; -1 when there is none. For this broker itself: its own current epoch. */
  brokerEpoch(brokerId: NodeId): number
}

export interface PartitionReplicaOptions {
  readonly brokerId: NodeId
  readonly brokers: BrokerView
  /** `replica.lag.time.max.ms`: a member of the ISR that has been behind for longer is proposed for removal. */
  readonly replicaLagTimeMaxMs: Millis
  /** How long to wait before an AlterPartition of unknown outcome is sent again, and before a refused candidate is looked at again. */
  readonly isrRetryBackoffMs: Millis
}

export const LeaderRecoveryState = { RECOVERED: 0, RECOVERING: 1 } as const
export type LeaderRecoveryState = (typeof LeaderRecoveryState)[keyof typeof LeaderRecoveryState]

/** What metadata says of the partition, and where this broker's log stands at that moment. */
export interface PartitionAssignment {
  readonly topicId: Uuid
  readonly replicas: readonly NodeId[]
  readonly isr: readonly NodeId[]
  /** -1: nobody leads. */
  readonly leader: NodeId
  readonly leaderEpoch: Epoch
  readonly partitionEpoch: Epoch
  readonly leaderRecoveryState: LeaderRecoveryState
  readonly addingReplicas: readonly NodeId[]
  readonly removingReplicas: readonly NodeId[]
  /** `min.insync.replicas` of the topic; the effective minimum is the lesser of it and the number of replicas. */
  readonly minInsyncReplicas: number
  readonly logEndOffset: Offset
  readonly logStartOffset: Offset
  /** From the high watermark checkpoint; looked at only when the partition was not hosted before. */
  readonly storedHighWatermark: Offset
}

export interface IsrMember {
  readonly brokerId: NodeId
  /** -1: not known (bypasses the controller's check of KIP-903, as for members that have not fetched from this leader yet). */
  readonly brokerEpoch: number
}

/** The controller's word on one proposal, or that there was none (`error` NETWORK_EXCEPTION or REQUEST_TIMED_OUT: the outcome is unknown). */
export type IsrAnswer =
  | { readonly error: typeof ErrorCode.NONE; readonly isr: readonly NodeId[]; readonly leaderEpoch: Epoch; readonly partitionEpoch: Epoch }
  | { readonly error: Exclude<ErrorCode, typeof ErrorCode.NONE> }

export type PartitionInput =
  /** Metadata said something about the partition, new or not. An older `partitionEpoch` than known is ignored. */
  | { readonly type: 'assigned'; readonly assignment: PartitionAssignment }
  /** The partition is no longer hosted here: deleted, reassigned away, or its log directory failed. */
  | { readonly type: 'unassigned' }
  /** `min.insync.replicas` of the topic changed. */
  | { readonly type: 'configured'; readonly minInsyncReplicas: number }
  /** Fencing, shutdown or registration of some broker changed: `BrokerView` may answer otherwise than before. */
  | { readonly type: 'brokersChanged' }
  /** The local log now ends here: the leader appended, or a follower copied. */
  | { readonly type: 'appended'; readonly logEndOffset: Offset }
  /** A follower cut its log. A leader's log is never cut. */
  | { readonly type: 'truncated'; readonly logEndOffset: Offset }
  /** Retention, DeleteRecords, or the leader moved the start of the local log. */
  | { readonly type: 'logStartMoved'; readonly logStartOffset: Offset }
  /** A produce with acks=all whose records are in the local log, the last at `lastOffset`, waits for them to be committed. */
  | { readonly type: 'produce'; readonly ticket: Ticket; readonly lastOffset: Offset; readonly deadline: Millis }
  /**
   * A replica fetched. The offset is its acknowledgement of all before it. Only after `fetchError` said NONE, and only if the log found no
   * diverging epoch. A fetch of another epoch, of no replica, beyond the end of the log or of a stale broker epoch is ignored.
   */
  | {
      readonly type: 'followerFetched'
      readonly replica: NodeId
      /** -1 when the request carried none (Fetch before v15). */
      readonly brokerEpoch: number
      readonly leaderEpoch: Epoch
      readonly fetchOffset: Offset
      readonly logStartOffset: Offset
    }
  /** The leader this broker follows in `leaderEpoch` answered a fetch; told after the records of that answer are appended. */
  | { readonly type: 'leaderSaid'; readonly leaderEpoch: Epoch; readonly highWatermark: Offset }
  /** What became of `proposeIsr` number `proposal`. */
  | { readonly type: 'isrAnswered'; readonly proposal: number; readonly answer: IsrAnswer }

export type PartitionEffect =
  /** The high watermark is now here: parked fetches of consumers may go on, the checkpoint may take it up. */
  | { readonly type: 'highWatermark'; readonly offset: Offset }
  /** The least log start offset of the live replicas rose (a leader's DeleteRecords waits for it). */
  | { readonly type: 'lowWatermark'; readonly offset: Offset }
  /** NONE, NOT_ENOUGH_REPLICAS_AFTER_APPEND, REQUEST_TIMED_OUT or NOT_LEADER_OR_FOLLOWER. */
  | { readonly type: 'produceDone'; readonly ticket: Ticket; readonly error: ErrorCode }
  /** Send AlterPartition; answer with `isrAnswered` exactly once for each, whatever happens. */
  | {
      readonly type: 'proposeIsr'
      readonly proposal: number
      readonly topicId: Uuid
      readonly isr: readonly IsrMember[]
      readonly leaderEpoch: Epoch
      readonly partitionEpoch: Epoch
      readonly leaderRecoveryState: LeaderRecoveryState
    }
  /** The ISR known here changed (for a line in the log and for metrics). */
  | { readonly type: 'isrChanged'; readonly isr: readonly NodeId[]; readonly partitionEpoch: Epoch }
  /** A new leader epoch begins here: assign it to the log's epoch history at `epochStartOffset` before anything is appended or served. */
  | { readonly type: 'becameLeader'; readonly epoch: Epoch; readonly epochStartOffset: Offset }
  /** Fetch from `leader` in `epoch` (-1: from nobody). */
  | { readonly type: 'becameFollower'; readonly leader: NodeId; readonly epoch: Epoch }
  /** No longer leader: parked produces have been answered by the effects before; parked fetches are the driver's to answer. */
  | { readonly type: 'lostLeadership'; readonly error: ErrorCode }

export type PartitionRole = 'none' | 'leader' | 'follower'

/** SURFACE ONLY for the moment of its first commit; see the README. */
export class PartitionReplica implements Machine<PartitionInput, PartitionEffect> {
  readonly options: PartitionReplicaOptions

  constructor(options: PartitionReplicaOptions) {
    this.options = options
  }

  step(_now: Millis, _input: PartitionInput): readonly PartitionEffect[] {
    return []
  }

  wakeAt(): Millis {
    return NEVER
  }

  wake(_now: Millis): readonly PartitionEffect[] {
    return []
  }

  get role(): PartitionRole {
    return 'none'
  }

  get leader(): NodeId {
    return -1
  }

  get leaderEpoch(): Epoch {
    return -1
  }

  get partitionEpoch(): Epoch {
    return -1
  }

  get highWatermark(): Offset {
    return 0
  }

  /** The committed ISR, as far as known here. */
  get isr(): readonly NodeId[] {
    return []
  }

  /** Committed ISR united with what is proposed. */
  get maximalIsr(): readonly NodeId[] {
    return []
  }

  /** Where the leader's epoch begins; -1 when not leading. ListOffsets of the latest offset waits (OFFSET_NOT_AVAILABLE) while the high watermark is below it. */
  get epochStartOffset(): Offset {
    return -1
  }

  /** The least log start offset of the live replicas; -1 when not leading. */
  get lowWatermark(): Offset {
    return -1
  }

  /** To be asked right before an append: NONE, NOT_LEADER_OR_FOLLOWER or (acks -1) NOT_ENOUGH_REPLICAS. */
  appendError(_acks: number): ErrorCode {
    return ErrorCode.NONE
  }

  /** KIP-320, for requests of consumers and of tools: FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, NOT_LEADER_OR_FOLLOWER or NONE. -1 skips the epoch. */
  epochError(_currentLeaderEpoch: Epoch): ErrorCode {
    return ErrorCode.NONE
  }

  /** As epochError, for a fetch of a replica; also UNKNOWN_LEADER_EPOCH for a broker that is no replica (yet), NOT_LEADER_OR_FOLLOWER for a stale broker epoch. */
  fetchError(_replica: NodeId, _brokerEpoch: number, _currentLeaderEpoch: Epoch): ErrorCode {
    return ErrorCode.NONE
  }
}
