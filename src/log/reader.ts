import type { Offset } from '../base/units.ts'
import { batchHeaderBytes } from '../protocol/records/batch-header.ts'
import { headerOrProblem } from './segments/batch.ts'
import type { OpenFiles } from './open-files.ts'
import type { Read } from './outcomes.ts'
import { CorruptLogError } from './outcomes.ts'
import type { Segment } from './segments/segment.ts'

/** Read beyond what was asked for, as an index leads only to somewhere before the batch that is looked for. */
const searchBytes = 8 * 1024

export interface ReadBounds {
  readonly offset: Offset
  readonly maxBytes: number
  readonly untilOffset: Offset
  readonly minOneMessage: boolean
}

export function emptyRead(offset: Offset): Read {
  return { kind: 'read', records: [], sizeBytes: 0, startOffset: offset, endOffset: offset }
}

/** The whole batches of a stretch that a read may return: bytes [from, to). */
interface Cut {
  readonly from: number
  readonly to: number
  readonly baseOffset: Offset
  readonly endOffset: Offset
  /** Where the batch begins that ended the walk; may lie behind the stretch. */
  readonly at: number
  /** Why it ended: a bound of the read; the end of the bytes; or a batch of `needs` bytes that would be returned but is not all there. */
  readonly ended: 'bound' | 'bytes' | 'within-batch'
  readonly needs: number
}

function cutBatches(bytes: Buffer, bounds: ReadBounds, room: number, atLeastOne: boolean): Cut {
  let at = 0
  let from = 0
  let to = 0
  let baseOffset = bounds.offset
  let endOffset = bounds.offset
  while (at + batchHeaderBytes <= bytes.length) {
    const header = headerOrProblem(bytes, at)
    if (typeof header === 'string') throw new CorruptLogError('', at, bounds.offset, header)
    const { sizeBytes, lastOffset } = header
    if (lastOffset >= bounds.offset) {
      const fits = to - from + sizeBytes <= room || (to === 0 && atLeastOne)
      if (!fits || lastOffset >= bounds.untilOffset) return { from, to, baseOffset, endOffset, at, ended: 'bound', needs: 0 }
      if (at + sizeBytes > bytes.length) return { from, to, baseOffset, endOffset, at, ended: 'within-batch', needs: sizeBytes }
      if (to === 0) {
        from = at
        baseOffset = header.baseOffset
      }
      to = at + sizeBytes
      endOffset = lastOffset + 1
    }
    at += sizeBytes
  }
  return { from, to, baseOffset, endOffset, at, ended: at < bytes.length ? 'within-batch' : 'bytes', needs: batchHeaderBytes }
}

/** From appends kept in memory, of which the first holds the offset or is the first after it. */
export function readFromTail(appends: readonly Buffer[], bounds: ReadBounds): Read {
  const records: Buffer[] = []
  let sizeBytes = 0
  let startOffset = bounds.offset
  let endOffset = bounds.offset
  for (const append of appends) {
    const cut = cutBatches(append, bounds, bounds.maxBytes - sizeBytes, bounds.minOneMessage && sizeBytes === 0)
    if (cut.to > cut.from) {
      if (records.length === 0) startOffset = cut.baseOffset
      endOffset = cut.endOffset
      sizeBytes += cut.to - cut.from
      records.push(cut.from === 0 && cut.to === append.length ? append : append.subarray(cut.from, cut.to))
    }
    if (cut.ended !== 'bytes') break
  }
  return { kind: 'read', records, sizeBytes, startOffset, endOffset }
}

export interface SegmentRead {
  readonly read: Read
  /** Byte behind the last batch returned. */
  readonly nextPosition: number
  /** Nothing in this segment from `position` on holds the offset: look in the next one. */
  readonly exhausted: boolean
}

/** From a segment's file, starting at a byte where a batch begins. Rejects with DiskError, CorruptLogError. */
export async function readFromSegment(files: OpenFiles, segment: Segment, from: number, bounds: ReadBounds): Promise<SegmentRead> {
  const until = segment.size
  let position = from
  let wanted = bounds.maxBytes + searchBytes
  while (position < until) {
    const bytes = Buffer.allocUnsafe(Math.min(wanted, until - position))
    const got = await files.pinned(segment.logPath, (file) => file.readAsync(position, bytes))
    if (got < bytes.length) throw new CorruptLogError(segment.logPath, position + got, bounds.offset, 'the file is shorter than the log')
    const cut = cutOrExplain(segment, position, bytes, bounds)
    if (cut.to > cut.from) return { read: oneBuffer(bytes, cut), nextPosition: position + cut.to, exhausted: false }
    if (cut.ended === 'bound') return { read: emptyRead(bounds.offset), nextPosition: position + cut.at, exhausted: false }
    position += cut.at
    if (cut.ended === 'within-batch') wanted = Math.max(cut.needs, searchBytes)
    if (position < until && cut.needs > until - position) {
      throw new CorruptLogError(segment.logPath, position, bounds.offset, 'a batch reaches beyond the end of the log')
    }
  }
  return { read: emptyRead(bounds.offset), nextPosition: position, exhausted: true }
}

function cutOrExplain(segment: Segment, position: number, bytes: Buffer, bounds: ReadBounds): Cut {
  try {
    return cutBatches(bytes, bounds, bounds.maxBytes, bounds.minOneMessage)
  } catch (error) {
    if (!(error instanceof CorruptLogError)) throw error
    throw new CorruptLogError(segment.logPath, position + error.position, bounds.offset, 'no batch where one should begin')
  }
}

function oneBuffer(bytes: Buffer, cut: Cut): Read {
  const sizeBytes = cut.to - cut.from
  return { kind: 'read', records: [bytes.subarray(cut.from, cut.to)], sizeBytes, startOffset: cut.baseOffset, endOffset: cut.endOffset }
}
