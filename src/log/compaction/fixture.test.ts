import assert from 'node:assert/strict'
import type { Offset, Timestamp } from '../../base/units.ts'
import { batchHeaders, type Codec } from '../../protocol/records/batch-header.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { controlKey } from '../../protocol/records/control-batches.ts'
import { decodeRecords } from '../../protocol/records/records.ts'
import { LogWorld, readAll, StillClock } from '../../sim/log-world.ts'
import type { LogConfig } from '../log-config.ts'
import type { PartitionLog } from '../partition-log.ts'
import type { Cleaned, CleaningOutcome } from './cleaning.ts'
import { type CleaningMeans, CleanerThrottle } from './cleaning-run.ts'

export const start: Timestamp = 1_000_000

export function compactedWorld(config: Partial<LogConfig> = {}): LogWorld {
  return new LogWorld({
    cleanupCompact: true,
    cleanupDelete: false,
    segmentBytes: 1 << 20,
    deleteRetentionMs: 1000,
    ...config,
  }).withoutTail()
}

export function means(changes: Partial<CleaningMeans> = {}): CleaningMeans {
  return {
    dedupeBytesMax: 1 << 20,
    loadFactor: 0.9,
    ioBufferBytes: 512,
    throttle: new CleanerThrottle(new StillClock()),
    bytesPerSecondMax: Infinity,
    hashSecret: Buffer.alloc(16, 7),
    isStopped: () => false,
    ...changes,
  }
}

export interface DataSpec {
  readonly codec?: Codec
  readonly timestamp?: Timestamp
  readonly producerId?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly epoch?: number
}

/** 'a=1' is a record, 'a' a tombstone, '=1' a record without a key. */
export function append(log: PartitionLog, records: readonly string[], spec: DataSpec = {}): void {
  const { codec = 'none', timestamp = start, producerId, baseSequence = 0, transactional = false, epoch = 0 } = spec
  const producer = producerId === undefined ? {} : { producerId, producerEpoch: 0, baseSequence, isTransactional: transactional }
  const batch = buildBatch(
    { codec, timestamp, ...producer },
    records.map((text, i) => newRecord(text, timestamp + i)),
  )
  assert.equal(log.appendAsLeader(batch, epoch, start).kind, 'appended')
}

function newRecord(text: string, timestamp: Timestamp): { key: Buffer | null; value: Buffer | null; timestamp: Timestamp } {
  const [key = '', value] = text.split('=')
  return { key: key === '' ? null : Buffer.from(key), value: value === undefined ? null : Buffer.from(value), timestamp }
}

export function endTransaction(log: PartitionLog, type: 'ABORT' | 'COMMIT', producerId: number, timestamp: Timestamp = start): void {
  const options = { timestamp, producerId, producerEpoch: 0, isTransactional: true, isControl: true }
  const batch = buildBatch(options, [{ key: controlKey(type), value: Buffer.from([0, 0, 0, 0, 0, 0]) }])
  assert.equal(log.appendAsLeader(batch, 0, start).kind, 'appended')
}

export async function clean(
  world: LogWorld,
  log: PartitionLog,
  changes: Partial<CleaningMeans> = {},
  committed: Offset = log.logEndOffset,
): Promise<Cleaned> {
  const outcome = await tryToClean(world, log, changes, committed)
  if (outcome.kind !== 'cleaned') throw new Error(`the cleaning ended with ${outcome.kind}`, { cause: outcome })
  return outcome
}

export function tryToClean(
  world: LogWorld,
  log: PartitionLog,
  changes: Partial<CleaningMeans> = {},
  committed: Offset = log.logEndOffset,
): Promise<CleaningOutcome> {
  return log.clean(means(changes), committed, world.clock.wall())
}

/** '12 a=1' for each record, in order. */
export async function recordsOf(log: PartitionLog): Promise<readonly string[]> {
  const content = await readAll(log)
  return [...batchHeaders(content)].flatMap(({ at, header }) =>
    decodeRecords(content, at).map((record) => {
      if (header.isControl) return `${record.offset} ${record.key?.readInt16BE(2) === 0 ? 'ABORT' : 'COMMIT'}`
      return `${record.offset} ${record.key?.toString() ?? ''}${record.value === null ? '' : `=${record.value.toString()}`}`
    }),
  )
}

export interface BatchSeen {
  readonly range: string
  readonly records: number
  readonly codec: Codec
  readonly horizon: Timestamp | null
  readonly sequence: number
  readonly maxTimestamp: Timestamp
}

export async function batchesSeen(log: PartitionLog): Promise<readonly BatchSeen[]> {
  const content = await readAll(log)
  return [...batchHeaders(content)].map(({ header }) => ({
    range: `${header.baseOffset}-${header.lastOffset}`,
    records: header.recordCount,
    codec: header.codec,
    horizon: header.hasDeleteHorizon ? header.baseTimestamp : null,
    sequence: header.baseSequence,
    maxTimestamp: header.maxTimestamp,
  }))
}
