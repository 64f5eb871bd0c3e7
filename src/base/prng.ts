/** A seeded generator (xoshiro128**): same seed, same numbers, on every platform. Not for secrets. */
export class Prng {
  private a: number
  private b: number
  private c: number
  private d: number

  constructor(seed: number) {
    // splitmix32 spreads a small seed over the whole state
    let x = seed >>> 0
    const next = (): number => {
      x = (x + 0x9e3779b9) >>> 0
      let z = x
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
      return (z ^ (z >>> 16)) >>> 0
    }
    this.a = next()
    this.b = next()
    this.c = next()
    this.d = next() | 1
  }

  /** 0 .. 2^32-1 */
  uint32(): number {
    const scrambled = Math.imul(rotate(Math.imul(this.b, 5), 7), 9) >>> 0
    const t = this.b << 9
    this.c ^= this.a
    this.d ^= this.b
    this.b ^= this.c
    this.a ^= this.d
    this.c ^= t
    this.d = rotate(this.d, 11)
    return scrambled
  }

  /** 0 <= n < limit, for limit up to 2^32 */
  below(limit: number): number {
    return Math.floor((this.uint32() / 0x1_0000_0000) * limit)
  }

  /** low <= n <= high, whole numbers */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** 0 <= x < 1 */
  fraction(): number {
    return this.uint32() / 0x1_0000_0000
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)]
    if (item === undefined) throw new RangeError('pick from an empty list')
    return item
  }

  /** 16 random bytes as Kafka's text of a UUID; never one that starts with '-', as Kafka's Uuid.randomUuid. */
  uuid(): string {
    for (;;) {
      const bytes = Buffer.alloc(16)
      for (let i = 0; i < 16; i += 4) bytes.writeUInt32BE(this.uint32(), i)
      const text = bytes.toString('base64url')
      if (!text.startsWith('-')) return text
    }
  }
}

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by))
}
