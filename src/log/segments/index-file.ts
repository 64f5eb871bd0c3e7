import { assert } from '../../base/assert.ts'
import { DiskError } from '../../base/ports.ts'
import type { OpenFiles } from '../open-files.ts'
import { CorruptLogError } from '../outcomes.ts'

/** Entries kept in memory before they are written to the file. */
const pendingEntries = 64
/** Entries read at once at the end of a search in the file. */
const blockEntries = 256

/** Reads the key that a search compares from an entry at byte `at`. */
export type EntryKey = (bytes: Buffer, at: number) => number

/**
 * A sorted file of entries of one size, written in small groups and searched where it lies: nothing is mapped or cached, so an index
 * costs memory only for the few entries that are not in the file yet. The file has its true size, never a preallocated one: Kafka's
 * brokers and tools accept that (AbstractIndex maps what is there and grows an active index by itself).
 *
 * An index may always be rebuilt from its log, so an entry that cannot be written waits in memory and never fails an append.
 */
export class IndexFile {
  readonly path: string
  private readonly files: OpenFiles
  private readonly entryBytes: number
  private written: number
  private pending: Buffer | null = null
  private pendingCount = 0

  constructor(files: OpenFiles, path: string, entryBytes: number, entriesWritten: number) {
    this.files = files
    this.path = path
    this.entryBytes = entryBytes
    this.written = entriesWritten
  }

  get entries(): number {
    return this.written + this.pendingCount
  }

  /** Room for one more entry at the end, for the caller to fill: [buffer, byte]. */
  append(fill: (bytes: Buffer, at: number) => void): void {
    if (this.pendingCount >= pendingEntries) this.tryWritePending()
    const pending = this.roomForOne()
    fill(pending, this.pendingCount * this.entryBytes)
    this.pendingCount += 1
  }

  /** The entry as bytes, valid until the next call. */
  entry(index: number): { readonly bytes: Buffer; readonly at: number } {
    assert(index >= 0 && index < this.entries, `index entry ${index} of ${this.entries}`)
    if (index >= this.written) return { bytes: this.pendingBuffer(), at: (index - this.written) * this.entryBytes }
    return { bytes: this.block(index, 1), at: 0 }
  }

  /** The last entry whose key is at most `target`; -1 when there is none. Keys never fall. */
  floor(target: number, key: EntryKey): number {
    const pending = this.pending
    if (pending !== null && this.pendingCount > 0 && key(pending, 0) <= target) {
      return this.written + this.floorIn(pending, this.pendingCount, target, key)
    }
    return this.floorInFile(target, key)
  }

  /** Keeps the first `count` entries. Throws DiskError. */
  truncate(count: number): void {
    if (count >= this.entries) return
    this.pendingCount = Math.max(0, count - this.written)
    if (count < this.written) {
      this.files.use(this.path).truncate(count * this.entryBytes)
      this.written = count
    }
  }

  /** All entries are in the file after this, and the file exists. Throws DiskError. */
  flush(): void {
    const file = this.files.use(this.path, true)
    if (this.pendingCount > 0) {
      file.write(this.written * this.entryBytes, [this.pendingBuffer().subarray(0, this.pendingCount * this.entryBytes)])
      this.written += this.pendingCount
    }
    this.pendingCount = 0
    this.pending = null
  }

  /** Forgets all entries and leaves an empty file. Throws DiskError. */
  reset(): void {
    this.files.use(this.path, true).truncate(0)
    this.written = 0
    this.pendingCount = 0
  }

  private tryWritePending(): void {
    try {
      this.flush()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
    }
  }

  private roomForOne(): Buffer {
    const needed = (this.pendingCount + 1) * this.entryBytes
    if (this.pending === null) this.pending = Buffer.alloc(pendingEntries * this.entryBytes)
    if (needed > this.pending.length) this.pending = Buffer.concat([this.pending, Buffer.alloc(this.pending.length)])
    return this.pending
  }

  private pendingBuffer(): Buffer {
    assert(this.pending !== null, 'pending index entries without a buffer')
    return this.pending
  }

  private floorInFile(target: number, key: EntryKey): number {
    let low = 0
    let high = this.written
    while (high - low > blockEntries) {
      const middle = (low + high) >>> 1
      if (key(this.block(middle, 1), 0) <= target) low = middle
      else high = middle
    }
    if (high === low) return -1
    const found = this.floorIn(this.block(low, high - low), high - low, target, key)
    return found < 0 ? -1 : low + found
  }

  private floorIn(bytes: Buffer, count: number, target: number, key: EntryKey): number {
    let low = 0
    let high = count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (key(bytes, middle * this.entryBytes) <= target) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  private block(first: number, count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count * this.entryBytes)
    const read = this.files.use(this.path).read(first * this.entryBytes, bytes)
    if (read !== bytes.length)
      throw new CorruptLogError(this.path, first * this.entryBytes + read, 0, 'the index is shorter than what was written to it')
    return bytes
  }
}
