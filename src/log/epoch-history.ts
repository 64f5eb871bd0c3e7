import type { Epoch, Offset } from '../base/units.ts'
import { NO_EPOCH, NO_OFFSET } from '../base/units.ts'
import type { EpochEnd } from './outcomes.ts'

export interface EpochStart {
  readonly epoch: Epoch
  readonly startOffset: Offset
}

/**
 * Which leader epoch wrote which part of the log (org.apache.kafka.storage.internals.epoch.LeaderEpochFileCache).
 *
 * Invariant: epochs and start offsets both rise strictly. An entry may stand for an epoch that has written nothing yet; such an entry
 * is lost by a crash without harm, for all others can be read off the batches again.
 */
export class EpochHistory {
  private entries: EpochStart[]
  /** Counts changes, so that whoever writes the checkpoint knows whether it is stale. */
  private changes = 0

  constructor(entries: readonly EpochStart[]) {
    this.entries = []
    for (const entry of entries) this.assign(entry.epoch, entry.startOffset)
    this.changes = 0
  }

  get version(): number {
    return this.changes
  }

  get latestEpoch(): Epoch {
    return this.entries.at(-1)?.epoch ?? NO_EPOCH
  }

  list(): readonly EpochStart[] {
    return this.entries
  }

  /** Notes a new epoch; entries that contradict it (a later epoch, or a start at or above it) go. True when something changed. */
  assign(epoch: Epoch, startOffset: Offset): boolean {
    if (epoch < 0 || startOffset < 0) return false
    const latest = this.entries.at(-1)
    if (latest !== undefined && latest.epoch === epoch && startOffset >= latest.startOffset) return false
    this.dropWhileLast((entry) => entry.epoch >= epoch || entry.startOffset >= startOffset)
    this.entries.push({ epoch, startOffset })
    this.changes += 1
    return true
  }

  /** Where the epoch ends, by the rules of OffsetForLeaderEpoch (KIP-101, KIP-279). */
  endOffsetFor(epoch: Epoch, logEndOffset: Offset): EpochEnd {
    if (epoch === NO_EPOCH) return { epoch: NO_EPOCH, endOffset: NO_OFFSET }
    if (epoch === this.latestEpoch) return { epoch, endOffset: logEndOffset }
    const higher = this.entries.findIndex((entry) => entry.epoch > epoch)
    const next = this.entries[higher]
    if (next === undefined) return { epoch: NO_EPOCH, endOffset: NO_OFFSET }
    return { epoch: this.entries[higher - 1]?.epoch ?? epoch, endOffset: next.startOffset }
  }

  epochForOffset(offset: Offset): Epoch {
    for (let i = this.entries.length - 1; i >= 0; i--) {
      const entry = this.entries[i]
      if (entry !== undefined && entry.startOffset <= offset) return entry.epoch
    }
    return NO_EPOCH
  }

  /** Drops epochs that start at or above `endOffset`. */
  truncateFromEnd(endOffset: Offset): boolean {
    return this.dropWhileLast((entry) => entry.startOffset >= endOffset)
  }

  /** Drops epochs that end at or below `startOffset`; the one that spans it now starts there. */
  truncateFromStart(startOffset: Offset): boolean {
    let below = 0
    while ((this.entries[below]?.startOffset ?? Infinity) <= startOffset) below += 1
    const spanning = this.entries[below - 1]
    if (spanning === undefined || (below === 1 && spanning.startOffset === startOffset)) return false
    this.entries = [{ epoch: spanning.epoch, startOffset }, ...this.entries.slice(below)]
    this.changes += 1
    return true
  }

  clear(): void {
    this.truncateFromEnd(0)
  }

  private dropWhileLast(condition: (entry: EpochStart) => boolean): boolean {
    let kept = this.entries.length
    for (; kept > 0; kept--) {
      const entry = this.entries[kept - 1]
      if (entry === undefined || !condition(entry)) break
    }
    if (kept === this.entries.length) return false
    this.entries.length = kept
    this.changes += 1
    return true
  }
}
