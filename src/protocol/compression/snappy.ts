import { MalformedError } from '../reader.ts'
import { nativePackage } from './native-package.ts'
import { DecompressedTooLargeError } from './outcomes.ts'

/**
 * Java clients write the stream of snappy-java ("xerial"): a magic, two version numbers, then blocks, each preceded by its compressed length.
 * Others write one bare snappy block. Both are read, as SnappyInputStream does, streams one after the other included; the stream is written.
 */
interface SnappyPackage {
  compressSync(input: Buffer, options: { readonly copyOutputData: boolean }): Buffer
  uncompressSync(input: Buffer, options: { readonly asBuffer: true; readonly copyOutputData: boolean }): Buffer
}

const snappy = nativePackage<SnappyPackage>('snappy')

const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const MAGIC_HEAD = MAGIC.readInt32BE(0)
const streamHeaderBytes = 16
const VERSION = 1
/** As snappy-java's. */
const blockBytes = 32_768
/** The densest element of a block copies 64 bytes and takes three. */
const RATIO_MAX = 22

export function snappyDecompress(bytes: Buffer, maxBytes: number): Buffer {
  if (!startsStream(bytes, 0)) return block(bytes, maxBytes)
  const out: Buffer[] = []
  let outBytes = 0
  for (let at = streamHeaderBytes; at < bytes.length;) {
    if (bytes.length - at < 4) throw new MalformedError('snappy: a block without its length')
    const length = bytes.readInt32BE(at)
    if (length === MAGIC_HEAD && startsStream(bytes, at)) {
      at += streamHeaderBytes
      continue
    }
    at += 4
    if (length < 0 || length > bytes.length - at)
      throw new MalformedError(`snappy: a block of ${length} bytes, ${bytes.length - at} are there`)
    const part = block(bytes.subarray(at, at + length), maxBytes - outBytes)
    out.push(part)
    outBytes += part.length
    at += length
  }
  return out.length === 1 && out[0] !== undefined ? out[0] : Buffer.concat(out, outBytes)
}

function startsStream(bytes: Buffer, at: number): boolean {
  return bytes.length - at >= streamHeaderBytes && bytes.compare(MAGIC, 0, MAGIC.length, at, at + MAGIC.length) === 0
}

function block(bytes: Buffer, maxBytes: number): Buffer {
  const length = uncompressedLength(bytes)
  if (length > bytes.length * RATIO_MAX) throw new MalformedError(`snappy: ${length} bytes cannot come out of ${bytes.length}`)
  if (length > maxBytes) throw new DecompressedTooLargeError('snappy', maxBytes)
  const { uncompressSync } = snappy()
  try {
    return uncompressSync(bytes, { asBuffer: true, copyOutputData: true })
  } catch (error) {
    throw new MalformedError(`snappy: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** A block starts with the length of what it holds, as a varint. */
function uncompressedLength(bytes: Buffer): number {
  let length = 0
  for (let i = 0; i < 5; i += 1) {
    const byte = bytes[i]
    if (byte === undefined) break
    length += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return length
  }
  throw new MalformedError('snappy: no length')
}

export function snappyCompress(bytes: Buffer): Buffer {
  const { compressSync } = snappy()
  const header = Buffer.alloc(streamHeaderBytes)
  MAGIC.copy(header)
  header.writeInt32BE(VERSION, 8)
  header.writeInt32BE(VERSION, 12)
  const out: Buffer[] = [header]
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const part = compressSync(bytes.subarray(at, at + blockBytes), { copyOutputData: true })
    const length = Buffer.alloc(4)
    length.writeInt32BE(part.length)
    out.push(length, part)
  }
  return Buffer.concat(out)
}
