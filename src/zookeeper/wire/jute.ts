import { ZooKeeperError } from '../zookeeper.ts'

/** Of a frame that is not what it claims to be. */
export function malformed(): ZooKeeperError {
  return new ZooKeeperError('marshallingError', '')
}

/** Reads Jute's primitive types. Never allocates by a claimed length; every method throws ZooKeeperError (`marshallingError`) when the bytes do not do. */
export class JuteReader {
  private readonly bytes: Buffer
  private at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get remaining(): number {
    return this.bytes.length - this.at
  }

  private take(length: number): number {
    if (length < 0 || length > this.remaining) throw malformed()
    const from = this.at
    this.at += length
    return from
  }

  bool(): boolean {
    return this.bytes.readUInt8(this.take(1)) !== 0
  }

  int(): number {
    return this.bytes.readInt32BE(this.take(4))
  }

  long(): bigint {
    return this.bytes.readBigInt64BE(this.take(8))
  }

  /** Null for -1. A view, not a copy. */
  buffer(): Buffer | null {
    const length = this.int()
    if (length === -1) return null
    const from = this.take(length)
    return this.bytes.subarray(from, from + length)
  }

  /** Jute's null text is read as the empty one. */
  text(): string {
    return this.buffer()?.toString('utf8') ?? ''
  }

  /** Null is read as no elements. */
  vector<T>(element: () => T): T[] {
    const count = this.int()
    // Each element takes at least four bytes.
    if (count < -1 || count * 4 > this.remaining) throw malformed()
    return Array.from({ length: Math.max(0, count) }, element)
  }
}

const firstBytes = 256
const sizeBytes = 4

/** Writes a frame of Jute's primitive types; its size stands before it. */
export class JuteWriter {
  private bytes = Buffer.allocUnsafe(firstBytes)
  private at = sizeBytes

  private room(length: number): number {
    const from = this.at
    this.at += length
    if (this.at > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.at, this.bytes.length * 2))
      this.bytes.copy(grown, 0, 0, from)
      this.bytes = grown
    }
    return from
  }

  bool(value: boolean): this {
    const from = this.room(1)
    this.bytes.writeUInt8(value ? 1 : 0, from)
    return this
  }

  int(value: number): this {
    const from = this.room(4)
    this.bytes.writeInt32BE(value, from)
    return this
  }

  long(value: bigint): this {
    const from = this.room(8)
    this.bytes.writeBigInt64BE(value, from)
    return this
  }

  buffer(value: Buffer): this {
    this.int(value.length)
    const from = this.room(value.length)
    value.copy(this.bytes, from)
    return this
  }

  text(value: string): this {
    return this.buffer(Buffer.from(value, 'utf8'))
  }

  vector<T>(values: readonly T[], element: (value: T) => void): this {
    this.int(values.length)
    for (const value of values) element(value)
    return this
  }

  /** The frame with its size. */
  frame(): Buffer {
    this.bytes.writeInt32BE(this.at - sizeBytes, 0)
    return this.bytes.subarray(0, this.at)
  }
}
