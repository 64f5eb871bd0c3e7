import type { Findings } from '../findings.ts'
import { type History, none } from '../history.ts'
import type { HistoryRecord, OperationId } from '../operation.ts'
import type { Reading } from '../reading.ts'

/** What was there at the end: by key the last drain that was completed, and the values that were polled in it. */
export class LastDrain {
  private readonly history: History
  private readonly drains = new Map<number, OperationId>()
  private readonly ends = new Map<number, number>()
  private readonly seenValues: Uint8Array

  constructor(reading: Reading) {
    this.history = reading.history
    this.seenValues = new Uint8Array(reading.history.valueCount)
    this.findDrains()
    for (const drain of new Set(this.drains.values())) this.findSeen(reading, drain)
  }

  get isEmpty(): boolean {
    return this.drains.size === 0
  }

  /** -1: the key was not drained. */
  drainOf(key: number): OperationId {
    return this.drains.get(key) ?? none
  }

  /** The offset up to which the key was read; Infinity where it was not told. */
  endOf(key: number): number {
    return this.ends.get(key) ?? Infinity
  }

  hasSeen(value: number): boolean {
    return this.seenValues[value] === 1
  }

  private findDrains(): void {
    const { history } = this
    for (let op = 0; op < history.size; op += 1) {
      if (history.kindOf(op) !== 'drain' || history.outcomeOf(op) !== 'ok') continue
      const { keys = [], positions = [] } = history.detailsOf(op)
      const ends = new Map(positions.map(({ key, offset }) => [key, offset]))
      for (const key of keys) {
        const number = history.keyNumber(key)
        const before = this.drainOf(number)
        if (number === none || (before !== none && history.completedAt(before) > history.completedAt(op))) continue
        this.drains.set(number, op)
        this.ends.set(number, ends.get(key) ?? Infinity)
      }
    }
  }

  private findSeen(reading: Reading, drain: OperationId): void {
    const { history } = this
    for (const op of reading.operationsOf(history.processOf(drain))) {
      if (op < drain || history.invokedAt(op) > history.completedAt(drain)) continue
      for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record)) {
        const value = history.valueOf(record)
        if (history.isPolled(record) && this.drainOf(history.keyOf(value)) === drain) this.seenValues[value] = 1
      }
    }
  }
}

/**
 * H-12: of a transaction that has happened, all is there at the end or nothing; of what is judged here, values that no other operation has sent. Returns
 * the values that are missing.
 */
export function judgeTornTransactions(reading: Reading, drain: LastDrain, findings: Findings): ReadonlySet<number> {
  const { history } = reading
  const torn = new Set<number>()
  for (let op = 0; op < history.size; op += 1) {
    if (history.kindOf(op) !== 'txn' || history.outcomeOf(op) === 'fail' || history.firstRecord(op) === none) continue
    const { seen, missing } = partsOf(reading, drain, op)
    if (seen.length === 0 || missing.length === 0) continue
    for (const record of missing) torn.add(history.valueOf(record))
    findings.error('torn-transaction', () => ({
      kind: 'torn-transaction',
      operation: history.operation(op),
      seen: seen.map((record) => placedRecord(reading, record)),
      missing: missing.map((record) => placedRecord(reading, record)),
    }))
  }
  return torn
}

function placedRecord(reading: Reading, record: number): HistoryRecord {
  return reading.history.placed(reading.history.valueOf(record), reading.sentOffset(record))
}

function partsOf(reading: Reading, last: LastDrain, op: OperationId): { seen: number[]; missing: number[] } {
  const { history } = reading
  const seen: number[] = []
  const missing: number[] = []
  for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record)) {
    const value = history.valueOf(record)
    const key = history.keyOf(value)
    const drain = last.drainOf(key)
    if (history.isPolled(record) || drain === none || reading.onlyWriterOf(value) !== op || reading.isExpiring(key)) continue
    if (!reading.readsCommitted(drain) || !isBefore(reading, last, op, drain, record)) continue
    ;(last.hasSeen(value) ? seen : missing).push(record)
  }
  return { seen, missing }
}

/** The drain has to have it: it was over when the drain began, or never will be; or it lies before the end that the drain has read to. */
function isBefore(reading: Reading, last: LastDrain, op: OperationId, drain: OperationId, record: number): boolean {
  const { history } = reading
  const completedAt = history.completedAt(op)
  if (completedAt < history.invokedAt(drain) || (completedAt === Infinity && history.invokedAt(op) <= history.invokedAt(drain))) return true
  const offset = history.offsetOf(record)
  return (
    offset >= 0 &&
    last.endOf(history.keyOf(history.valueOf(record))) !== Infinity &&
    offset < last.endOf(history.keyOf(history.valueOf(record)))
  )
}

/** H-4: what was acknowledged is there at the end. What is told already, as lost or torn, is not told again. */
export function judgeUnseen(reading: Reading, last: LastDrain, toldAlready: readonly ReadonlySet<number>[], findings: Findings): void {
  const { history } = reading
  for (let op = 0; op < history.size; op += 1) {
    if (reading.outcomeOf(op) !== 'ok') continue
    for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record)) {
      const value = history.valueOf(record)
      if (history.isPolled(record) || last.hasSeen(value)) continue
      const key = history.keyOf(value)
      const drain = last.drainOf(key)
      if (drain === none || reading.isExpiring(key) || !isBefore(reading, last, op, drain, record)) continue
      if (toldAlready.some((told) => told.has(value))) continue
      findings.error('unseen', () => ({
        kind: 'unseen',
        ...placedRecord(reading, record),
        writer: history.operation(op),
        drain: history.operation(drain),
        wasReadBefore: reading.readerOf(value) !== none,
      }))
    }
  }
}
