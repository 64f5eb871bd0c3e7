import { assert } from '../base/assert.ts'
import type { Epoch, Offset } from '../base/units.ts'

export interface OffsetAndEpoch {
  readonly offset: Offset
  readonly epoch: Epoch
}

export interface EpochStart {
  readonly epoch: Epoch
  readonly startOffset: Offset
}

/** The log as it was found at start-up. */
export interface LogOutline {
  /** Start offset and the epoch of the last record before it; {0, 0} for a log from its beginning. */
  readonly start: OffsetAndEpoch
  readonly endOffset: Offset
  readonly epochs: readonly EpochStart[]
  /** The latest snapshot; at or before `endOffset`. */
  readonly latestSnapshot: OffsetAndEpoch | null
}

export const EMPTY_LOG: LogOutline = { start: { offset: 0, epoch: 0 }, endOffset: 0, epochs: [], latestSnapshot: null }

/** How a fetch position compares with this log (RaftLog.validateOffsetAndEpoch). */
export type Position =
  | { readonly kind: 'valid' }
  | { readonly kind: 'diverging'; readonly from: OffsetAndEpoch }
  | { readonly kind: 'snapshot'; readonly id: OffsetAndEpoch }

/**
 * Where each epoch of the log starts and where the log ends, without a byte of it.
 * Invariants: epochs and their start offsets rise; all lie at or after `start`; when `start` is above 0 there is a snapshot at it (RAFT-10).
 */
export class LogShape {
  private base: OffsetAndEpoch
  private epochs: EpochStart[]
  private end: Offset
  private snapshot: OffsetAndEpoch | null

  constructor(outline: LogOutline) {
    this.base = outline.start
    this.epochs = [...outline.epochs]
    this.end = outline.endOffset
    this.snapshot = outline.latestSnapshot
    assert(this.end >= this.base.offset, 'a log ends after its start')
    assert(this.snapshot === null || this.snapshot.offset <= this.end, 'a log reaches to its latest snapshot')
    assert(this.base.offset === 0 || this.snapshot !== null, 'a log that does not start at 0 has a snapshot')
  }

  get startOffset(): Offset {
    return this.base.offset
  }

  get endOffset(): Offset {
    return this.end
  }

  get latestSnapshot(): OffsetAndEpoch | null {
    return this.snapshot
  }

  /** Epoch of the last record, contained in the log or in the snapshot before it; 0 when there never was one. */
  get lastEpoch(): Epoch {
    return this.epochs.at(-1)?.epoch ?? this.base.epoch
  }

  outline(): LogOutline {
    return { start: this.base, endOffset: this.end, epochs: [...this.epochs], latestSnapshot: this.snapshot }
  }

  append(epoch: Epoch, endOffset: Offset): void {
    assert(endOffset > this.end, `an append ends after the log: ${endOffset} > ${this.end}`)
    assert(epoch >= this.lastEpoch && epoch > 0, `epochs in a log never fall: ${epoch} >= ${this.lastEpoch}`)
    if (epoch > this.lastEpoch || this.epochs.length === 0) this.epochs.push({ epoch, startOffset: this.end })
    this.end = endOffset
  }

  truncate(endOffset: Offset): void {
    assert(endOffset >= this.base.offset && endOffset <= this.end, `${endOffset} lies within the log`)
    this.epochs = this.epochs.filter((entry) => entry.startOffset < endOffset)
    this.end = endOffset
  }

  /** A fetched snapshot takes the place of the whole log. */
  replaceWith(snapshot: OffsetAndEpoch): void {
    this.base = snapshot
    this.snapshot = snapshot
    this.epochs = []
    this.end = snapshot.offset
  }

  /** A snapshot was made of this log's own committed records. Returns where the log may now start, or null when that does not change. */
  onSnapshot(made: OffsetAndEpoch): OffsetAndEpoch | null {
    assert(made.offset <= this.end, 'a snapshot is of records that are there')
    const previous = this.snapshot
    if (previous !== null && previous.offset >= made.offset) return null
    this.snapshot = made
    if (previous === null || previous.offset <= this.base.offset) return null
    this.advanceStart(previous)
    return previous
  }

  private advanceStart(to: OffsetAndEpoch): void {
    const kept = this.epochs.filter((_entry, at) => (this.epochs[at + 1]?.startOffset ?? this.end) > to.offset)
    this.epochs = kept.map((entry) => ({ epoch: entry.epoch, startOffset: Math.max(entry.startOffset, to.offset) }))
    this.base = to
  }

  /** Epoch of the record before `offset`: what a fetch from there calls the last fetched epoch. */
  epochBefore(offset: Offset): Epoch {
    let epoch = this.base.epoch
    for (const entry of this.epochs) {
      if (entry.startOffset >= offset) break
      epoch = entry.epoch
    }
    return epoch
  }

  /** The largest epoch here that is not above `epoch`, and where it ends; the start of the log when all are above. */
  endOfEpoch(epoch: Epoch): OffsetAndEpoch {
    let found: OffsetAndEpoch = { offset: this.epochs[0]?.startOffset ?? this.end, epoch: this.base.epoch }
    for (const [at, entry] of this.epochs.entries()) {
      if (entry.epoch > epoch) break
      found = { offset: this.epochs[at + 1]?.startOffset ?? this.end, epoch: entry.epoch }
    }
    return found
  }

  /** Whether a replica that holds everything below `offset`, the last of it in `epoch`, holds a prefix of this log. */
  validate(offset: Offset, epoch: Epoch): Position {
    if (this.needsSnapshot(offset, epoch) && this.snapshot !== null) return { kind: 'snapshot', id: this.snapshot }
    if (offset === 0 && epoch === 0) return { kind: 'valid' }
    const end = this.endOfEpoch(epoch)
    return end.epoch === epoch && end.offset >= offset ? { kind: 'valid' } : { kind: 'diverging', from: end }
  }

  private needsSnapshot(offset: Offset, epoch: Epoch): boolean {
    if (offset === 0 && this.snapshot !== null) return true
    if (this.base.offset === 0) return false
    return offset < this.base.offset || epoch < this.base.epoch || (offset === this.base.offset && epoch !== this.base.epoch)
  }

  /** Where to cut this log when a leader says that its own has ended `from.epoch` at `from.offset` (RaftLog.truncateToEndOffset). */
  truncationPoint(from: OffsetAndEpoch): Offset {
    const own = this.endOfEpoch(from.epoch)
    return own.epoch === from.epoch ? Math.min(own.offset, from.offset) : own.offset
  }
}
