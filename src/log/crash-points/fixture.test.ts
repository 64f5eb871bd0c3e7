import assert from 'node:assert/strict'
import { Prng } from '../../base/prng.ts'
import type { Offset } from '../../base/units.ts'
import { batchHeaders } from '../../protocol/records/batch-header.ts'
import { makeBatch, readAll, silentLog, StillClock } from '../../sim/log-world.ts'
import { MemoryDisk } from '../../sim/memory-disk.ts'
import { defaultLogConfig, type LogConfig } from '../log-config.ts'
import { LogDirectory } from '../log-directory.ts'
import { OpenFiles } from '../open-files.ts'
import type { PartitionLog } from '../partition-log.ts'
import { producerAppendOf } from '../producers/end-marker.ts'
import { ProducerState } from '../producers/producer-state.ts'
import { TailBudget } from '../tail.ts'

const identity = { clusterId: 'cluster', nodeId: 1, directoryId: 'DirectoryIdDirectoryIA' }
export const topicId = 'AbCdEfGhIjKlMnOpQrStUv'
export const otherTopicId = 'BcDeFgHiJkLmNoPqRsTuVw'

export interface KnownBatch {
  readonly base: Offset
  readonly end: Offset
  readonly epoch: number
  readonly bytes: Buffer
}

/**
 * What is known of one partition. A crash may leave it as any of `versions`, cut short anywhere above `durable`: a truncation makes a version,
 * since a loss of power may take it back.
 */
export class Known {
  versions: (readonly KnownBatch[])[] = [[]]
  /** All of the newest version below it survives the death of the process. */
  acknowledged: Offset = 0
  /** … and a loss of power. */
  durable: Offset = 0
  /** Where the log starts, durably, and where it may start. */
  startDurable: Offset = 0
  startAtMost: Offset = 0
  /** False from the moment it is being removed on: it may be there or not. */
  mustExist = true
  epoch = 1
  private readonly sequences = new Map<number, number>()

  get batches(): readonly KnownBatch[] {
    return this.versions.at(-1) ?? []
  }

  get end(): Offset {
    return this.batches.at(-1)?.end ?? this.startAtMost
  }

  append(
    log: PartitionLog,
    spec: { readonly records?: number; readonly valueBytes?: number; readonly producerId?: number; readonly timestamp?: number },
  ): void {
    const { records = 2, valueBytes = 60, producerId, timestamp = 1_000_000 } = spec
    const baseSequence = this.sequences.get(producerId ?? -1) ?? 0
    const bytes = makeBatch({
      records,
      valueBytes,
      timestamp,
      ...(producerId === undefined ? {} : { producerId, baseSequence }),
      fill: this.end & 0xff,
    })
    const base = log.logEndOffset
    const batch = { base, end: base + records, epoch: this.epoch, bytes: stamped(bytes, base, this.epoch) }
    this.versions = [...this.versions.slice(0, -1), [...this.batches, batch]]
    const outcome = log.appendAsLeader(bytes, this.epoch, timestamp)
    assert.equal(outcome.kind, 'appended', JSON.stringify(outcome))
    if (producerId !== undefined) this.sequences.set(producerId, baseSequence + records)
    assert.ok(bytes.equals(batch.bytes))
    this.acknowledged = this.end
  }

  /** To be called before the cut is made. */
  truncates(offset: Offset): void {
    this.versions = [...this.versions, this.batches.filter((batch) => batch.end <= offset)]
    this.durable = Math.min(this.durable, this.end)
    this.acknowledged = Math.min(this.acknowledged, this.end)
    this.epoch += 1
    this.sequences.clear()
  }

  /** Nothing is left, the log starts at `offset`. To be called before. */
  restartsAt(offset: Offset): void {
    this.truncates(-1)
    this.durable = 0
    this.acknowledged = 0
    this.startAtMost = Math.max(this.startAtMost, offset)
  }

  flushed(log: PartitionLog): void {
    assert.equal(log.flushedOffset, log.logEndOffset)
    this.durable = this.end
    this.versions = [this.batches]
  }
}

/** As the log writes it. */
function stamped(bytes: Buffer, base: Offset, epoch: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeBigInt64BE(BigInt(base), 0)
  copy.writeInt32BE(epoch, 12)
  return copy
}

/** One directory with some partitions on a disk in memory, opened again and again. */
export class CrashWorld {
  readonly disk = new MemoryDisk()
  readonly clock = new StillClock()
  readonly known = new Map<string, Known>()
  readonly config: LogConfig
  private readonly configs = new Map<string, LogConfig>()
  private current: LogDirectory | null = null

  constructor(config: Partial<LogConfig>, configs: Readonly<Record<string, Partial<LogConfig>>> = {}) {
    this.config = { ...defaultLogConfig, segmentBytes: 2500, indexIntervalBytes: 200, ...config }
    for (const [topic, own] of Object.entries(configs)) this.configs.set(topic, { ...this.config, ...own })
    this.disk.makeDirectory('data')
    void this.disk.syncDirectory('')
  }

  get directory(): LogDirectory {
    assert.ok(this.current !== null)
    return this.current
  }

  configOf(topic: string): LogConfig {
    return this.configs.get(topic) ?? this.config
  }

  /** Rejects with DiskError when the crash comes while it is opened. */
  async open(): Promise<LogDirectory> {
    const directory = LogDirectory.open(
      { clock: this.clock, disk: this.disk, log: silentLog },
      {
        path: 'data',
        shared: { files: new OpenFiles(this.disk, 6), tail: new TailBudget({ tailBytesMax: 0, tailBytesPerLogMax: 0 }) },
        producerIdExpirationMs: 86_400_000,
        onCorruption: 'refuse',
        openConcurrency: 2,
      },
    )
    directory.format(identity)
    const { failed } = await directory.openAll((topic) => this.configOf(topic))
    for (const { error } of failed) throw error
    this.current = directory
    return directory
  }

  async create(topic: string, id = topicId): Promise<PartitionLog> {
    const log = await this.directory.create(topic, 0, id, this.configOf(topic))
    return log
  }

  log(topic: string): PartitionLog {
    const log = this.directory.logs.get(`${topic}-0`)
    assert.ok(log !== undefined, `${topic}-0 is open`)
    return log
  }

  knownOf(topic: string): Known {
    const known = this.known.get(topic) ?? new Known()
    this.known.set(topic, known)
    return known
  }

  append(topic: string, spec: Parameters<Known['append']>[1] = {}): void {
    this.knownOf(topic).append(this.log(topic), spec)
  }

  async flush(topic: string): Promise<void> {
    const log = this.log(topic)
    await log.flush()
    this.knownOf(topic).flushed(log)
  }

  /** Where logs start and up to where they are durable is noted. */
  async checkpoint(): Promise<void> {
    const starts = [...this.known].map(([topic, known]) => [known, this.directory.logs.get(`${topic}-0`)?.logStartOffset] as const)
    await this.directory.writeCheckpoints((log) => log.flushedOffset)
    for (const [known, start] of starts) if (start !== undefined) known.startDurable = Math.max(known.startDurable, start)
  }

  /** The process dies, or (with a seed) the power goes. */
  crash(seed: number | null): void {
    if (seed === null) this.disk.kill()
    else this.disk.crash(new Prng(seed))
    this.current = null
  }
}

/** What must hold of a partition that was opened after a crash (S-1, S-3, S-9). */
export async function checkLog(log: PartitionLog, known: Known, died: boolean): Promise<void> {
  const content = await readAll(log)
  const batches = [...batchHeaders(content)]
  assert.ok(log.logStartOffset >= known.startDurable, `starts at ${log.logStartOffset}, was ${known.startDurable} durably`)
  assert.ok(
    log.logStartOffset <= Math.max(known.startAtMost, known.startDurable),
    `starts at ${log.logStartOffset}, at most ${known.startAtMost}`,
  )
  const floor = died ? known.acknowledged : known.durable
  assert.ok(log.logEndOffset >= floor, `ends at ${log.logEndOffset}, ${floor} was safe`)
  assert.ok(
    known.versions.some((version) => isCutOf(log, content, version)),
    `${log.logStartOffset} to ${log.logEndOffset} (${batches.length} batches) is of none of ${known.versions.length} versions`,
  )
  checkFolds(log, content)
}

/** The content is what the version has from the log start (a batch that it lies in the middle of is whole) to some batch. */
function isCutOf(log: PartitionLog, content: Buffer, version: readonly KnownBatch[]): boolean {
  const kept = version.filter((batch) => batch.end > log.logStartOffset && batch.end <= log.logEndOffset)
  const expected = Buffer.concat(kept.map((batch) => batch.bytes))
  return content.equals(expected) && (kept.length > 0 ? kept.at(-1)?.end === log.logEndOffset : log.logStartOffset === log.logEndOffset)
}

/** The first offset of which the history knows the epoch. */
function firstEpochStart(log: PartitionLog): Offset {
  let offset = log.logStartOffset
  while (offset < log.logEndOffset && log.epochForOffset(offset) < 0) offset += 1
  return offset
}

/**
 * The epochs are those of the batches; where a log start that was not noted in time has gone back, the history may begin above it, as Kafka's does.
 * When nothing was removed in front, the producers are those that the batches tell of.
 */
function checkFolds(log: PartitionLog, content: Buffer): void {
  const producers = new ProducerState(86_400_000)
  const from = Math.max(log.logStartOffset, firstEpochStart(log))
  const epochs: { epoch: number; startOffset: Offset }[] = []
  for (const { at, header } of batchHeaders(content)) {
    const appended = producerAppendOf(header, content.subarray(at, at + header.sizeBytes))
    if (appended !== null) producers.apply(appended)
    if (header.lastOffset < from || epochs.at(-1)?.epoch === header.leaderEpoch) continue
    epochs.push({ epoch: header.leaderEpoch, startOffset: Math.max(header.baseOffset, from) })
  }
  if (content.length > 0) assert.deepEqual(log.describe()['epochs'], epochs)
  if (log.logStartOffset > 0) return
  const sorted = (list: ReturnType<PartitionLog['describeProducers']>): unknown => [...list].sort((a, b) => a.producerId - b.producerId)
  assert.deepEqual(sorted(log.describeProducers()), sorted(producers.describe()))
}
