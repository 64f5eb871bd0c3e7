import type { Prng } from '../../base/prng.ts'
import { randomBytes } from './random-message.ts'

/** Numbers that lengths and counts break at. */
const INT32_EDGES = [0, 1, -1, -2, 0x7fff_ffff, -0x8000_0000, 0x7fff, 0x8000, 0xffff, 0x10_0000]
const INT16_EDGES = [0, 1, -1, -2, 0x7fff, -0x8000, 0xff]
const BYTE_EDGES = [0x00, 0x01, 0x02, 0x7f, 0x80, 0xff]
const VARINT_EDGES = ['8080808000', 'ffffffff0f', 'ffffffffff7f', '8000', 'ffff03', '80808080808080808001', 'feffffff0f']

type Change = (prng: Prng, bytes: Buffer, donor: Buffer) => Buffer

function overwrite(prng: Prng, bytes: Buffer, length: number, write: (copy: Buffer, at: number) => void): Buffer {
  if (bytes.length < length) return bytes
  const copy = Buffer.from(bytes)
  write(copy, prng.below(bytes.length - length + 1))
  return copy
}

function cut(prng: Prng, bytes: Buffer): readonly [number, number] {
  const a = prng.below(bytes.length + 1)
  const b = Math.min(bytes.length, a + prng.below(20))
  return [a, b]
}

const CHANGES: readonly Change[] = [
  (prng, bytes) => overwrite(prng, bytes, 1, (copy, at) => (copy[at] = prng.pick(BYTE_EDGES))),
  (prng, bytes) => overwrite(prng, bytes, 1, (copy, at) => (copy[at] = (copy[at] ?? 0) ^ (1 << prng.below(8)))),
  (prng, bytes) => overwrite(prng, bytes, 2, (copy, at) => copy.writeInt16BE(prng.pick(INT16_EDGES), at)),
  (prng, bytes) => overwrite(prng, bytes, 4, (copy, at) => copy.writeInt32BE(prng.pick(INT32_EDGES), at)),
  (prng, bytes) => overwrite(prng, bytes, 8, (copy, at) => randomBytes(prng, 8).copy(copy, at)),
  (prng, bytes) => bytes.subarray(0, prng.below(bytes.length + 1)),
  (prng, bytes) => Buffer.concat([bytes, randomBytes(prng, prng.between(1, 8))]),
  (prng, bytes) => {
    const [from, to] = cut(prng, bytes)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
  },
  (prng, bytes) => {
    const [from, to] = cut(prng, bytes)
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)])
  },
  (prng, bytes) => {
    const [at] = cut(prng, bytes)
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(prng.pick(VARINT_EDGES), 'hex'), bytes.subarray(at)])
  },
  (prng, bytes, donor) => {
    const [at] = cut(prng, bytes)
    const [from, to] = cut(prng, donor)
    return Buffer.concat([bytes.subarray(0, at), donor.subarray(from, to), bytes.subarray(at)])
  },
]

/** Bends bytes in a few of the ways in which peers get them wrong, or mean to. `donor` lends pieces of something else. */
export function mutate(prng: Prng, bytes: Buffer, donor: Buffer): Buffer {
  let bent = bytes
  for (let left = prng.pick([1, 1, 1, 2, 3, 8]); left > 0; left -= 1) bent = prng.pick(CHANGES)(prng, bent, donor)
  return bent
}
