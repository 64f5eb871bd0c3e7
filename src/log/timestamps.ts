import type { Timestamp } from '../base/units.ts'
import type { BatchHeader } from '../protocol/records/batch-header.ts'
import { readBatchHeader } from '../protocol/records/batch-header.ts'
import type { LogState } from './log-state.ts'
import type { TimestampedOffset } from './outcomes.ts'
import { CorruptLogError } from './outcomes.ts'
import { recordTimes } from './record-times.ts'
import { replayWindowBytes, run, scanBatches } from './segments/scan.ts'
import type { Segment } from './segments/segment.ts'

/** The first record at or above the log start whose timestamp is at or after `timestamp` (UnifiedLog.searchOffsetInLocalLog). */
export async function findTimestamp(log: LogState, timestamp: Timestamp): Promise<TimestampedOffset | null> {
  for (;;) {
    const { generation } = log
    const segment = log.segments.find((candidate) => candidate.size > 0 && candidate.greatestTimestamp().timestamp >= timestamp)
    if (segment === undefined) return null
    const start = Math.max(segment.timeIndex.lookup(timestamp - 1).offset, log.start)
    const found = await searchSegment(log, segment, start, (header, batch) => {
      if (header.maxTimestamp < timestamp || header.lastOffset < log.start) return null
      for (const record of timesIn(header, batch)) {
        if (record.timestamp >= timestamp && record.offset >= log.start) return { ...record, leaderEpoch: header.leaderEpoch }
      }
      return null
    })
    if (log.generation === generation) return found
  }
}

/** The first record that has the greatest timestamp of all; null when there is none with a timestamp. */
export async function findMaxTimestamp(log: LogState): Promise<TimestampedOffset | null> {
  for (;;) {
    const { generation } = log
    let latest: Segment | null = null
    let greatest = -1
    for (const segment of log.segments) {
      const { timestamp } = segment.greatestTimestamp()
      if (segment.size === 0 || timestamp <= greatest) continue
      latest = segment
      greatest = timestamp
    }
    if (latest === null) return null
    const found = await searchSegment(log, latest, latest.greatestTimestamp().offset, (header, batch) => {
      if (header.maxTimestamp < greatest) return null
      const record = [...timesIn(header, batch)].find((candidate) => candidate.timestamp === header.maxTimestamp)
      return record === undefined ? null : { ...record, leaderEpoch: header.leaderEpoch }
    })
    if (log.generation === generation) return found
  }
}

function* timesIn(header: BatchHeader, batch: Buffer): Generator<{ offset: number; timestamp: Timestamp }> {
  for (const record of recordTimes(batch)) {
    const timestamp = header.timestampType === 'LogAppendTime' ? header.maxTimestamp : record.timestamp
    yield { offset: record.offset, timestamp }
  }
}

type BatchAnswer = (header: BatchHeader, batch: Buffer) => TimestampedOffset | null

/** Asks `answer` for each batch that holds `start` or comes after it, until it has one. Rejects with DiskError, CorruptLogError. */
async function searchSegment(log: LogState, segment: Segment, start: number, answer: BatchAnswer): Promise<TimestampedOffset | null> {
  let position = segment.positionOf(start)
  const until = segment.size
  while (position < until) {
    const batch = await readBatch(log, segment, position, until)
    const found = answer(readBatchHeader(batch, 0), batch)
    if (found !== null) return found
    position += batch.length
  }
  return null
}

async function readBatch(log: LogState, segment: Segment, position: number, until: number): Promise<Buffer> {
  const { files } = log.options.shared
  let size = 0
  const scan = scanBatches({ from: position, until, checkCrc: false, windowBytes: replayWindowBytes }, (header) => {
    size = header.sizeBytes
    return 'stop'
  })
  const end = await files.pinned(segment.logPath, (file) => run(scan, file))
  if (end.problem !== null) throw new CorruptLogError(segment.logPath, position, segment.baseOffset, end.problem)
  const batch = Buffer.allocUnsafe(size)
  await files.pinned(segment.logPath, (file) => file.readAsync(position, batch))
  return batch
}
