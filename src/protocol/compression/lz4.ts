import { MalformedError } from '../reader.ts'
import { nativePackage } from './native-package.ts'
import { DecompressedTooLargeError } from './outcomes.ts'

/**
 * LZ4 frames. The frame is walked before the native decoder sees it, because that one takes whatever memory the blocks ask for: a frame may
 * claim nothing that the walk has not added up. As Kafka's Lz4BlockInputStream, frames with dependent blocks or a dictionary are refused, since
 * Java's consumers could not read them.
 */
interface Lz4Package {
  compressSync(input: Buffer): Buffer
  decompressFrameSync(input: Buffer): Buffer
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
const rawBlockBit = 0x8000_0000
/** Magic, flags, block size code and checksum of a header with nothing optional, for independent blocks of at most 64 KiB: what Kafka's producer writes. */
const WRITTEN_HEADER = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82])
const writtenBlockBytes = 65_536

interface FrameWalk {
  /** At the first block. */
  readonly at: number
  readonly blockBytesMax: number
  readonly blockTrailerBytes: number
  readonly frameTrailerBytes: number
}

export function lz4Decompress(bytes: Buffer, maxBytes: number): Buffer {
  const frame = frameHeader(bytes)
  const end = checkBlocks(bytes, frame, maxBytes)
  const { decompressFrameSync } = lz4()
  try {
    return decompressFrameSync(bytes.subarray(0, end))
  } catch (error) {
    throw new MalformedError(`lz4: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function frameHeader(bytes: Buffer): FrameWalk {
  if (bytes.length < WRITTEN_HEADER.length || bytes.readUInt32LE(0) !== FRAME_MAGIC) throw new MalformedError('lz4: not a frame')
  const flags = bytes.readUInt8(4)
  if ((flags & versionMask) !== VERSION_1 || (flags & reservedBit) !== 0) throw new MalformedError(`lz4: a frame with flags ${flags}`)
  if ((flags & independentBit) === 0 || (flags & dictionaryBit) !== 0) {
    throw new MalformedError('lz4: frames of dependent blocks, or with a dictionary, are not part of the protocol')
  }
  const sizeCode = (bytes.readUInt8(5) >> 4) & 0x07
  if (sizeCode < 4) throw new MalformedError(`lz4: block size code ${sizeCode}`)
  return {
    at: WRITTEN_HEADER.length + ((flags & contentSizeBit) === 0 ? 0 : 8),
    blockBytesMax: 2 ** (8 + 2 * sizeCode),
    blockTrailerBytes: (flags & blockChecksumBit) === 0 ? 0 : 4,
    frameTrailerBytes: (flags & contentChecksumBit) === 0 ? 0 : 4,
  }
}

/** Adds up what comes out of the blocks. Gives the end of the frame. */
function checkBlocks(bytes: Buffer, frame: FrameWalk, maxBytes: number): number {
  let out = 0
  let at = frame.at
  for (;;) {
    if (bytes.length - at < 4) throw new MalformedError('lz4: the frame is cut off')
    const size = bytes.readUInt32LE(at)
    at += 4
    if (size === 0) break
    const length = size >= rawBlockBit ? size - rawBlockBit : size
    if (length > frame.blockBytesMax || length > bytes.length - at) throw new MalformedError(`lz4: a block of ${length} bytes`)
    const produced = size >= rawBlockBit ? length : blockLength(bytes, at, at + length)
    if (produced > frame.blockBytesMax) throw new MalformedError(`lz4: a block that holds ${produced} bytes`)
    out += produced
    if (out > maxBytes) throw new DecompressedTooLargeError('lz4', maxBytes)
    at += length + frame.blockTrailerBytes
  }
  if (bytes.length - at < frame.frameTrailerBytes) throw new MalformedError('lz4: the frame is cut off')
  return at + frame.frameTrailerBytes
}

/** The bytes that a compressed block holds: literals and matches are counted, not copied. */
function blockLength(bytes: Buffer, from: number, end: number): number {
  let out = 0
  let at = from
  while (at < end) {
    const token = bytes[at] ?? 0
    at += 1
    let literals = token >> 4
    if (literals === 15) {
      for (let more = 255; more === 255 && at < end; at += 1) literals += more = bytes[at] ?? 0
    }
    out += literals
    at += literals
    if (at >= end) break
    at += 2
    let match = token & 0x0f
    if (match === 15) {
      for (let more = 255; more === 255 && at < end; at += 1) match += more = bytes[at] ?? 0
    }
    out += match + 4
  }
  if (at !== end) throw new MalformedError('lz4: a block runs over its end')
  return out
}

export function lz4Compress(bytes: Buffer): Buffer {
  const { compressSync } = lz4()
  const out: Buffer[] = [WRITTEN_HEADER]
  for (let at = 0; at < bytes.length; at += writtenBlockBytes) {
    const plain = bytes.subarray(at, at + writtenBlockBytes)
    // the package puts the length of the plain bytes in front of the block
    const packed = compressSync(plain).subarray(4)
    const size = Buffer.alloc(4)
    const raw = packed.length >= plain.length
    size.writeUInt32LE(raw ? plain.length + rawBlockBit : packed.length)
    out.push(size, raw ? plain : packed)
  }
  out.push(Buffer.alloc(4))
  return Buffer.concat(out)
}
