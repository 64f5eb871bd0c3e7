import type { Millis, Offset } from '../../base/units.ts'
import { Interned, NumberColumn } from './columns.ts'
import {
  type ClientDeclaration,
  type HistoryRecord,
  type Key,
  type Operation,
  type OperationDetails,
  type OperationId,
  type OperationKind,
  type OperationRequest,
  type OperationResult,
  type Outcome,
  type Process,
  type SentRecord,
  type Value,
  defaultDeclaration,
  operationKinds,
} from './operation.ts'

/** What was recorded is no history: an operation that ends twice, or never began. A fault of who records. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError'
}

/** No record. */
export const none = -1
const open = -1
const isSend = 0
const isPoll = 1
const codeOf = new Map<OperationKind, number>(operationKinds.map((f, at) => [f, at]))
const outcomeCodes: Readonly<Record<Outcome, number>> = { ok: 0, fail: 1, info: 2 }
const outcomeNames = ['ok', 'fail', 'info'] as const

/**
 * Operations and their records in columns, a million of them in some hundred megabytes. An operation is a number from 0 in the order of invocation; its
 * records are a chain of numbers, sends and polls in the order in which they were told. Keys, processes and the values of each key have numbers as well.
 */
export class History {
  private readonly processes = new Interned<Process>()
  private readonly keys = new Interned<Key>()
  private readonly declarations = new Map<number, ClientDeclaration>()
  private readonly details = new Map<OperationId, OperationDetails>()
  private readonly process = new NumberColumn()
  private readonly kind = new NumberColumn()
  private readonly outcome = new NumberColumn()
  private readonly invoked = new NumberColumn()
  private readonly completed = new NumberColumn()
  private readonly first = new NumberColumn()
  private readonly last = new NumberColumn()
  private readonly recordSort = new NumberColumn()
  private readonly recordValue = new NumberColumn()
  private readonly recordOffset = new NumberColumn()
  private readonly recordNext = new NumberColumn()
  private readonly valuesOfKey: Map<Value, number>[] = []
  private readonly values: Value[] = []
  private readonly keyOfValues = new NumberColumn()

  /** Operations. */
  get size(): number {
    return this.process.length
  }

  get recordCount(): number {
    return this.recordValue.length
  }

  get keyCount(): number {
    return this.keys.size
  }

  /** Distinct pairs of key and value. */
  get valueCount(): number {
    return this.values.length
  }

  get processCount(): number {
    return this.processes.size
  }

  // ── How it is made

  declare(process: Process, declaration: Partial<ClientDeclaration>): void {
    const number = this.processes.add(process)
    this.declarations.set(number, { ...this.declarationOf(number), ...declaration })
  }

  begin(process: Process, request: OperationRequest, t: Millis): OperationId {
    const id = this.process.push(this.processes.add(process))
    this.kind.push(codeOf.get(request.f) ?? open)
    this.outcome.push(open)
    this.invoked.push(t)
    this.completed.push(NaN)
    this.first.push(none)
    this.last.push(none)
    const details = detailsOf(request)
    if (details !== null) this.note(id, details)
    if ((request.f === 'send' || request.f === 'txn') && request.sends !== undefined) this.addSends(id, request.sends)
    return id
  }

  /** Sends that are decided on the way; told before they go out, they are known even if the operation never ends. */
  addSends(id: OperationId, sends: readonly SentRecord[]): void {
    this.mustBeOpen(id)
    for (const { key, value } of sends) this.addRecord(id, isSend, key, value, none)
  }

  end(id: OperationId, outcome: Outcome, t: Millis, result: OperationResult, error?: string): void {
    this.mustBeOpen(id)
    if (result.offsets !== undefined) this.setOffsets(id, result.offsets)
    for (const { key, value, offset } of result.polls ?? []) {
      if (!(Number.isSafeInteger(offset) && offset >= 0))
        throw new HistoryError(`operation ${id} has polled ${value} of ${key} at offset ${offset}`)
      this.addRecord(id, isPoll, key, value, offset)
    }
    const { positions, balances, rebalanced } = result
    if (positions !== undefined) this.note(id, { positions })
    if (balances !== undefined) this.note(id, { balances })
    if (rebalanced !== undefined && rebalanced.length > 0) this.note(id, { rebalanced })
    if (error !== undefined) this.note(id, { error })
    this.outcome.set(id, outcomeCodes[outcome])
    this.completed.set(id, t)
  }

  private mustBeOpen(id: OperationId): void {
    if (!(id >= 0 && id < this.size)) throw new HistoryError(`operation ${id} never began`)
    if (this.outcome.at(id) !== open) throw new HistoryError(`operation ${id} is over`)
  }

  private note(id: OperationId, details: OperationDetails): void {
    this.details.set(id, { ...this.details.get(id), ...details })
  }

  private addRecord(id: OperationId, sort: number, key: Key, value: Value, offset: Offset): void {
    const record = this.recordSort.push(sort)
    this.recordValue.push(this.addValue(key, value))
    this.recordOffset.push(offset)
    this.recordNext.push(none)
    const before = this.last.at(id)
    if (before === none) this.first.set(id, record)
    else this.recordNext.set(before, record)
    this.last.set(id, record)
  }

  private addValue(key: Key, value: Value): number {
    const number = this.keys.add(key)
    let known = this.valuesOfKey[number]
    if (known === undefined) this.valuesOfKey[number] = known = new Map()
    const id = known.get(value)
    if (id !== undefined) return id
    const fresh = this.values.length
    known.set(value, fresh)
    this.values.push(value)
    this.keyOfValues.push(number)
    return fresh
  }

  private setOffsets(id: OperationId, offsets: readonly (Offset | null)[]): void {
    let at = 0
    for (let record = this.firstRecord(id); record !== none; record = this.nextRecord(record)) {
      if (this.isPolled(record)) continue
      const offset = offsets[at] ?? none
      if (!Number.isSafeInteger(offset)) throw new HistoryError(`operation ${id} has sent to offset ${offset}`)
      this.recordOffset.set(record, Math.max(none, offset))
      at += 1
    }
    if (at < offsets.length) throw new HistoryError(`operation ${id} has ${at} sends and ${offsets.length} offsets`)
  }

  // ── How it is read

  processOf(op: OperationId): number {
    return this.process.at(op)
  }

  processName(process: number): Process {
    return this.processes.at(process)
  }

  declarationOf(process: number): ClientDeclaration {
    return this.declarations.get(process) ?? defaultDeclaration
  }

  kindOf(op: OperationId): OperationKind {
    const kind = operationKinds[this.kind.at(op)]
    if (kind === undefined) throw new HistoryError(`operation ${op} is of no kind`)
    return kind
  }

  /** What never ended is `info`. */
  outcomeOf(op: OperationId): Outcome {
    return outcomeNames[this.outcome.at(op)] ?? 'info'
  }

  isOpen(op: OperationId): boolean {
    return this.outcome.at(op) === open
  }

  invokedAt(op: OperationId): Millis {
    return this.invoked.at(op)
  }

  /** Infinity for what never ended. */
  completedAt(op: OperationId): Millis {
    return this.isOpen(op) ? Infinity : this.completed.at(op)
  }

  detailsOf(op: OperationId): OperationDetails {
    return this.details.get(op) ?? {}
  }

  firstRecord(op: OperationId): number {
    return this.first.at(op)
  }

  nextRecord(record: number): number {
    return this.recordNext.at(record)
  }

  isPolled(record: number): boolean {
    return this.recordSort.at(record) === isPoll
  }

  /** The number of the record's pair of key and value. */
  valueOf(record: number): number {
    return this.recordValue.at(record)
  }

  /** -1: not known. */
  offsetOf(record: number): Offset {
    return this.recordOffset.at(record)
  }

  /** The number of the value's key. */
  keyOf(value: number): number {
    return this.keyOfValues.at(value)
  }

  valueName(value: number): Value {
    const name = this.values[value]
    if (name === undefined) throw new RangeError(`there is no value ${value} of ${this.values.length}`)
    return name
  }

  keyName(key: number): Key {
    return this.keys.at(key)
  }

  /** -1 for a key without records. */
  keyNumber(key: Key): number {
    return this.keys.find(key)
  }

  record(record: number): HistoryRecord {
    return this.placed(this.valueOf(record), this.offsetOf(record))
  }

  placed(value: number, offset: Offset): HistoryRecord {
    return { key: this.keyName(this.keyOf(value)), value: this.valueName(value), offset: offset < 0 ? null : offset }
  }

  operation(id: OperationId): Operation {
    const sends: HistoryRecord[] = []
    const polls: HistoryRecord[] = []
    for (let record = this.firstRecord(id); record !== none; record = this.nextRecord(record))
      (this.isPolled(record) ? polls : sends).push(this.record(record))
    return {
      id,
      process: this.processName(this.processOf(id)),
      f: this.kindOf(id),
      outcome: this.outcomeOf(id),
      invokedAt: this.invokedAt(id),
      completedAt: this.isOpen(id) ? null : this.completedAt(id),
      sends,
      polls,
      details: this.detailsOf(id),
    }
  }
}

function detailsOf(request: OperationRequest): OperationDetails | null {
  switch (request.f) {
    case 'send':
    case 'poll':
    case 'crash':
      return null
    case 'txn':
      return request.group === undefined ? null : { group: request.group }
    case 'assign':
    case 'subscribe':
    case 'rebalance':
    case 'drain':
    case 'list':
      return { keys: request.keys }
    case 'seek':
      return { positions: request.positions }
    case 'commit': {
      const { group, generation, positions } = request
      return generation === undefined ? { group, positions } : { group, generation, positions }
    }
    case 'committed':
      return { group: request.group, keys: request.keys }
    case 'audit':
      return { total: request.total }
  }
}
