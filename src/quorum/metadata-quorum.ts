import type { Epoch, NodeId, Offset, Timestamp } from '../base/units.ts'

/**
 * What a controller and a broker need from whatever lets the cluster agree on its metadata: an ordered log of committed records, and at most
 * one node at a time that may append to it. Record values are opaque here (Kafka's framing of metadata records is `src/metadata`'s).
 *
 * Rules for whoever listens:
 *  1. Everything delivered is committed; nothing is ever taken back. Offsets only rise, but for `onSnapshot`, which replaces all state.
 *  2. `onLeader` comes when this node leads *and* all that earlier epochs committed has been delivered: the state is complete, it may act.
 *     Between `onLeader(epoch)` and `onResigned(epoch)` `append(epoch, …)` is accepted; own appends come back through `onCommitted`.
 *  3. After `onResigned` whatever was appended and not committed may be lost or may yet commit under another leader: state built on it must
 *     be thrown away. `redeliver()` gives the committed state again from the beginning.
 *  4. The listener is called synchronously and in order, never from within `append`, `redeliver` excepted. A listener that throws has a bug:
 *     the exception is not caught.
 */
export interface MetadataQuorum {
  /** Loads what is on disk, delivers nothing yet known to be committed, and takes part. Rejects when the disk cannot be read. */
  start(listener: QuorumListener): Promise<void>
  /** Hands leadership over if it is held (bounded by the request timeout), then stops. Idempotent. */
  stop(): Promise<void>

  /**
   * Appends records as one batch (several when they exceed `metadataBatchBytesMax`), durable at the end of the turn.
   * Returns the offset of the last one, or null when this node is not the leader of this epoch any more.
   */
  append(epoch: Epoch, values: readonly Buffer[]): Offset | null
  /** Gives leadership up: for a leader that cannot go on. No effect in another epoch. */
  resign(epoch: Epoch): void
  /**
   * Writes the state after `endOffset` (exclusive; must be committed, at or below what was delivered) as a snapshot and lets the log before an
   * older one go. Resolves when it is durable. No effect when a snapshot at or after that offset exists.
   */
  writeSnapshot(endOffset: Offset, batches: Iterable<readonly Buffer[]>): Promise<void>
  /** Delivers everything again: `onSnapshot` (with an empty one when there is none), then all committed batches. */
  redeliver(): void

  /** The leader as far as known; id NO_NODE when not. */
  readonly leader: QuorumLeader
  /** Exclusive: all records below it are committed. 0 when not yet known. */
  readonly highWatermark: Offset
  readonly logEndOffset: Offset
  /** Bytes of committed records since the latest snapshot: Kafka's `metadata.log.max.record.bytes.between.snapshots` is held against it. */
  readonly bytesSinceSnapshot: number
}

export interface QuorumEndpoint {
  readonly host: string
  readonly port: number
}

export interface QuorumLeader {
  /** NO_NODE when the epoch's leader is not known. */
  readonly id: NodeId
  readonly epoch: Epoch
  /** Where the leader's controller listener is; null when not known. */
  readonly endpoint: QuorumEndpoint | null
}

export interface CommittedBatch {
  readonly baseOffset: Offset
  readonly lastOffset: Offset
  /** The quorum's epoch in which the records were appended. */
  readonly epoch: Epoch
  readonly appendTime: Timestamp
  /** Record values in order, from `baseOffset`. Empty for control batches (a leader change), which only take up an offset. */
  readonly values: readonly Buffer[]
}

export interface MetadataSnapshot {
  /** Exclusive: the state after all records below it. 0: the empty state. */
  readonly endOffset: Offset
  /** Epoch of the last record contained. */
  readonly epoch: Epoch
  /** Append time of the last record contained; -1 for the empty state. */
  readonly lastContainedTimestamp: Timestamp
  /** Record values, batch by batch, without control records. Valid during `onSnapshot` only. */
  batches(): Iterable<readonly Buffer[]>
}

export interface QuorumListener {
  onCommitted(batch: CommittedBatch): void
  onSnapshot(snapshot: MetadataSnapshot): void
  onLeader(epoch: Epoch): void
  onResigned(epoch: Epoch): void
  /** Also when the epoch has moved and its leader is not known yet. */
  onLeaderChange(leader: QuorumLeader): void
}
