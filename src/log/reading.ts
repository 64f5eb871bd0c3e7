import { assert } from '../base/assert.ts'
import type { Offset } from '../base/units.ts'
import type { LogState } from './log-state.ts'
import { CorruptLogError, type ReadOutcome } from './outcomes.ts'
import type { Footing, ReadBounds, SegmentRead } from './reader.ts'
import { emptyRead, readFromSegment, readFromTail } from './reader.ts'
import type { Segment } from './segments/segment.ts'

/** Places remembered where reads of old parts ended. */
const readHintsMax = 8

export function read(log: LogState, bounds: ReadBounds): ReadOutcome | Promise<ReadOutcome> {
  const { offset } = bounds
  if (log.closed && log.successor !== null) return read(log.successor, bounds)
  log.checkOpen()
  if (offset < log.start || offset > log.end) return outOfRange(log)
  if (offset >= Math.min(log.end, bounds.untilOffset)) return emptyRead(offset)
  if (offset >= log.tail.startOffset) return readFromTail(log.tail.take(offset, bounds.maxBytes), bounds)
  return readFromFiles(log, bounds)
}

async function readFromFiles(log: LogState, bounds: ReadBounds): Promise<ReadOutcome> {
  for (let i = log.segmentIndexFor(bounds.offset); ; i++) {
    const segment = log.segments[i]
    if (segment === undefined) return emptyRead(bounds.offset)
    const { generation } = log
    const found = await trustedRead(log, segment, i, bounds).catch((error: unknown) => {
      if (log.generation === generation) throw log.noted(error)
      return null
    })
    // What was read may have been cut or deleted meanwhile: what is true now decides.
    if (found === null || log.generation !== generation) return read(log, bounds)
    if (found.exhausted) continue
    if (found.read.sizeBytes > 0) remember(log, segment, found.read.endOffset, found.nextPosition)
    return found.read
  }
}

/** Where an index has led to nothing that can be believed, the segment is read from its beginning: is it the index that is wrong, or the log? */
async function trustedRead(log: LogState, segment: Segment, i: number, bounds: ReadBounds): Promise<SegmentRead> {
  const { files } = log.options.shared
  const { generation } = log
  const hint = log.hints.find((known) => known.offset === bounds.offset && known.segment === segment)
  const whole = footingOf(log, i, 0, segment.baseOffset, null)
  const entry = segment.indexedPlace(bounds.offset)
  if (entry.isAstray) distrustIndex(log, segment)
  const isAtStart = hint === undefined && entry.position === 0
  const footing =
    hint === undefined
      ? footingOf(log, i, entry.position, segment.baseOffset, isAtStart ? null : entry.offset)
      : footingOf(log, i, hint.position, hint.offset, null)
  let isWrong = false
  try {
    const found = await readFromSegment(files, segment, footing, bounds)
    if (found !== 'doubtful') return found
  } catch (error) {
    if (!(error instanceof CorruptLogError) || isAtStart || hint !== undefined || log.generation !== generation) throw error
    isWrong = true
  }
  const found = await readFromSegment(files, segment, whole, bounds)
  assert(found !== 'doubtful', 'the start of a segment is not in doubt')
  if (isWrong && log.generation === generation) distrustIndex(log, segment)
  return found
}

/** Nothing was taken out here: segments adjoin without a gap between their batches (see `commit` in appending.ts). */
export function isWholeLog(log: LogState): boolean {
  return log.cleanedOffset === null && !log.config.cleanupCompact
}

function footingOf(log: LogState, i: number, position: number, from: Offset, entry: Offset | null): Footing {
  return {
    position,
    from,
    entry,
    until: log.segments[i + 1]?.baseOffset ?? log.end,
    isWhole: isWholeLog(log),
    epochOf: (offset) => log.epochs.epochForOffset(offset),
  }
}

/** Its entries go; what it would have led to is found from the beginning of the segment, until a recovery makes it anew. */
function distrustIndex(log: LogState, segment: Segment): void {
  log.ports.log.write('warn', 'index-rotten', `${segment.index.file.path} does not fit its log: its entries are dropped`)
  segment.indexesUnsynced = true
  segment.index.file.reset()
}

function remember(log: LogState, segment: Segment, offset: Offset, position: number): void {
  const others = log.hints.filter((hint) => hint.offset !== offset)
  log.hints = [{ offset, segment, position }, ...others.slice(0, readHintsMax - 1)]
}

function outOfRange(log: LogState): ReadOutcome {
  return { kind: 'out-of-range', logStartOffset: log.start, logEndOffset: log.end }
}
