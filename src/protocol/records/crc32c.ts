import { createRequire } from 'node:module'

/**
 * CRC-32C (Castagnoli), the checksum of a record batch. The native package is several times faster for anything but tiny inputs; it is
 * optional, because a platform without a prebuilt binary must still be able to run.
 */
type Checksum = (bytes: Buffer, seed: number) => number

/** Below this size a call into native code costs more than the work. */
const nativeBytesMin = 64

/** The reversed polynomial 0x1EDC6F41. */
const POLYNOMIAL = 0x82f63b78
const SLICES = 16

const native = loadNative()
let tables: Int32Array | undefined

function loadNative(): Checksum | null {
  try {
    const found = createRequire(import.meta.url)('@node-rs/crc32') as { readonly crc32c?: Checksum }
    return found.crc32c ?? null
  } catch {
    return null
  }
}

/** The checksum as an unsigned int32. `seed` is the checksum of the bytes before these ones: crc32c(b, crc32c(a)) is that of a and b together. */
export function crc32c(bytes: Buffer, seed = 0): number {
  if (native !== null && bytes.length >= nativeBytesMin) return native(bytes, seed)
  return crc32cInScript(bytes, seed)
}

/** As crc32c, without native code: 16 bytes a step by 16 tables ("slicing-by-16"). */
export function crc32cInScript(bytes: Buffer, seed = 0): number {
  const t = (tables ??= makeTables())
  let crc = ~seed
  let at = 0
  for (const last = bytes.length - SLICES; at <= last; at += SLICES) crc = sixteen(t, bytes, at, crc)
  for (; at < bytes.length; at += 1) crc = entry(t, 0, (crc ^ byteAt(bytes, at)) & 0xff) ^ (crc >>> 8)
  return ~crc >>> 0
}

/** Written out: a loop over the sixteen costs three times as much. */
function sixteen(t: Int32Array, bytes: Buffer, at: number, crc: number): number {
  return (
    entry(t, 15, (byteAt(bytes, at) ^ crc) & 0xff) ^
    entry(t, 14, (byteAt(bytes, at + 1) ^ (crc >>> 8)) & 0xff) ^
    entry(t, 13, (byteAt(bytes, at + 2) ^ (crc >>> 16)) & 0xff) ^
    entry(t, 12, byteAt(bytes, at + 3) ^ (crc >>> 24)) ^
    entry(t, 11, byteAt(bytes, at + 4)) ^
    entry(t, 10, byteAt(bytes, at + 5)) ^
    entry(t, 9, byteAt(bytes, at + 6)) ^
    entry(t, 8, byteAt(bytes, at + 7)) ^
    entry(t, 7, byteAt(bytes, at + 8)) ^
    entry(t, 6, byteAt(bytes, at + 9)) ^
    entry(t, 5, byteAt(bytes, at + 10)) ^
    entry(t, 4, byteAt(bytes, at + 11)) ^
    entry(t, 3, byteAt(bytes, at + 12)) ^
    entry(t, 2, byteAt(bytes, at + 13)) ^
    entry(t, 1, byteAt(bytes, at + 14)) ^
    entry(t, 0, byteAt(bytes, at + 15))
  )
}

// Both indexes are in range by construction.
function entry(t: Int32Array, slice: number, byte: number): number {
  return t[(slice << 8) | byte] as number
}

function byteAt(bytes: Buffer, at: number): number {
  return bytes[at] as number
}

function makeTables(): Int32Array {
  const t = new Int32Array(SLICES * 256)
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL
    t[byte] = crc
  }
  for (let slice = 1; slice < SLICES; slice += 1) {
    for (let byte = 0; byte < 256; byte += 1) {
      const before = entry(t, slice - 1, byte)
      t[(slice << 8) | byte] = entry(t, 0, before & 0xff) ^ (before >>> 8)
    }
  }
  return t
}
