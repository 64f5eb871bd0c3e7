import type { Clock, Entropy, Log } from '../../base/ports.ts'
import type { Epoch, Millis, NodeId, Offset, Timestamp, Uuid } from '../../base/units.ts'
import type { BrokerLayers } from '../../config/layers.ts'
import type { ServerConfig } from '../../config/server-config.ts'
import type { EpochEnd, ProducerDescription, TimestampedOffset } from '../../log/outcomes.ts'
import type { ClusterImage } from '../../metadata/image.ts'
import type { Api } from '../../protocol/apis.ts'
import type { ErrorCode } from '../../protocol/errors.ts'
import type { Draft, Message, Schema } from '../../protocol/schema.ts'

/** A partition that has a replica here, as far as handlers look into it; `HostedPartition` is one. */
export interface ServedPartition {
  readonly topic: string
  readonly partition: number
  readonly topicId: Uuid
  readonly isLeader: boolean
  readonly log: {
    readonly logStartOffset: Offset
    readonly logEndOffset: Offset
    readonly sizeBytes: number
    endOffsetForEpoch(epoch: Epoch): EpochEnd
    epochForOffset(offset: Offset): Epoch
    offsetForTimestamp(timestamp: Timestamp): Promise<TimestampedOffset | null>
    offsetOfMaxTimestamp(): Promise<TimestampedOffset | null>
    describeProducers(): readonly ProducerDescription[]
    readonly config: { readonly cleanupDelete: boolean; readonly cleanupCompact: boolean }
  }
  readonly replica: {
    readonly highWatermark: Offset
    readonly leaderEpoch: Epoch
    readonly epochStartOffset: Offset
    /** The least log start offset of the live replicas; -1 when not led here. */
    readonly lowWatermark: Offset
    /** KIP-320; also NOT_LEADER_OR_FOLLOWER. */
    epochError(currentLeaderEpoch: Epoch): ErrorCode
  }
  /** DeleteRecords. @throws DiskError */
  moveLogStart(offset: Offset): void
  /** Calls `look` at each rise of the low watermark, and when leadership is lost, until the returned function is called. */
  watchLowWatermark(look: () => void): () => void
}

/** A copy of a replica in the making. */
export interface ServedFuture {
  readonly topic: string
  readonly partition: number
  readonly sizeBytes: number
  /** Offsets that it still lacks. */
  readonly lag: Offset
}

/** One entry of `log.dirs`, as DescribeLogDirs tells it. */
export interface ServedDirectory {
  readonly path: string
  readonly id: Uuid | null
  /** Nothing in it can be trusted any more. */
  readonly offline: boolean
  readonly partitions: Iterable<ServedPartition>
  /** Copies of replicas of other directories that are on their way here. */
  futures(): Iterable<ServedFuture>
  /** Of the file system; null when it cannot be told. */
  space(): { readonly free: number; readonly total: number } | null
}

/** Requests to the active controller; `ControllerChannel` is one. */
export interface ControllerRequests {
  /** Rejects with NoControllerError when no controller has answered in time. */
  request<Req extends Schema, Res extends Schema>(
    api: Api<Req, Res>,
    version: number,
    body: Draft<Req>,
    options: { readonly timeoutMs: Millis; readonly errorOf: (response: Message<Res>) => number },
  ): Promise<Message<Res>>
}

/** What handlers may know of the broker. */
export interface BrokerContext {
  readonly brokerId: NodeId
  readonly clusterId: string
  /** The metadata that this broker has applied. */
  readonly image: ClusterImage
  /** Offset of the last record that `image` holds; -1 when none. */
  readonly metadataOffset: Offset
  /** With the dynamic configuration laid over it. */
  readonly config: ServerConfig
  readonly layers: BrokerLayers
  /** Of the present registration; -1 before it. */
  readonly brokerEpoch: Offset
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly controller: ControllerRequests
  partition(topic: string, partition: number): ServedPartition | undefined
  readonly directories: readonly ServedDirectory[]
  /** AlterReplicaLogDirs, of one replica. */
  moveReplica(topic: string, partition: number, path: string): Promise<ErrorCode>
}
