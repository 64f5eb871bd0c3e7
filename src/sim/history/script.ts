import type { History } from './history.ts'
import type { ClientDeclaration, OperationId, OperationRequest, OperationResult, Outcome, Process, Value } from './operation.ts'
import { HistoryRecorder } from './recorder.ts'

/** `x:a@5` is value a of key x at offset 5; `x:a` where nobody knows. */
export type Spot = string

/** Histories written by hand, for tests: one operation after the other, a millisecond each. */
export class HistoryScript {
  readonly recorder: HistoryRecorder
  private now = 0

  constructor(recorder = new HistoryRecorder()) {
    this.recorder = recorder
  }

  get history(): History {
    return this.recorder.history
  }

  client(process: Process, declaration: Partial<ClientDeclaration>): this {
    this.recorder.client(process, declaration)
    return this
  }

  begin(process: Process, request: OperationRequest): OperationId {
    this.now += 1
    return this.recorder.invoke(process, request, this.now)
  }

  end(id: OperationId, outcome: Outcome = 'ok', result: OperationResult = {}): this {
    this.now += 1
    if (outcome === 'ok') this.recorder.ok(id, this.now, result)
    else this.recorder[outcome](id, this.now, 'as the script has it', result)
    return this
  }

  op(process: Process, request: OperationRequest, result: OperationResult = {}, outcome: Outcome = 'ok'): this {
    return this.end(this.begin(process, request), outcome, result)
  }

  send(process: Process, spots: readonly Spot[], outcome: Outcome = 'ok'): this {
    return this.op(process, { f: 'send', sends: spots.map(parse) }, { offsets: spots.map((spot) => parse(spot).offset) }, outcome)
  }

  poll(process: Process, spots: readonly Spot[], outcome: Outcome = 'ok', rebalanced: readonly string[] = []): this {
    return this.op(process, { f: 'poll' }, { polls: spots.map(placed), rebalanced }, outcome)
  }

  /** `positions` are committed with it for group g. */
  txn(process: Process, sends: readonly Spot[], polls: readonly Spot[] = [], outcome: Outcome = 'ok'): this {
    const result = { offsets: sends.map((spot) => parse(spot).offset), polls: polls.map(placed) }
    return this.op(process, { f: 'txn', sends: sends.map(parse) }, result, outcome)
  }

  /** A drain of these keys by a process that polls these records. */
  drain(process: Process, keys: readonly string[], spots: readonly Spot[]): this {
    const id = this.begin(process, { f: 'drain', keys })
    return this.poll(process, spots).end(id)
  }

  commit(process: Process, key: string, offset: number, generation?: number, outcome: Outcome = 'ok'): this {
    const asked = { f: 'commit', group: 'g', positions: [{ key, offset }] } as const
    return this.op(process, generation === undefined ? asked : { ...asked, generation }, {}, outcome)
  }

  committed(process: Process, key: string, offset: number): this {
    return this.op(process, { f: 'committed', group: 'g', keys: [key] }, { positions: [{ key, offset }] })
  }

  list(process: Process, key: string, offset: number): this {
    return this.op(process, { f: 'list', keys: [key] }, { positions: [{ key, offset }] })
  }
}

function parse(spot: Spot): { key: string; value: Value; offset: number | null } {
  const [name = '', offset] = spot.split('@')
  const [key = '', value = ''] = name.split(':')
  return { key, value, offset: offset === undefined ? null : Number(offset) }
}

function placed(spot: Spot): { key: string; value: Value; offset: number } {
  const { key, value, offset } = parse(spot)
  return { key, value, offset: offset ?? Number.NaN }
}
