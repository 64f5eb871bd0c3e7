import type { Uuid } from '../base/units.ts'
import { assert } from '../base/assert.ts'

/**
 * The value cannot be said: in this version, or in Kafka's types at all. Who sends must look first; where a client can bring it about (a text
 * that grew too long) it ends that request, not the process.
 */
export class UnsayableError extends Error {
  override readonly name = 'UnsayableError'
}

export const stringBytesMax = 0x7fff
const TWO_32 = 0x1_0000_0000
const INT64_LIMIT = 2 ** 63
/** Byte strings from this size on are passed by reference, not copied. */
const referenceBytesMin = 1024
const firstChunkBytes = 256

/**
 * Writes Kafka's primitive types into a growing list of buffers. Large byte strings (record batches) are not copied: the list names
 * them where they lie, and goes to the socket in one gathered write.
 */
export class Writer {
  private chunk: Buffer
  private at = 0
  private chunkStart = 0
  private readonly parts: Buffer[] = []
  private doneBytes = 0

  constructor(sizeHint = firstChunkBytes) {
    this.chunk = Buffer.allocUnsafe(sizeHint)
  }

  /** Bytes written so far. */
  get size(): number {
    return this.doneBytes + (this.at - this.chunkStart)
  }

  /** May put a new chunk in place: call it before naming `this.chunk`. */
  private room(length: number): number {
    const from = this.at
    if (from + length > this.chunk.length) return this.grow(length)
    this.at = from + length
    return from
  }

  private grow(length: number): number {
    this.closeChunk()
    this.chunk = Buffer.allocUnsafe(Math.max(this.chunk.length * 2, length, firstChunkBytes))
    this.chunkStart = 0
    this.at = length
    return 0
  }

  private closeChunk(): void {
    if (this.at > this.chunkStart) {
      this.parts.push(this.chunk.subarray(this.chunkStart, this.at))
      this.doneBytes += this.at - this.chunkStart
      this.chunkStart = this.at
    }
  }

  int8(value: number): void {
    const from = this.room(1)
    this.chunk.writeInt8(value, from)
  }

  uint8(value: number): void {
    const from = this.room(1)
    this.chunk.writeUInt8(value, from)
  }

  bool(value: boolean): void {
    const from = this.room(1)
    this.chunk.writeUInt8(value ? 1 : 0, from)
  }

  int16(value: number): void {
    const from = this.room(2)
    this.chunk.writeInt16BE(value, from)
  }

  uint16(value: number): void {
    const from = this.room(2)
    this.chunk.writeUInt16BE(value, from)
  }

  int32(value: number): void {
    const from = this.room(4)
    this.chunk.writeInt32BE(value, from)
  }

  uint32(value: number): void {
    const from = this.room(4)
    this.chunk.writeUInt32BE(value, from)
  }

  int64(value: number): void {
    const from = this.room(8)
    if (Number.isSafeInteger(value)) {
      const high = Math.floor(value / TWO_32)
      this.chunk.writeInt32BE(high, from)
      this.chunk.writeUInt32BE(value - high * TWO_32, from + 4)
    } else {
      assert(Math.floor(value) === value || value === Infinity, `int64 from ${value}`)
      this.chunk.writeBigInt64BE(value >= INT64_LIMIT ? (1n << 63n) - 1n : BigInt(Math.max(value, -INT64_LIMIT)), from)
    }
  }

  float64(value: number): void {
    const from = this.room(8)
    this.chunk.writeDoubleBE(value, from)
  }

  uuid(value: Uuid): void {
    const from = this.room(16)
    const written = this.chunk.write(value, from, 16, 'base64url')
    assert(written === 16, `'${value}' is not the text of a UUID`)
  }

  unsignedVarint(value: number): void {
    let rest = value
    while (rest > 0x7f) {
      this.uint8((rest % 0x80) + 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.uint8(rest)
  }

  varint(value: number): void {
    this.unsignedVarint(value >= 0 ? value * 2 : -value * 2 - 1)
  }

  varlong(value: number): void {
    if (Number.isSafeInteger(value * 2)) {
      this.varint(value)
      return
    }
    let rest = BigInt.asUintN(64, value >= 0 ? BigInt(value) << 1n : (-BigInt(value) << 1n) - 1n)
    while (rest > 0x7fn) {
      this.uint8(Number(rest & 0x7fn) + 0x80)
      rest >>= 7n
    }
    this.uint8(Number(rest))
  }

  /** Large ones are kept by reference: they must not change until the result has been sent. */
  raw(bytes: Buffer): void {
    if (bytes.length >= referenceBytesMin) {
      this.closeChunk()
      this.parts.push(bytes)
      this.doneBytes += bytes.length
    } else if (bytes.length > 0) {
      const from = this.room(bytes.length)
      bytes.copy(this.chunk, from)
    }
  }

  string(value: string | null, flexible: boolean): void {
    const length = value === null ? -1 : Buffer.byteLength(value)
    if (length > stringBytesMax) throw new UnsayableError(`a string of ${length} bytes; at most ${stringBytesMax} can be sent`)
    if (flexible) this.unsignedVarint(length + 1)
    else this.int16(length)
    if (value !== null && length > 0) {
      const from = this.room(length)
      this.chunk.write(value, from, length, 'utf8')
    }
  }

  byteString(value: Buffer | readonly Buffer[] | null, flexible: boolean): void {
    const length = value === null ? -1 : Buffer.isBuffer(value) ? value.length : value.reduce((sum, part) => sum + part.length, 0)
    if (flexible) this.unsignedVarint(length + 1)
    else this.int32(length)
    if (value === null) return
    if (Buffer.isBuffer(value)) this.raw(value)
    else for (const part of value) this.raw(part)
  }

  count(count: number, flexible: boolean): void {
    if (flexible) this.unsignedVarint(count + 1)
    else this.int32(count)
  }

  finish(): Buffer[] {
    this.closeChunk()
    return this.parts
  }

  /** Everything in one buffer: for small messages and for tests. */
  toBuffer(): Buffer {
    const parts = this.finish()
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
  }
}
