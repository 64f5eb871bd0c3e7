import { assert } from '../../base/assert.ts'
import type { Clock, Entropy, Log, Network, Timer } from '../../base/ports.ts'
import { type Epoch, type Millis, NO_UUID, type NodeId, type Offset } from '../../base/units.ts'
import { Peer, PeerError } from '../../client/peer.ts'
import { MalformedError } from '../../protocol/reader.ts'
import type { OffsetAndEpoch } from '../../raft/log-shape.ts'
import type { MetadataBatch } from '../metadata-batch.ts'
import { valuesOf } from '../metadata-batch.ts'
import type { CommittedBatch, MetadataSnapshot, QuorumLeader } from '../metadata-quorum.ts'
import { ask, RaftRefusedError, type RaftSpeaker } from '../raft-wire.ts'
import { readSnapshot, snapshotInMemory } from '../snapshot-file.ts'

export interface FollowerPorts {
  readonly clock: Clock
  readonly entropy: Entropy
  readonly network: Network
  readonly log: Log
}

export interface FollowerEvents {
  onCommitted(batch: CommittedBatch): void
  onSnapshot(snapshot: MetadataSnapshot): void
}

const fetchMaxWaitMs: Millis = 500
const requestTimeoutMs: Millis = 2_000
const retryMs: Millis = 50
const dialTimeoutMs: Millis = 1_000

/**
 * Reads the metadata log from the active controller, and tells of it. Whatever an active controller gives out is committed, so there is nothing to vote on
 * and nothing to take back: all that is kept is the position.
 *
 *  1. Only a leader of the highest epoch that was heard of is followed (ZK-2), and only its answers are taken; a late answer of one before is dropped.
 *  2. Batches are told in order without a gap. A leader that does not know this position gives its snapshot, which replaces all.
 *  3. After `stop` nothing is told.
 */
export class LogFollower {
  private readonly ports: FollowerPorts
  private readonly speaker: RaftSpeaker
  private readonly replicaId: NodeId
  private readonly events: FollowerEvents
  private leader: QuorumLeader | null = null
  private peer: Peer | null = null
  private timer: Timer | null = null
  private at: OffsetAndEpoch = { offset: 0, epoch: 0 }
  private highest: Epoch = -1
  private committed: Offset = 0
  /** Rises with each change of what is followed: whatever began before is over. */
  private turn = 0

  constructor(ports: FollowerPorts, speaker: RaftSpeaker, replicaId: NodeId, events: FollowerEvents) {
    this.ports = ports
    this.speaker = speaker
    this.replicaId = replicaId
    this.events = events
  }

  /** Exclusive: all below it was told. */
  get endOffset(): Offset {
    return this.at.offset
  }

  /** As the leader said last. */
  get highWatermark(): Offset {
    return Math.max(this.committed, this.at.offset)
  }

  /** All up to there is known from elsewhere. */
  goOnFrom(position: OffsetAndEpoch): void {
    this.at = position
  }

  follow(leader: QuorumLeader): void {
    if (leader.endpoint === null || leader.epoch < this.highest) return
    if (this.leader?.epoch === leader.epoch) return
    this.stop()
    this.highest = leader.epoch
    this.leader = leader
    this.peer = new Peer(this.ports, { ...leader.endpoint, clientId: `metadata-${this.replicaId}`, dialTimeoutMs })
    void this.run(this.turn, leader, this.peer)
  }

  stop(): void {
    this.turn += 1
    this.timer?.cancel()
    this.peer?.close()
    this.peer = null
    this.leader = null
  }

  private async run(turn: number, leader: QuorumLeader, peer: Peer): Promise<void> {
    while (turn === this.turn) {
      const went = await this.fetchOnce(turn, leader, peer)
      if (turn === this.turn && !went) await this.pause()
    }
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      this.timer = this.ports.clock.after(retryMs, resolve)
    })
  }

  /** False: it did not work, and is to be tried again after a while. */
  private async fetchOnce(turn: number, leader: QuorumLeader, peer: Peer): Promise<boolean> {
    try {
      return await this.fetch(turn, leader, peer)
    } catch (error) {
      if (!(error instanceof PeerError || error instanceof RaftRefusedError || error instanceof MalformedError)) throw error
      if (!(error instanceof PeerError) && turn === this.turn) {
        this.ports.log.write('warn', 'metadata-fetch-failed', `controller ${leader.id}: ${error.message}`)
      }
      return false
    }
  }

  private async fetch(turn: number, leader: QuorumLeader, peer: Peer): Promise<boolean> {
    const { response, batches } = await ask(
      peer,
      this.speaker,
      {
        kind: 'fetch',
        epoch: leader.epoch,
        replica: { id: this.replicaId, directoryId: NO_UUID },
        fetchOffset: this.at.offset,
        lastFetchedEpoch: this.at.epoch,
        highWatermark: this.at.offset,
        maxWaitMs: fetchMaxWaitMs,
      },
      requestTimeoutMs,
    )
    if (turn !== this.turn || response.kind !== 'fetch' || response.error !== 'NONE' || response.epoch !== leader.epoch) return false
    if (response.snapshotId !== null) return this.fetchSnapshot(turn, leader, peer, response.snapshotId)
    this.committed = response.highWatermark
    for (const batch of batches) this.tell(batch)
    return true
  }

  private tell(batch: MetadataBatch): void {
    const { header } = batch
    if (header.lastOffset < this.at.offset) return
    assert(header.baseOffset === this.at.offset, `metadata from ${header.baseOffset} after ${this.at.offset}`)
    this.at = { offset: header.lastOffset + 1, epoch: header.leaderEpoch }
    this.events.onCommitted({
      baseOffset: header.baseOffset,
      lastOffset: header.lastOffset,
      epoch: header.leaderEpoch,
      appendTime: header.maxTimestamp,
      values: valuesOf(batch),
    })
  }

  private async fetchSnapshot(turn: number, leader: QuorumLeader, peer: Peer, snapshotId: OffsetAndEpoch): Promise<boolean> {
    const pieces: Buffer[] = []
    for (let position = 0, size = 1; position < size;) {
      const { response, piece } = await ask(
        peer,
        this.speaker,
        { kind: 'fetchSnapshot', epoch: leader.epoch, replica: { id: this.replicaId, directoryId: NO_UUID }, snapshotId, position },
        requestTimeoutMs,
      )
      if (turn !== this.turn || response.kind !== 'fetchSnapshot' || response.error !== 'NONE') return false
      if (piece === null || piece.length === 0 || response.position !== position) throw new MalformedError('a snapshot without a piece')
      pieces.push(piece)
      position += piece.length
      size = response.size
    }
    this.at = snapshotId
    this.committed = Math.max(this.committed, snapshotId.offset)
    this.events.onSnapshot(readSnapshot(snapshotInMemory(Buffer.concat(pieces)), snapshotId))
    return true
  }
}
