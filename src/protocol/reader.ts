import { NO_UUID, type Uuid } from '../base/units.ts'
import { stringBytesMax } from './writer.ts'

/**
 * Bytes that are not what they claim to be. The one exception of the wire: thrown by readers, caught in one place,
 * which closes the connection (or, for a record batch, answers CORRUPT_MESSAGE).
 */
export class MalformedError extends Error {
  override readonly name = 'MalformedError'
}

/** The text of Int64.MAX_VALUE as a number: what a decoded field holds when a peer sent the largest int64. */
export const INT64_MAX = 2 ** 63
const TWO_32 = 0x1_0000_0000

/**
 * What decoding one message may cost, in elements of arrays; a struct counts as `structCost` of them. A frame of a hundred megabytes could
 * otherwise ask for fifty million structs of two bytes each, and take gigabytes.
 */
export const elementsMax = 8_000_000
export const structCost = 8
/** An unknown tagged field is kept as a struct and a view. */
export const unknownTagCost = 16

/** Reads Kafka's primitive types from a frame. Never allocates by a claimed length: every length is first held against what is there. */
export class Reader {
  private readonly bytes: Buffer
  private at: number
  private readonly end: number
  private elementsLeft = elementsMax

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = start
    this.end = end
  }

  get position(): number {
    return this.at
  }

  get remaining(): number {
    return this.end - this.at
  }

  private take(length: number): number {
    const from = this.at
    if (length < 0 || length > this.end - from) {
      throw new MalformedError(`${length} bytes wanted at ${from}, ${this.end - from} are there`)
    }
    this.at = from + length
    return from
  }

  int8(): number {
    return this.bytes.readInt8(this.take(1))
  }

  uint8(): number {
    return this.bytes.readUInt8(this.take(1))
  }

  bool(): boolean {
    return this.bytes.readUInt8(this.take(1)) !== 0
  }

  int16(): number {
    return this.bytes.readInt16BE(this.take(2))
  }

  uint16(): number {
    return this.bytes.readUInt16BE(this.take(2))
  }

  int32(): number {
    return this.bytes.readInt32BE(this.take(4))
  }

  uint32(): number {
    return this.bytes.readUInt32BE(this.take(4))
  }

  /** Beyond the safe integers the nearest double is given: no offset, id or epoch that Kafka makes gets there. */
  int64(): number {
    const from = this.take(8)
    return this.bytes.readInt32BE(from) * TWO_32 + this.bytes.readUInt32BE(from + 4)
  }

  float64(): number {
    return this.bytes.readDoubleBE(this.take(8))
  }

  uuid(): Uuid {
    const from = this.take(16)
    for (let i = from; i < from + 16; i += 4) {
      if (this.bytes.readInt32BE(i) !== 0) return this.bytes.toString('base64url', from, from + 16)
    }
    return NO_UUID
  }

  /** Unsigned LEB128 of at most 32 bits, as Kafka's ByteUtils.readUnsignedVarint. */
  unsignedVarint(): number {
    const first = this.uint8()
    if (first < 0x80) return first
    let value = first & 0x7f
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.uint8()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) {
        if (value >= TWO_32) break
        return value
      }
    }
    throw new MalformedError(`varint of more than 32 bits before ${this.at}`)
  }

  varint(): number {
    const raw = this.unsignedVarint()
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
  }

  /** Zig-zag of at most 64 bits; beyond the safe integers the nearest double, as int64. */
  varlong(): number {
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.uint8()
      const bits = byte & 0x7f
      if (shift < 28) low += bits * 2 ** shift
      else high += bits * 2 ** (shift - 28)
      if (byte < 0x80) {
        const odd = low % 2 === 1
        const half = high * 2 ** 27 + (odd ? (low - 1) / 2 : low / 2)
        return odd ? -half - 1 : half
      }
    }
    throw new MalformedError(`varlong of more than 64 bits before ${this.at}`)
  }

  /** A view, not a copy: whoever keeps it keeps the frame. */
  slice(length: number): Buffer {
    const from = this.take(length)
    return this.bytes.subarray(from, from + length)
  }

  text(length: number): string {
    const from = this.take(length)
    return this.bytes.toString('utf8', from, from + length)
  }

  /** A count of elements, each of which takes at least one byte. Null for -1. */
  count(flexible: boolean): number | null {
    const count = flexible ? this.unsignedVarint() - 1 : this.int32()
    if (count === -1) return null
    if (count < 0 || count > this.remaining) {
      throw new MalformedError(`an array of ${count} elements in ${this.remaining} bytes at ${this.at}`)
    }
    return count
  }

  /** Takes the cost of `count` things from what this message may have. @throws MalformedError when nothing is left */
  spend(count: number, cost: number): void {
    this.elementsLeft -= count * cost
    if (this.elementsLeft < 0) throw new MalformedError(`a message of more than ${elementsMax} elements`)
  }

  string(flexible: boolean): string | null {
    const length = flexible ? this.unsignedVarint() - 1 : this.int16()
    if (length === -1) return null
    if (length > stringBytesMax) throw new MalformedError(`a string of ${length} bytes at ${this.at}`)
    const text = this.text(length)
    // bytes that are not UTF-8 become U+FFFD, of three bytes each, as in Kafka; but what was read must be sayable again
    if (length > stringBytesMax / 3 && Buffer.byteLength(text) > stringBytesMax)
      throw new MalformedError(`a string of ${length} bytes that are not UTF-8`)
    return text
  }

  byteString(flexible: boolean): Buffer | null {
    const length = flexible ? this.unsignedVarint() - 1 : this.int32()
    return length === -1 ? null : this.slice(length)
  }

  /** All of a message has to be read: trailing bytes are as wrong as missing ones. */
  expectEnd(what: string): void {
    if (this.at !== this.end) throw new MalformedError(`${this.end - this.at} bytes after the end of ${what}`)
  }
}
