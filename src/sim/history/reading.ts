import type { Offset } from '../../base/units.ts'
import { type History, none } from './history.ts'
import { KeyLog } from './key-log.ts'
import type { Key, OperationId, Outcome } from './operation.ts'

/**
 * What follows from a history before anything is judged (after jepsen.tests.kafka):
 *
 *  - Who sent each value, and who was the first to be given it.
 *  - Which operations have happened for sure: those acknowledged (with acks=all), and those of unknown outcome of which somebody was given a record. For
 *    a transaction it takes a reader of committed records.
 *  - The log of each key: from all polls, whatever came of their operation (what is handed out is safe, always), and from sends that have happened.
 */
export class Reading {
  readonly history: History
  readonly logs: readonly KeyLog[]
  /** By value: operations that sent it and did not fail, all operations that sent it. */
  private readonly mayWrite: Int32Array
  private readonly writes: Int32Array
  /** By value: the first operation that sent it; one that did not fail, if there is any. */
  private readonly writers: Int32Array
  private readonly readers: Int32Array
  /** Who reads committed, and has not sent it: where somebody is given what may have been sent, it is there. */
  private readonly committedReaders: Int32Array
  private readonly sureValues: Uint8Array
  private readonly happened: Uint8Array
  private readonly firstPositions: Int32Array
  private readonly lastPositions: Int32Array
  private readonly appearances: Int32Array
  /** Operations by process, in their order: those of process p from starts[p] on. */
  private readonly byProcess: Int32Array
  private readonly starts: Int32Array
  private readonly isCommittedReader: readonly boolean[]
  private readonly expiring: ReadonlySet<number>

  constructor(history: History, expiring: readonly Key[]) {
    this.history = history
    const values = history.valueCount
    this.expiring = new Set(expiring.map((key) => history.keyNumber(key)))
    this.isCommittedReader = processes(history).map((process) => history.declarationOf(process).isolation === 'read_committed')
    this.mayWrite = new Int32Array(values)
    this.writes = new Int32Array(values)
    this.writers = new Int32Array(values).fill(none)
    this.readers = new Int32Array(values).fill(none)
    this.committedReaders = new Int32Array(values).fill(none)
    this.sureValues = new Uint8Array(values)
    this.happened = new Uint8Array(history.size)
    this.firstPositions = new Int32Array(values).fill(none)
    this.lastPositions = new Int32Array(values).fill(none)
    this.appearances = new Int32Array(values)
    this.starts = new Int32Array(history.processCount + 1)
    this.byProcess = this.sortByProcess()
    this.findWriters()
    this.findReaders()
    this.findHappened()
    this.logs = this.placeRecords()
    for (const log of this.logs) log.settle((value) => this.isSure(value))
  }

  // ── Of operations

  /** An acknowledgement that does not wait for all replicas says nothing of what stays. */
  outcomeOf(op: OperationId): Outcome {
    const outcome = this.history.outcomeOf(op)
    if (outcome !== 'ok' || this.history.kindOf(op) !== 'send') return outcome
    return this.history.declarationOf(this.history.processOf(op)).acks === 'all' ? 'ok' : 'info'
  }

  /** It was acknowledged, or what it sent was read. */
  hasHappened(op: OperationId): boolean {
    return this.happened[op] === 1
  }

  readsCommitted(op: OperationId): boolean {
    return this.isCommittedReader[this.history.processOf(op)] === true
  }

  operationsOf(process: number): Int32Array {
    return this.byProcess.subarray(this.starts[process] ?? 0, this.starts[process + 1] ?? 0)
  }

  isExpiring(key: number): boolean {
    return this.expiring.has(key)
  }

  // ── Of values

  /** Operations that sent it and may have happened. */
  mayBeWrittenBy(value: number): number {
    return this.mayWrite[value] ?? 0
  }

  /** Sent, and every send has failed. */
  isAborted(value: number): boolean {
    return this.mayWrite[value] === 0 && (this.writes[value] ?? 0) > 0
  }

  isUnwritten(value: number): boolean {
    return this.writes[value] === 0
  }

  /** -1: nobody sent it. */
  writerOf(value: number): OperationId {
    return this.writers[value] ?? none
  }

  /** Its only writer that may have happened; -1 where there are none or several. */
  onlyWriterOf(value: number): OperationId {
    return this.mayWrite[value] === 1 ? this.writerOf(value) : none
  }

  /** The first operation that polled it; -1: nobody has. */
  readerOf(value: number): OperationId {
    return this.readers[value] ?? none
  }

  /** It is in the log to stay. */
  isSure(value: number): boolean {
    return this.sureValues[value] === 1
  }

  /** Positions in its key's log; -1: none is known. */
  firstPosition(value: number): number {
    return this.firstPositions[value] ?? none
  }

  lastPosition(value: number): number {
    return this.lastPositions[value] ?? none
  }

  /** At how many offsets it is. */
  appearancesOf(value: number): number {
    return this.appearances[value] ?? 0
  }

  logOf(value: number): KeyLog {
    return this.log(this.history.keyOf(value))
  }

  log(key: number): KeyLog {
    const log = this.logs[key]
    if (log === undefined) throw new RangeError(`there is no key ${key}`)
    return log
  }

  /** Where a record that was sent is: what its answer said, or else where it was read if it is one record; -1: not known. */
  sentOffset(record: number): Offset {
    const told = this.history.offsetOf(record)
    const value = this.history.valueOf(record)
    if (told >= 0 || this.writes[value] !== 1 || this.appearancesOf(value) !== 1) return told
    return this.logOf(value).offsetAt(this.firstPosition(value))
  }

  // ── How it is found

  private sortByProcess(): Int32Array {
    const { history, starts } = this
    for (let op = 0; op < history.size; op += 1) {
      const after = history.processOf(op) + 1
      starts[after] = (starts[after] ?? 0) + 1
    }
    for (let process = 0; process < history.processCount; process += 1)
      starts[process + 1] = (starts[process + 1] ?? 0) + (starts[process] ?? 0)
    const next = starts.slice()
    const sorted = new Int32Array(history.size)
    for (let op = 0; op < history.size; op += 1) {
      const process = history.processOf(op)
      const at = next[process] ?? 0
      sorted[at] = op
      next[process] = at + 1
    }
    return sorted
  }

  private findWriters(): void {
    const { history } = this
    for (let op = 0; op < history.size; op += 1) {
      const may = this.outcomeOf(op) !== 'fail'
      for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record)) {
        if (!history.isPolled(record)) this.addWriter(history.valueOf(record), op, may)
      }
    }
  }

  private addWriter(value: number, op: OperationId, may: boolean): void {
    if (this.writers[value] === none || (may && this.mayWrite[value] === 0)) this.writers[value] = op
    this.writes[value] = (this.writes[value] ?? 0) + 1
    if (may) this.mayWrite[value] = (this.mayWrite[value] ?? 0) + 1
  }

  private findReaders(): void {
    const { history } = this
    for (let op = 0; op < history.size; op += 1) {
      const readsCommitted = this.readsCommitted(op)
      for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record)) {
        const value = history.valueOf(record)
        if (!history.isPolled(record)) continue
        if (this.readers[value] === none) this.readers[value] = op
        if (!readsCommitted || this.writers[value] === op || this.mayWrite[value] === 0) continue
        if (this.committedReaders[value] === none) this.committedReaders[value] = op
        this.sureValues[value] = 1
      }
    }
  }

  private findHappened(): void {
    for (let op = 0; op < this.history.size; op += 1) {
      const outcome = this.outcomeOf(op)
      if (outcome === 'fail') continue
      if (outcome === 'info' && !this.hasBeenRead(op)) continue
      this.happened[op] = 1
      this.makeSure(op)
    }
  }

  private hasBeenRead(op: OperationId): boolean {
    const { history } = this
    const proof = history.kindOf(op) === 'txn' ? this.committedReaders : this.readers
    for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record)) {
      const value = history.valueOf(record)
      if (!history.isPolled(record) && proof[value] !== none && this.mayWrite[value] === 1) return true
    }
    return false
  }

  /** All that a transaction has sent, once it has happened. Of records without one, each is for itself: one may be there and the next not. */
  private makeSure(op: OperationId): void {
    const { history } = this
    const isWhole = this.outcomeOf(op) === 'ok' || history.kindOf(op) === 'txn'
    for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record)) {
      const value = history.valueOf(record)
      if (!history.isPolled(record) && (isWhole || this.readers[value] !== none)) this.sureValues[value] = 1
    }
  }

  private placeRecords(): KeyLog[] {
    const { history } = this
    const counts = new Int32Array(history.keyCount)
    this.eachPlaced((key) => (counts[key] = (counts[key] ?? 0) + 1))
    const offsets = [...counts].map((count) => new Float64Array(count))
    counts.fill(0)
    this.eachPlaced((key, offset) => {
      const at = counts[key] ?? 0
      const list = offsets[key]
      if (list !== undefined) list[at] = offset
      counts[key] = at + 1
    })
    const logs = offsets.map((list) => new KeyLog(list))
    this.eachPlaced((key, offset, value) => {
      const log = logs[key]
      if (log === undefined) return
      const position = log.lowerBound(offset)
      if (log.put(position, value)) this.appear(value, position)
    })
    return logs
  }

  /** Records that are known to be at an offset. */
  private eachPlaced(visit: (key: number, offset: Offset, value: number) => void): void {
    const { history } = this
    for (let op = 0; op < history.size; op += 1) {
      const happened = this.hasHappened(op)
      for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record)) {
        const offset = history.offsetOf(record)
        const value = history.valueOf(record)
        if (offset >= 0 && (history.isPolled(record) || (happened && this.isSure(value)))) visit(history.keyOf(value), offset, value)
      }
    }
  }

  private appear(value: number, position: number): void {
    const first = this.firstPositions[value] ?? none
    this.firstPositions[value] = first === none ? position : Math.min(first, position)
    this.lastPositions[value] = Math.max(this.lastPositions[value] ?? none, position)
    this.appearances[value] = (this.appearances[value] ?? 0) + 1
  }
}

function processes(history: History): number[] {
  return Array.from({ length: history.processCount }, (_, process) => process)
}
