import type { Offset } from '../base/units.ts'
import type { LogState } from './log-state.ts'
import type { ReadOutcome } from './outcomes.ts'
import type { ReadBounds } from './reader.ts'
import { emptyRead, readFromSegment, readFromTail } from './reader.ts'
import type { Segment } from './segments/segment.ts'

/** Places remembered where reads of old parts ended. */
const readHintsMax = 8

export function read(log: LogState, bounds: ReadBounds): ReadOutcome | Promise<ReadOutcome> {
  const { offset } = bounds
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
    const found = await readFromSegment(log.options.shared.files, segment, startPosition(log, segment, bounds.offset), bounds).catch(
      (error: unknown) => {
        if (log.generation === generation) throw error
        return null
      },
    )
    // What was read may have been cut or deleted meanwhile: what is true now decides.
    if (found === null || log.generation !== generation) return read(log, bounds)
    if (found.exhausted) continue
    if (found.read.sizeBytes > 0) remember(log, segment, found.read.endOffset, found.nextPosition)
    return found.read
  }
}

function startPosition(log: LogState, segment: Segment, offset: Offset): number {
  const hint = log.hints.find((known) => known.offset === offset && known.segment === segment)
  return hint?.position ?? segment.index.lookup(offset).position
}

function remember(log: LogState, segment: Segment, offset: Offset, position: number): void {
  const others = log.hints.filter((hint) => hint.offset !== offset)
  log.hints = [{ offset, segment, position }, ...others.slice(0, readHintsMax - 1)]
}

function outOfRange(log: LogState): ReadOutcome {
  return { kind: 'out-of-range', logStartOffset: log.start, logEndOffset: log.end }
}
