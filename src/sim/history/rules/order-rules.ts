import type { Offset } from '../../../base/units.ts'
import type { AnomalyKind } from '../anomaly.ts'
import type { Findings } from '../findings.ts'
import { type History, none } from '../history.ts'
import type { HistoryRecord, OperationId } from '../operation.ts'
import type { Reading } from '../reading.ts'

const skippedMax = 8

/** Where a process stands in a key: behind this record of this operation, or (neither known) before an offset that it sought. */
interface Place {
  offset: Offset
  record: number
  op: OperationId
}

/** The order of what each process polls and sends. */
export function judgeOrder(reading: Reading, findings: Findings): void {
  for (let process = 0; process < reading.history.processCount; process += 1) {
    new PollOrder(reading, findings, process).judge()
    new SendOrder(reading, findings, process).judge()
  }
}

/**
 * H-7: inside of an operation, and H-9: from one that was `ok` to the next, the polls of a key go forward and leave out nothing that is in the log for sure.
 * H-9 holds for assigned partitions; for subscriptions only if the process tells of every partition that it is given or loses, for a new owner begins where
 * the last commit was.
 */
class PollOrder {
  private readonly reading: Reading
  private readonly history: History
  private readonly findings: Findings
  private readonly process: number
  private readonly places = new Map<number, Place>()
  /** Of the operation at hand. */
  private readonly within = new Map<number, Place>()
  private readonly reportsRebalances: boolean
  private isSubscribed = false

  constructor(reading: Reading, findings: Findings, process: number) {
    this.reading = reading
    this.history = reading.history
    this.findings = findings
    this.process = process
    this.reportsRebalances = reading.history.declarationOf(process).reportsRebalances
  }

  judge(): void {
    for (const op of this.reading.operationsOf(this.process)) this.take(op)
  }

  private take(op: OperationId): void {
    const kind = this.history.kindOf(op)
    if (kind === 'poll' || kind === 'txn') this.takePolls(op)
    else if (kind === 'crash' || kind === 'drain') this.places.clear()
    else if (this.history.outcomeOf(op) !== 'fail') this.takeMove(op)
    if (kind === 'drain') this.isSubscribed = false
  }

  private takeMove(op: OperationId): void {
    const kind = this.history.kindOf(op)
    const { keys = [], positions = [] } = this.history.detailsOf(op)
    const numbers = keys.map((key) => this.history.keyNumber(key))
    if (kind === 'assign' || kind === 'subscribe') {
      this.isSubscribed = kind === 'subscribe'
      for (const key of [...this.places.keys()]) if (!numbers.includes(key)) this.places.delete(key)
    } else if (kind === 'rebalance') for (const key of numbers) this.places.delete(key)
    else if (kind === 'seek') for (const { key, offset } of positions) this.seek(this.history.keyNumber(key), offset)
  }

  private seek(key: number, offset: Offset): void {
    if (offset < 0) this.places.delete(key)
    else this.places.set(key, { offset: offset - 1, record: none, op: none })
  }

  private takePolls(op: OperationId): void {
    this.within.clear()
    const rebalanced = this.history.detailsOf(op).rebalanced?.map((key) => this.history.keyNumber(key))
    for (let record = this.history.firstRecord(op); record !== none; record = this.history.nextRecord(record)) {
      if (!this.history.isPolled(record)) continue
      const key = this.history.keyOf(this.history.valueOf(record))
      const place = { offset: this.history.offsetOf(record), record, op }
      if (rebalanced?.includes(key) !== true) this.takePoll(key, place)
      this.within.set(key, place)
    }
    if (this.history.outcomeOf(op) === 'ok') for (const [key, place] of this.within) this.places.set(key, place)
    for (const key of rebalanced ?? []) if (!this.within.has(key)) this.places.delete(key)
  }

  private takePoll(key: number, to: Place): void {
    const inside = this.within.get(key)
    const from = inside ?? this.places.get(key)
    if (from === undefined) return
    if (to.offset <= from.offset) this.tellBack(inside === undefined, from, to)
    else if (to.offset > from.offset + 1 && !this.reading.isExpiring(key)) {
      const count = this.reading.log(key).sureBetween(from.offset, to.offset)
      if (count > 0) this.tellSkip(inside === undefined, key, from, to, count)
    }
  }

  private isError(isBetween: boolean): boolean {
    return !isBetween || !this.isSubscribed || this.reportsRebalances
  }

  private tellBack(isBetween: boolean, from: Place, to: Place): void {
    const kind: AnomalyKind = isBetween ? 'nonmonotonic-poll' : 'int-nonmonotonic-poll'
    this.findings.found(kind, this.isError(isBetween), () => ({ kind, ...stepsOf(this.history, from, to) }))
  }

  private tellSkip(isBetween: boolean, key: number, from: Place, to: Place, skippedCount: number): void {
    const kind: AnomalyKind = isBetween ? 'poll-skip' : 'int-poll-skip'
    this.findings.found(kind, this.isError(isBetween), () => ({
      kind,
      ...stepsOf(this.history, from, to),
      skipped: this.skipped(key, from, to),
      skippedCount,
    }))
  }

  private skipped(key: number, from: Place, to: Place): HistoryRecord[] {
    const log = this.reading.log(key)
    const found: HistoryRecord[] = []
    for (let at = log.lowerBound(from.offset + 1); log.offsetAt(at) < to.offset && at < log.length && found.length < skippedMax; at += 1) {
      if (log.isSure(at)) found.push(this.history.placed(log.valueAt(at), log.offsetAt(at)))
    }
    return found
  }
}

/**
 * H-8: inside of an operation, and H-10: from one to the next, what is sent to a key later lies behind what was sent earlier, if the producer keeps its
 * order. An operation of unknown outcome may still happen after those that follow it, when another producer has taken over in its process; it lies behind
 * those before it all the same.
 */
class SendOrder {
  private readonly reading: Reading
  private readonly history: History
  private readonly findings: Findings
  private readonly process: number
  private readonly keepsOrder: boolean
  private readonly places = new Map<number, Place>()
  private readonly within = new Map<number, Place>()

  constructor(reading: Reading, findings: Findings, process: number) {
    this.reading = reading
    this.history = reading.history
    this.findings = findings
    this.process = process
    const { isIdempotent, inFlightMax } = reading.history.declarationOf(process)
    this.keepsOrder = isIdempotent || inFlightMax === 1
  }

  judge(): void {
    for (const op of this.reading.operationsOf(this.process)) if (this.reading.hasHappened(op)) this.take(op)
  }

  private take(op: OperationId): void {
    this.within.clear()
    const isOk = this.reading.outcomeOf(op) === 'ok'
    const isTransaction = this.history.kindOf(op) === 'txn'
    for (let record = this.history.firstRecord(op); record !== none; record = this.history.nextRecord(record)) {
      if (this.history.isPolled(record)) continue
      const value = this.history.valueOf(record)
      const offset = this.reading.sentOffset(record)
      if (offset < 0 || !this.reading.isSure(value)) continue
      this.takeSend(this.history.keyOf(value), { offset, record, op }, isOk || isTransaction, isTransaction)
    }
    if (isOk) for (const [key, place] of this.within) this.places.set(key, place)
  }

  private takeSend(key: number, to: Place, hasOrder: boolean, isTransaction: boolean): void {
    const inside = this.within.get(key)
    const from = inside ?? this.places.get(key)
    this.within.set(key, to)
    if (from === undefined || to.offset > from.offset || (inside !== undefined && !hasOrder)) return
    const kind: AnomalyKind = inside === undefined ? 'nonmonotonic-send' : 'int-nonmonotonic-send'
    this.findings.found(kind, this.keepsOrder || isTransaction, () => ({ kind, ...stepsOf(this.history, from, to) }))
  }
}

function stepsOf(history: History, from: Place, to: Place) {
  const operations = [...new Set([from.op, to.op])].filter((op) => op !== none)
  return {
    key: history.keyName(history.keyOf(history.valueOf(to.record))),
    process: history.processName(history.processOf(to.op)),
    operations: operations.map((op) => history.operation(op)),
    from: from.record === none ? null : { ...history.record(from.record), offset: from.offset },
    to: { ...history.record(to.record), offset: to.offset },
  }
}
