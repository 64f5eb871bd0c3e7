import { MalformedError } from '../reader.ts'

/** The two entropy codes of Zstandard (RFC 8878 §4): FSE and Huffman, as tables that are read with bits from the end of a stream. */
const huffmanLogMax = 11
const weightLogMax = 6
const symbolsMax = 256

export function malformed(what: string): MalformedError {
  return new MalformedError(`zstd: ${what}`)
}

export function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at]
  if (byte === undefined) throw malformed('the data are cut off')
  return byte
}

/** The index of the highest set bit; -1 for 0. */
function highBit(value: number): number {
  return 31 - Math.clz32(value)
}

/** `length` ≤ 25 bits at bit `index`, counted from the first byte at `from`; bits beyond the bytes are zeros. */
function bitsAt(bytes: Buffer, from: number, index: number, length: number): number {
  const at = from + (index >> 3)
  const word = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
  return (word >>> (index & 7)) & ((1 << length) - 1)
}

/** Bits read from the end of `bytes` to their beginning. The highest set bit of the last byte marks where they begin and is not one of them. */
export class BackwardBits {
  private readonly bytes: Buffer
  /** Not yet read; below zero when more was taken than there was. */
  left: number

  constructor(bytes: Buffer) {
    const last = bytes[bytes.length - 1] ?? 0
    if (last === 0) throw malformed('a bit stream without its end mark')
    this.bytes = bytes
    this.left = (bytes.length - 1) * 8 + highBit(last)
  }

  /** Up to 31 bits; zeros once all are read: `left` tells. */
  take(length: number): number {
    if (length > 24) {
      const high = this.take(length - 16)
      return high * 0x1_0000 + this.take(16)
    }
    this.left -= length
    return this.peekFrom(this.left, length)
  }

  /** The next `length` ≤ 24 bits, which stay. */
  peek(length: number): number {
    return this.peekFrom(this.left - length, length)
  }

  private peekFrom(index: number, length: number): number {
    if (index >= 0) return bitsAt(this.bytes, 0, index, length)
    const there = length + index
    return there <= 0 ? 0 : bitsAt(this.bytes, 0, 0, there) << -index
  }
}

export interface FseTable {
  readonly log: number
  readonly symbols: Uint8Array
  readonly bits: Uint8Array
  readonly next: Uint16Array
}

/** A table of one symbol that takes no bits. */
export function fseOfOne(symbol: number): FseTable {
  return { log: 0, symbols: new Uint8Array([symbol]), bits: new Uint8Array(1), next: new Uint16Array(1) }
}

/** From the counts of each symbol, which add up to 2^log; -1 for a symbol less likely than one in that many. */
export function fseTable(counts: readonly number[], log: number): FseTable {
  const size = 1 << log
  const symbols = new Uint8Array(size)
  const reached = counts.map((count) => Math.abs(count))
  let high = size
  counts.forEach((count, symbol) => {
    if (count === -1) symbols[(high -= 1)] = symbol
  })
  const step = (size >> 1) + (size >> 3) + 3
  let at = 0
  counts.forEach((count, symbol) => {
    for (let i = 0; i < count; i += 1) {
      symbols[at] = symbol
      do at = (at + step) & (size - 1)
      while (at >= high)
    }
  })
  if (at !== 0) throw malformed('counts that do not fill their table')
  return numbered(symbols, reached, log)
}

function numbered(symbols: Uint8Array, reached: number[], log: number): FseTable {
  const size = 1 << log
  const bits = new Uint8Array(size)
  const next = new Uint16Array(size)
  for (let state = 0; state < size; state += 1) {
    const symbol = symbols[state] ?? 0
    const count = reached[symbol] ?? 0
    reached[symbol] = count + 1
    const width = log - highBit(count)
    bits[state] = width
    next[state] = (count << width) - size
  }
  return { log, symbols, bits, next }
}

/** Reads the counts of an FSE table from `at`. Gives the table and where it ends. */
export function readFseTable(
  bytes: Buffer,
  from: number,
  end: number,
  logMax: number,
  symbolMax: number,
): { readonly table: FseTable; readonly end: number } {
  const log = (byteAt(bytes, from) & 0x0f) + 5
  if (log > logMax) throw malformed(`an FSE table of 2^${log} states`)
  const counts: number[] = []
  let index = 4
  let remaining = 1 << log
  while (remaining > 0) {
    if (counts.length > symbolMax || from + (index >> 3) >= end) throw malformed('an FSE table that does not end')
    const width = highBit(remaining + 1) + 1
    const lowMask = (1 << (width - 1)) - 1
    const threshold = (1 << width) - 2 - remaining
    let value = bitsAt(bytes, from, index, width)
    if ((value & lowMask) < threshold) {
      value &= lowMask
      index += width - 1
    } else {
      if (value > lowMask) value -= threshold
      index += width
    }
    counts.push(value - 1)
    remaining -= Math.abs(value - 1)
    if (value === 1) index = skipZeros(bytes, from, end, index, counts)
  }
  const stop = from + ((index + 7) >> 3)
  if (remaining < 0 || counts.length > symbolMax + 1 || stop > end) throw malformed('an FSE table with impossible counts')
  return { table: fseTable(counts, log), end: stop }
}

/** After a symbol that does not occur, two bits at a time say how many more do not. */
function skipZeros(bytes: Buffer, from: number, end: number, start: number, counts: number[]): number {
  let index = start
  for (let more = 3; more === 3;) {
    if (counts.length > symbolsMax || from + (index >> 3) >= end) throw malformed('an FSE table that does not end')
    more = bitsAt(bytes, from, index, 2)
    index += 2
    for (let i = 0; i < more; i += 1) counts.push(0)
  }
  return index
}

export interface HuffmanTable {
  readonly log: number
  readonly symbols: Uint8Array
  readonly bits: Uint8Array
}

/** Reads a Huffman tree's description from `from`. Gives the table and where the description ends. */
export function readHuffmanTable(bytes: Buffer, from: number, end: number): { readonly table: HuffmanTable; readonly end: number } {
  const head = byteAt(bytes, from)
  const stop = from + 1 + (head < 128 ? head : (head - 126) >> 1)
  if (stop > end) throw malformed('a Huffman tree that is cut off')
  const weights = head < 128 ? packedWeights(bytes, from + 1, stop) : plainWeights(bytes, from + 1, head - 127)
  return { table: huffmanTable(weights), end: stop }
}

function plainWeights(bytes: Buffer, from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const pair = byteAt(bytes, from + (i >> 1))
    return i % 2 === 0 ? pair >> 4 : pair & 0x0f
  })
}

/** Weights written with an FSE table, by two states in turn. */
function packedWeights(bytes: Buffer, from: number, end: number): number[] {
  const { table, end: start } = readFseTable(bytes, from, end, weightLogMax, huffmanLogMax + 1)
  const bits = new BackwardBits(bytes.subarray(start, end))
  const states: [number, number] = [bits.take(table.log), bits.take(table.log)]
  if (bits.left < 0) throw malformed('Huffman weights that are cut off')
  const weights: number[] = []
  for (let turn: 0 | 1 = 0; ; turn = turn === 0 ? 1 : 0) {
    const state = states[turn]
    weights.push(table.symbols[state] ?? 0)
    const width = table.bits[state] ?? 0
    if (width > bits.left) {
      weights.push(table.symbols[states[turn === 0 ? 1 : 0]] ?? 0)
      break
    }
    states[turn] = (table.next[state] ?? 0) + bits.take(width)
    if (weights.length >= symbolsMax) throw malformed('more Huffman weights than symbols')
  }
  if (bits.left !== 0) throw malformed('Huffman weights that do not end where they should')
  return weights
}

/** The last weight is not written: it is what makes the sum a power of two. */
function huffmanTable(weights: number[]): HuffmanTable {
  if (weights.length >= symbolsMax || weights.some((weight) => weight > huffmanLogMax)) throw malformed('impossible Huffman weights')
  const sum = weights.reduce((total, weight) => total + (weight === 0 ? 0 : 1 << (weight - 1)), 0)
  const log = highBit(sum) + 1
  const rest = (1 << log) - sum
  if (sum === 0 || log > huffmanLogMax || (rest & (rest - 1)) !== 0) throw malformed('impossible Huffman weights')
  weights.push(highBit(rest) + 1)
  const symbols = new Uint8Array(1 << log)
  const bits = new Uint8Array(1 << log)
  let at = 0
  for (let weight = 1; weight <= log; weight += 1) {
    weights.forEach((own, symbol) => {
      if (own !== weight) return
      const span = 1 << (weight - 1)
      symbols.fill(symbol, at, at + span)
      bits.fill(log + 1 - weight, at, at + span)
      at += span
    })
  }
  return { log, symbols, bits }
}

/** Decodes one Huffman stream into `out`, which it must fill exactly. */
export function decodeHuffman(table: HuffmanTable, stream: Buffer, out: Buffer): void {
  const bits = new BackwardBits(stream)
  const { log, symbols, bits: widths } = table
  for (let i = 0; i < out.length; i += 1) {
    const code = bits.peek(log)
    out[i] = symbols[code] as number
    bits.left -= widths[code] as number
  }
  if (bits.left !== 0) throw malformed('a Huffman stream that does not end where it should')
}
