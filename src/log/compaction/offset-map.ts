import { assert } from '../../base/assert.ts'
import type { Offset } from '../../base/units.ts'
import { KeyHash } from './key-hash.ts'

const wordsPerKey = 4
/** 16 bytes of hash and 8 of offset, as in Kafka. */
export const offsetMapEntryBytes = 24

export interface OffsetMapSize {
  /** `log.cleaner.dedupe.buffer.size`, the share of one cleaning. */
  readonly bytesMax: number
  /** `log.cleaner.io.buffer.load.factor`: how full the map may get before it is said to be full. */
  readonly loadFactor: number
  /** There are no more keys than this: the map need not be larger. */
  readonly keysMax: number
}

/**
 * The last offset of each key of the dirty part of a log (org.apache.kafka.storage.internals.log.SkimpyOffsetMap): of the keys it holds hashes
 * only, in open addressing with linear probing, and nothing is ever removed.
 */
export class OffsetMap {
  /** Greatest offset that the map speaks of; -1 while there is none. What comes after it is not known here. */
  latestOffset: Offset = -1
  private readonly hash: KeyHash
  private readonly slots: number
  private readonly sizeMax: number
  private readonly keys: Uint32Array
  /** Offset + 1; 0: the slot is free. */
  private readonly offsets: Float64Array
  private count = 0

  constructor(size: OffsetMapSize, secret: Buffer) {
    const wanted = Math.ceil((size.keysMax + 1) / size.loadFactor) + 1
    this.slots = Math.max(2, Math.min(Math.floor(size.bytesMax / offsetMapEntryBytes), wanted))
    this.sizeMax = Math.max(1, Math.min(this.slots - 1, Math.floor(this.slots * size.loadFactor)))
    this.keys = new Uint32Array(this.slots * wordsPerKey)
    this.offsets = new Float64Array(this.slots)
    this.hash = new KeyHash(secret)
  }

  get size(): number {
    return this.count
  }

  get isFull(): boolean {
    return this.count >= this.sizeMax
  }

  /** Must not be full. */
  put(bytes: Buffer, at: number, length: number, offset: Offset): void {
    assert(!this.isFull, 'the offset map is full')
    const slot = this.slotOf(bytes, at, length)
    if (this.offsets[slot] === 0) {
      this.keys.set(this.hash.words, slot * wordsPerKey)
      this.count += 1
    }
    this.offsets[slot] = offset + 1
    this.latestOffset = offset
  }

  /** -1: the dirty part does not have the key. */
  lastOffsetOf(bytes: Buffer, at: number, length: number): Offset {
    if (this.count === 0) return -1
    return (this.offsets[this.slotOf(bytes, at, length)] ?? 0) - 1
  }

  /** Also what has no key was looked at, up to here. */
  lookedAt(offset: Offset): void {
    this.latestOffset = Math.max(this.latestOffset, offset)
  }

  /** That of the key, or the free one where it would go. */
  private slotOf(bytes: Buffer, at: number, length: number): number {
    const { slots, offsets, hash } = this
    hash.of(bytes, at, length)
    let slot = (hash.words[0] ?? 0) % slots
    while (offsets[slot] !== 0 && !this.isAt(slot)) slot = slot + 1 === slots ? 0 : slot + 1
    return slot
  }

  private isAt(slot: number): boolean {
    const { words } = this.hash
    const at = slot * wordsPerKey
    const { keys } = this
    return keys[at] === words[0] && keys[at + 1] === words[1] && keys[at + 2] === words[2] && keys[at + 3] === words[3]
  }
}
