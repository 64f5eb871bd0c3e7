import type { Epoch, Offset } from '../base/units.ts'
import { batchCrcIsValid, batchHeaderBytes, type BatchHeader } from '../protocol/records/batch-header.ts'
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
  /** What is read goes to one connection, and nowhere else (`Disk.bufferToSend`). */
  readonly isToSend: boolean
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
  /** The batch at `at`, if there is one, does not begin below this. */
  readonly next: Offset
}

/** `next`: no batch here begins below. Throws CorruptLogError for what cannot stand where it stands; its position counts from the start of `bytes`. */
function cutBatches(bytes: Buffer, bounds: ReadBounds, room: number, atLeastOne: boolean, first: Offset): Cut {
  let at = 0
  let next = first
  let from = 0
  let to = 0
  let baseOffset = bounds.offset
  let endOffset = bounds.offset
  while (at + batchHeaderBytes <= bytes.length) {
    const header = headerOrProblem(bytes, at)
    if (typeof header === 'string') throw new CorruptLogError('', at, bounds.offset, header)
    const { sizeBytes, lastOffset } = header
    if (header.baseOffset < next)
      throw new CorruptLogError('', at, bounds.offset, `offset ${header.baseOffset} where ${next} or a later one belongs`)
    if (lastOffset >= bounds.offset) {
      const fits = to - from + sizeBytes <= room || (to === 0 && atLeastOne)
      if (!fits || lastOffset >= bounds.untilOffset) return { from, to, baseOffset, endOffset, at, ended: 'bound', needs: 0, next }
      if (at + sizeBytes > bytes.length) return { from, to, baseOffset, endOffset, at, ended: 'within-batch', needs: sizeBytes, next }
      if (to === 0) {
        from = at
        baseOffset = header.baseOffset
      }
      to = at + sizeBytes
      endOffset = lastOffset + 1
    }
    at += sizeBytes
    next = lastOffset + 1
  }
  return { from, to, baseOffset, endOffset, at, ended: at < bytes.length ? 'within-batch' : 'bytes', needs: batchHeaderBytes, next }
}

/** From appends kept in memory, of which the first holds the offset or is the first after it. */
export function readFromTail(appends: readonly Buffer[], bounds: ReadBounds): Read {
  const records: Buffer[] = []
  let sizeBytes = 0
  let startOffset = bounds.offset
  let endOffset = bounds.offset
  for (const append of appends) {
    const cut = cutBatches(append, bounds, bounds.maxBytes - sizeBytes, bounds.minOneMessage && sizeBytes === 0, 0)
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

/** What is known of the place where a read of a file begins, and of what comes after the segment. */
export interface Footing {
  /** A byte at which a batch begins. */
  readonly position: number
  /** No batch from there on begins below. */
  readonly from: Offset
  /** The batch there ends with this offset, says an index entry; null: `from` is certain. */
  readonly entry: Offset | null
  /** The next segment, or the next append, begins here. */
  readonly until: Offset
  /** Nothing was ever taken out of the log: the segment reaches to `until`. */
  readonly isWhole: boolean
  /** Of the epoch history; -1: it does not say. */
  epochOf(offset: Offset): Epoch
}

/**
 * From a segment's file. Nothing leaves here that is not what was once appended at that place: a batch that is returned has its checksum, comes after
 * the one before and before the one after it, and is of the leader epoch that the history has there. A batch that would have been passed over
 * unseen is checked too, where an offset is missing. 'doubtful': there is a gap behind an index entry that does not fit; ask again from
 * the start of the segment. Rejects with DiskError, CorruptLogError.
 */
export async function readFromSegment(
  files: OpenFiles,
  segment: Segment,
  footing: Footing,
  bounds: ReadBounds,
): Promise<SegmentRead | 'doubtful'> {
  const until = segment.size
  let { position, from: next } = footing
  let wanted = bounds.maxBytes + searchBytes
  let fits = footing.entry === null
  while (position < until) {
    const length = Math.min(wanted, until - position)
    const into = bounds.isToSend ? files.bufferToSend(length) : Buffer.allocUnsafe(length)
    const bytes = await bytesAt(files, segment, position, into, bounds)
    const cut = cutOrExplain(segment, position, bytes, bounds, next)
    if (position === footing.position && footing.entry !== null) fits = fitsEntry(segment, footing, bytes, bounds)
    if (cut.to > cut.from) {
      const isGap = cut.baseOffset > bounds.offset
      if (isGap && !fits) return 'doubtful'
      checkBatches(segment, position, bytes, isGap ? 0 : cut.from, cut.to, footing)
      await checkWhatFollows(files, segment, position, bytes, cut, footing, until, bounds)
      return { read: oneBuffer(bytes, cut), nextPosition: position + cut.to, exhausted: false }
    }
    if (cut.ended === 'bound') {
      await checkBound(files, segment, position + cut.at, until, bounds, footing)
      return { read: emptyRead(bounds.offset), nextPosition: position + cut.at, exhausted: false }
    }
    position += cut.at
    next = cut.next
    if (cut.ended === 'within-batch') wanted = Math.max(cut.needs, searchBytes)
    if (position < until && cut.needs > until - position) {
      throw new CorruptLogError(segment.logPath, position, bounds.offset, 'a batch reaches beyond the end of the log')
    }
  }
  if (footing.isWhole && next !== footing.until && until > footing.position)
    throw new CorruptLogError(segment.logPath, position, bounds.offset, `the segment ends at offset ${next}, not at ${footing.until}`)
  return { read: emptyRead(bounds.offset), nextPosition: position, exhausted: true }
}

async function bytesAt(files: OpenFiles, segment: Segment, position: number, into: Buffer, bounds: ReadBounds): Promise<Buffer> {
  const got = await files.pinned(segment.logPath, (file) => file.readAsync(position, into))
  if (got < into.length) throw new CorruptLogError(segment.logPath, position + got, bounds.offset, 'the file is shorter than the log')
  return into
}

function cutOrExplain(segment: Segment, position: number, bytes: Buffer, bounds: ReadBounds, next: Offset): Cut {
  try {
    return cutBatches(bytes, bounds, bounds.maxBytes, bounds.minOneMessage, next)
  } catch (error) {
    if (!(error instanceof CorruptLogError)) throw error
    throw new CorruptLogError(segment.logPath, position + error.position, bounds.offset, error.reason)
  }
}

/** An entry of ours names the last offset of the batch that it leads to; one of Kafka's may name that of a later one, appended with it. */
function fitsEntry(segment: Segment, { entry, position }: Footing, bytes: Buffer, bounds: ReadBounds): boolean {
  const header = headerOrProblem(bytes, 0)
  if (typeof header === 'string' || entry === null) return true
  if (header.baseOffset <= entry) return header.lastOffset === entry
  throw new CorruptLogError(segment.logPath, position, bounds.offset, `offset ${header.baseOffset} where an index has ${entry}`)
}

/** Checksums and epochs of the batches in [from, to). */
function checkBatches(segment: Segment, position: number, bytes: Buffer, from: number, to: number, footing: Footing): void {
  for (let at = from; at < to;) {
    const header = headerOrProblem(bytes, at)
    if (typeof header === 'string') throw new CorruptLogError(segment.logPath, position + at, footing.from, header)
    const problem = problemOf(bytes, at, header, footing)
    if (problem !== null) throw new CorruptLogError(segment.logPath, position + at, header.baseOffset, problem)
    at += header.sizeBytes
  }
}

function problemOf(bytes: Buffer, at: number, header: BatchHeader, footing: Footing): string | null {
  if (!batchCrcIsValid(bytes, at, header.sizeBytes)) return 'CRC-32C does not match'
  const epoch = footing.epochOf(header.baseOffset)
  if (epoch < 0 || header.leaderEpoch === epoch) return null
  return `a batch of leader epoch ${header.leaderEpoch} where the history has ${epoch}`
}

/** A valid batch in the wrong place may show only by the one after it. */
async function checkWhatFollows(
  files: OpenFiles,
  segment: Segment,
  position: number,
  bytes: Buffer,
  cut: Cut,
  footing: Footing,
  until: number,
  bounds: ReadBounds,
): Promise<void> {
  const after = position + cut.to
  if (after === until) {
    if (cut.endOffset <= footing.until && (!footing.isWhole || cut.endOffset === footing.until)) return
    throw new CorruptLogError(segment.logPath, position + cut.from, cut.baseOffset, `offset ${cut.endOffset - 1} before ${footing.until}`)
  }
  const isHere = cut.to + batchHeaderBytes <= bytes.length
  if (!isHere && after + batchHeaderBytes > until)
    throw new CorruptLogError(segment.logPath, after, cut.endOffset, 'a batch reaches beyond the end of the log')
  const header = isHere
    ? headerOrProblem(bytes, cut.to)
    : headerOrProblem(await bytesAt(files, segment, after, Buffer.allocUnsafe(batchHeaderBytes), bounds), 0)
  // What is wrong with the next batch itself is found when it is read
  if (typeof header === 'string' || header.baseOffset >= cut.endOffset) return
  throw new CorruptLogError(segment.logPath, after, cut.baseOffset, `offset ${header.baseOffset} after ${cut.endOffset - 1}`)
}

/** A reader that is told to wait must not wait for a batch whose header lies. */
async function checkBound(
  files: OpenFiles,
  segment: Segment,
  position: number,
  until: number,
  bounds: ReadBounds,
  footing: Footing,
): Promise<void> {
  const header = headerOrProblem(await bytesAt(files, segment, position, Buffer.allocUnsafe(batchHeaderBytes), bounds), 0)
  if (typeof header === 'string') throw new CorruptLogError(segment.logPath, position, bounds.offset, header)
  if (header.sizeBytes > until - position)
    throw new CorruptLogError(segment.logPath, position, bounds.offset, 'a batch reaches beyond the end of the log')
  const bytes = await bytesAt(files, segment, position, Buffer.allocUnsafe(header.sizeBytes), bounds)
  checkBatches(segment, position, bytes, 0, bytes.length, footing)
}

function oneBuffer(bytes: Buffer, cut: Cut): Read {
  const sizeBytes = cut.to - cut.from
  return { kind: 'read', records: [bytes.subarray(cut.from, cut.to)], sizeBytes, startOffset: cut.baseOffset, endOffset: cut.endOffset }
}
