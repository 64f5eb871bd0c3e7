import type { Epoch, Offset, Timestamp } from '../base/units.ts'
import type { ErrorCode } from '../protocol/errors.ts'

/** What became of an append. Exactly one shape per `kind`. */
export type AppendOutcome = Appended | Duplicate | Refused

export interface Appended {
  readonly kind: 'appended'
  readonly baseOffset: Offset
  readonly lastOffset: Offset
  /** -1 unless message.timestamp.type is LogAppendTime */
  readonly logAppendTime: Timestamp
  readonly bytes: number
  /** Records in the batches, by their headers */
  readonly recordCount: number
}

/** An idempotent producer sent again what the log holds: success, with the place where it is. Nothing was appended. */
export interface Duplicate {
  readonly kind: 'duplicate'
  readonly baseOffset: Offset
  readonly lastOffset: Offset
  readonly logAppendTime: Timestamp
}

/** Nothing was appended, nothing has changed. */
export interface Refused {
  readonly kind: 'refused'
  readonly error: ErrorCode
  readonly message: string
}

/** What a follower's append did. `appended` with 0 batches: all were of a later epoch, or a cut-off batch was all there was. */
export interface FollowerAppended {
  readonly kind: 'appended'
  readonly batches: number
  readonly bytes: number
  readonly baseOffset: Offset
  readonly lastOffset: Offset
  readonly maxTimestamp: Timestamp
  /** Batches left out because their leader epoch is above `maxEpoch` (KAFKA-18723). */
  readonly skippedBatches: number
}

export type FollowerOutcome = FollowerAppended | Refused

/** What a read found. `read` with no records: the log ends there, or the first batch is above the bounds. */
export type ReadOutcome = Read | OutOfRange

export interface Read {
  readonly kind: 'read'
  /** Whole batches in order; the first holds the offset that was asked for, or is the first after it. They must not be changed. */
  readonly records: readonly Buffer[]
  readonly sizeBytes: number
  /** Base offset of the first batch; the offset asked for when there is none. */
  readonly startOffset: Offset
  /** The offset after the last batch returned; the offset asked for when there is none. */
  readonly endOffset: Offset
}

/** Below logStartOffset or above logEndOffset. */
export interface OutOfRange {
  readonly kind: 'out-of-range'
  readonly logStartOffset: Offset
  readonly logEndOffset: Offset
}

/** `(-1, -1)` when the log knows nothing of the epoch. */
export interface EpochEnd {
  readonly epoch: Epoch
  readonly endOffset: Offset
}

export interface TimestampedOffset {
  readonly timestamp: Timestamp
  readonly offset: Offset
  readonly leaderEpoch: Epoch
}

/** One producer of DescribeProducers. */
export interface ProducerDescription {
  readonly producerId: number
  readonly producerEpoch: number
  /** -1: none yet */
  readonly lastSequence: number
  readonly lastTimestamp: Timestamp
  readonly coordinatorEpoch: number
  /** -1: no transaction is open */
  readonly currentTxnStartOffset: Offset
}

/** Bytes below the recovery point that do not check: not a torn tail but rot. The replica must refetch, never cut silently (S-5). */
export class CorruptLogError extends Error {
  override readonly name = 'CorruptLogError'
  readonly path: string
  readonly position: number
  /** Offset up to which the log is sound. */
  readonly soundUntil: Offset
  readonly reason: string
  constructor(path: string, position: number, soundUntil: Offset, reason: string) {
    super(`${path} at byte ${position}: ${reason}`)
    this.path = path
    this.position = position
    this.soundUntil = soundUntil
    this.reason = reason
  }
}
