import { DecompressedTooLargeError } from './outcomes.ts'
import {
  BackwardBits,
  byteAt,
  decodeHuffman,
  type FseTable,
  fseOfOne,
  fseTable,
  type HuffmanTable,
  malformed,
  readFseTable,
  readHuffmanTable,
} from './zstd-entropy.ts'
import { xxh64Low } from './xxhash.ts'

/**
 * Zstandard (RFC 8878) for a Node that has none. Work and memory are bounded by the input and by what may come out: each sequence is held
 * against the room that is left before a byte of it is copied. (Decoders in script that skip this can be kept busy for hours by a batch of a
 * megabyte.) Frames with a dictionary are refused.
 */
const FRAME_MAGIC = 0xfd2fb528
const skippableMagicMask = 0xfffffff0
const SKIPPABLE_MAGIC = 0x184d2a50
/** As libzstd's and zstd-jni's default: 2^27. A consumer could not read what was made with a larger window. */
const windowBytesMax = 2 ** 27
const blockBytesMax = 131_072

const singleSegmentBit = 0x20
const reservedBit = 0x08
const checksumBit = 0x04
const dictionaryMask = 0x03

interface Frame {
  readonly blocksAt: number
  /** -1: not said. */
  readonly contentBytes: number
  readonly windowBytes: number
  readonly checksumBytes: number
}

/** All frames of `bytes`, one after the other. @throws MalformedError, DecompressedTooLargeError */
export function zstdDecode(bytes: Buffer, maxBytes: number): Buffer {
  const out: Buffer[] = []
  let outBytes = 0
  let at = 0
  do {
    if (bytes.length - at < 4) throw malformed('the data are cut off')
    const magic = bytes.readUInt32LE(at)
    if ((magic & skippableMagicMask) >>> 0 === SKIPPABLE_MAGIC) {
      if (bytes.length - at < 8) throw malformed('the data are cut off')
      at += 8 + bytes.readUInt32LE(at + 4)
      if (at > bytes.length) throw malformed('the data are cut off')
      continue
    }
    if (magic !== FRAME_MAGIC) throw malformed('not a frame')
    const frame = frameHeader(bytes, at + 4)
    const decoder = new FrameDecoder(bytes, frame, maxBytes - outBytes, maxBytes)
    const part = decoder.run()
    out.push(part)
    outBytes += part.length
    at = decoder.end
  } while (at < bytes.length)
  return out.length === 1 && out[0] !== undefined ? out[0] : Buffer.concat(out, outBytes)
}

function frameHeader(bytes: Buffer, from: number): Frame {
  const descriptor = byteAt(bytes, from)
  if ((descriptor & reservedBit) !== 0) throw malformed('a reserved bit is set')
  if ((descriptor & dictionaryMask) !== 0) throw malformed('a frame that needs a dictionary')
  const single = (descriptor & singleSegmentBit) !== 0
  let at = from + 1
  let windowBytes = 0
  if (!single) {
    const window = byteAt(bytes, at)
    at += 1
    windowBytes = 2 ** (10 + (window >> 3)) * (1 + (window & 7) / 8)
  }
  const sizeCode = descriptor >> 6
  const sizeBytes = sizeCode === 0 ? (single ? 1 : 0) : 2 ** sizeCode
  let contentBytes = sizeBytes === 0 ? -1 : sizeBytes === 2 ? 256 : 0
  for (let i = 0; i < sizeBytes; i += 1) contentBytes += byteAt(bytes, at + i) * 2 ** (8 * i)
  if (single) windowBytes = contentBytes
  if (windowBytes > windowBytesMax) throw malformed(`a window of ${windowBytes} bytes`)
  return { blocksAt: at + sizeBytes, contentBytes, windowBytes, checksumBytes: (descriptor & checksumBit) === 0 ? 0 : 4 }
}

interface Block {
  readonly last: boolean
  readonly type: number
  /** What comes out of a raw or repeated block; the length of a compressed one. */
  readonly size: number
  readonly at: number
  readonly end: number
}

const blockRaw = 0
const blockRepeated = 1
const blockCompressed = 2

function blockHeader(bytes: Buffer, at: number, sizeMax: number): Block {
  const word = byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8) | (byteAt(bytes, at + 2) << 16)
  const type = (word >> 1) & 3
  const size = word >> 3
  const end = at + 3 + (type === blockRepeated ? 1 : size)
  if (type > blockCompressed || size > sizeMax || end > bytes.length) throw malformed(`a block of type ${type} and ${size} bytes`)
  return { last: (word & 1) !== 0, type, size, at: at + 3, end }
}

/** Bases and extra bits of the codes for lengths of literals and matches (RFC 8878 §3.1.1.3.2.1.1). */
const literalExtra = [...Array<number>(16).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
const matchExtra = [...Array<number>(32).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
const literalBases = basesOf(literalExtra, 0)
const matchBases = basesOf(matchExtra, 3)
const offsetCodeMax = 28

function basesOf(extra: readonly number[], first: number): readonly number[] {
  let base = first
  return extra.map((bits) => {
    const own = base
    base += 2 ** bits
    return own
  })
}

/** Codes of one of the three kinds: how its table may be written, and the one that is used when none is. */
interface Kind {
  readonly logMax: number
  readonly symbolMax: number
  readonly predefined: FseTable
}

// prettier-ignore
const LITERALS: Kind = { logMax: 9, symbolMax: 35, predefined: fseTable([
  4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1], 6) }
// prettier-ignore
const MATCHES: Kind = { logMax: 9, symbolMax: 52, predefined: fseTable([
  1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
  -1, -1, -1, -1, -1, -1, -1], 6) }
// prettier-ignore
const OFFSETS: Kind = { logMax: 8, symbolMax: 31, predefined: fseTable([
  1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1], 5) }

class FrameDecoder {
  /** After the frame, once it has run. */
  end = 0
  private readonly bytes: Buffer
  private readonly frame: Frame
  private readonly allowedBytes: number
  private readonly out: Buffer
  private outAt = 0
  private readonly blockMax: number
  private huffman: HuffmanTable | undefined
  private literalTable: FseTable | undefined
  private matchTable: FseTable | undefined
  private offsetTable: FseTable | undefined
  private recent: [number, number, number] = [1, 4, 8]

  constructor(bytes: Buffer, frame: Frame, roomBytes: number, allowedBytes: number) {
    this.bytes = bytes
    this.frame = frame
    this.allowedBytes = allowedBytes
    this.blockMax = Math.min(frame.windowBytes, blockBytesMax)
    const most = this.most()
    if (frame.contentBytes > roomBytes) throw new DecompressedTooLargeError('zstd', allowedBytes)
    if (frame.contentBytes > most) throw malformed(`${frame.contentBytes} bytes cannot come out of this frame`)
    this.out = Buffer.allocUnsafe(frame.contentBytes >= 0 ? frame.contentBytes : Math.min(most, roomBytes))
  }

  /** The most that the blocks can hold. */
  private most(): number {
    let most = 0
    let at = this.frame.blocksAt
    for (let last = false; !last;) {
      const block = blockHeader(this.bytes, at, this.blockMax)
      most += block.type === blockCompressed ? this.blockMax : block.size
      last = block.last
      at = block.end
    }
    return most
  }

  run(): Buffer {
    let at = this.frame.blocksAt
    for (let last = false; !last;) {
      const block = blockHeader(this.bytes, at, this.blockMax)
      this.block(block)
      last = block.last
      at = block.end
    }
    this.end = at + this.frame.checksumBytes
    if (this.end > this.bytes.length) throw malformed('the data are cut off')
    if (this.frame.contentBytes >= 0 && this.outAt !== this.frame.contentBytes) throw malformed('a frame that is not as long as it says')
    const out = this.out.subarray(0, this.outAt)
    if (this.frame.checksumBytes > 0 && this.bytes.readUInt32LE(at) !== xxh64Low(out))
      throw malformed('the checksum of the content is wrong')
    return out
  }

  private block(block: Block): void {
    if (block.type === blockCompressed) {
      this.compressed(block)
      return
    }
    this.room(block.size, this.out.length)
    if (block.type === blockRaw) this.bytes.copy(this.out, this.outAt, block.at, block.end)
    else this.out.fill(byteAt(this.bytes, block.at), this.outAt, this.outAt + block.size)
    this.outAt += block.size
  }

  private room(length: number, limit: number): void {
    if (length <= limit - this.outAt) return
    if (this.frame.contentBytes < 0 && limit === this.out.length) throw new DecompressedTooLargeError('zstd', this.allowedBytes)
    throw malformed('a block that holds more than it may')
  }

  private compressed(block: Block): void {
    const { literals, end } = this.literals(block)
    let at = end
    let count = byteAt(this.bytes, at)
    at += 1
    if (count >= 128) {
      const second = byteAt(this.bytes, at)
      at += 1
      if (count < 255) count = ((count - 128) << 8) + second
      else {
        count = second + (byteAt(this.bytes, at) << 8) + 0x7f00
        at += 1
      }
    }
    if (at > block.end) throw malformed('a block that is cut off')
    if (count > 0) this.sequences(block, at, count, literals)
    else {
      if (at !== block.end) throw malformed('bytes after a block without sequences')
      this.append(literals, 0, literals.length, this.out.length)
    }
  }

  private append(from: Buffer, start: number, end: number, limit: number): void {
    this.room(end - start, limit)
    from.copy(this.out, this.outAt, start, end)
    this.outAt += end - start
  }

  private literals(block: Block): { readonly literals: Buffer; readonly end: number } {
    const { bytes } = this
    const head = byteAt(bytes, block.at)
    const type = head & 3
    const format = (head >> 2) & 3
    if (type >= 2) return this.packedLiterals(block, format, type === 3)
    const headerBytes = format === 1 ? 2 : format === 3 ? 3 : 1
    let size = head >> (headerBytes === 1 ? 3 : 4)
    if (headerBytes > 1) size += byteAt(bytes, block.at + 1) << 4
    if (headerBytes > 2) size += byteAt(bytes, block.at + 2) << 12
    const at = block.at + headerBytes
    const end = at + (type === 0 ? size : 1)
    if (size > this.blockMax || end > block.end) throw malformed(`${size} literals`)
    return { literals: type === 0 ? bytes.subarray(at, end) : Buffer.alloc(size, byteAt(bytes, at)), end }
  }

  private packedLiterals(block: Block, format: number, treeless: boolean): { readonly literals: Buffer; readonly end: number } {
    const { bytes } = this
    const sizeBits = format === 3 ? 18 : format === 2 ? 14 : 10
    const headerBytes = format === 3 ? 5 : format === 2 ? 4 : 3
    let header = 0
    for (let i = 0; i < headerBytes; i += 1) header += byteAt(bytes, block.at + i) * 2 ** (8 * i)
    const sizes = Math.floor(header / 16)
    const size = sizes % 2 ** sizeBits
    const packed = Math.floor(sizes / 2 ** sizeBits)
    let at = block.at + headerBytes
    const end = at + packed
    if (size > this.blockMax || end > block.end) throw malformed(`${size} literals in ${packed} bytes`)
    if (!treeless) {
      const read = readHuffmanTable(bytes, at, end)
      this.huffman = read.table
      at = read.end
    }
    const table = this.huffman
    if (table === undefined) throw malformed('literals without a Huffman tree')
    const literals = Buffer.allocUnsafe(size)
    if (format === 0) decodeHuffman(table, bytes.subarray(at, end), literals)
    else this.fourStreams(table, at, end, literals)
    return { literals, end }
  }

  private fourStreams(table: HuffmanTable, from: number, end: number, literals: Buffer): void {
    const each = (literals.length + 3) >> 2
    if (end - from < 6 || literals.length < 6) throw malformed('four streams without their lengths')
    let at = from + 6
    for (let i = 0; i < 4; i += 1) {
      const stop = i === 3 ? end : at + this.bytes.readUInt16LE(from + 2 * i)
      if (stop > end) throw malformed('a literal stream that is cut off')
      decodeHuffman(table, this.bytes.subarray(at, stop), literals.subarray(i * each, i === 3 ? literals.length : (i + 1) * each))
      at = stop
    }
  }

  private sequences(block: Block, from: number, count: number, literals: Buffer): void {
    const modes = byteAt(this.bytes, from)
    if ((modes & 3) !== 0) throw malformed('a reserved bit is set')
    const literalRead = this.table((modes >> 6) & 3, LITERALS, this.literalTable, from + 1, block.end)
    const offsetRead = this.table((modes >> 4) & 3, OFFSETS, this.offsetTable, literalRead.end, block.end)
    const matchRead = this.table((modes >> 2) & 3, MATCHES, this.matchTable, offsetRead.end, block.end)
    this.literalTable = literalRead.table
    this.offsetTable = offsetRead.table
    this.matchTable = matchRead.table
    if (matchRead.end > block.end) throw malformed('a block that is cut off')
    this.execute(new BackwardBits(this.bytes.subarray(matchRead.end, block.end)), count, literals)
  }

  private table(
    mode: number,
    kind: Kind,
    before: FseTable | undefined,
    at: number,
    end: number,
  ): { readonly table: FseTable; readonly end: number } {
    if (mode === 0) return { table: kind.predefined, end: at }
    if (mode === 2) return readFseTable(this.bytes, at, end, kind.logMax, kind.symbolMax)
    if (mode === 3) {
      if (before === undefined) throw malformed('a table is to be used again, and there was none')
      return { table: before, end: at }
    }
    const symbol = byteAt(this.bytes, at)
    if (symbol > kind.symbolMax) throw malformed(`code ${symbol}`)
    return { table: fseOfOne(symbol), end: at + 1 }
  }

  private execute(bits: BackwardBits, count: number, literals: Buffer): void {
    const { literalTable, offsetTable, matchTable } = this
    if (literalTable === undefined || offsetTable === undefined || matchTable === undefined) throw malformed('no tables')
    const limit = Math.min(this.outAt + this.blockMax, this.out.length)
    let literalState = bits.take(literalTable.log)
    let offsetState = bits.take(offsetTable.log)
    let matchState = bits.take(matchTable.log)
    let used = 0
    for (let left = count; left > 0; left -= 1) {
      const literalCode = literalTable.symbols[literalState] as number
      const matchCode = matchTable.symbols[matchState] as number
      const offsetCode = offsetTable.symbols[offsetState] as number
      if (offsetCode > offsetCodeMax) throw malformed(`offset code ${offsetCode}`)
      const offsetValue = 2 ** offsetCode + bits.take(offsetCode)
      const match = (matchBases[matchCode] as number) + bits.take(matchExtra[matchCode] as number)
      const plain = (literalBases[literalCode] as number) + bits.take(literalExtra[literalCode] as number)
      if (left > 1) {
        literalState = (literalTable.next[literalState] as number) + bits.take(literalTable.bits[literalState] as number)
        matchState = (matchTable.next[matchState] as number) + bits.take(matchTable.bits[matchState] as number)
        offsetState = (offsetTable.next[offsetState] as number) + bits.take(offsetTable.bits[offsetState] as number)
      }
      if (bits.left < 0) throw malformed('sequences that are cut off')
      if (plain > literals.length - used) throw malformed('more literals than there are')
      this.room(plain + match, limit)
      this.copyLiterals(literals, used, plain)
      used += plain
      this.copyMatch(this.offset(offsetValue, plain === 0), match)
    }
    if (bits.left !== 0) throw malformed('sequences that do not end where they should')
    this.append(literals, used, literals.length, limit)
  }

  private copyLiterals(literals: Buffer, from: number, length: number): void {
    const { out } = this
    let to = this.outAt
    if (length > 32) literals.copy(out, to, from, from + length)
    else for (let i = from; i < from + length; i += 1, to += 1) out[to] = literals[i] as number
    this.outAt += length
  }

  /** The distance that a value stands for: the three last ones have values of their own (RFC 8878 §3.1.1.5). */
  private offset(value: number, noLiterals: boolean): number {
    const [first, second, third] = this.recent
    if (value > 3) {
      this.recent = [value - 3, first, second]
      return value - 3
    }
    const which = noLiterals ? value : value - 1
    if (which === 0) return first
    const chosen = which === 1 ? second : which === 2 ? third : first - 1
    this.recent = which === 1 ? [chosen, first, third] : [chosen, first, second]
    return chosen
  }

  private copyMatch(distance: number, length: number): void {
    const { out } = this
    const to = this.outAt
    const from = to - distance
    if (distance < 1 || from < 0 || distance > this.frame.windowBytes) throw malformed(`a match at a distance of ${distance}`)
    if (distance >= length && length > 32) out.copyWithin(to, from, from + length)
    else for (let i = 0; i < length; i += 1) out[to + i] = out[from + i] as number
    this.outAt += length
  }
}
