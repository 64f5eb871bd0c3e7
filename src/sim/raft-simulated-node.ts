import { assert } from '../base/assert.ts'
import type { Epoch, NodeId, Offset } from '../base/units.ts'
import { type EpochStart, type LogOutline, type OffsetAndEpoch } from '../raft/log-shape.ts'
import type { DurableState, LogLoss, WriteId } from '../raft/messages.ts'
import type { Raft } from '../raft/raft.ts'

/** A simulated replica: its machine, its log twice over (as written, and as a crash would leave it), its clock. */

export interface Entry {
  readonly epoch: Epoch
  readonly value: number
}

/** What a snapshot says: the hash of all entries below its offset. */
export interface Snapshot {
  readonly id: OffsetAndEpoch
  readonly hash: number
}

/** The disk's content, either as written or as durable. */
export class Store {
  state: DurableState = { epoch: 0, leaderId: -1, voted: null }
  start: OffsetAndEpoch = { offset: 0, epoch: 0 }
  entries: Entry[] = []
  snapshots: Snapshot[] = []

  get endOffset(): Offset {
    return this.start.offset + this.entries.length
  }

  at(offset: Offset): Entry | undefined {
    return this.entries[offset - this.start.offset]
  }

  epochBefore(offset: Offset): Epoch {
    return this.at(offset - 1)?.epoch ?? this.start.epoch
  }

  slice(from: Offset, to: Offset): readonly Entry[] {
    return this.entries.slice(from - this.start.offset, to - this.start.offset)
  }

  truncate(endOffset: Offset): void {
    assert(endOffset >= this.start.offset, 'the log is cut above its start')
    this.entries.length = Math.min(this.entries.length, endOffset - this.start.offset)
  }

  replaceWith(snapshot: Snapshot): void {
    this.entries = []
    this.start = snapshot.id
    this.snapshots = [snapshot]
  }

  deletePrefix(start: OffsetAndEpoch): void {
    if (start.offset <= this.start.offset) return
    this.entries = this.entries.slice(start.offset - this.start.offset)
    this.start = start
    this.snapshots = this.snapshots.filter((snapshot) => snapshot.id.offset >= start.offset)
  }

  outline(): LogOutline {
    const epochs: EpochStart[] = []
    for (const [at, entry] of this.entries.entries()) {
      if (entry.epoch !== epochs.at(-1)?.epoch) epochs.push({ epoch: entry.epoch, startOffset: this.start.offset + at })
    }
    return { start: this.start, endOffset: this.endOffset, epochs, latestSnapshot: this.snapshots.at(-1)?.id ?? null }
  }

  copy(): Store {
    const copy = new Store()
    copy.state = this.state
    copy.start = this.start
    copy.entries = [...this.entries]
    copy.snapshots = [...this.snapshots]
    return copy
  }
}

export type StoreChange = (store: Store) => void

export interface PendingWrite {
  /** 0: a change that nobody waits for. */
  readonly write: WriteId
  readonly change: StoreChange
}

export class SimulatedNode {
  readonly id: NodeId
  readonly isVoter: boolean
  /** Local milliseconds per simulated one, and where the local clock stood at 0. */
  readonly clockRate: number
  readonly clockOffset: number
  machine: Raft | null = null
  /** Rises with each start: late events of an earlier life are not delivered. */
  life = 0
  pausedUntil = 0
  written = new Store()
  durable = new Store()
  pending: PendingWrite[] = []
  applied: { offset: Offset; hash: number } = { offset: 0, hash: 0 }
  wakeSequence = 0
  /** The highest epoch of which this node has told anyone, in any life. */
  spokenEpoch = 0
  receiving: Snapshot | null = null
  /** Its disk has spoilt its log, and it has not got everything again. */
  loss: LogLoss | null = null

  constructor(id: NodeId, isVoter: boolean, clockRate: number, clockOffset: number) {
    this.id = id
    this.isVoter = isVoter
    this.clockRate = clockRate
    this.clockOffset = clockOffset
  }

  localTime(now: number): number {
    return this.clockOffset + now * this.clockRate
  }

  globalTime(local: number): number {
    return (local - this.clockOffset) / this.clockRate
  }

  get name(): string {
    return `${this.isVoter ? 'voter' : 'observer'} ${this.id}`
  }

  /** While it is down its disk spoils its log: all of it goes, the vote stays. */
  rot(): void {
    this.loss = {
      endOffset: this.durable.endOffset,
      epoch: Math.max(this.durable.state.epoch, this.durable.epochBefore(this.durable.endOffset)),
    }
    const { state } = this.durable
    this.durable = new Store()
    this.durable.state = { ...state, epoch: this.loss.epoch, voted: state.epoch === this.loss.epoch ? state.voted : null }
    this.written = this.durable.copy()
    this.applied = { offset: 0, hash: 0 }
  }

  /** Memory is gone; of the writes under way the first `kept` have reached the disk. An observer has no disk. */
  crash(kept: number): void {
    for (const pending of this.pending.slice(0, kept)) pending.change(this.durable)
    if (!this.isVoter) this.durable = new Store()
    this.pending = []
    this.machine = null
    this.receiving = null
    this.written = this.durable.copy()
    const snapshot = this.written.snapshots.at(-1)
    this.applied = snapshot === undefined ? { offset: 0, hash: 0 } : { offset: snapshot.id.offset, hash: snapshot.hash }
  }
}

export function mixHash(hash: number, value: number): number {
  let mixed = Math.imul(hash ^ (value | 0), 0x9e3779b1)
  mixed ^= mixed >>> 15
  mixed = Math.imul(mixed + Math.trunc(value / 0x1_0000_0000) + 1, 0x85ebca77)
  return (mixed ^ (mixed >>> 13)) >>> 0
}
