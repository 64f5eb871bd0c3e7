import type { Prng } from '../../base/prng.ts'
import type { Offset, Timestamp } from '../../base/units.ts'
import type { PartitionLog } from '../partition-log.ts'
import { append, endTransaction, recordsOf, start } from './fixture.test.ts'

interface ModelRecord {
  readonly offset: Offset
  readonly key: string
  readonly value: string | null
}

interface ModelBatch {
  readonly records: readonly ModelRecord[]
  readonly end: Offset
  readonly producer: number | null
  readonly marker: 'ABORT' | 'COMMIT' | null
  readonly horizon: Timestamp | null
}

/** The rules in as few words as they go, on lists. One data batch is one transaction's part; markers are judged by what came before them. */
export class CompactionModel {
  batches: readonly ModelBatch[] = []

  add(end: Offset, records: readonly string[], producer: number | null, marker: ModelBatch['marker'] = null): void {
    const first = end - records.length
    const parsed = records.map((text, i) => {
      const [key = '', value = null] = text.split('=')
      return { offset: first + i, key, value }
    })
    this.batches = [...this.batches, { records: marker === null ? parsed : [], end, producer, marker, horizon: null }]
  }

  get aborted(): ReadonlySet<ModelBatch> {
    const out = new Set<ModelBatch>()
    const open = new Map<number, ModelBatch[]>()
    for (const batch of this.batches) {
      if (batch.producer === null) continue
      const mine = open.get(batch.producer) ?? []
      if (batch.marker === null) open.set(batch.producer, [...mine, batch])
      else {
        if (batch.marker === 'ABORT') for (const one of mine) out.add(one)
        open.delete(batch.producer)
      }
    }
    return out
  }

  clean(until: Offset, now: Timestamp, deleteRetentionMs: number): void {
    const { aborted } = this
    const last = new Map<string, Offset>()
    for (const batch of this.batches) {
      if (batch.end > until || aborted.has(batch)) continue
      for (const { key, offset } of batch.records) last.set(key, offset)
    }
    this.batches = this.batches.map((batch) => {
      if (batch.end > until || batch.marker !== null) return batch
      const stays = ({ key, value, offset }: ModelRecord): boolean =>
        key !== '' && offset === last.get(key) && (value !== null || batch.horizon === null || now < batch.horizon)
      const records = aborted.has(batch) ? [] : batch.records.filter(stays)
      const tombstones = records.some((it) => it.value === null)
      return { ...batch, records, horizon: batch.horizon ?? (tombstones ? now + deleteRetentionMs : null) }
    })
  }

  /** Of each key the last value that a reader of committed records sees; a deleted key is not there. */
  get latest(): ReadonlyMap<string, string> {
    return latestOf(this.batches.flatMap((batch) => (this.aborted.has(batch) ? [] : batch.records)))
  }

  get abortedOffsets(): ReadonlySet<Offset> {
    return new Set([...this.aborted].flatMap((batch) => batch.records.map((it) => it.offset)))
  }

  get lines(): readonly string[] {
    return this.batches.flatMap((batch) =>
      batch.records.map(({ offset, key, value }) => `${offset} ${key}${value === null ? '' : `=${value}`}`),
    )
  }
}

function latestOf(records: readonly ModelRecord[]): ReadonlyMap<string, string> {
  const latest = new Map<string, string>()
  for (const { key, value } of records) {
    if (value === null) latest.delete(key)
    else latest.set(key, value)
  }
  return new Map([...latest].filter(([key]) => key !== '').sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** What a random writer does: plain batches, batches of idempotent producers, transactions that overlap. */
export class RandomWriter {
  readonly model = new CompactionModel()
  private readonly prng: Prng
  private readonly sequences = new Map<number, number>()
  private readonly open = new Set<number>()
  private values = 0

  constructor(prng: Prng) {
    this.prng = prng
  }

  write(log: PartitionLog): void {
    const { prng } = this
    if (prng.chance(0.15)) log.roll(start)
    const ending = [...this.open].find(() => prng.chance(0.2))
    if (ending !== undefined) this.end(log, ending)
    else this.data(log)
  }

  endAll(log: PartitionLog): void {
    for (const producer of [...this.open]) this.end(log, producer)
  }

  private end(log: PartitionLog, producer: number): void {
    const type = this.prng.pick(['ABORT', 'COMMIT'] as const)
    endTransaction(log, type, producer)
    this.open.delete(producer)
    this.model.add(log.logEndOffset, ['marker'], producer, type)
  }

  private data(log: PartitionLog): void {
    const { prng } = this
    const records = Array.from({ length: prng.between(1, 5) }, () => this.record())
    const codec = prng.pick(['none', 'none', 'gzip', 'snappy', 'lz4'] as const)
    const producer = prng.pick([null, null, 1, 2, 3, 4])
    if (producer === null) append(log, records, { codec })
    else {
      const baseSequence = this.sequences.get(producer) ?? 0
      const transactional = producer > 2
      append(log, records, { codec, producerId: producer, baseSequence, transactional })
      this.sequences.set(producer, baseSequence + records.length)
      if (transactional) this.open.add(producer)
    }
    this.model.add(log.logEndOffset, records, producer !== null && producer > 2 ? producer : null)
  }

  private record(): string {
    const { prng } = this
    const key = prng.chance(0.05) ? '' : `k${prng.below(12)}`
    this.values += 1
    return prng.chance(0.2) && key !== '' ? key : `${key}=${this.values}`
  }
}

/** Data records only: markers are the log's own matter. */
export async function dataOf(log: PartitionLog): Promise<readonly string[]> {
  return (await recordsOf(log)).filter((it) => !/ (ABORT|COMMIT)$/.test(it))
}

/** As `CompactionModel.latest`, of a log; `ignored` are its records that were aborted. */
export async function latestIn(log: PartitionLog, ignored: ReadonlySet<Offset> = new Set()): Promise<ReadonlyMap<string, string>> {
  const lines = await dataOf(log)
  const records = lines.map((line) => {
    const [, offset = '', key = '', , value = null] = /^(\d+) ([^=]*)(=(.*))?$/.exec(line) ?? []
    return { offset: Number(offset), key, value: value ?? null }
  })
  return latestOf(records.filter((it) => !ignored.has(it.offset)))
}
