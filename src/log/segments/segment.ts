import { assert } from '../../base/assert.ts'
import type { Disk } from '../../base/ports.ts'
import { DiskError } from '../../base/ports.ts'
import type { Offset, Timestamp } from '../../base/units.ts'
import type { BatchHeader } from '../../protocol/records/batch-header.ts'
import { batchHeaderBytes, int64At, maxTimestampAtByte } from '../../protocol/records/batch-header.ts'
import { type LogConfig, maxSegmentMs } from '../log-config.ts'
import { OffsetIndex, offsetIndexEntryBytes } from './offset-index.ts'
import type { OpenFiles } from '../open-files.ts'
import { CorruptLogError } from '../outcomes.ts'
import { lookupWindowBytes, runNow, scanBatches } from './scan.ts'
import {
  emptySizes,
  fileSize,
  readable,
  type SegmentEnd,
  type SegmentPlace,
  type SegmentSizes,
  type SegmentStage,
} from './segment-parts.ts'
import { TimeIndex, type TimeIndexEntry, timeIndexEntryBytes } from './time-index.ts'

export const segmentSuffix = {
  log: '.log',
  index: '.index',
  timeIndex: '.timeindex',
  snapshot: '.snapshot',
  txnIndex: '.txnindex',
} as const

/** What an index entry can hold beyond the base offset. */
export const relativeOffsetMax = 0x7fff_ffff

const ledAstray = 'an index leads to where its log has something else'

/** Kafka's file names: the base offset in 20 digits. */
export function segmentName(baseOffset: Offset): string {
  return String(baseOffset).padStart(20, '0')
}

/** A write failed and the file could not be brought back to what it was: the log's state on disk is unknown. */
export class UndoError extends Error {
  override readonly name = 'UndoError'
  readonly disk: DiskError
  constructor(disk: DiskError) {
    super(`a failed write could not be undone: ${disk.message}`)
    this.disk = disk
  }
}

/**
 * A stretch of the log: one `.log` file with its two indexes (org.apache.kafka.storage.internals.log.LogSegment).
 *
 * Invariants: `size` is the length of the file and ends at a batch; every index entry points at a batch below `size`; the time index is
 * never behind the offset index. Files are opened through the shared `OpenFiles` when they are needed.
 */
export class Segment {
  readonly baseOffset: Offset
  readonly logPath: string
  readonly index: OffsetIndex
  readonly timeIndex: TimeIndex
  size: number
  /** False for a segment found on disk without its index files. */
  readonly indexFilesExist: boolean
  /** The log file is not known to be on stable storage. */
  unsynced = true
  /** The same of the index files. */
  indexesUnsynced = true
  /** Greatest timestamp and the last offset of the batch that brought it; null: not read from the files yet. */
  private greatest: { readonly timestamp: Timestamp; readonly offset: Offset } | null
  private firstTimestamp: Timestamp | null = null
  private readonly createdAt: Timestamp
  private bytesSinceIndexEntry = 0
  private readonly files: OpenFiles
  private readonly directory: string
  private readonly stage: SegmentStage

  private constructor(place: SegmentPlace, sizes: SegmentSizes, createdAt: Timestamp) {
    const { files, directory, baseOffset, stage } = place
    this.files = files
    this.baseOffset = baseOffset
    this.directory = directory
    this.stage = stage
    this.logPath = this.pathOf('log')
    this.index = new OffsetIndex(files, this.pathOf('index'), baseOffset, sizes.indexEntries)
    this.timeIndex = new TimeIndex(files, this.pathOf('timeIndex'), baseOffset, sizes.timeIndexEntries)
    this.size = sizes.logBytes
    this.indexFilesExist = sizes.indexFilesExist
    this.greatest = sizes.logBytes === 0 ? { timestamp: -1, offset: baseOffset } : null
    this.createdAt = createdAt
  }

  /** An empty segment. Its files come with the first append, unless `makeFile`: then an empty log file marks where the log begins. */
  static create(files: OpenFiles, directory: string, baseOffset: Offset, now: Timestamp, makeFile: boolean): Segment {
    const segment = new Segment({ files, directory, baseOffset, stage: '' }, emptySizes, now)
    if (makeFile) segment.makeEmptyFile()
    return segment
  }

  /** An empty one in `.cleaned` files, for what stays of the segments from `first` to `last` (UnifiedLog.createNewCleanedSegment). Throws DiskError. */
  static createCleaned(files: OpenFiles, directory: string, first: Segment, last: Segment): Segment {
    const segment = new Segment({ files, directory, baseOffset: first.baseOffset, stage: '.cleaned' }, emptySizes, last.createdAt)
    segment.makeEmptyFile()
    segment.resetIndexes()
    return segment
  }

  /** Gives the files the names of another stage, the log's last, and the segment that they are now. Indexes must be finished. Throws DiskError. */
  renamed(disk: Disk, stage: SegmentStage): Segment {
    const sizes = {
      ...emptySizes,
      logBytes: this.size,
      indexEntries: this.index.file.entries,
      timeIndexEntries: this.timeIndex.file.entries,
    }
    const { files, directory, baseOffset } = this
    const segment = new Segment({ files, directory, baseOffset, stage }, sizes, this.createdAt)
    this.close()
    segment.close()
    for (const kind of ['index', 'timeIndex', 'log'] as const) disk.rename(this.pathOf(kind), segment.pathOf(kind))
    segment.greatest = this.greatest
    segment.unsynced = this.unsynced
    segment.indexesUnsynced = this.indexesUnsynced
    return segment
  }

  /** The same after its directory has got another name. Indexes must be finished. */
  movedTo(directory: string): Segment {
    const sizes = {
      logBytes: this.size,
      indexEntries: this.index.file.entries,
      timeIndexEntries: this.timeIndex.file.entries,
      indexFilesExist: this.indexFilesExist,
    }
    const { files, baseOffset, stage } = this
    const segment = new Segment({ files, directory, baseOffset, stage }, sizes, this.createdAt)
    this.close()
    segment.greatest = this.greatest
    segment.firstTimestamp = this.firstTimestamp
    segment.bytesSinceIndexEntry = this.bytesSinceIndexEntry
    return segment
  }

  private makeEmptyFile(): void {
    const file = this.files.use(this.logPath, true)
    if (file.size() > 0) file.truncate(0)
  }

  private pathOf(kind: keyof typeof segmentSuffix): string {
    return `${this.directory}/${segmentName(this.baseOffset)}${segmentSuffix[kind]}${this.stage}`
  }

  /** One that is on disk, with what its index files hold; a missing or lopsided index file counts as empty (`indexesAreSane`). */
  static load(files: OpenFiles, disk: Disk, directory: string, baseOffset: Offset, names: ReadonlySet<string>, now: Timestamp): Segment {
    const name = segmentName(baseOffset)
    const sizeOf = (suffix: string): number => (names.has(name + suffix) ? fileSize(disk, `${directory}/${name}${suffix}`) : 0)
    const sizes = {
      logBytes: sizeOf(segmentSuffix.log),
      indexEntries: Math.floor(sizeOf(segmentSuffix.index) / offsetIndexEntryBytes),
      timeIndexEntries: Math.floor(sizeOf(segmentSuffix.timeIndex) / timeIndexEntryBytes),
      indexFilesExist: names.has(name + segmentSuffix.index) && names.has(name + segmentSuffix.timeIndex),
    }
    return new Segment({ files, directory, baseOffset, stage: '' }, sizes, now)
  }

  /** Writes at the end. On DiskError the segment is what it was before; throws UndoError when even that failed. */
  append(records: Buffer, batches: readonly BatchHeader[], config: LogConfig): void {
    this.write(records)
    this.unsynced = true
    this.indexesUnsynced = true
    let position = this.size
    for (const batch of batches) {
      this.noteBatch(batch, position, config.indexIntervalBytes)
      position += batch.sizeBytes
    }
    assert(position - this.size === records.length, 'headers do not cover the bytes appended')
    this.size = position
  }

  /** What an append (or a recovery) does for each batch besides its bytes. */
  noteBatch(batch: BatchHeader, position: number, indexIntervalBytes: number): void {
    const greatest = this.greatest ?? { timestamp: -1, offset: this.baseOffset }
    if (position === 0) this.firstTimestamp = batch.maxTimestamp
    // A batch that compaction has emptied has no record that anybody could look for by its time.
    const counts = batch.recordCount > 0 && batch.maxTimestamp > greatest.timestamp
    this.greatest = counts ? { timestamp: batch.maxTimestamp, offset: batch.lastOffset } : greatest
    if (this.bytesSinceIndexEntry > indexIntervalBytes) {
      this.index.append(batch.lastOffset, position)
      this.timeIndex.maybeAppend(this.greatest.timestamp, this.greatest.offset)
      this.bytesSinceIndexEntry = 0
    }
    this.bytesSinceIndexEntry += batch.sizeBytes
  }

  /** Must a new segment take what comes next? (LogSegment.shouldRoll) */
  shouldRoll(config: LogConfig, comingBytes: number, comingTimestamp: Timestamp, comingLastOffset: Offset, now: Timestamp): boolean {
    if (comingLastOffset - this.baseOffset > relativeOffsetMax) return true
    if (this.size === 0) return false
    if (this.size > config.segmentBytes - comingBytes) return true
    if (this.index.file.entries >= Math.floor(config.segmentIndexBytes / offsetIndexEntryBytes)) return true
    if (this.timeIndex.file.entries >= Math.floor(config.segmentIndexBytes / timeIndexEntryBytes) - 1) return true
    return this.ageAt(comingTimestamp, now) > maxSegmentMs(config) - config.segmentJitterMs
  }

  /** By the timestamps of its batches when they have any, otherwise by when it was opened. */
  private ageAt(timestamp: Timestamp, now: Timestamp): number {
    const first = this.readFirstTimestamp()
    return first >= 0 && timestamp >= 0 ? timestamp - first : now - this.createdAt
  }

  /** Greatest timestamp of the first batch; -1 when there is none. Throws DiskError. */
  readFirstTimestamp(): Timestamp {
    if (this.firstTimestamp === null) {
      const header = Buffer.allocUnsafe(batchHeaderBytes)
      const read = this.files.use(this.logPath).read(0, header)
      this.firstTimestamp = read === header.length ? int64At(header, maxTimestampAtByte) : -1
    }
    return this.firstTimestamp
  }

  /** The greatest timestamp of the segment; -1 when it has none. Reads the end of the time index once. Throws DiskError. */
  greatestTimestamp(): { readonly timestamp: Timestamp; readonly offset: Offset } {
    if (this.greatest === null) this.readEnd()
    assert(this.greatest !== null, 'the end of the segment was read')
    return this.greatest
  }

  /** What retention.ms is measured from: the greatest timestamp, or when the segment was opened if it has none. Throws DiskError. */
  retentionTimestamp(): Timestamp {
    const { timestamp } = this.greatestTimestamp()
    return timestamp >= 0 ? timestamp : this.createdAt
  }

  /**
   * Offset after the last batch, and on the way the greatest timestamp: from the last index entry on, or from the beginning where the indexes do not fit
   * the log (`checkCrc`: such an index is a problem to be told). Throws DiskError.
   */
  readEnd(checkCrc = false): SegmentEnd {
    if (this.size === 0) return { nextOffset: this.baseOffset, position: 0, problem: null }
    const from = readable(() => this.index.last())?.position ?? 0
    const greatest = this.confirmed(readable(() => this.timeIndex.last()))
    const end = greatest === null ? null : this.walkToEnd(from, greatest, checkCrc)
    if (end !== null && (end.problem === null || checkCrc || from === 0)) return end
    return this.walkToEnd(0, { timestamp: -1, offset: this.baseOffset }, checkCrc)
  }

  private walkToEnd(from: number, known: TimeIndexEntry, checkCrc: boolean): SegmentEnd {
    let nextOffset = this.baseOffset
    let greatest = known
    const scan = scanBatches({ from, until: this.size, checkCrc, windowBytes: lookupWindowBytes }, (header) => {
      if (header.recordCount > 0 && header.maxTimestamp > greatest.timestamp)
        greatest = { timestamp: header.maxTimestamp, offset: header.lastOffset }
      nextOffset = header.lastOffset + 1
      return 'continue'
    })
    const end = from < this.size ? runNow(scan, this.files.use(this.logPath)) : { position: this.size, problem: ledAstray }
    this.greatest = greatest
    this.bytesSinceIndexEntry = this.size - from
    return { nextOffset, position: end.position, problem: end.problem }
  }

  /** Byte at which the first batch begins that holds `offset` or comes after it; `size` when there is none. Throws DiskError, CorruptLogError. */
  positionOf(offset: Offset): number {
    if (this.size === 0) return 0
    const { position } = this.indexedPlace(offset)
    const found = position > 0 ? this.walkTo(offset, position) : null
    return found !== null && found.problem === null ? found.position : this.positionFromStart(offset)
  }

  private positionFromStart(offset: Offset): number {
    const end = this.walkTo(offset, 0)
    if (end.problem !== null) throw new CorruptLogError(this.logPath, end.position, this.baseOffset, end.problem)
    return end.position
  }

  private walkTo(offset: Offset, from: number): { readonly position: number; readonly problem: string | null } {
    const scan = scanBatches({ from, until: this.size, checkCrc: false, windowBytes: lookupWindowBytes }, (header, position) => {
      if (header.lastOffset < offset) return 'continue'
      return position === from && from > 0 && header.baseOffset > offset ? { problem: ledAstray } : 'stop'
    })
    return runNow(scan, this.files.use(this.logPath))
  }

  /** What the index has for an offset; the beginning where it leads out of the segment. Throws DiskError. */
  indexedPlace(offset: Offset): { readonly offset: Offset; readonly position: number; readonly isAstray: boolean } {
    const entry = readable(() => this.index.lookup(offset))
    const isAstray = entry === null || (entry.position > 0 && entry.position >= this.size)
    return isAstray ? { offset: this.baseOffset, position: 0, isAstray } : { ...entry, isAstray }
  }

  /** From where on to look for what is newer than a timestamp: an entry of the time index, if the log has what it says. Throws DiskError, CorruptLogError. */
  offsetBefore(timestamp: Timestamp): Offset {
    return this.confirmed(readable(() => this.timeIndex.lookup(timestamp - 1)))?.offset ?? this.baseOffset
  }

  /** Null: the batch that the entry names has another timestamp, or is not there. */
  private confirmed(entry: TimeIndexEntry | null): TimeIndexEntry | null {
    if (entry === null || (entry.timestamp < 0 && entry.offset === this.baseOffset)) return entry
    const header = Buffer.allocUnsafe(batchHeaderBytes)
    const place = readable(() => this.positionOf(entry.offset))
    const read = place === null ? 0 : this.files.use(this.logPath).read(place, header)
    return read === header.length && int64At(header, maxTimestampAtByte) === entry.timestamp ? entry : null
  }

  /** Cuts the file at a batch boundary; `offset` is the first that goes. Throws DiskError. */
  truncate(position: number, offset: Offset): void {
    this.unsynced = true
    this.indexesUnsynced = true
    for (const index of [this.index, this.timeIndex]) if (readable(() => [index.truncateTo(offset)]) === null) index.file.reset()
    if (position < this.size) this.files.use(this.logPath).truncate(position)
    this.size = position
    this.greatest = null
    this.firstTimestamp = position === 0 ? null : this.firstTimestamp
    this.bytesSinceIndexEntry = 0
    if (position === 0) this.greatest = { timestamp: -1, offset: this.baseOffset }
    else this.readEnd()
  }

  /** Before a recovery: indexes are made anew. Throws DiskError. */
  resetIndexes(): void {
    this.indexesUnsynced = true
    this.index.file.reset()
    this.timeIndex.file.reset()
    this.greatest = { timestamp: -1, offset: this.baseOffset }
    this.bytesSinceIndexEntry = 0
  }

  /** Nothing more will be appended, or the log closes: the time index ends with the greatest timestamp, and both are in their files. */
  finishIndexes(): void {
    if (this.size === 0) return
    const { timestamp, offset } = this.greatestTimestamp()
    if (timestamp >= 0) this.timeIndex.maybeAppend(timestamp, offset)
    this.index.file.flush()
    this.timeIndex.file.flush()
  }

  /** At the end of a recovery: indexes already end before `position`. Throws DiskError. */
  cutAt(position: number): void {
    this.files.use(this.logPath).truncate(position)
    this.size = position
    this.unsynced = true
  }

  /** The log file goes first: indexes without it are nothing. Throws DiskError. */
  remove(disk: Disk): void {
    for (const path of [this.logPath, ...this.indexPaths(), this.pathOf('txnIndex')]) {
      this.files.forget(path)
      disk.remove(path)
    }
  }

  indexPaths(): readonly string[] {
    return [this.index.file.path, this.timeIndex.file.path]
  }

  /** Lets the files go without writing anything. */
  close(): void {
    for (const path of [this.logPath, ...this.indexPaths()]) this.files.forget(path)
  }

  private write(records: Buffer): void {
    const file = this.files.use(this.logPath, this.size === 0)
    try {
      file.write(this.size, [records])
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      try {
        file.truncate(this.size)
      } catch {
        throw new UndoError(error)
      }
      throw error
    }
  }
}
