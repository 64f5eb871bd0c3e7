import type { Epoch, Offset, Timestamp } from '../base/units.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { BatchHeader } from '../protocol/records/batch-header.ts'
import { batchCrcIsValid, batchHeaderBytes, readBatchHeader, stampBatch, stampLogAppendTime } from '../protocol/records/batch-header.ts'
import { headerOrProblem } from './segments/batch.ts'
import { producerAppendOf } from './producers/end-marker.ts'
import type { LogConfig } from './log-config.ts'
import type { Duplicate, Refused } from './outcomes.ts'
import type { ProducerAppend, ProducerEntry, ProducerState } from './producers/producer-state.ts'
import { nextEntry } from './producers/producer-state.ts'

export interface AppendPlan {
  readonly kind: 'plan'
  readonly batches: readonly BatchHeader[]
  /** The bytes of `batches`, at the start of what was given. */
  readonly bytes: number
  readonly recordCount: number
}

export interface LeaderAppend {
  readonly records: Buffer
  readonly leaderEpoch: Epoch
  readonly now: Timestamp
  readonly logEndOffset: Offset
  readonly config: LogConfig
}

/** Decides on a leader's append; changes nothing, not even the bytes (`stamp` does that). */
export function planLeaderAppend(append: LeaderAppend, producers: ProducerState): AppendPlan | Duplicate | Refused {
  const { records, config } = append
  const batches: BatchHeader[] = []
  const changed = new Map<number, ProducerEntry>()
  let offset = append.logEndOffset
  let recordCount = 0
  for (let at = 0; at < records.length;) {
    const header = wholeBatch(records, at)
    if (header === null) return refused(ErrorCode.CORRUPT_MESSAGE, `no whole batch at byte ${at} of ${records.length}`)
    if (header.sizeBytes > config.maxMessageBytes) {
      return refused(ErrorCode.MESSAGE_TOO_LARGE, `batch of ${header.sizeBytes} bytes, max.message.bytes is ${config.maxMessageBytes}`)
    }
    const data = producerAppendOf(header, header.isControl ? records.subarray(at, at + header.sizeBytes) : null, offset)
    const verdict = data === null ? null : checkProducer(data, producers, changed, config.timestampType === 'LogAppendTime')
    if (verdict !== null) return verdict
    batches.push(header)
    offset += header.lastOffsetDelta + 1
    recordCount += header.recordCount
    at += header.sizeBytes
  }
  if (batches.length === 0) return refused(ErrorCode.INVALID_RECORD, 'no batch')
  if (records.length > config.segmentBytes) {
    return refused(ErrorCode.RECORD_LIST_TOO_LARGE, `${records.length} bytes, segment.bytes is ${config.segmentBytes}`)
  }
  return { kind: 'plan', batches, bytes: records.length, recordCount }
}

function checkProducer(
  append: ProducerAppend,
  producers: ProducerState,
  changed: Map<number, ProducerEntry>,
  logAppendTime: boolean,
): Duplicate | Refused | null {
  const before = changed.get(append.producerId) ?? producers.entry(append.producerId)
  const verdict = producers.check(append, before)
  if (verdict.kind === 'refuse') return refused(verdict.error, verdict.message)
  if (verdict.kind === 'duplicate') {
    const { lastOffset, offsetDelta, timestamp } = verdict.batch
    return { kind: 'duplicate', baseOffset: lastOffset - offsetDelta, lastOffset, logAppendTime: logAppendTime ? timestamp : -1 }
  }
  const after = nextEntry(before, append)
  if (after !== undefined) changed.set(append.producerId, after)
  return null
}

/** Gives the planned batches their place, in the bytes themselves; the plan that comes back says what they have become. */
export function stamp(append: LeaderAppend, plan: AppendPlan): AppendPlan {
  const { records, leaderEpoch, config, now } = append
  const batches: BatchHeader[] = []
  let offset = append.logEndOffset
  let at = 0
  for (const { sizeBytes } of plan.batches) {
    stampBatch(records, at, offset, leaderEpoch)
    if (config.timestampType === 'LogAppendTime') stampLogAppendTime(records, at, now)
    const placed = readBatchHeader(records, at)
    batches.push(placed)
    offset = placed.lastOffset + 1
    at += sizeBytes
  }
  return { kind: 'plan', batches, bytes: plan.bytes, recordCount: plan.recordCount }
}

export interface FollowerPlan extends AppendPlan {
  readonly skippedBatches: number
}

/** Decides on batches that come as a leader made them: what is whole, sound, in order and not of a later epoch. Changes nothing. */
export function planFollowerAppend(records: Buffer, logEndOffset: Offset, maxEpoch: Epoch): FollowerPlan | Refused {
  const batches: BatchHeader[] = []
  let next = logEndOffset
  let recordCount = 0
  let at = 0
  let skippedBatches = 0
  while (at + batchHeaderBytes <= records.length) {
    const header = headerOrProblem(records, at)
    if (typeof header === 'string') return refused(ErrorCode.CORRUPT_MESSAGE, header)
    if (at + header.sizeBytes > records.length) break
    if (!batchCrcIsValid(records, at, header.sizeBytes))
      return refused(ErrorCode.CORRUPT_MESSAGE, `CRC-32C of the batch at offset ${header.baseOffset}`)
    if (header.leaderEpoch > maxEpoch) {
      skippedBatches = 1
      break
    }
    if (header.baseOffset < next)
      return refused(ErrorCode.OFFSET_OUT_OF_RANGE, `offset ${header.baseOffset} where ${next} or later comes next`)
    batches.push(header)
    next = header.lastOffset + 1
    recordCount += header.recordCount
    at += header.sizeBytes
  }
  return { kind: 'plan', batches, bytes: at, recordCount, skippedBatches }
}

function wholeBatch(records: Buffer, at: number): BatchHeader | null {
  const header = headerOrProblem(records, at)
  return typeof header !== 'string' && at + header.sizeBytes <= records.length ? header : null
}

export function refused(error: ErrorCode, message: string): Refused {
  return { kind: 'refused', error, message }
}
