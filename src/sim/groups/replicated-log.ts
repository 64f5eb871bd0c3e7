import { assert } from '../../base/assert.ts'
import type { Prng } from '../../base/prng.ts'
import type { Epoch, Millis, NodeId, Offset } from '../../base/units.ts'
import type { GroupFact, GroupRecord } from '../../groups/records/fact.ts'
import { decodeGroupRecord, encodeGroupRecord } from '../../groups/records/record-bytes.ts'
import { Shadow } from './shadow.ts'

export interface StoredRecord {
  readonly key: Buffer
  readonly value: Buffer | null
}

export interface StoredBatch {
  readonly baseOffset: Offset
  readonly lastOffset: Offset
  /** Fewer than there are offsets after compaction. */
  readonly records: readonly StoredRecord[]
}

/** The log as the leader of one epoch has it. */
export class LogCopy {
  readonly leader: NodeId
  readonly epoch: Epoch
  readonly batches: StoredBatch[]
  /** Exclusive. What this leader knows to be committed. */
  highWatermark: Offset
  /** Since when another leads; null while it is this one. A deposed leader may write on, but nothing of it is ever committed. */
  deposedAt: Millis | null = null
  /** The leader knows that it is deposed, though its coordinator has not been told. */
  isSealed = false
  /** Replication stands still until then. */
  stalledUntil: Millis = 0
  /** The fold of all that is in this copy. */
  readonly shadow = new Shadow()

  constructor(leader: NodeId, epoch: Epoch, batches: readonly StoredBatch[], highWatermark: Offset) {
    this.leader = leader
    this.epoch = epoch
    this.batches = [...batches]
    this.highWatermark = highWatermark
    for (const batch of batches) for (const fact of factsOf(batch)) this.shadow.apply(fact)
  }

  get endOffset(): Offset {
    return (this.batches.at(-1)?.lastOffset ?? -1) + 1
  }
}

export function factsOf(batch: StoredBatch): GroupFact[] {
  return batch.records.map(({ key, value }) => {
    const record = decodeGroupRecord(key, value)
    assert(record.type !== 'unknown', 'nothing writes records of unknown types here')
    return record
  })
}

/**
 * A partition's log that is replicated well: what is committed stays, whoever leads. Of what is not, a new leader has as much as chance will, and the
 * rest is lost. Each leader writes its own copy; only that of the leader in office counts.
 */
export class ReplicatedLog {
  readonly partition: number
  copy: LogCopy
  /** Exclusive. What some leader has known to be committed while it was in office: it stays. */
  private committedEnd: Offset = 0
  private readonly random: Prng
  private readonly compacts: boolean

  constructor(partition: number, leader: NodeId, random: Prng, compacts: boolean) {
    this.partition = partition
    this.random = random
    this.compacts = compacts
    this.copy = new LogCopy(leader, 0, [], 0)
  }

  /** Another leader, perhaps on the same broker. Returns how many records were lost. */
  elect(leader: NodeId, now: Millis): number {
    const before = this.copy
    before.deposedAt = now
    const uncommitted = before.batches.filter(({ baseOffset }) => baseOffset >= this.committedEnd)
    const kept = this.random.below(uncommitted.length + 1)
    const committed = before.batches.slice(0, before.batches.length - uncommitted.length)
    const base = this.compacts && this.random.chance(0.5) ? compacted(committed, this.random.chance(0.5)) : committed
    // Followers hear of the high watermark one fetch late: a new leader may know less than the old one did.
    const known = this.random.chance(0.5) ? this.committedEnd : (committed.at(-this.random.between(1, 4))?.baseOffset ?? 0)
    this.copy = new LogCopy(leader, before.epoch + 1, [...base, ...uncommitted.slice(0, kept)], known)
    return uncommitted.slice(kept).reduce((sum, { records }) => sum + records.length, 0)
  }

  /** All below `end` has reached enough replicas of the leader in office. */
  commit(copy: LogCopy, end: Offset): void {
    assert(copy === this.copy, 'only the leader in office commits')
    copy.highWatermark = Math.max(copy.highWatermark, end)
    this.committedEnd = Math.max(this.committedEnd, end)
  }

  append(copy: LogCopy, facts: readonly GroupFact[]): StoredBatch {
    const baseOffset = copy.endOffset
    const records = facts.map((fact) => encodeGroupRecord(asRecord(fact)))
    const batch = { baseOffset, lastOffset: baseOffset + records.length - 1, records }
    copy.batches.push(batch)
    return batch
  }
}

function asRecord(fact: GroupFact): GroupRecord {
  assert(fact.type !== 'pendingOffset' && fact.type !== 'endTransaction', 'groups write no transactions')
  return fact
}

/** The last record of each key stays, at its place; tombstones go with `dropsTombstones`. Batches stay where they are, if empty. */
export function compacted(batches: readonly StoredBatch[], dropsTombstones: boolean): StoredBatch[] {
  const last = new Map<string, StoredRecord>()
  for (const { records } of batches) for (const record of records) last.set(record.key.toString('latin1'), record)
  const stays = (record: StoredRecord): boolean =>
    last.get(record.key.toString('latin1')) === record && !(dropsTombstones && record.value === null)
  return batches.map((batch) => ({ ...batch, records: batch.records.filter(stays) }))
}
