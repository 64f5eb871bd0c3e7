import { crc32c } from '../../protocol/records/crc32c.ts'

/** One number over all that happened: two runs with the same digest went the same way. */
export class Digest {
  private high = 0
  private low = 0
  private readonly numbers = Buffer.alloc(16)
  /** What was taken in. */
  count = 0

  add(at: number, what: string, bytes: Buffer | null = null): void {
    this.count += 1
    this.numbers.writeDoubleLE(at, 0)
    this.numbers.writeDoubleLE(bytes === null ? -1 : bytes.length, 8)
    this.low = crc32c(Buffer.from(what), crc32c(this.numbers, this.low))
    if (bytes !== null) this.high = crc32c(bytes, this.high ^ this.low)
  }

  get text(): string {
    return [this.high, this.low].map((it) => (it >>> 0).toString(16).padStart(8, '0')).join('')
  }
}
