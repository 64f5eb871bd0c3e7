import { MalformedError } from '../reader.ts'

/** Attributes, time, offset, key, value, headers: one byte each at least. */
const recordBodyBytesMin = 6
const INT32_BITS_LAST_BYTE = 0x0f

/**
 * Walks the (uncompressed) records of a batch one by one without making an object of each:
 *
 *     length varint | attributes int8 | time delta varlong | offset delta varint | key: length varint, bytes | value: likewise |
 *     header count varint | headers: key length varint, key, value length varint, value | …
 *
 * Varints are zig-zag. A length of -1 stands for null; a header's key has none.
 */
export class RecordCursor {
  /** Fields of the record that `next` has read. */
  timestampDelta = 0
  offsetDelta = 0
  /** -1: null. */
  keyLength = -1
  keyAt = 0
  /** -1: null. */
  valueLength = -1
  valueAt = 0
  headerCount = 0
  headersAt = 0

  private readonly bytes: Buffer
  private at: number
  /** Where the record that is being read ends; between records, the end of all. */
  private end: number

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.at = 0
    this.end = bytes.length
  }

  get atEnd(): boolean {
    return this.at === this.bytes.length
  }

  get position(): number {
    return this.at
  }

  /** @throws MalformedError when there is no whole, sound record */
  next(): void {
    this.end = this.bytes.length
    const length = this.varint()
    if (length < recordBodyBytesMin || length > this.end - this.at) {
      throw new MalformedError(`a record of ${length} bytes at ${this.at}, ${this.end - this.at} are there`)
    }
    this.end = this.at + length
    this.at += 1
    this.timestampDelta = this.varlong()
    this.offsetDelta = this.varint()
    this.keyLength = this.skipBytes(true)
    this.keyAt = this.at - Math.max(0, this.keyLength)
    this.valueLength = this.skipBytes(true)
    this.valueAt = this.at - Math.max(0, this.valueLength)
    this.headerCount = this.varint()
    this.headersAt = this.at
    if (this.headerCount < 0 || this.headerCount > this.end - this.at) throw new MalformedError(`a record with ${this.headerCount} headers`)
    for (let i = 0; i < this.headerCount; i += 1) this.skipHeader()
    if (this.at !== this.end) throw new MalformedError(`${this.end - this.at} bytes after the last field of a record`)
  }

  private skipHeader(): void {
    this.skipBytes(false)
    this.skipBytes(true)
  }

  /** Skips a length and as many bytes; gives the length. */
  private skipBytes(nullable: boolean): number {
    const length = this.varint()
    if (length < (nullable ? -1 : 0) || length > this.end - this.at) throw new MalformedError(`a field of ${length} bytes at ${this.at}`)
    if (length > 0) this.at += length
    return length
  }

  /** Zig-zag of at most 32 bits. */
  private varint(): number {
    let byte = this.byte()
    let raw = byte & 0x7f
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = this.byte()
      if (shift === 28 && byte > INT32_BITS_LAST_BYTE) throw new MalformedError(`a varint of more than 32 bits before ${this.at}`)
      raw |= (byte & 0x7f) << shift
    }
    return (raw >>> 1) ^ -(raw & 1)
  }

  /** Zig-zag of at most 64 bits; beyond the safe integers the nearest double. */
  private varlong(): number {
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte()
      if (shift < 28) low |= (byte & 0x7f) << shift
      else high += (byte & 0x7f) * 2 ** (shift - 28)
      if (byte < 0x80) {
        const half = high * 2 ** 27 + (low >>> 1)
        return (low & 1) === 0 ? half : -half - 1
      }
    }
    throw new MalformedError(`a varlong of more than 64 bits before ${this.at}`)
  }

  private byte(): number {
    if (this.at >= this.end) throw new MalformedError(`a record is cut off at ${this.at}`)
    const byte = this.bytes[this.at] as number
    this.at += 1
    return byte
  }
}
