import type { Offset } from '../base/units.ts'

/** Bytes that a chunk costs besides its buffer, roughly: it keeps many tiny batches from being many without bound. */
const chunkOverheadBytes = 256

/** One append, as it was written. Linked to its neighbours in the order of appends over all logs. */
export interface Chunk {
  readonly baseOffset: Offset
  readonly lastOffset: Offset
  readonly records: Buffer
  readonly owner: Tail
  older: Chunk | null
  newer: Chunk | null
}

/**
 * How many bytes of recent batches all the logs of a process keep in memory together. The oldest append of all goes first, which is
 * always the oldest of its log.
 */
export class TailBudget {
  readonly tailBytesMax: number
  readonly tailBytesPerLogMax: number
  private usedBytes = 0
  private oldest: Chunk | null = null
  private newest: Chunk | null = null

  constructor(limits: { readonly tailBytesMax: number; readonly tailBytesPerLogMax: number }) {
    this.tailBytesMax = limits.tailBytesMax
    this.tailBytesPerLogMax = limits.tailBytesPerLogMax
  }

  get bytes(): number {
    return this.usedBytes
  }

  admit(chunk: Chunk): void {
    chunk.older = this.newest
    if (this.newest === null) this.oldest = chunk
    else this.newest.newer = chunk
    this.newest = chunk
    this.usedBytes += chunkBytes(chunk)
    while (this.usedBytes > this.tailBytesMax && this.oldest !== null) this.oldest.owner.dropOldest()
  }

  release(chunk: Chunk): void {
    if (chunk.older === null) this.oldest = chunk.newer
    else chunk.older.newer = chunk.newer
    if (chunk.newer === null) this.newest = chunk.older
    else chunk.newer.older = chunk.older
    chunk.older = null
    chunk.newer = null
    this.usedBytes -= chunkBytes(chunk)
  }
}

function chunkBytes(chunk: Chunk): number {
  return chunk.records.length + chunkOverheadBytes
}

/** The most recent appends of one log, as the very buffers that were appended: all there is from `startOffset` to the log end. */
export class Tail {
  private readonly budget: TailBudget
  private chunks: Chunk[] = []
  private head = 0
  private bytes = 0
  /** The log end before the first chunk that is still here: no batch lies between it and that chunk. */
  private from: Offset = Infinity

  constructor(budget: TailBudget) {
    this.budget = budget
  }

  /** Every batch that holds an offset at or above this is in memory; Infinity when none is. */
  get startOffset(): Offset {
    return this.from
  }

  /** `logEndOffset` as it was before the append: the batches may leave a gap behind it. */
  push(logEndOffset: Offset, baseOffset: Offset, lastOffset: Offset, records: Buffer): void {
    if (this.chunks.length === 0) this.from = logEndOffset
    const chunk: Chunk = { baseOffset, lastOffset, records, owner: this, older: null, newer: null }
    this.chunks.push(chunk)
    this.bytes += chunkBytes(chunk)
    this.budget.admit(chunk)
    while (this.bytes > this.budget.tailBytesPerLogMax) this.dropOldest()
  }

  dropOldest(): void {
    const chunk = this.chunks[this.head]
    if (chunk === undefined) return
    this.head += 1
    this.bytes -= chunkBytes(chunk)
    this.budget.release(chunk)
    this.from = this.head === this.chunks.length ? Infinity : chunk.lastOffset + 1
    if (this.head * 2 >= this.chunks.length) {
      this.chunks = this.chunks.slice(this.head)
      this.head = 0
    }
  }

  /** Appends that lie wholly below `offset` go: they are not what the files hold any more. */
  dropBelow(offset: Offset): void {
    for (let oldest = this.chunks[this.head]; oldest !== undefined && oldest.lastOffset < offset; oldest = this.chunks[this.head])
      this.dropOldest()
  }

  clear(): void {
    while (this.chunks.length > 0) this.dropOldest()
  }

  /** The appends from the one that holds `offset` or is the first after it, up to `bytesMax` bytes and at least one. */
  take(offset: Offset, bytesMax: number): readonly Buffer[] {
    const taken: Buffer[] = []
    let bytes = 0
    for (let i = this.indexOf(offset); i < this.chunks.length && (taken.length === 0 || bytes < bytesMax); i++) {
      const records = this.chunks[i]?.records
      if (records === undefined) break
      taken.push(records)
      bytes += records.length
    }
    return taken
  }

  /** The first chunk whose last offset is at or above `offset`. */
  private indexOf(offset: Offset): number {
    let low = this.head
    let high = this.chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.chunks[middle]?.lastOffset ?? Infinity) < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
