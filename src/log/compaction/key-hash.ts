/** Bytes of the secret that makes the hash one that nobody else can compute. */
export const hashSecretBytes = 16

const compressionRounds = 2
const finalRounds = 4

/** State words: the low half of each 64-bit number, then its high half. */
const V0 = 0
const V1 = 2
const V2 = 4
const V3 = 6

/**
 * SipHash-2-4 with 128 bits of output. Kafka uses MD5 here; a keyed hash is as short, needs no native call for each record, and spares the thought
 * of two keys that were made to collide: a client that does not know the secret cannot find any, so one key can never make another one vanish.
 */
export class KeyHash {
  /** The hash of the key that `of` was called with last, as four 32-bit numbers. */
  readonly words = new Uint32Array(4)
  private readonly state = new Int32Array(8)
  private readonly initial = new Int32Array(8)

  constructor(secret: Buffer) {
    const [k0Low, k0High, k1Low, k1High] = [0, 4, 8, 12].map((at) => secret.readInt32LE(at)) as [number, number, number, number]
    this.initial.set([
      k0Low ^ 0x70736575,
      k0High ^ 0x736f6d65,
      k1Low ^ 0x6e646f6d ^ 0xee,
      k1High ^ 0x646f7261,
      k0Low ^ 0x6e657261,
      k0High ^ 0x6c796765,
      k1Low ^ 0x79746573,
      k1High ^ 0x74656462,
    ])
  }

  of(bytes: Buffer, at: number, length: number): void {
    const { state } = this
    state.set(this.initial)
    const whole = at + (length & ~7)
    for (let i = at; i < whole; i += 8) absorb(state, bytes.readInt32LE(i), bytes.readInt32LE(i + 4))
    absorb(state, partOf(bytes, whole, at + length), partOf(bytes, whole + 4, at + length) | (length << 24))
    this.squeeze(V2, 0xee, 0)
    this.squeeze(V1, 0xdd, 2)
  }

  private squeeze(word: number, tweak: number, into: number): void {
    const { state, words } = this
    state[word] = half(state, word) ^ tweak
    for (let i = 0; i < finalRounds; i++) sipRound(state)
    words[into] = half(state, V0) ^ half(state, V1) ^ half(state, V2) ^ half(state, V3)
    words[into + 1] = half(state, V0 + 1) ^ half(state, V1 + 1) ^ half(state, V2 + 1) ^ half(state, V3 + 1)
  }
}

/** Up to four bytes, little endian. */
function partOf(bytes: Buffer, from: number, end: number): number {
  let part = 0
  for (let i = Math.min(from + 4, end) - 1; i >= from; i--) part = (part << 8) | (bytes[i] as number)
  return part
}

function half(state: Int32Array, at: number): number {
  return state[at] as number
}

function absorb(state: Int32Array, low: number, high: number): void {
  state[V3] = half(state, V3) ^ low
  state[V3 + 1] = half(state, V3 + 1) ^ high
  for (let i = 0; i < compressionRounds; i++) sipRound(state)
  state[V0] = half(state, V0) ^ low
  state[V0 + 1] = half(state, V0 + 1) ^ high
}

function sipRound(v: Int32Array): void {
  mix(v, V0, V1, 13)
  swapHalves(v, V0)
  mix(v, V2, V3, 16)
  mix(v, V0, V3, 21)
  mix(v, V2, V1, 17)
  swapHalves(v, V2)
}

/** a += b; b = rotl(b, by) ^ a */
function mix(v: Int32Array, a: number, b: number, by: number): void {
  const bLow = half(v, b)
  const bHigh = half(v, b + 1)
  const low = (half(v, a) + bLow) | 0
  const carry = low >>> 0 < bLow >>> 0 ? 1 : 0
  const high = (half(v, a + 1) + bHigh + carry) | 0
  v[a] = low
  v[a + 1] = high
  v[b] = ((bLow << by) | (bHigh >>> (32 - by))) ^ low
  v[b + 1] = ((bHigh << by) | (bLow >>> (32 - by))) ^ high
}

function swapHalves(v: Int32Array, a: number): void {
  const low = half(v, a)
  v[a] = half(v, a + 1)
  v[a + 1] = low
}
