import { DiskError } from '../base/ports.ts'
import type { Offset } from '../base/units.ts'
import type { LogState } from './log-state.ts'
import { CorruptLogError } from './outcomes.ts'
import { isWholeLog } from './reading.ts'
import { type ScanEnd, scanBatches } from './segments/scan.ts'
import type { Segment } from './segments/segment.ts'

/** What a scrubbing may use. */
export interface ScrubbingMeans {
  /** After so many bytes more: resolves when it may go on. */
  pause(bytes: number): Promise<void>
  readonly isStopped: () => boolean
}

export interface Scrubbed {
  readonly bytes: number
  /** Null: all of it is sound, as far as it was looked at. */
  readonly rot: CorruptLogError | null
}

/** Read and checked without a pause: a millisecond's work. */
const windowBytes = 256 * 1024

/**
 * Reads every batch of a log from its files, from the first to what is the end now, and checks it as a read does (checksum, order, epoch, the end of each
 * segment), so that what has gone bad is found while others still have it. Everything else may be done with the log meanwhile. Rot is
 * told of (`onRot`) and ends the round. Rejects with DiskError.
 */
export async function scrubLog(log: LogState, means: ScrubbingMeans): Promise<Scrubbed> {
  let bytes = 0
  for (const segment of [...log.segments]) {
    if (means.isStopped() || log.closed) break
    if (segment.size === 0) continue
    const { generation } = log
    const isThere = (): boolean => log.generation === generation && !log.closed
    try {
      const end = await checkSegment(log, segment, means, isThere)
      bytes += end.position
    } catch (error) {
      // A file that was cut, exchanged or removed meanwhile; the next round looks at what is there then
      if (!isThere()) continue
      if (error instanceof CorruptLogError) return { bytes, rot: log.noted(error) }
      if (error instanceof DiskError && error.code === 'EIO') return { bytes, rot: log.noted(unreadable(segment, error)) }
      throw error
    }
  }
  return { bytes, rot: null }
}

/** A sector that the disk does not give any more is rot like any other. */
function unreadable(segment: Segment, error: DiskError): CorruptLogError {
  return new CorruptLogError(segment.logPath, 0, segment.baseOffset, `cannot be read (${error.code})`)
}

async function checkSegment(log: LogState, segment: Segment, means: ScrubbingMeans, isThere: () => boolean): Promise<ScanEnd> {
  const until = segment.size
  const at = log.segments.indexOf(segment)
  const limit = log.segments[at + 1]?.baseOffset ?? log.end
  let next: Offset = segment.baseOffset
  const scan = scanBatches({ from: 0, until, checkCrc: true, windowBytes }, (header) => {
    if (header.baseOffset < next) return { problem: `offset ${header.baseOffset} where ${next} or a later one belongs` }
    const epoch = log.epochs.epochForOffset(header.baseOffset)
    if (epoch >= 0 && epoch !== header.leaderEpoch)
      return { problem: `a batch of leader epoch ${header.leaderEpoch} where the history has ${epoch}` }
    next = header.lastOffset + 1
    return next > limit ? { problem: `offset ${header.lastOffset} before ${limit}` } : 'continue'
  })
  const end = await log.options.shared.files.pinned(segment.logPath, async (file) => {
    let step = scan.next()
    while (step.done !== true && !means.isStopped() && isThere()) {
      const read = await file.readAsync(step.value.position, step.value.into)
      await means.pause(read)
      if (!isThere()) break
      step = scan.next(read)
    }
    return step.done === true ? step.value : null
  })
  if (end === null || !isThere()) return { position: 0, problem: null }
  if (end.problem !== null) throw new CorruptLogError(segment.logPath, end.position, next, end.problem)
  if (until > 0 && isWholeLog(log) && next !== limit)
    throw new CorruptLogError(segment.logPath, end.position, next, `the segment ends at offset ${next}, not at ${limit}`)
  return end
}
