import type { File } from '../../base/ports.ts'
import type { BatchHeader } from '../../protocol/records/batch-header.ts'
import { attributesAtByte, batchHeaderBytes } from '../../protocol/records/batch-header.ts'
import { crc32c } from '../../protocol/records/crc32c.ts'
import { headerOrProblem } from './batch.ts'

/** One read that a scan wants done; the answer is how many bytes came. */
export interface ScanRead {
  readonly position: number
  readonly into: Buffer
}

export type ScanVerdict = 'continue' | 'stop' | { readonly problem: string }

/** `batch` is the whole batch when it fits the window and is there (a control batch always is), or null. */
export type ScanVisit = (header: BatchHeader, position: number, batch: Buffer | null) => ScanVerdict

export interface ScanOptions {
  /** Byte at which a batch begins. */
  readonly from: number
  /** Bytes of the file to look at. */
  readonly until: number
  readonly checkCrc: boolean
  readonly windowBytes: number
}

export interface ScanEnd {
  /** Where the last batch that was visited with 'continue' ends: all before it is sound. */
  readonly position: number
  /** Why the scan ended before `until`; null when it did not, or was stopped. */
  readonly problem: string | null
}

const cutOffProblems = [
  'cut off within a header',
  'the file ends within a header',
  'cut off within a batch',
  'the file ends within a batch',
] as const
type CutOff = (typeof cutOffProblems)[number]

/** Whether a scan ended because there was not enough left for a batch. */
export function isCutOff(problem: string): boolean {
  return cutOffProblems.some((it) => it === problem)
}

function cutOff(position: number, problem: CutOff): ScanEnd {
  return { position, problem }
}

export type Scan = Generator<ScanRead, ScanEnd, number>

export const recoveryWindowBytes = 1024 * 1024
export const replayWindowBytes = 64 * 1024
export const lookupWindowBytes = 8 * 1024

/** Where batches are this large, and only headers are wanted, they are read one by one. */
const sparseBatchBytes = 8 * 1024
const sparseReadBytes = 512

/**
 * Walks the batches of a segment file. It asks for its reads by yielding them, so that the same walk may block or not (`runNow`, `run`).
 * Memory is one window: a batch larger than it is checked piece by piece, and a length is believed only as far as the file goes.
 */
export function* scanBatches(options: ScanOptions, visit: ScanVisit): Scan {
  const window = Buffer.allocUnsafe(Math.max(batchHeaderBytes, Math.min(options.windowBytes, options.until - options.from)))
  let start = options.from
  let length = 0
  let position = options.from
  let lastSize = 0
  while (position < options.until) {
    if (position + batchHeaderBytes > options.until) return cutOff(position, 'cut off within a header')
    if (position + batchHeaderBytes > start + length) {
      const sparse = !options.checkCrc && lastSize >= sparseBatchBytes
      start = position
      length = yield* fill(sparse ? window.subarray(0, sparseReadBytes) : window, start, options.until)
      if (length < batchHeaderBytes) return cutOff(position, 'the file ends within a header')
    }
    const header = headerOrProblem(window, position - start)
    if (typeof header === 'string') return { position, problem: header }
    if (header.sizeBytes > options.until - position) return cutOff(position, 'cut off within a batch')
    const wanted = options.checkCrc || header.isControl
    if (wanted && position + header.sizeBytes > start + length && header.sizeBytes <= window.length) {
      start = position
      length = yield* fill(window, start, options.until)
      if (length < header.sizeBytes) return cutOff(position, 'the file ends within a batch')
    }
    const whole =
      position + header.sizeBytes <= start + length ? window.subarray(position - start, position - start + header.sizeBytes) : null
    if (options.checkCrc && !(yield* crcMatches(header, position, whole))) return { position, problem: 'CRC-32C does not match' }
    const verdict = visit(header, position, whole)
    if (verdict === 'stop') return { position, problem: null }
    if (verdict !== 'continue') return { position, problem: verdict.problem }
    position += header.sizeBytes
    lastSize = header.sizeBytes
  }
  return { position, problem: null }
}

function* fill(window: Buffer, position: number, until: number): Generator<ScanRead, number, number> {
  return yield { position, into: window.subarray(0, Math.min(window.length, until - position)) }
}

function* crcMatches(header: BatchHeader, position: number, whole: Buffer | null): Generator<ScanRead, boolean, number> {
  if (whole !== null) return crc32c(whole.subarray(attributesAtByte)) === header.crc
  const piece = Buffer.allocUnsafe(replayWindowBytes)
  let crc = 0
  for (let at = attributesAtByte; at < header.sizeBytes; at += piece.length) {
    const wanted = piece.subarray(0, Math.min(piece.length, header.sizeBytes - at))
    const read = yield { position: position + at, into: wanted }
    if (read < wanted.length) return false
    crc = crc32c(wanted, crc)
  }
  return crc === header.crc
}

/** Carries out a scan within the turn. Throws DiskError. */
export function runNow(scan: Scan, file: File): ScanEnd {
  let step = scan.next()
  while (step.done !== true) step = scan.next(file.read(step.value.position, step.value.into))
  return step.value
}

/** Carries out a scan through the thread pool. Rejects with DiskError. */
export async function run(scan: Scan, file: File): Promise<ScanEnd> {
  let step = scan.next()
  while (step.done !== true) step = scan.next(await file.readAsync(step.value.position, step.value.into))
  return step.value
}
