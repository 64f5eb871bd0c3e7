import type { Offset, Timestamp } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ProducerDescription } from '../outcomes.ts'

/** How many of a producer's latest batches are known for telling duplicates (ProducerStateEntry.NUM_BATCHES_TO_RETAIN). */
export const producerBatchesMax = 5
const sequenceMax = 0x7fff_ffff
const noSequence = -1

/** A batch that an idempotent producer has in the log. */
export interface ProducerBatch {
  readonly lastSequence: number
  readonly lastOffset: Offset
  /** last offset - first offset, which is also last sequence - first sequence (with the wrap) */
  readonly offsetDelta: number
  readonly timestamp: Timestamp
}

/** All that is known of one producer id in one partition. `batches` is never changed in place. */
export interface ProducerEntry {
  readonly producerId: number
  /** -1: none yet */
  readonly epoch: number
  /** Oldest first, at most `producerBatchesMax`, all of `epoch`. */
  readonly batches: readonly ProducerBatch[]
  readonly coordinatorEpoch: number
  readonly lastTimestamp: Timestamp
  /** -1: no transaction is open */
  readonly currentTxnFirstOffset: Offset
}

/** What of a batch matters to its producer's state. */
export interface ProducerAppend {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly lastOffsetDelta: number
  readonly baseOffset: Offset
  readonly maxTimestamp: Timestamp
  readonly transactional: boolean
  /** Null for data; for a control batch the coordinator's epoch of an end marker, or -1 when it is none. */
  readonly marker: { readonly coordinatorEpoch: number } | null
}

export type ProducerVerdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'duplicate'; readonly batch: ProducerBatch }
  | { readonly kind: 'refuse'; readonly error: ErrorCode; readonly message: string }

const accept: ProducerVerdict = { kind: 'accept' }

/** The sequence `by` after (or, negative, before) `sequence`, in the ring 0 .. Int32.MAX. */
export function addToSequence(sequence: number, by: number): number {
  const ring = sequenceMax + 1
  return (((sequence + by) % ring) + ring) % ring
}

export function firstSequence(batch: ProducerBatch): number {
  return addToSequence(batch.lastSequence, -batch.offsetDelta)
}

export function lastEntrySequence(entry: ProducerEntry): number {
  return entry.batches.at(-1)?.lastSequence ?? noSequence
}

/**
 * What a partition knows of the producers that wrote to it: the means by which a batch sent twice is stored once and a hole is refused
 * (org.apache.kafka.storage.internals.log.ProducerStateManager, ProducerAppendInfo, ProducerStateEntry).
 *
 * Checks and changes are apart: a leader asks `check` for each batch and calls `apply` only after the bytes are in the log; a follower
 * only applies. State is the fold of `apply` over the log, from a snapshot or from nothing.
 */
export class ProducerState {
  private entries = new Map<number, ProducerEntry>()
  private readonly expirationMs: number

  constructor(expirationMs: number) {
    this.expirationMs = expirationMs
  }

  get size(): number {
    return this.entries.size
  }

  /** Infinity: no transaction is open. */
  get firstOpenTransaction(): Offset {
    let first = Infinity
    for (const { currentTxnFirstOffset } of this.entries.values()) {
      if (currentTxnFirstOffset >= 0 && currentTxnFirstOffset < first) first = currentTxnFirstOffset
    }
    return first
  }

  list(): readonly ProducerEntry[] {
    return [...this.entries.values()]
  }

  entry(producerId: number): ProducerEntry | undefined {
    return this.entries.get(producerId)
  }

  /** Starts from these; those that had expired at `now` are left out. */
  load(entries: readonly ProducerEntry[], now: Timestamp): void {
    this.entries = new Map()
    for (const entry of entries) if (!this.isExpired(entry, now)) this.entries.set(entry.producerId, entry)
  }

  clear(): void {
    this.entries.clear()
  }

  /** May a client's batch be appended? `before` is the state to judge by when earlier batches of the same append have changed it. */
  check(append: ProducerAppend, before: ProducerEntry | undefined): ProducerVerdict {
    if (before === undefined) return accept
    const duplicate = findDuplicate(before, append)
    if (duplicate !== undefined) return { kind: 'duplicate', batch: duplicate }
    if (append.producerEpoch < before.epoch) {
      return refuse(
        ErrorCode.INVALID_PRODUCER_EPOCH,
        `epoch ${append.producerEpoch} of producer ${append.producerId} is older than ${before.epoch}`,
      )
    }
    if (append.marker !== null) return checkCoordinator(append.marker.coordinatorEpoch, before)
    if (!isInSequence(append, before)) return outOfOrder(append, before)
    if (before.currentTxnFirstOffset >= 0 && !append.transactional) {
      return refuse(ErrorCode.INVALID_TXN_STATE, `producer ${append.producerId} has a transaction open and sent a batch outside it`)
    }
    return accept
  }

  apply(append: ProducerAppend): void {
    const after = nextEntry(this.entries.get(append.producerId), append)
    if (after !== undefined) this.entries.set(append.producerId, after)
  }

  expire(now: Timestamp): void {
    for (const entry of this.entries.values()) if (this.isExpired(entry, now)) this.entries.delete(entry.producerId)
  }

  describe(): readonly ProducerDescription[] {
    return this.list().map((entry) => ({
      producerId: entry.producerId,
      producerEpoch: entry.epoch,
      lastSequence: lastEntrySequence(entry),
      lastTimestamp: entry.lastTimestamp,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnStartOffset: entry.currentTxnFirstOffset,
    }))
  }

  private isExpired(entry: ProducerEntry, now: Timestamp): boolean {
    return entry.currentTxnFirstOffset < 0 && now - entry.lastTimestamp >= this.expirationMs
  }
}

/** The entry after the batch; undefined when a batch of an unknown producer says nothing of it. */
export function nextEntry(before: ProducerEntry | undefined, append: ProducerAppend): ProducerEntry | undefined {
  if (append.marker !== null) return afterMarker(before, append, append.marker.coordinatorEpoch)
  const batch: ProducerBatch = {
    lastSequence: addToSequence(append.baseSequence, append.lastOffsetDelta),
    lastOffset: append.baseOffset + append.lastOffsetDelta,
    offsetDelta: append.lastOffsetDelta,
    timestamp: append.maxTimestamp,
  }
  const kept = before !== undefined && before.epoch === append.producerEpoch ? before.batches.slice(1 - producerBatchesMax) : []
  const openTxn = before?.currentTxnFirstOffset ?? -1
  return {
    producerId: append.producerId,
    epoch: append.producerEpoch,
    batches: [...kept, batch],
    coordinatorEpoch: before?.coordinatorEpoch ?? -1,
    lastTimestamp: append.maxTimestamp,
    currentTxnFirstOffset: openTxn < 0 && append.transactional ? append.baseOffset : openTxn,
  }
}

/** An end marker closes the transaction and may raise the epoch; it has no sequence. Other control batches change nothing. */
function afterMarker(before: ProducerEntry | undefined, append: ProducerAppend, coordinatorEpoch: number): ProducerEntry | undefined {
  if (coordinatorEpoch < 0) return before
  const sameEpoch = before !== undefined && before.epoch === append.producerEpoch
  return {
    producerId: append.producerId,
    epoch: append.producerEpoch,
    batches: sameEpoch ? before.batches : [],
    coordinatorEpoch,
    lastTimestamp: append.maxTimestamp,
    currentTxnFirstOffset: -1,
  }
}

function findDuplicate(entry: ProducerEntry, append: ProducerAppend): ProducerBatch | undefined {
  if (append.producerEpoch !== entry.epoch || append.marker !== null) return undefined
  const lastSequence = addToSequence(append.baseSequence, append.lastOffsetDelta)
  return entry.batches.find((batch) => batch.lastSequence === lastSequence && firstSequence(batch) === append.baseSequence)
}

function isInSequence(append: ProducerAppend, before: ProducerEntry): boolean {
  if (before.epoch === -1) return true
  if (append.producerEpoch !== before.epoch) return append.baseSequence === 0
  const last = lastEntrySequence(before)
  // After a marker that raised the epoch there is no sequence yet: 0 comes next, as -1 + 1.
  return append.baseSequence === last + 1 || (append.baseSequence === 0 && last === sequenceMax)
}

function checkCoordinator(coordinatorEpoch: number, before: ProducerEntry): ProducerVerdict {
  if (coordinatorEpoch >= before.coordinatorEpoch) return accept
  return refuse(
    ErrorCode.TRANSACTION_COORDINATOR_FENCED,
    `coordinator epoch ${coordinatorEpoch} is older than ${before.coordinatorEpoch} of producer ${before.producerId}`,
  )
}

function outOfOrder(append: ProducerAppend, before: ProducerEntry): ProducerVerdict {
  const at = `producer ${append.producerId} epoch ${append.producerEpoch}: sequence ${append.baseSequence}`
  return refuse(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, `${at} after ${lastEntrySequence(before)} of epoch ${before.epoch}`)
}

function refuse(error: ErrorCode, message: string): ProducerVerdict {
  return { kind: 'refuse', error, message }
}
