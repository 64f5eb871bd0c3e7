/** The checksums of LZ4 frames (XXH32) and of Zstandard frames (the low half of XXH64), seed 0, both as unsigned int32. */
const P1 = 0x9e3779b1
const P2 = 0x85ebca77
const P3 = 0xc2b2ae3d
const P4 = 0x27d4eb2f
const P5 = 0x165667b1

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by))
}

function round32(state: number, word: number): number {
  return Math.imul(rotate((state + Math.imul(word, P2)) | 0, 13), P1)
}

export function xxh32(bytes: Buffer): number {
  const end = bytes.length
  let at = 0
  let hash = P5
  if (end >= 16) {
    let [a, b, c, d] = [(P1 + P2) | 0, P2 | 0, 0, -P1 | 0]
    for (; at <= end - 16; at += 16) {
      a = round32(a, bytes.readInt32LE(at))
      b = round32(b, bytes.readInt32LE(at + 4))
      c = round32(c, bytes.readInt32LE(at + 8))
      d = round32(d, bytes.readInt32LE(at + 12))
    }
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)
  }
  hash = (hash + end) | 0
  for (; at <= end - 4; at += 4) hash = Math.imul(rotate((hash + Math.imul(bytes.readInt32LE(at), P3)) | 0, 17), P4)
  for (; at < end; at += 1) hash = Math.imul(rotate((hash + Math.imul(bytes[at] as number, P5)) | 0, 11), P1)
  hash = Math.imul(hash ^ (hash >>> 15), P2)
  hash = Math.imul(hash ^ (hash >>> 13), P3)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** A 64-bit number in two signed halves, changed in place: BigInt takes twenty times as long. */
class Word64 {
  high: number
  low: number

  constructor(high: number, low: number) {
    this.high = high | 0
    this.low = low | 0
  }

  set(high: number, low: number): this {
    this.high = high | 0
    this.low = low | 0
    return this
  }

  add(high: number, low: number): this {
    const sum = (this.low >>> 0) + (low >>> 0)
    this.high = (this.high + high + (sum > 0xffff_ffff ? 1 : 0)) | 0
    this.low = sum | 0
    return this
  }

  xor(high: number, low: number): this {
    this.high ^= high
    this.low ^= low
    return this
  }

  multiply(high: number, low: number): this {
    const a = this.low >>> 16
    const b = this.low & 0xffff
    const c = low >>> 16
    const d = low & 0xffff
    const bd = Math.imul(b, d)
    // each of the sums stays below 2^32
    const ad = ((Math.imul(a, d) >>> 0) + (bd >>> 16)) >>> 0
    const bc = ((Math.imul(b, c) >>> 0) + (ad & 0xffff)) >>> 0
    this.high = (Math.imul(a, c) + (ad >>> 16) + (bc >>> 16) + Math.imul(this.high, low) + Math.imul(this.low, high)) | 0
    this.low = (bc << 16) | (bd & 0xffff)
    return this
  }

  /** By 1 to 31 bits. */
  rotate(by: number): this {
    return this.set((this.high << by) | (this.low >>> (32 - by)), (this.low << by) | (this.high >>> (32 - by)))
  }

  /** xor with itself, shifted right by 1 to 63 bits. */
  fold(by: number): this {
    return by >= 32 ? this.xor(0, this.high >>> (by - 32)) : this.xor(this.high >>> by, (this.low >>> by) | (this.high << (32 - by)))
  }
}

const Q1_HIGH = 0x9e3779b1 | 0
const Q1_LOW = 0x85ebca87 | 0
const Q2_HIGH = 0xc2b2ae3d | 0
const Q2_LOW = 0x27d4eb4f | 0
const Q3_HIGH = 0x165667b1 | 0
const Q3_LOW = 0x9e3779f9 | 0
const Q4_HIGH = 0x85ebca77 | 0
const Q4_LOW = 0xc2b2ae63 | 0
const Q5_HIGH = 0x27d4eb2f | 0
const Q5_LOW = 0x165667c5 | 0

function round64(state: Word64, word: Word64): void {
  word.multiply(Q2_HIGH, Q2_LOW)
  state.add(word.high, word.low).rotate(31).multiply(Q1_HIGH, Q1_LOW)
}

export function xxh64Low(bytes: Buffer): number {
  const end = bytes.length
  const word = new Word64(0, 0)
  const hash = new Word64(Q5_HIGH, Q5_LOW)
  let at = 0
  if (end >= 32) at = stripes(bytes, hash)
  hash.add(Math.floor(end / 0x1_0000_0000), end)
  for (; at <= end - 8; at += 8) {
    word
      .set(bytes.readInt32LE(at + 4), bytes.readInt32LE(at))
      .multiply(Q2_HIGH, Q2_LOW)
      .rotate(31)
      .multiply(Q1_HIGH, Q1_LOW)
    hash.xor(word.high, word.low).rotate(27).multiply(Q1_HIGH, Q1_LOW).add(Q4_HIGH, Q4_LOW)
  }
  if (at <= end - 4) {
    word.set(0, bytes.readInt32LE(at)).multiply(Q1_HIGH, Q1_LOW)
    hash.xor(word.high, word.low).rotate(23).multiply(Q2_HIGH, Q2_LOW).add(Q3_HIGH, Q3_LOW)
    at += 4
  }
  for (; at < end; at += 1) {
    word.set(0, bytes[at] as number).multiply(Q5_HIGH, Q5_LOW)
    hash.xor(word.high, word.low).rotate(11).multiply(Q1_HIGH, Q1_LOW)
  }
  hash.fold(33).multiply(Q2_HIGH, Q2_LOW).fold(29).multiply(Q3_HIGH, Q3_LOW).fold(32)
  return hash.low >>> 0
}

/** The part of 32 bytes at a time, for four states; gives where it ends. */
function stripes(bytes: Buffer, hash: Word64): number {
  const states = [
    new Word64(Q1_HIGH, Q1_LOW).add(Q2_HIGH, Q2_LOW),
    new Word64(Q2_HIGH, Q2_LOW),
    new Word64(0, 0),
    new Word64(~Q1_HIGH, ~Q1_LOW).add(0, 1),
  ] as const
  const word = new Word64(0, 0)
  let at = 0
  for (; at <= bytes.length - 32; at += 32) {
    round64(states[0], word.set(bytes.readInt32LE(at + 4), bytes.readInt32LE(at)))
    round64(states[1], word.set(bytes.readInt32LE(at + 12), bytes.readInt32LE(at + 8)))
    round64(states[2], word.set(bytes.readInt32LE(at + 20), bytes.readInt32LE(at + 16)))
    round64(states[3], word.set(bytes.readInt32LE(at + 28), bytes.readInt32LE(at + 24)))
  }
  hash.set(0, 0)
  const turns = [1, 7, 12, 18]
  states.forEach((state, lane) => {
    const turned = word.set(state.high, state.low).rotate(turns[lane] as number)
    hash.add(turned.high, turned.low)
  })
  for (const state of states) {
    const mixed = word.set(0, 0)
    round64(mixed, new Word64(state.high, state.low))
    hash.xor(mixed.high, mixed.low).multiply(Q1_HIGH, Q1_LOW).add(Q4_HIGH, Q4_LOW)
  }
  return at
}
