import type { Offset, Timestamp } from '../base/units.ts'
import type { BatchHeader } from '../protocol/records/batch-header.ts'
import type { LogState } from './log-state.ts'
import type { TimestampedOffset } from './outcomes.ts'
import { CorruptLogError } from './outcomes.ts'
import type { RecordTime } from './record-times.ts'
import { findRecord } from './record-times.ts'
import { replayWindowBytes, run, scanBatches } from './segments/scan.ts'
import type { Segment } from './segments/segment.ts'

/** The first record at or above the log start whose timestamp is at or after `timestamp` (UnifiedLog.searchOffsetInLocalLog). */
export function findTimestamp(log: LogState, timestamp: Timestamp): Promise<TimestampedOffset | null> {
  return untilUndisturbed(log, async () => {
    for (const segment of [...log.segments]) {
      if (segment.size === 0 || segment.greatestTimestamp().timestamp < timestamp) continue
      const found = await searchSegment(log, segment, {
        from: Math.max(segment.offsetBefore(timestamp), log.start),
        mayHold: (header) => header.maxTimestamp >= timestamp && header.lastOffset >= log.start,
        isWanted: (record) => record.timestamp >= timestamp && record.offset >= log.start,
      })
      if (found !== null) return found
    }
    return null
  })
}

/** The first record that has the greatest timestamp of all; null when there is none with a timestamp. */
export function findMaxTimestamp(log: LogState): Promise<TimestampedOffset | null> {
  return untilUndisturbed(log, async () => {
    const latest = segmentWithGreatestTimestamp(log)
    if (latest === null) return null
    const greatest = latest.greatestTimestamp()
    return searchSegment(log, latest, {
      from: greatest.offset,
      mayHold: (header) => header.maxTimestamp >= greatest.timestamp,
      isWanted: (record) => record.timestamp >= greatest.timestamp,
    })
  })
}

function segmentWithGreatestTimestamp(log: LogState): Segment | null {
  let latest: Segment | null = null
  let greatest = -1
  for (const segment of log.segments) {
    const { timestamp } = segment.greatestTimestamp()
    if (timestamp <= greatest) continue
    latest = segment
    greatest = timestamp
  }
  return latest
}

/** What a truncation or a deletion has disturbed is looked for again. */
async function untilUndisturbed(log: LogState, search: () => Promise<TimestampedOffset | null>): Promise<TimestampedOffset | null> {
  for (;;) {
    log.checkOpen()
    const { generation } = log
    const found = await search().catch((error: unknown) => {
      if (log.generation === generation) throw log.noted(error)
      return null
    })
    if (log.generation === generation) return found
  }
}

interface Search {
  readonly from: Offset
  readonly mayHold: (header: BatchHeader) => boolean
  readonly isWanted: (record: RecordTime) => boolean
}

/** Headers are walked; only a batch that may hold the record is read and, if need be, decompressed. Rejects with DiskError, CorruptLogError. */
async function searchSegment(log: LogState, segment: Segment, search: Search): Promise<TimestampedOffset | null> {
  const { files } = log.options.shared
  const until = segment.size
  let position = segment.positionOf(search.from)
  while (position < until) {
    const candidate: { header: BatchHeader | null } = { header: null }
    const scan = scanBatches({ from: position, until, checkCrc: false, windowBytes: replayWindowBytes }, (header) => {
      if (!search.mayHold(header)) return 'continue'
      candidate.header = header
      return 'stop'
    })
    const end = await files.pinned(segment.logPath, (file) => run(scan, file))
    if (end.problem !== null) throw new CorruptLogError(segment.logPath, end.position, segment.baseOffset, end.problem)
    if (candidate.header === null) return null
    const found = await searchBatch(log, segment, end.position, candidate.header, search)
    if (found !== null) return found
    position = end.position + candidate.header.sizeBytes
  }
  return null
}

async function searchBatch(
  log: LogState,
  segment: Segment,
  position: number,
  header: BatchHeader,
  search: Search,
): Promise<TimestampedOffset | null> {
  const batch = Buffer.allocUnsafe(header.sizeBytes)
  const read = await log.options.shared.files.pinned(segment.logPath, (file) => file.readAsync(position, batch))
  if (read < batch.length) throw new CorruptLogError(segment.logPath, position, header.baseOffset, 'the file is shorter than the log')
  const found = findRecord(header, batch, search.isWanted)
  return found === null ? null : { ...found, leaderEpoch: header.leaderEpoch }
}
