import { assert } from '../../base/assert.ts'
import type { Clock } from '../../base/ports.ts'
import type { Offset } from '../../base/units.ts'
import type { ReadOutcome } from '../../log/outcomes.ts'
import { MalformedError } from '../../protocol/reader.ts'
import { batchCrcIsValid, batchHeaders, type BatchHeader } from '../../protocol/records/batch-header.ts'

/** A log to read; `PartitionLog` is one. */
export interface ReadableLog {
  readonly topic: string
  readonly partition: number
  readonly logStartOffset: Offset
  readonly logEndOffset: Offset
  /** Whole batches; rejects with DiskError, CorruptLogError. */
  read(offset: Offset, maxBytes: number, untilOffset: Offset, minOneMessage: boolean): ReadOutcome | Promise<ReadOutcome>
}

/** One batch of a log on its way into a ledger. */
export type TakeBatch = (header: BatchHeader, bytes: Buffer, at: number) => void

export interface LoadOptions {
  readonly clock: Clock
  /** Read and decoded in one turn; between turns others are served. */
  readonly chunkBytes: number
  /** Asked between chunks: nobody wants the rest. */
  readonly cancelled: () => boolean
}

export interface LoadedLog {
  readonly endOffset: Offset
  readonly bytes: number
}

/**
 * Gives every batch from the start of the log to where it ends when asked, in order. Null: cancelled. Rejects with DiskError, CorruptLogError, and with
 * what `take` throws. A log whose start moves away while it is read (retention, DeleteRecords) is read on from its new start.
 */
export async function loadLog(log: ReadableLog, options: LoadOptions, take: TakeBatch): Promise<LoadedLog | null> {
  const endOffset = log.logEndOffset
  let next = log.logStartOffset
  let bytes = 0
  while (next < endOffset) {
    const outcome = await log.read(next, options.chunkBytes, endOffset, true)
    if (options.cancelled()) return null
    if (outcome.kind !== 'read') {
      assert(
        outcome.logStartOffset > next,
        `${log.topic}-${log.partition} was cut to ${outcome.logEndOffset} while its leader read it at ${next}`,
      )
      next = outcome.logStartOffset
      continue
    }
    for (const buffer of outcome.records) takeAll(buffer, take)
    bytes += outcome.sizeBytes
    if (outcome.endOffset === next) break
    next = outcome.endOffset
    await turn(options.clock)
    if (options.cancelled()) return null
  }
  return { endOffset, bytes }
}

function takeAll(buffer: Buffer, take: TakeBatch): void {
  for (const { header, at } of batchHeaders(buffer)) {
    if (!batchCrcIsValid(buffer, at, header.sizeBytes))
      throw new MalformedError(`the checksum of the batch at offset ${header.baseOffset} is wrong`)
    take(header, buffer, at)
  }
}

function turn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.after(0, resolve))
}
