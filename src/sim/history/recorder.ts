import type { Millis } from '../../base/units.ts'
import { History } from './history.ts'
import { type HistoryEvent, historyLine } from './ndjson.ts'
import type { ClientDeclaration, OperationId, OperationRequest, OperationResult, Outcome, Process, SentRecord } from './operation.ts'

/**
 * Takes down what clients do, as they do it. With `write` every event goes out at once as a line of JSON (with its end of line), so that nothing is lost with
 * the process that records. Times are any one clock's; monotonic, if the history is to be trusted.
 */
export class HistoryRecorder {
  readonly history = new History()
  private readonly write: ((line: string) => void) | null
  private readonly observe: ((event: HistoryEvent) => void) | null

  constructor(write: ((line: string) => void) | null = null, observe: ((event: HistoryEvent) => void) | null = null) {
    this.write = write
    this.observe = observe
  }

  /** What is promised of a process, where it is not the default. Before its first operation. */
  client(process: Process, declaration: Partial<ClientDeclaration>): void {
    this.history.declare(process, declaration)
    this.tell({ type: 'client', process, declaration })
  }

  invoke(process: Process, request: OperationRequest, t: Millis): OperationId {
    const id = this.history.begin(process, request, t)
    this.tell({ type: 'invoke', id, process, t, request })
    return id
  }

  /** What a transaction is about to send, where its invocation did not say so. */
  sending(id: OperationId, sends: readonly SentRecord[]): void {
    this.history.addSends(id, sends)
    this.tell({ type: 'sends', id, sends })
  }

  ok(id: OperationId, t: Millis, result: OperationResult = {}): void {
    this.end(id, 'ok', t, result)
  }

  /** It has not happened, and never will. */
  fail(id: OperationId, t: Millis, error: string, result: OperationResult = {}): void {
    this.end(id, 'fail', t, result, error)
  }

  /** Nobody knows. */
  info(id: OperationId, t: Millis, error: string, result: OperationResult = {}): void {
    this.end(id, 'info', t, result, error)
  }

  private end(id: OperationId, outcome: Outcome, t: Millis, result: OperationResult, error?: string): void {
    this.history.end(id, outcome, t, result, error)
    this.tell({ type: outcome, id, t, result, ...(error === undefined ? {} : { error }) })
  }

  private tell(event: HistoryEvent): void {
    this.write?.(`${historyLine(event)}\n`)
    this.observe?.(event)
  }
}
