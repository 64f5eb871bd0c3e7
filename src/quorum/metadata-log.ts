import { assert } from '../base/assert.ts'
import type { Clock, Disk, Log } from '../base/ports.ts'
import type { Epoch, Offset, Timestamp } from '../base/units.ts'
import { defaultLogConfig } from '../log/log-config.ts'
import { OpenFiles } from '../log/open-files.ts'
import { CorruptLogError } from '../log/outcomes.ts'
import { PartitionLog } from '../log/partition-log.ts'
import { TailBudget } from '../log/tail.ts'
import { MalformedError } from '../protocol/reader.ts'
import type { EpochStart, LogOutline, OffsetAndEpoch } from '../raft/log-shape.ts'
import { type DurablePoint, durablePointFileName } from './durable-point.ts'
import { batchesIn, type MetadataBatch, metadataBatchBytesMax } from './metadata-batch.ts'
import type { MetadataSnapshot } from './metadata-quorum.ts'
import { quorumStateFileName } from './quorum-state.ts'
import {
  snapshotProblem,
  listSnapshots,
  readSnapshot,
  type SnapshotBytes,
  snapshotFileName,
  snapshotInMemory,
  snapshotOnDisk,
} from './snapshot-file.ts'

export const metadataTopic = '__cluster_metadata'

export interface MetadataLogPorts {
  readonly clock: Clock
  readonly disk: Disk
  readonly log: Log
}

/** The log as found does not hang together: someone has removed files. */
export class MetadataLogError extends Error {
  override readonly name = 'MetadataLogError'
}

/** A segment and its two indexes, an old one being read. */
const openFilesMax = 8
const tailBytesMax = 64 * 1024
const readBytes = 1024 * 1024
/** A snapshot that is fetched into memory may not be larger. */
const snapshotInMemoryBytesMax = 512 * 1024 * 1024

/**
 * The bytes of the metadata log. All batches since the latest snapshot are in memory, where they are delivered and served from; a voter has the
 * log on disk too, from an older snapshot on. An observer keeps only what is not yet committed.
 */
export class MetadataLog {
  private readonly ports: MetadataLogPorts
  /** Null: in memory only. */
  private readonly disk: PartitionLog | null
  private readonly directory: string
  private readonly point: DurablePoint | null
  private batches: MetadataBatch[] = []
  private end: Offset = 0
  private snapshots: OffsetAndEpoch[] = []
  private memorySnapshot: { readonly id: OffsetAndEpoch; readonly bytes: SnapshotBytes } | null = null
  private receiving: { readonly id: OffsetAndEpoch; chunks: Buffer[]; size: number } | null = null

  private constructor(ports: MetadataLogPorts, directory: string, disk: PartitionLog | null, point: DurablePoint | null) {
    this.ports = ports
    this.point = point
    this.directory = directory
    this.disk = disk
  }

  static inMemory(ports: MetadataLogPorts): MetadataLog {
    return new MetadataLog(ports, '', null, null)
  }

  /**
   * Bad bytes below the durable point, and a log that has lost files, are rot (S-5): nothing is cut. Rejects with DiskError, CorruptLogError,
   * MetadataLogError.
   */
  static async onDisk(
    ports: MetadataLogPorts,
    directory: string,
    segmentBytes: number,
    point: DurablePoint,
  ): Promise<{ log: MetadataLog; outline: LogOutline }> {
    const snapshots = soundSnapshots(ports, directory)
    const disk = await PartitionLog.open(ports, {
      directory,
      topic: metadataTopic,
      partition: 0,
      topicId: null,
      config: { ...defaultLogConfig, segmentBytes, maxMessageBytes: metadataBatchBytesMax, retentionMs: -1 },
      recoveryPoint: point.offset,
      logStartOffset: 0,
      cleanShutdown: false,
      shared: { files: new OpenFiles(ports.disk, openFilesMax), tail: new TailBudget({ tailBytesMax, tailBytesPerLogMax: tailBytesMax }) },
      producerIdExpirationMs: 0,
      onCorruption: 'refuse',
      checksAll: true,
      beforeLowering: (offset) => point.lower(offset),
    })
    const log = new MetadataLog(ports, directory, disk, point)
    try {
      return { log, outline: await log.load(disk, snapshots) }
    } catch (error) {
      disk.abandon()
      throw error
    }
  }

  get endOffset(): Offset {
    return this.end
  }

  // --- start ---

  private async load(disk: PartitionLog, snapshots: OffsetAndEpoch[]): Promise<LogOutline> {
    this.snapshots = snapshots
    const latest = snapshots.at(-1) ?? null
    // A fetched snapshot takes the place of the log: here the crash came between the two.
    if (latest !== null && disk.logEndOffset < latest.offset) disk.truncateFullyAndStartAt(latest.offset)
    const start = this.findStart(disk)
    if (start.offset > disk.logStartOffset) disk.advanceLogStartOffset(start.offset)
    this.snapshots = snapshots.filter((snapshot) => snapshot.offset >= start.offset)
    this.end = disk.logEndOffset
    const epochs = await this.readAll(disk, start, latest?.offset ?? 0)
    this.flush()
    return { start, endOffset: this.end, epochs, latestSnapshot: latest }
  }

  /** A log that does not begin at 0 begins with the state of a snapshot. */
  private findStart(disk: PartitionLog): OffsetAndEpoch {
    if (disk.logStartOffset === 0) return { offset: 0, epoch: 0 }
    const start = this.snapshots.find((snapshot) => snapshot.offset >= disk.logStartOffset)
    if (start === undefined)
      throw new MetadataLogError(`${this.directory} begins at offset ${disk.logStartOffset} and has no snapshot for it`)
    return start
  }

  private async readAll(disk: PartitionLog, start: OffsetAndEpoch, retainFrom: Offset): Promise<EpochStart[]> {
    const epochs: EpochStart[] = []
    let next = start.offset
    for (let offset = start.offset; offset < this.end;) {
      const found = await disk.read(offset, readBytes, this.end, true)
      if (found.kind !== 'read' || found.records.length === 0)
        throw new MetadataLogError(`${this.directory} has no batch at offset ${offset}`)
      for (const batch of batchesIn(Buffer.concat(found.records))) {
        const { header } = batch
        if (header.baseOffset > next) throw new MetadataLogError(`${this.directory} has no batch at offset ${next}`)
        next = header.lastOffset + 1
        if (header.leaderEpoch !== epochs.at(-1)?.epoch) {
          epochs.push({ epoch: header.leaderEpoch, startOffset: Math.max(header.baseOffset, start.offset) })
        }
        if (header.lastOffset >= retainFrom) this.batches.push(batch)
      }
      offset = found.endOffset
    }
    return epochs
  }

  // --- writing ---

  /** Whole batches that continue the log. In the page cache when it returns. Throws DiskError. */
  append(bytes: Buffer, epoch: Epoch): void {
    for (const batch of batchesIn(bytes)) {
      assert(batch.header.baseOffset === this.end, `batch ${batch.header.baseOffset} continues the log at ${this.end}`)
      this.batches.push(batch)
      this.end = batch.header.lastOffset + 1
    }
    const outcome = this.disk?.appendAsFollower(bytes, epoch)
    assert(outcome === undefined || (outcome.kind === 'appended' && outcome.skippedBatches === 0), 'the log takes what was checked')
    assert(this.disk === null || this.disk.logEndOffset === this.end, 'disk and memory end together')
  }

  truncate(endOffset: Offset): void {
    this.batches = this.batches.filter((batch) => batch.header.lastOffset < endOffset)
    this.end = endOffset
    this.disk?.truncateTo(endOffset)
    assert(this.disk === null || this.disk.logEndOffset === endOffset, 'a log is cut between batches')
  }

  /** fdatasync, blocking. Throws DiskError, after which the log must not be trusted. */
  flush(): void {
    this.disk?.flushNow()
    this.point?.advance(this.end)
  }

  async close(): Promise<void> {
    await this.disk?.close()
  }

  abandon(): void {
    this.disk?.abandon()
  }

  // --- reading ---

  /** Whole batches from `from`, about `maxBytes`, at least one. Rejects with DiskError. */
  read(from: Offset, to: Offset, maxBytes: number): readonly Buffer[] | Promise<readonly Buffer[]> {
    const at = this.indexOf(from)
    if (at === null) return this.readCold(from, to, maxBytes)
    const found: Buffer[] = []
    let size = 0
    for (const { header, bytes } of this.batchesFrom(at)) {
      if (header.lastOffset >= to || (found.length > 0 && size + bytes.length > maxBytes)) break
      found.push(bytes)
      size += bytes.length
    }
    return found
  }

  private async readCold(from: Offset, to: Offset, maxBytes: number): Promise<readonly Buffer[]> {
    const found = await this.disk?.read(from, maxBytes, to, true)
    return found?.kind === 'read' ? found.records : []
  }

  /** Where the batch that holds `offset` is kept; null when it is not. */
  private indexOf(offset: Offset): number | null {
    if (offset < (this.batches[0]?.header.baseOffset ?? this.end)) return null
    let low = 0
    let high = this.batches.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.batches[middle]?.header.lastOffset ?? Infinity) < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  private *batchesFrom(index: number): Generator<MetadataBatch> {
    for (let at = index; at < this.batches.length; at += 1) {
      const batch = this.batches[at]
      if (batch !== undefined) yield batch
    }
  }

  /** The batches in [from, to), which must be in memory. */
  *committed(from: Offset, to: Offset): Generator<MetadataBatch> {
    const at = this.indexOf(from)
    assert(at !== null, `offset ${from} is in memory`)
    for (const batch of this.batchesFrom(at)) {
      if (batch.header.lastOffset >= to) return
      yield batch
    }
  }

  /** Forgets batches below `offset` that are delivered: for an observer. */
  release(offset: Offset): void {
    this.batches = this.batches.filter((batch) => batch.header.lastOffset >= offset)
    this.memorySnapshot = null
  }

  bytesBetween(from: Offset, to: Offset): number {
    return this.batches.reduce(
      (sum, { header, bytes }) => (header.baseOffset >= from && header.lastOffset < to ? sum + bytes.length : sum),
      0,
    )
  }

  /** Append time of the record before `offset`; that of the latest snapshot when it is the last it contains. */
  timestampBefore(offset: Offset): Timestamp {
    const batch = this.batches.find(({ header }) => header.lastOffset === offset - 1)
    return batch?.header.maxTimestamp ?? this.withSnapshot((snapshot) => snapshot.lastContainedTimestamp) ?? -1
  }

  // --- snapshots ---

  get latestSnapshot(): OffsetAndEpoch | null {
    return this.memorySnapshot?.id ?? this.snapshots.at(-1) ?? null
  }

  /** The latest snapshot, open during `use`; null when there is none. @throws MalformedError, DiskError */
  withSnapshot<T>(use: (snapshot: MetadataSnapshot) => T): T | null {
    if (this.memorySnapshot !== null) return use(readSnapshot(this.memorySnapshot.bytes, this.memorySnapshot.id))
    const id = this.snapshots.at(-1)
    if (id === undefined) return null
    const bytes = snapshotOnDisk(this.ports.disk, this.pathOf(id))
    try {
      return use(readSnapshot(bytes, id))
    } finally {
      bytes.close()
    }
  }

  /** For FetchSnapshot. Null: there is no such snapshot. `bytes` null: the position lies outside of it. */
  snapshotPiece(id: OffsetAndEpoch, position: number, maxBytes: number): { readonly size: number; readonly bytes: Buffer | null } | null {
    if (!this.snapshots.some((known) => known.offset === id.offset && known.epoch === id.epoch)) return null
    const source = snapshotOnDisk(this.ports.disk, this.pathOf(id))
    try {
      const { size } = source
      const bytes = position >= size ? null : source.slice(position, Math.min(size, position + Math.max(1, maxBytes)))
      return { size, bytes }
    } finally {
      source.close()
    }
  }

  pathOf(id: OffsetAndEpoch): string {
    return `${this.directory}/${snapshotFileName(id)}`
  }

  /** A piece of a snapshot that is being fetched. Throws DiskError. @throws MalformedError for one too large for memory */
  receive(id: OffsetAndEpoch, position: number, bytes: Buffer): void {
    if (position === 0) this.receiving = { id, chunks: [], size: 0 }
    const receiving = this.receiving
    assert(receiving !== null && receiving.size === position, 'pieces come in order')
    if (this.disk === null) {
      if (position + bytes.length > snapshotInMemoryBytesMax)
        throw new MalformedError(`a snapshot of more than ${snapshotInMemoryBytesMax} bytes`)
      receiving.chunks.push(Buffer.from(bytes))
    } else this.writePart(id, position, bytes)
    receiving.size += bytes.length
  }

  private writePart(id: OffsetAndEpoch, position: number, bytes: Buffer): void {
    const path = `${this.pathOf(id)}.part`
    if (position === 0) this.ports.disk.remove(path)
    const file = this.ports.disk.open(path, { create: true })
    try {
      file.write(position, [bytes])
    } finally {
      file.close()
    }
  }

  /**
   * The fetched snapshot replaces the log: first the snapshot is durable under its name (`syncNames` syncs the directory), then the log goes.
   * Throws DiskError.
   */
  install(id: OffsetAndEpoch, syncNames: () => void): void {
    const receiving = this.receiving
    assert(receiving !== null && receiving.id.offset === id.offset, 'a snapshot was fetched')
    this.receiving = null
    if (this.disk === null) this.memorySnapshot = { id, bytes: snapshotInMemory(Buffer.concat(receiving.chunks)) }
    else this.installOnDisk(this.disk, id, syncNames)
    this.batches = []
    this.end = id.offset
  }

  private installOnDisk(disk: PartitionLog, id: OffsetAndEpoch, syncNames: () => void): void {
    const path = this.pathOf(id)
    const file = this.ports.disk.open(`${path}.part`, { create: false })
    try {
      file.syncNow()
    } finally {
      file.close()
    }
    this.ports.disk.rename(`${path}.part`, path)
    syncNames()
    disk.truncateFullyAndStartAt(id.offset)
    const old = this.snapshots
    this.snapshots = [id]
    for (const snapshot of old)
      if (snapshot.offset !== id.offset || snapshot.epoch !== id.epoch) this.ports.disk.remove(this.pathOf(snapshot))
  }

  /** A snapshot of committed records was written here: what it contains need not be in memory, and the next segment begins. */
  onSnapshotMade(id: OffsetAndEpoch): void {
    this.snapshots.push(id)
    this.batches = this.batches.filter((batch) => batch.header.lastOffset >= id.offset)
    this.disk?.roll(this.ports.clock.wall())
  }

  /** Lets go of the log before this snapshot, and of older snapshots. Throws DiskError. */
  deletePrefix(start: OffsetAndEpoch): void {
    this.disk?.advanceLogStartOffset(start.offset)
    const old = this.snapshots.filter((snapshot) => snapshot.offset < start.offset)
    this.snapshots = this.snapshots.filter((snapshot) => snapshot.offset >= start.offset)
    for (const snapshot of old) this.ports.disk.remove(this.pathOf(snapshot))
  }
}

/** Those that check: another, if there is one, and the log since will do in the place of one that does not. Throws DiskError. */
function soundSnapshots({ disk, log }: MetadataLogPorts, directory: string): OffsetAndEpoch[] {
  const found = listSnapshots(disk, directory)
  for (let latest = found.at(-1); latest !== undefined; latest = found.at(-1)) {
    const path = `${directory}/${snapshotFileName(latest)}`
    const problem = snapshotProblem(disk, path, latest)
    if (problem === null) return found
    log.write('error', 'metadata-snapshot-rotten', `${path} is not whole (${problem}) and is not used`)
    disk.rename(path, `${path}.rotten`)
    found.pop()
  }
  return found
}

/** Everything but the vote, and what is known of the log: the log is to be fetched from its beginning. Throws DiskError. */
export function discardLog(disk: Disk, directory: string): void {
  const kept = new Set([quorumStateFileName, durablePointFileName, 'partition.metadata'])
  for (const name of disk.list(directory)) if (!kept.has(name)) disk.remove(`${directory}/${name}`)
  disk.syncDirectoryNow(directory)
}

export function isRot(error: unknown): error is CorruptLogError | MetadataLogError {
  return error instanceof CorruptLogError || error instanceof MetadataLogError
}
