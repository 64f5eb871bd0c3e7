import type { Epoch, Offset } from '../../base/units.ts'
import type { EpochEndOffset } from '../../replication/truncation.ts'

/** One record of a simulated log. `chain` stands for it and all before it, so that logs are compared up to an offset by one number. */
export interface Entry {
  readonly epoch: Epoch
  readonly value: number
  readonly chain: number
}

const entryBytes = 12

/** A log in memory, with the epoch history of a real one. */
export class SimulatedLog {
  entries: Entry[] = []
  /** What a loss of power would leave. */
  syncedEnd = 0
  private epochs: { readonly epoch: Epoch; readonly start: Offset }[] = []

  get end(): Offset {
    return this.entries.length
  }

  get lastEpoch(): Epoch {
    return this.epochs.at(-1)?.epoch ?? -1
  }

  chainAt(end: Offset): number {
    return this.entries[end - 1]?.chain ?? 0
  }

  append(epoch: Epoch, value: number): Entry {
    this.assignEpoch(epoch)
    const entry = { epoch, value, chain: mix(mix(this.chainAt(this.end), epoch), value) }
    this.entries.push(entry)
    return entry
  }

  /** Conflicting later entries of the history go, as in LeaderEpochFileCache.assign. */
  assignEpoch(epoch: Epoch): void {
    if (this.lastEpoch >= epoch) return
    while ((this.epochs.at(-1)?.start ?? -1) >= this.end) this.epochs.pop()
    this.epochs.push({ epoch, start: this.end })
  }

  truncate(end: Offset): void {
    this.entries.length = Math.min(end, this.entries.length)
    this.syncedEnd = Math.min(this.syncedEnd, this.end)
    while ((this.epochs.at(-1)?.start ?? -1) >= this.end) this.epochs.pop()
  }

  /** An epoch that has written nothing lives in the checkpoint only, which a crash may leave behind. */
  crash(keep: Offset): void {
    this.truncate(keep)
    this.syncedEnd = this.end
  }

  endOffsetFor(epoch: Epoch): EpochEndOffset {
    if (epoch === this.lastEpoch) return { epoch, endOffset: this.end }
    const higher = this.epochs.findIndex((each) => each.epoch > epoch)
    const next = this.epochs[higher]
    if (next === undefined || epoch < 0) return { epoch: -1, endOffset: -1 }
    return { epoch: this.epochs[higher - 1]?.epoch ?? epoch, endOffset: next.start }
  }

  read(from: Offset, count: number): Buffer {
    const entries = this.entries.slice(from, from + count)
    const bytes = Buffer.alloc(entries.length * entryBytes)
    entries.forEach((entry, i) => {
      bytes.writeInt32BE(from + i, i * entryBytes)
      bytes.writeInt32BE(entry.epoch, i * entryBytes + 4)
      bytes.writeInt32BE(entry.value, i * entryBytes + 8)
    })
    return bytes
  }
}

export function* entriesOf(records: Buffer): Iterable<{ readonly offset: Offset; readonly epoch: Epoch; readonly value: number }> {
  for (let at = 0; at < records.length; at += entryBytes) {
    yield { offset: records.readInt32BE(at), epoch: records.readInt32BE(at + 4), value: records.readInt32BE(at + 8) }
  }
}

export function mix(hash: number, value: number): number {
  let x = Math.imul(hash ^ value, 0x9e3779b1) ^ (hash >>> 15)
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  return (x ^ (x >>> 13)) >>> 0
}
