// A history as lines of JSON, one for each event, for recorders in any language:
//
//   {"type":"client","process":"c1","isolation":"read_committed","isIdempotent":true}    what ClientDeclaration has; what is left out is the default
//   {"type":"invoke","id":0,"process":"c1","t":1.5,"f":"send","sends":[["orders-0",17]]}   t in milliseconds of one monotonic clock
//   {"type":"sends","id":0,"sends":[["orders-0",18]]}                                    more of them, before they go out
//   {"type":"ok","id":0,"t":2.5,"offsets":[5,6]}                                         ok, fail or info; null for an offset nobody told
//   {"type":"invoke","id":1,"process":"c2","t":3,"f":"poll"}
//   {"type":"ok","id":1,"t":4,"polls":[["orders-0",17,5]]}                               key, value, offset
//
// By kind an invocation has "keys" (assign, subscribe, rebalance, drain, list, committed), "positions" as [key, offset] (seek, commit), "group" (commit,
// committed, and a txn that commits positions), "generation" (commit, if known), "total" (audit). A completion may have "positions" (txn with a group,
// committed, list, drain), "balances" as [key, amount] (audit), "rebalanced" (keys) and "error" (text).
import type { Millis } from '../../base/units.ts'
import { History, HistoryError } from './history.ts'
import {
  type ClientDeclaration,
  type Key,
  type OperationKind,
  type OperationRequest,
  type OperationResult,
  type Outcome,
  type Position,
  type Process,
  type SentRecord,
  type Value,
  defaultDeclaration,
  operationKinds,
  outcomes,
} from './operation.ts'

export type EventId = number | string

/** What is written down of a history. Identifiers are unique within a file; whoever writes one need not count from 0. */
export type HistoryEvent =
  | { readonly type: 'client'; readonly process: Process; readonly declaration: Partial<ClientDeclaration> }
  | { readonly type: 'invoke'; readonly id: EventId; readonly process: Process; readonly t: Millis; readonly request: OperationRequest }
  | { readonly type: 'sends'; readonly id: EventId; readonly sends: readonly SentRecord[] }
  | { readonly type: Outcome; readonly id: EventId; readonly t: Millis; readonly result: OperationResult; readonly error?: string }

/** The event as JSON, without the end of its line. */
export function historyLine(event: HistoryEvent): string {
  switch (event.type) {
    case 'client':
      return JSON.stringify({ type: event.type, process: event.process, ...event.declaration })
    case 'invoke': {
      const { type, id, process, t, request } = event
      return JSON.stringify({ type, id, process, t, ...flatRequest(request) })
    }
    case 'sends':
      return JSON.stringify({ type: event.type, id: event.id, sends: event.sends.map(flatSend) })
    case 'ok':
    case 'fail':
    case 'info': {
      const { type, id, t, result, error } = event
      return JSON.stringify({ type, id, t, ...flatResult(result), error })
    }
  }
}

const flatSend = ({ key, value }: SentRecord): readonly [Key, Value] => [key, value]
const flatPosition = ({ key, offset }: Position): readonly [Key, number] => [key, offset]

function flatRequest(request: OperationRequest): object {
  if (request.f === 'send' || request.f === 'txn') return { ...request, sends: request.sends?.map(flatSend) }
  if (request.f === 'seek' || request.f === 'commit') return { ...request, positions: request.positions.map(flatPosition) }
  return request
}

function flatResult({ polls, positions, balances, ...rest }: OperationResult): object {
  return {
    ...rest,
    polls: polls?.map(({ key, value, offset }) => [key, value, offset]),
    positions: positions?.map(flatPosition),
    balances: balances?.map(({ key, amount }) => [key, amount]),
  }
}

/**
 * Reads lines, in files of which each has identifiers of its own. Throws HistoryError, with the number of the line, for one that is not as above. A last
 * line that breaks off is what a process leaves that was killed while it wrote: `readLast` forgives it.
 */
export class HistoryReader {
  readonly history = new History()
  private readonly ids = new Map<EventId, number>()
  private lineNumber = 0

  /** Before the lines of another file. */
  nextFile(): void {
    this.ids.clear()
    this.lineNumber = 0
  }

  readLine(line: string): void {
    this.lineNumber += 1
    if (line.trim() === '') return
    try {
      this.take(JSON.parse(line))
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof HistoryError) throw new HistoryError(`line ${this.lineNumber}: ${error.message}`)
      throw error
    }
  }

  /** What comes after the last end of a line; false if it was no whole one. */
  readLast(rest: string): boolean {
    try {
      JSON.parse(rest)
    } catch {
      return rest.trim() === ''
    }
    this.readLine(rest)
    return true
  }

  private take(json: unknown): void {
    const event = new Fields(json)
    const type = event.text('type')
    if (type === 'client') this.history.declare(event.name('process'), declarationOf(event))
    else if (type === 'invoke') this.begin(event)
    else if (type === 'sends') this.history.addSends(this.operation(event), event.sends() ?? [])
    else this.end(event, type)
  }

  private begin(event: Fields): void {
    const id = event.name('id')
    if (this.ids.has(id)) throw new HistoryError(`operation ${id} has begun already`)
    this.ids.set(id, this.history.begin(event.name('process'), requestOf(event), event.number('t')))
  }

  private end(event: Fields, type: string): void {
    const outcome = outcomes.find((one) => one === type)
    if (outcome === undefined) throw new HistoryError(`there is no event ${JSON.stringify(type)}`)
    this.history.end(this.operation(event), outcome, event.number('t'), resultOf(event), event.optionalText('error'))
    this.ids.delete(event.name('id'))
  }

  private operation(event: Fields): number {
    const id = this.ids.get(event.name('id'))
    if (id === undefined) throw new HistoryError(`operation ${event.name('id')} has not begun, or is over`)
    return id
  }
}

function declarationOf(event: Fields): Partial<ClientDeclaration> {
  const declared: Partial<Record<keyof ClientDeclaration, unknown>> = {}
  for (const name of ['isIdempotent', 'reportsRebalances'] as const) {
    if (event.has(name)) declared[name] = event.oneOf(name, [true, false])
  }
  if (event.has('isolation')) declared.isolation = event.oneOf('isolation', ['read_committed', 'read_uncommitted'])
  if (event.has('acks')) declared.acks = event.oneOf('acks', ['all', '1', '0'])
  if (event.has('startsAt')) declared.startsAt = event.oneOf('startsAt', ['earliest', 'latest'])
  if (event.has('inFlightMax')) declared.inFlightMax = event.number('inFlightMax')
  if (event.has('group')) declared.group = event.text('group')
  for (const name of event.names()) {
    if (name !== 'type' && name !== 'process' && !(name in defaultDeclaration)) throw new HistoryError(`a client declares no ${name}`)
  }
  return declared as Partial<ClientDeclaration>
}

function requestOf(event: Fields): OperationRequest {
  const name = event.text('f')
  const f: OperationKind | undefined = operationKinds.find((one) => one === name)
  switch (f) {
    case 'send':
      return { f, sends: event.sends() ?? [] }
    case 'poll':
    case 'crash':
      return { f }
    case 'txn':
      return { f, sends: event.sends() ?? [], ...event.groupOf() }
    case 'assign':
    case 'subscribe':
    case 'rebalance':
    case 'drain':
    case 'list':
      return { f, keys: event.keys('keys') ?? [] }
    case 'seek':
      return { f, positions: event.positions() ?? [] }
    case 'commit': {
      const generation = event.has('generation') ? { generation: event.number('generation') } : {}
      return { f, group: event.text('group'), ...generation, positions: event.positions() ?? [] }
    }
    case 'committed':
      return { f, group: event.text('group'), keys: event.keys('keys') ?? [] }
    case 'audit':
      return { f, total: event.number('total') }
    case undefined:
      throw new HistoryError(`there is no operation ${JSON.stringify(name)}`)
  }
}

function resultOf(event: Fields): OperationResult {
  const offsets = event.list('offsets')?.map((offset) => (offset === null ? null : asNumber(offset, 'an offset')))
  const polls = event.list('polls')?.map((one) => {
    const [key, value, offset] = asList(one, 'a poll')
    return { key: asText(key, 'a key'), value: asName(value, 'a value'), offset: asNumber(offset, 'an offset') }
  })
  const balances = event.list('balances')?.map((one) => {
    const [key, amount] = asList(one, 'a balance')
    return { key: asText(key, 'a key'), amount: asNumber(amount, 'an amount') }
  })
  const positions = event.positions()
  const rebalanced = event.keys('rebalanced')
  return {
    ...(offsets === undefined ? {} : { offsets }),
    ...(polls === undefined ? {} : { polls }),
    ...(balances === undefined ? {} : { balances }),
    ...(positions === undefined ? {} : { positions }),
    ...(rebalanced === undefined ? {} : { rebalanced }),
  }
}

/** An object of a line, of which nothing is believed. */
class Fields {
  private readonly fields: ReadonlyMap<string, unknown>

  constructor(json: unknown) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new HistoryError('an event is an object')
    this.fields = new Map(Object.entries(json))
  }

  names(): Iterable<string> {
    return this.fields.keys()
  }

  has(name: string): boolean {
    return this.fields.get(name) !== undefined && this.fields.get(name) !== null
  }

  text(name: string): string {
    return asText(this.fields.get(name), name)
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined
  }

  number(name: string): number {
    return asNumber(this.fields.get(name), name)
  }

  name(name: string): number | string {
    return asName(this.fields.get(name), name)
  }

  oneOf<T>(name: string, allowed: readonly T[]): T {
    const value = allowed.find((one) => one === this.fields.get(name))
    if (value === undefined) throw new HistoryError(`${name} is one of ${allowed.join(', ')}`)
    return value
  }

  list(name: string): readonly unknown[] | undefined {
    const list = this.fields.get(name)
    return list === undefined || list === null ? undefined : asList(list, name)
  }

  keys(name: string): readonly Key[] | undefined {
    return this.list(name)?.map((key) => asText(key, 'a key'))
  }

  groupOf(): { readonly group?: string } {
    return this.has('group') ? { group: this.text('group') } : {}
  }

  sends(): readonly SentRecord[] | undefined {
    return this.list('sends')?.map((one) => {
      const [key, value] = asList(one, 'a send')
      return { key: asText(key, 'a key'), value: asName(value, 'a value') }
    })
  }

  positions(): readonly Position[] | undefined {
    return this.list('positions')?.map((one) => {
      const [key, offset] = asList(one, 'a position')
      return { key: asText(key, 'a key'), offset: asNumber(offset, 'an offset') }
    })
  }
}

function asText(json: unknown, what: string): string {
  if (typeof json !== 'string') throw new HistoryError(`${what} is a text`)
  return json
}

function asNumber(json: unknown, what: string): number {
  if (typeof json !== 'number') throw new HistoryError(`${what} is a number`)
  return json
}

function asName(json: unknown, what: string): number | string {
  if (typeof json !== 'number' && typeof json !== 'string') throw new HistoryError(`${what} is a number or a text`)
  return json
}

function asList(json: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(json)) throw new HistoryError(`${what} is a list`)
  return json
}
