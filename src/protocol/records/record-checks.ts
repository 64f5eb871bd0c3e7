import type { Timestamp } from '../../base/units.ts'
import { ErrorCode } from '../errors.ts'
import { MalformedError } from '../reader.ts'
import type { BatchHeader } from './batch-header.ts'
import { RecordCursor } from './record-cursor.ts'

/** What a leader asks of each record (org.apache.kafka.storage.internals.log.LogValidator). */
export interface RecordRules {
  /** The topic is compacted: every record needs a key. */
  readonly compacted: boolean
  /** Of the topic. With LogAppendTime the producer's timestamps do not matter. */
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
  readonly now: Timestamp
  /** `message.timestamp.before.max.ms`, `message.timestamp.after.max.ms` */
  readonly timestampBeforeMaxMs: number
  readonly timestampAfterMaxMs: number
}

export interface RecordError {
  readonly batchIndex: number
  readonly batchIndexErrorMessage: string
}

export interface RecordsRefused {
  readonly error: typeof ErrorCode.INVALID_RECORD | typeof ErrorCode.INVALID_TIMESTAMP
  readonly message: string
  readonly recordErrors: readonly RecordError[]
}

export interface RecordsSound {
  /** The greatest of the records' timestamps, whatever the header says. */
  readonly maxTimestamp: Timestamp
  /** Offset deltas are 0, 1, 2, … : the batch can be taken as it is. */
  readonly offsetsAreConsecutive: boolean
}

/** So many records are named one by one in an answer; a client counts the others as failed with them. */
export const recordErrorsMax = 100
const recordErrorsShown = 3
const NO_TIMESTAMP = -1

/**
 * Walks all records, which a leader must: a batch that lies about its count or whose records do not parse would fail in every consumer, and in
 * the log cleaner. `plain` are the records' bytes, decompressed.
 */
export function checkRecords(header: BatchHeader, plain: Buffer, rules: RecordRules): RecordsRefused | RecordsSound {
  const walk = new RecordsWalk(header, rules)
  try {
    walk.run(plain)
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    return {
      error: ErrorCode.INVALID_RECORD,
      message: `The records of the batch are not what its header says: ${error.message}`,
      recordErrors: [],
    }
  }
  return walk.refusal() ?? { maxTimestamp: walk.maxTimestamp, offsetsAreConsecutive: walk.offsetsAreConsecutive }
}

class RecordsWalk {
  maxTimestamp: Timestamp = NO_TIMESTAMP
  offsetsAreConsecutive = true
  private readonly header: BatchHeader
  private readonly rules: RecordRules
  private readonly timestampMin: number
  private readonly timestampMax: number
  private readonly errors: RecordError[] = []
  private errorCount = 0
  private timestampErrors = 0

  constructor(header: BatchHeader, rules: RecordRules) {
    const checked = rules.timestampType === 'CreateTime'
    this.header = header
    this.rules = rules
    // whatever the topic allows, a time before 1970 or beyond the safe integers is none that could be stored and looked up
    this.timestampMin = checked ? Math.max(0, rules.now - rules.timestampBeforeMaxMs) : 0
    this.timestampMax = checked ? Math.min(Number.MAX_SAFE_INTEGER, rules.now + rules.timestampAfterMaxMs) : Number.MAX_SAFE_INTEGER
  }

  run(plain: Buffer): void {
    const { header, rules } = this
    const cursor = new RecordCursor(plain)
    for (let i = 0; i < header.recordCount; i += 1) {
      cursor.next()
      if (cursor.offsetDelta !== i) this.offsetsAreConsecutive = false
      const timestamp = header.baseTimestamp + cursor.timestampDelta
      if (timestamp > this.maxTimestamp) this.maxTimestamp = timestamp
      if (rules.compacted && cursor.keyLength < 0) this.fail(i, 'Compacted topic cannot accept message without key.')
      else if (timestamp !== NO_TIMESTAMP && (timestamp < this.timestampMin || timestamp > this.timestampMax))
        this.failTimestamp(i, timestamp)
    }
    if (!cursor.atEnd) throw new MalformedError(`${plain.length - cursor.position} bytes after the last of ${header.recordCount} records`)
  }

  private fail(batchIndex: number, batchIndexErrorMessage: string): void {
    this.errorCount += 1
    if (this.errors.length < recordErrorsMax) this.errors.push({ batchIndex, batchIndexErrorMessage })
  }

  private failTimestamp(batchIndex: number, timestamp: Timestamp): void {
    this.timestampErrors += 1
    this.fail(
      batchIndex,
      `Timestamp ${timestamp} of message with offset ${batchIndex} is out of range. The timestamp should be within [${this.timestampMin}, ${this.timestampMax}]`,
    )
  }

  refusal(): RecordsRefused | null {
    if (this.errorCount === 0) return null
    const recordErrors = this.errors
    if (this.timestampErrors > 0) {
      return {
        error: ErrorCode.INVALID_TIMESTAMP,
        message: 'One or more records have been rejected due to invalid timestamp',
        recordErrors,
      }
    }
    const shown = recordErrors
      .slice(0, recordErrorsShown)
      .map((it) => `record ${it.batchIndex}: ${it.batchIndexErrorMessage}`)
      .join('; ')
    const message = `One or more records have been rejected due to ${this.errorCount} record errors in total, and only showing the first three errors at most: ${shown}`
    return { error: ErrorCode.INVALID_RECORD, message, recordErrors }
  }
}
