import { assert } from '../../base/assert.ts'
import type { Offset } from '../../base/units.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import type { Read, ReadOutcome } from '../../log/outcomes.ts'
import { baseOffsetAt } from '../../protocol/records/batch-header.ts'

/** The log cannot be copied: it does not hold what it should, or the copy does not take it. */
export class CopyError extends Error {
  override readonly name = 'CopyError'
}

/**
 * A copy of a log of this broker, made batch by batch as a follower makes it, from a log that goes on growing, may be cut and may lose its beginning.
 *
 *  1. The copy is at each moment a stretch of the log as it is now, from its start: a cut of the log is made in the copy in the same turn (`truncated`), and
 *     what was read before a cut is not appended after it.
 *  2. A copy that was found at a start is first cut to what it has in common with the log (`align`): the log may have been cut where the copy was not.
 *
 * Every call throws DiskError (or rejects with it); the caller tells by the failure of the directories whose it is.
 */
export class ReplicaCopy {
  readonly log: PartitionLog
  private readonly source: PartitionLog
  /** Counts cuts of the source. */
  private cuts = 0

  constructor(source: PartitionLog, copy: PartitionLog) {
    this.source = source
    this.log = copy
  }

  get lag(): Offset {
    return Math.max(0, this.source.logEndOffset - this.log.logEndOffset)
  }

  get isLevel(): boolean {
    return this.log.logEndOffset === this.source.logEndOffset && this.log.logStartOffset === this.source.logStartOffset
  }

  /** KIP-101, between two logs of one broker: of the last epoch of the copy, and of those before, no more is kept than the log has. */
  align(): void {
    const { source, log } = this
    for (;;) {
      const epoch = log.latestEpoch
      const end = source.endOffsetForEpoch(epoch)
      const common = epoch < 0 ? log.logEndOffset : Math.min(end.endOffset, log.endOffsetForEpoch(end.epoch).endOffset)
      if (common >= log.logEndOffset) break
      this.cutTo(Math.max(common, 0))
      if (end.epoch === epoch || log.logEndOffset === log.logStartOffset) break
    }
    this.truncated()
  }

  /** In the turn in which the source was cut, or lost its beginning. */
  truncated(): void {
    this.cuts += 1
    if (this.log.logEndOffset > this.source.logEndOffset) this.cutTo(this.source.logEndOffset)
    this.followStart()
  }

  /** Bytes copied; 0: the copy has all there is. */
  async step(maxBytes: number): Promise<number> {
    const { cuts } = this
    this.followStart()
    if (this.log.logEndOffset >= this.source.logEndOffset) return 0
    const outcome = await this.read(maxBytes)
    return cuts === this.cuts ? this.take(outcome) : 1
  }

  /** As many steps as it takes, within this turn; false when not all that is missing is in memory, or it is more than `maxBytes`. */
  stepNow(maxBytes: number): boolean {
    this.followStart()
    let left = maxBytes
    while (this.log.logEndOffset < this.source.logEndOffset) {
      const outcome = left > 0 ? this.read(left) : null
      if (outcome === null || outcome instanceof Promise) {
        // Asked for and not wanted: whether it can be read shows with the next step
        void outcome?.catch(() => undefined)
        return false
      }
      left -= this.take(outcome)
    }
    return this.isLevel
  }

  private read(maxBytes: number): ReadOutcome | Promise<ReadOutcome> {
    return this.source.read(this.log.logEndOffset, maxBytes, this.source.logEndOffset, true)
  }

  private take(outcome: ReadOutcome): number {
    if (outcome.kind !== 'read') {
      this.followStart()
      return 1
    }
    if (outcome.sizeBytes === 0)
      throw new CopyError(`nothing is found at ${outcome.startOffset}, the log ends at ${this.source.logEndOffset}`)
    for (const records of outcome.records) this.append(records)
    this.followStart()
    return outcome.sizeBytes
  }

  private append(records: Read['records'][number]): void {
    const base = baseOffsetAt(records, 0)
    const { log } = this
    // The log starts in the middle of a batch, which is copied whole
    if (log.logStartOffset === log.logEndOffset && base < log.logEndOffset) log.truncateFullyAndStartAt(base)
    const outcome = log.appendAsFollower(records, this.source.latestEpoch)
    if (outcome.kind === 'refused') throw new CopyError(`a batch at ${base} is not taken: ${outcome.message}`)
    if (outcome.skippedBatches > 0) throw new CopyError(`a batch at ${base} is of a later epoch than the log`)
  }

  /** Where the log's beginning went, that of the copy goes. */
  private followStart(): void {
    const { source, log } = this
    const start = source.logStartOffset
    if (start > log.logEndOffset) this.beginAt(start)
    else if (start < log.logStartOffset) this.beginAt(start)
    else if (start > log.logStartOffset) log.advanceLogStartOffset(start)
  }

  private beginAt(offset: Offset): void {
    this.log.truncateFullyAndStartAt(offset)
    assert(this.log.logStartOffset === offset, 'a copy begins where its log does')
  }

  private cutTo(offset: Offset): void {
    if (offset <= this.log.logStartOffset) this.beginAt(this.source.logStartOffset)
    else this.log.truncateTo(offset)
  }
}
