import { MalformedError } from '../reader.ts'
import { nativePackage } from './native-package.ts'
import { DecompressedTooLargeError } from './outcomes.ts'
import { xxh32 } from './xxhash.ts'

/**
 * LZ4 frames. Decoded here, in two passes: the first adds up what the blocks hold, so that memory is taken once and never by a claim. The
 * native packages for it take what the blocks ask for and are no faster. As Kafka's Lz4BlockInputStream, frames with dependent blocks
 * or a dictionary are refused: Java's consumers could not read them.
 */
interface Lz4Package {
  compressSync(input: Buffer): Buffer
}

const lz4 = nativePackage<Lz4Package>('lz4-napi')

const FRAME_MAGIC = 0x184d2204
const versionMask = 0xc0
const VERSION_1 = 0x40
const independentBit = 0x20
const blockChecksumBit = 0x10
const contentSizeBit = 0x08
const contentChecksumBit = 0x04
const reservedBit = 0x02
const dictionaryBit = 0x01
const descriptorAt = 4
const descriptorBytes = 2
const rawBlockBit = 0x8000_0000
const matchBytesMin = 4
/** Below this, copying byte by byte beats a call. */
const callBytesMin = 24
/** Magic, flags, block size code and checksum of a header with nothing optional, for independent blocks of at most 64 KiB: what Kafka's producer writes. */
const WRITTEN_HEADER = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82])
const writtenBlockBytes = 65_536

interface Frame {
  /** At the first block. */
  readonly at: number
  readonly blockBytesMax: number
  readonly hasBlockChecksums: boolean
  readonly hasContentChecksum: boolean
  /** -1: not said. */
  readonly contentBytes: number
}

interface Block {
  readonly at: number
  readonly end: number
  readonly isRaw: boolean
}

export function lz4Decompress(bytes: Buffer, maxBytes: number): Buffer {
  const frame = frameHeader(bytes)
  const blocks: Block[] = []
  const { end, outBytes } = findBlocks(bytes, frame, maxBytes, blocks)
  if (frame.contentBytes >= 0 && frame.contentBytes !== outBytes) throw new MalformedError('lz4: a frame that is not as long as it says')
  const out = Buffer.allocUnsafe(outBytes)
  let outAt = 0
  for (const block of blocks) {
    if (block.isRaw) outAt += bytes.copy(out, outAt, block.at, block.end)
    else outAt = decodeBlock(bytes, block, out, outAt)
  }
  if (frame.hasContentChecksum && bytes.readUInt32LE(end) !== xxh32(out))
    throw new MalformedError('lz4: the checksum of the content is wrong')
  return out
}

function frameHeader(bytes: Buffer): Frame {
  if (bytes.length < WRITTEN_HEADER.length || bytes.readUInt32LE(0) !== FRAME_MAGIC) throw new MalformedError('lz4: not a frame')
  const flags = bytes.readUInt8(descriptorAt)
  if ((flags & versionMask) !== VERSION_1 || (flags & reservedBit) !== 0) throw new MalformedError(`lz4: a frame with flags ${flags}`)
  if ((flags & independentBit) === 0 || (flags & dictionaryBit) !== 0) {
    throw new MalformedError('lz4: frames of dependent blocks, or with a dictionary, are not part of the protocol')
  }
  const sizeCode = (bytes.readUInt8(descriptorAt + 1) >> 4) & 0x07
  if (sizeCode < 4) throw new MalformedError(`lz4: block size code ${sizeCode}`)
  const hasContentSize = (flags & contentSizeBit) !== 0
  const checksumAt = descriptorAt + descriptorBytes + (hasContentSize ? 8 : 0)
  if (bytes.length <= checksumAt) throw new MalformedError('lz4: the frame is cut off')
  if (bytes.readUInt8(checksumAt) !== ((xxh32(bytes.subarray(descriptorAt, checksumAt)) >>> 8) & 0xff)) {
    throw new MalformedError('lz4: the checksum of the header is wrong')
  }
  return {
    at: checksumAt + 1,
    blockBytesMax: 2 ** (8 + 2 * sizeCode),
    hasBlockChecksums: (flags & blockChecksumBit) !== 0,
    hasContentChecksum: (flags & contentChecksumBit) !== 0,
    contentBytes: hasContentSize ? bytes.readUInt32LE(descriptorAt + 2) + bytes.readUInt32LE(descriptorAt + 6) * 2 ** 32 : -1,
  }
}

/** Finds the blocks and adds up what comes out of them. `end` is where the checksum of the content would stand. */
function findBlocks(bytes: Buffer, frame: Frame, maxBytes: number, into: Block[]): { readonly end: number; readonly outBytes: number } {
  const { blockBytesMax, hasBlockChecksums } = frame
  const trailer = hasBlockChecksums ? 4 : 0
  let outBytes = 0
  let at = frame.at
  for (;;) {
    if (bytes.length - at < 4) throw new MalformedError('lz4: the frame is cut off')
    const size = bytes.readUInt32LE(at)
    at += 4
    if (size === 0) break
    const isRaw = size >= rawBlockBit
    const length = isRaw ? size - rawBlockBit : size
    if (length > blockBytesMax || length + trailer > bytes.length - at) throw new MalformedError(`lz4: a block of ${length} bytes`)
    const end = at + length
    const produced = isRaw ? length : blockLength(bytes, at, end)
    if (produced > blockBytesMax) throw new MalformedError(`lz4: a block that holds ${produced} bytes`)
    outBytes += produced
    if (outBytes > maxBytes) throw new DecompressedTooLargeError('lz4', maxBytes)
    if (hasBlockChecksums && bytes.readUInt32LE(end) !== xxh32(bytes.subarray(at, end)))
      throw new MalformedError('lz4: the checksum of a block is wrong')
    into.push({ at, end, isRaw })
    at = end + trailer
  }
  if (frame.hasContentChecksum && bytes.length - at < 4) throw new MalformedError('lz4: the frame is cut off')
  return { end: at, outBytes }
}

/** The bytes that a compressed block holds: literals and matches are counted, not copied. The block ends with literals, exactly at its end. */
function blockLength(bytes: Buffer, from: number, end: number): number {
  let out = 0
  let at = from
  while (at < end) {
    const token = bytes[at] as number
    at += 1
    let literals = token >> 4
    if (literals === 15) {
      for (let more = 255; more === 255 && at < end; at += 1) literals += more = bytes[at] as number
    }
    out += literals
    at += literals
    if (at >= end) break
    at += 2
    let match = token & 0x0f
    if (match === 15) {
      for (let more = 255; more === 255 && at < end; at += 1) match += more = bytes[at] as number
    }
    out += match + matchBytesMin
  }
  if (at !== end) throw new MalformedError('lz4: a block runs over its end')
  return out
}

/** Writes what a block holds at `start`; gives where it ends. `blockLength` has seen that lengths fit; distances are checked here. */
function decodeBlock(bytes: Buffer, block: Block, out: Buffer, start: number): number {
  const { end } = block
  let at = block.at
  let to = start
  while (at < end) {
    const token = bytes[at] as number
    at += 1
    let literals = token >> 4
    if (literals === 15) {
      for (let more = 255; more === 255 && at < end; at += 1) literals += more = bytes[at] as number
    }
    if (literals >= callBytesMin) bytes.copy(out, to, at, at + literals)
    else for (let i = 0; i < literals; i += 1) out[to + i] = bytes[at + i] as number
    to += literals
    at += literals
    if (at >= end) break
    const distance = (bytes[at] as number) | ((bytes[at + 1] ?? 0) << 8)
    at += 2
    let match = token & 0x0f
    if (match === 15) {
      for (let more = 255; more === 255 && at < end; at += 1) match += more = bytes[at] as number
    }
    match += matchBytesMin
    if (distance === 0 || distance > to - start) throw new MalformedError(`lz4: a match at a distance of ${distance}`)
    copyMatch(out, to, distance, match)
    to += match
  }
  return to
}

function copyMatch(out: Buffer, to: number, distance: number, length: number): void {
  const from = to - distance
  if (length < callBytesMin) {
    for (let i = 0; i < length; i += 1) out[to + i] = out[from + i] as number
    return
  }
  // what repeats is doubled until it is long enough
  let have = Math.min(distance, length)
  out.copyWithin(to, from, from + have)
  while (have < length) {
    const more = Math.min(have, length - have)
    out.copyWithin(to + have, to, to + more)
    have += more
  }
}

export function lz4Compress(bytes: Buffer): Buffer {
  const { compressSync } = lz4()
  const out: Buffer[] = [WRITTEN_HEADER]
  for (let at = 0; at < bytes.length; at += writtenBlockBytes) {
    const plain = bytes.subarray(at, at + writtenBlockBytes)
    // the package puts the length of the plain bytes in front of the block
    const packed = compressSync(plain).subarray(4)
    const size = Buffer.alloc(4)
    const isRaw = packed.length >= plain.length
    size.writeUInt32LE(isRaw ? plain.length + rawBlockBit : packed.length)
    out.push(size, isRaw ? plain : packed)
  }
  out.push(Buffer.alloc(4))
  return Buffer.concat(out)
}
