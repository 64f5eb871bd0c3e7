import { DiskError } from '../../base/ports.ts'
import type { Millis, Offset, Timestamp } from '../../base/units.ts'
import { batchCrcIsValid, type BatchHeader, readBatchHeader } from '../../protocol/records/batch-header.ts'
import { CorruptLogError } from '../outcomes.ts'
import type { ProducerEntry } from '../producers/producer-state.ts'
import { Segment } from '../segments/segment.ts'
import { BatchFilter, type BatchFate, type BatchFindings } from './batch-filter.ts'
import type { CleaningRun } from './cleaning-run.ts'
import { batchesOf, type BatchInSegment, recordsPerLook } from './offset-map-building.ts'
import type { OffsetMap } from './offset-map.ts'
import { controlRecordOf, MarkerWatch, type TransactionEnds } from './transactions.ts'

/** What one cleaning has done so far. */
export interface CleaningTally {
  bytesBefore: number
  bytesAfter: number
  recordsBefore: number
  batchesRewritten: number
  /** Batches that this Node cannot compress in their own codec. */
  batchesInSubstituteCodec: number
}

/** What a batch may write before it is written. */
const outputBytesMax = 1024 * 1024

export interface RewriteRules {
  readonly map: OffsetMap
  readonly ends: TransactionEnds
  readonly now: Timestamp
  readonly deleteRetentionMs: Millis
  /** Where the round ends: the batch before it is left with its sequence, as Kafka does. */
  readonly endOfRound: Offset
}

/**
 * Rewrites segments into `.cleaned` files, one group after the other, in the order of the log: a marker is judged by the batches that came before it
 * (Cleaner.cleanSegments, cleanInto).
 */
export class Rewriting {
  readonly tally: CleaningTally = { bytesBefore: 0, bytesAfter: 0, recordsBefore: 0, batchesRewritten: 0, batchesInSubstituteCodec: 0 }
  private readonly run: CleaningRun
  private readonly rules: RewriteRules
  private readonly ends: TransactionEnds
  private readonly markers = new MarkerWatch()
  private output: { readonly header: BatchHeader; readonly batch: Buffer }[] = []
  private outputBytes = 0

  constructor(run: CleaningRun, rules: RewriteRules) {
    this.run = run
    this.rules = rules
    this.ends = rules.ends
  }

  /**
   * One group into one new segment, whose files are on stable storage but not yet in anybody's place. Null when nothing would be other than it is.
   * The last batch of the group stays, empty if need be: neighbours adjoin, and the end of the log stands still.
   * Rejects with DiskError, CorruptLogError, CleaningAborted, MalformedError, DecompressedTooLargeError, CodecUnavailableError; the files are
   * gone then.
   */
  async rewrite(group: readonly Segment[]): Promise<Segment | null> {
    const { log } = this.run
    const [first] = group
    const last = group.findLast((segment) => segment.size > 0)
    if (first === undefined || last === undefined) return null
    this.run.check()
    const cleaned = Segment.createCleaned(log.options.shared.files, log.directory, first, group.at(-1) ?? first)
    const rewrittenBefore = this.tally.batchesRewritten
    try {
      for (const segment of group) await this.rewriteSegment(segment, cleaned, segment === last)
      const changed = group.length > 1 || this.tally.batchesRewritten > rewrittenBefore
      this.tally.bytesAfter += cleaned.size
      if (changed) await this.finish(cleaned)
      else this.discard(cleaned)
      return changed ? cleaned : null
    } catch (error) {
      this.discard(cleaned)
      throw error
    }
  }

  /** Takes back the files, if the directory is still this log's. */
  discard(cleaned: Segment): void {
    this.output = []
    this.outputBytes = 0
    const { log } = this.run
    cleaned.close()
    if (log.closed) return
    try {
      cleaned.remove(log.ports.disk)
    } catch (error) {
      // It is taken away at the next start, or written over.
      if (!(error instanceof DiskError)) throw error
    }
  }

  private async finish(cleaned: Segment): Promise<void> {
    const { log } = this.run
    this.run.check()
    cleaned.finishIndexes()
    for (const path of [cleaned.logPath, ...cleaned.indexPaths()]) {
      // A failed sync says that the disk forgets what it was told: nothing in the directory can be trusted (S-6).
      this.run.check()
      await log.options.shared.files.pinned(path, (file) => file.sync().catch((error: unknown) => log.failWith(error)))
    }
    cleaned.unsynced = false
    cleaned.indexesUnsynced = false
  }

  private async rewriteSegment(segment: Segment, cleaned: Segment, isLast: boolean): Promise<void> {
    for await (const found of batchesOf(this.run, segment, 0)) {
      const { header, batch } = found
      if (!batchCrcIsValid(batch, 0, batch.length)) {
        const position = found.endPosition - batch.length
        throw new CorruptLogError(
          segment.logPath,
          position,
          header.baseOffset,
          'CRC-32C does not match: not rewritten, for that would hide it',
        )
      }
      const fate = await this.fateOf(found, isLast && found.endPosition === segment.size)
      this.note(header, fate)
      if (fate.kind === 'kept') this.put(header, Buffer.from(batch))
      else if (fate.kind === 'rewritten') this.put(readBatchHeader(fate.batch, 0), fate.batch)
      if (this.outputBytes >= outputBytesMax) await this.write(cleaned)
      if (this.run.isDue) await this.run.breathe()
    }
    await this.write(cleaned)
  }

  private async fateOf({ header, batch }: BatchInSegment, isLastBatch: boolean): Promise<BatchFate> {
    const hasGone = this.hasGone(header, batch)
    const findings = {
      discardRecords: header.isControl ? hasGone && header.hasDeleteHorizon && header.baseTimestamp <= this.rules.now : hasGone,
      markerOfEmptyTransaction: header.isControl && hasGone,
      leave: this.toLeave(header, isLastBatch),
    }
    const filter = new BatchFilter(header, batch, findings, this.rules)
    while (!filter.walk(recordsPerLook)) if (this.run.isDue) await this.run.breathe()
    return filter.fate()
  }

  /** Data that was aborted; a marker before which nothing of its transaction is left (Cleaner.shouldDiscardBatch). */
  private hasGone(header: BatchHeader, batch: Buffer): boolean {
    if (header.isControl) return this.markers.onControl(header, controlRecordOf(batch))
    this.markers.onData(header)
    return this.ends.isAborted(header)
  }

  private toLeave(header: BatchHeader, isLastBatch: boolean): BatchFindings['leave'] {
    if (header.lastOffset + 1 === this.rules.endOfRound) return 'sequence'
    if (isLastOfProducer(header, this.run.log.producers.entry(header.producerId))) return 'sequence'
    return isLastBatch ? 'offsets' : 'nothing'
  }

  private note(header: BatchHeader, fate: BatchFate): void {
    const { tally } = this
    tally.bytesBefore += header.sizeBytes
    tally.recordsBefore += header.recordCount
    if (fate.kind !== 'kept') tally.batchesRewritten += 1
    if (fate.kind === 'rewritten' && fate.header === 'records' && fate.codec !== header.codec) tally.batchesInSubstituteCodec += 1
  }

  private put(header: BatchHeader, batch: Buffer): void {
    this.output.push({ header, batch })
    this.outputBytes += batch.length
  }

  private async write(cleaned: Segment): Promise<void> {
    if (this.output.length === 0) return
    this.run.check()
    const { output, outputBytes } = this
    this.output = []
    this.outputBytes = 0
    cleaned.append(
      Buffer.concat(output.map((it) => it.batch)),
      output.map((it) => it.header),
      this.run.log.config,
    )
    await this.run.spend(outputBytes)
  }
}

/** What the producer's sequence is known by: its last batch, or, when it has none in this epoch, the marker that began the epoch. */
function isLastOfProducer(header: BatchHeader, entry: ProducerEntry | undefined): boolean {
  if (header.producerId < 0 || entry === undefined) return false
  const last = entry.batches.at(-1)
  if (last !== undefined) return header.lastOffset === last.lastOffset
  return header.isControl && header.producerEpoch === entry.epoch
}
