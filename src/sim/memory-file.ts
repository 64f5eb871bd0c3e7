import type { Prng } from '../base/prng.ts'

/** A disk promises nothing finer: a write may be torn between sectors, never inside one. */
export const sectorBytes = 512

/** Bytes of a file that somebody wants to know the fate of. */
export interface MarkedBytes {
  readonly position: number
  readonly until: number
  /** The next write there brings them. */
  isComing: boolean
  /** They were written over, or cut off: what is there since is something else, whatever it reads like. */
  isReplaced: boolean
}

/**
 * The content of one file in a simulated page cache, with what the platter held at the last sync: for every sector changed since then
 * its durable content. A sector without one was beyond the durable size, where the platter holds zeros.
 */
export class MemoryFile {
  private bytes: Buffer = Buffer.alloc(0)
  private length = 0
  private durableLength = 0
  private readonly durableSectors = new Map<number, Buffer>()
  private readonly marks = new Set<MarkedBytes>()

  get size(): number {
    return this.length
  }

  read(position: number, into: Buffer): number {
    const end = Math.min(position + into.length, this.length)
    return end <= position ? 0 : this.bytes.copy(into, 0, position, end)
  }

  write(position: number, content: Buffer): void {
    const end = position + content.length
    this.rememberSectors(Math.min(position, this.length), end)
    this.reserve(end)
    content.copy(this.bytes, position)
    this.length = Math.max(this.length, end)
    this.replaced(position, end)
  }

  truncate(size: number): void {
    this.rememberSectors(Math.min(size, this.length), Math.max(size, this.length))
    this.reserve(size)
    if (size < this.length) this.bytes.fill(0, size, this.length)
    this.length = size
    this.replaced(size, Infinity)
  }

  mark(position: number, length: number, isComing: boolean): MarkedBytes {
    const marked = { position, until: position + length, isComing, isReplaced: false }
    this.marks.add(marked)
    return marked
  }

  private replaced(from: number, until: number): void {
    for (const marked of this.marks) {
      if (from > marked.position || until < marked.until) continue
      if (marked.isComing) marked.isComing = false
      else if (this.marks.delete(marked)) marked.isReplaced = true
    }
  }

  sync(): void {
    this.durableSectors.clear()
    this.durableLength = this.length
  }

  /** What is here now is durable when the returned function has been called; what is written until then need not be. */
  beginSync(): () => void {
    const length = this.length
    const started = new Map<number, Buffer>()
    for (const sector of this.durableSectors.keys()) started.set(sector, this.sector(sector))
    return () => {
      for (const [sector, content] of started) {
        if (!this.durableSectors.has(sector)) continue
        if (this.sector(sector).equals(content)) this.durableSectors.delete(sector)
        else this.durableSectors.set(sector, content)
      }
      this.durableLength = length
    }
  }

  private sector(sector: number): Buffer {
    this.reserve((sector + 1) * sectorBytes)
    return Buffer.from(this.bytes.subarray(sector * sectorBytes, (sector + 1) * sectorBytes))
  }

  /** Bytes go bad where they lie: nobody has written, and what is synced already is bad too. */
  rot(position: number, content: Buffer): void {
    content.copy(this.bytes, position, 0, Math.max(0, this.length - position))
  }

  /** The file has lost its end. */
  lose(size: number): void {
    this.bytes.fill(0, size)
    this.length = size
    this.durableLength = Math.min(this.durableLength, size)
  }

  /** The power goes: each sector not synced may have reached the platter or not, and so may the new size. */
  crash(prng: Prng): void {
    const cachedLength = this.length
    const size = prng.pick([this.durableLength, cachedLength, prng.between(0, Math.max(cachedLength, this.durableLength))])
    const survives = survival(prng)
    this.reserve(Math.max(size, this.durableLength))
    for (const [sector, durable] of [...this.durableSectors].sort((a, b) => a[0] - b[0])) {
      if (!survives(sector)) durable.copy(this.bytes, sector * sectorBytes)
    }
    const kept = Math.max(size, Math.min(this.durableLength, cachedLength))
    this.bytes.fill(0, kept)
    this.length = kept
    this.sync()
  }

  private rememberSectors(from: number, to: number): void {
    const last = Math.ceil(to / sectorBytes)
    this.reserve(last * sectorBytes)
    for (let sector = Math.floor(from / sectorBytes); sector < last; sector++) {
      if (this.durableSectors.has(sector)) continue
      const start = sector * sectorBytes
      const durable = Buffer.from(this.bytes.subarray(start, start + sectorBytes))
      if (start + sectorBytes > this.durableLength) durable.fill(0, Math.max(0, this.durableLength - start))
      this.durableSectors.set(sector, durable)
    }
  }

  private reserve(size: number): void {
    if (size <= this.bytes.length) return
    const grown = Buffer.alloc(Math.max(size, this.bytes.length * 2, 4 * sectorBytes))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }
}

/** Which of the unsynced sectors reach the platter: all, none, those before a point (the common torn tail), or any. */
function survival(prng: Prng): (sector: number) => boolean {
  switch (prng.below(4)) {
    case 0:
      return () => true
    case 1:
      return () => false
    case 2: {
      let left = prng.below(16)
      return () => left-- > 0
    }
    default:
      return () => prng.chance(0.5)
  }
}
