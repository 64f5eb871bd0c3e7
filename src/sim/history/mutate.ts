import { Prng } from '../../base/prng.ts'
import type { HistoryEvent } from './ndjson.ts'
import type { Key, OperationResult, SentRecord } from './operation.ts'
import { HistoryRecorder } from './recorder.ts'
import type { History } from './history.ts'

/**
 * What goes wrong with a good history:
 *
 *  - `drop`: from some offset of a key on nobody is given the records that it had, nor the one of that offset any more: an acknowledged record is lost.
 *  - `vanish`: an acknowledged record that was given to readers is missing at the end.
 *  - `skip`: one poll in the middle of an assignment leaves out one record that it has.
 *  - `duplicate`: the last drain finds a record at one more offset.
 *  - `reorder`: in one poll two records that follow each other have changed their offsets.
 *  - `rewind`: a process is given a poll again.
 *  - `expose`: a record that has failed is there at the end.
 *  - `rewrite`: one poll has another value at an offset.
 */
export const mutations = ['drop', 'vanish', 'skip', 'duplicate', 'reorder', 'rewind', 'expose', 'rewrite'] as const
export type Mutation = (typeof mutations)[number]

type Polled = SentRecord & { readonly offset: number }
type Completion = Extract<HistoryEvent, { readonly result: OperationResult }>

/** A place where the mutation applies: its event, and the index of a polled record. */
interface Spot {
  readonly at: number
  readonly index: number
}

export function historyOf(events: readonly HistoryEvent[]): History {
  const recorder = new HistoryRecorder()
  const ids = new Map<number | string, number>()
  const id = (event: { readonly id: number | string }): number => ids.get(event.id) ?? -1
  for (const event of events) {
    if (event.type === 'client') recorder.client(event.process, event.declaration)
    else if (event.type === 'invoke') ids.set(event.id, recorder.invoke(event.process, event.request, event.t))
    else if (event.type === 'sends') recorder.sending(id(event), event.sends)
    else recorder.history.end(id(event), event.type, event.t, event.result)
  }
  return recorder.history
}

/** The history with one thing wrong in it; null where it has no place for that. */
export function mutate(events: readonly HistoryEvent[], mutation: Mutation, seed: number): HistoryEvent[] | null {
  return new Mutator(events, seed).mutate(mutation)
}

class Mutator {
  private readonly events: HistoryEvent[]
  private readonly prng: Prng
  /** Of each event with an end, who did it, and what it was. */
  private readonly invoked = new Map<number | string, Extract<HistoryEvent, { readonly type: 'invoke' }>>()
  private readonly acknowledged = new Set<string>()
  private readonly failed: SentRecord[] = []
  private readonly assigned = new Set<number | string>()

  constructor(events: readonly HistoryEvent[], seed: number) {
    this.events = [...events]
    this.prng = new Prng(seed)
    for (const event of events) if (event.type === 'invoke') this.note(event)
    this.noteSends()
  }

  mutate(mutation: Mutation): HistoryEvent[] | null {
    const hasChanged = this[mutation]()
    return hasChanged ? this.events : null
  }

  private note(event: Extract<HistoryEvent, { readonly type: 'invoke' }>): void {
    this.invoked.set(event.id, event)
    if (event.request.f === 'assign') this.assigned.add(event.process)
  }

  /** What was sent once, and acknowledged or refused. */
  private noteSends(): void {
    const sends = new Map<number | string, SentRecord[]>()
    const times = new Map<string, number>()
    const add = (id: number | string, records: readonly SentRecord[]): void => {
      sends.set(id, [...(sends.get(id) ?? []), ...records])
      for (const record of records) times.set(nameOf(record), (times.get(nameOf(record)) ?? 0) + 1)
    }
    for (const event of this.events) {
      if (event.type === 'sends') add(event.id, event.sends)
      else if (event.type === 'invoke' && 'sends' in event.request && event.request.sends !== undefined) add(event.id, event.request.sends)
    }
    for (const event of this.events) {
      if (event.type !== 'ok' && event.type !== 'fail') continue
      const once = (sends.get(event.id) ?? []).filter((record) => times.get(nameOf(record)) === 1)
      if (event.type === 'fail') this.failed.push(...once)
      else for (const record of once) this.acknowledged.add(nameOf(record))
    }
  }

  private drop(): boolean {
    const drained = this.spots((event) => this.isDrain(event)).filter((spot) => this.isAcknowledged(spot))
    const spot = this.pick(drained)
    if (spot === null) return false
    const lost = nameOf(this.polled(spot))
    this.events.forEach((event, at) => {
      if ('result' in event && event.result.polls !== undefined)
        this.setPolls(at, event, event.result.polls.filter((record) => nameOf(record) !== lost)) // prettier-ignore
    })
    return true
  }

  private vanish(): boolean {
    const spot = this.pick(this.spots((event) => this.isDrain(event)).filter((one) => this.isAcknowledged(one)))
    if (spot === null) return false
    return this.change(spot, (polls) => polls.toSpliced(spot.index, 1))
  }

  private skip(): boolean {
    const inner = this.spots((event) => this.isAssigned(event) || this.isDrain(event)).filter(({ at, index }) => {
      const polls = this.pollsAt(at)
      const key = polls[index]?.key
      return this.isAcknowledged({ at, index }) && polls[index - 1]?.key === key && polls[index + 1]?.key === key
    })
    const spot = this.pick(inner)
    return spot !== null && this.change(spot, (polls) => polls.toSpliced(spot.index, 1))
  }

  private duplicate(): boolean {
    const spot = this.pick(this.spots((event) => this.isDrain(event)).filter((one) => this.isAcknowledged(one)))
    if (spot === null) return false
    const { key, value } = this.polled(spot)
    return this.change(spot, (polls) => [...polls, { key, value, offset: this.endOf(key) }])
  }

  private reorder(): boolean {
    const spot = this.pick(
      this.spots(() => true).filter(({ at, index }) => this.pollsAt(at)[index + 1]?.key === this.pollsAt(at)[index]?.key),
    )
    if (spot === null) return false
    const one = this.polled(spot)
    const two = this.polled({ ...spot, index: spot.index + 1 })
    return this.change(spot, (polls) => polls.toSpliced(spot.index, 2, { ...two, offset: one.offset }, { ...one, offset: two.offset }))
  }

  private rewind(): boolean {
    const spot = this.pick(this.spots((event) => event.type === 'ok' && (this.isAssigned(event) || this.isDrain(event))))
    const event = spot === null ? undefined : this.events[spot.at]
    if (spot === null || event === undefined || !('result' in event)) return false
    const invoked = this.invoked.get(event.id)
    if (invoked === undefined) return false
    const again = { type: 'invoke', id: 'again', process: invoked.process, t: event.t, request: { f: 'poll' } } as const
    this.events.splice(spot.at + 1, 0, again, { ...event, id: 'again', result: { polls: this.pollsAt(spot.at) } })
    return true
  }

  private expose(): boolean {
    const record = this.failed.length === 0 ? null : this.prng.pick(this.failed)
    const spot =
      record === null ? null : this.pick(this.spots((event) => this.isDrain(event)).filter((one) => this.polled(one).key === record.key))
    if (record === null || spot === null) return false
    return this.change(spot, (polls) => [...polls, { ...record, offset: this.endOf(record.key) }])
  }

  private rewrite(): boolean {
    const spot = this.pick(this.spots(() => true))
    if (spot === null) return false
    return this.change(spot, (polls) => polls.with(spot.index, { ...this.polled(spot), value: 'torn' }))
  }

  // ── Where things are

  private spots(isWanted: (event: Completion) => boolean): Spot[] {
    return this.events.flatMap((event, at) => {
      if (!('result' in event) || !isWanted(event)) return []
      return (event.result.polls ?? []).map((_, index) => ({ at, index }))
    })
  }

  private pick(spots: readonly Spot[]): Spot | null {
    return spots.length === 0 ? null : this.prng.pick(spots)
  }

  private pollsAt(at: number): readonly Polled[] {
    const event = this.events[at]
    return event !== undefined && 'result' in event ? (event.result.polls ?? []) : []
  }

  private polled({ at, index }: Spot): Polled {
    const record = this.pollsAt(at)[index]
    if (record === undefined) throw new RangeError('nothing was polled there')
    return record
  }

  private change({ at }: Spot, how: (polls: readonly Polled[]) => readonly Polled[]): boolean {
    const event = this.events[at]
    if (event === undefined || !('result' in event)) return false
    this.setPolls(at, event, how(this.pollsAt(at)))
    return true
  }

  private setPolls(at: number, event: Completion, polls: readonly Polled[]): void {
    this.events[at] = { ...event, result: { ...event.result, polls } }
  }

  private isAcknowledged(spot: Spot): boolean {
    return this.acknowledged.has(nameOf(this.polled(spot)))
  }

  private isDrain(event: Completion): boolean {
    return String(this.invoked.get(event.id)?.process).startsWith('drain')
  }

  private isAssigned(event: Completion): boolean {
    const process = this.invoked.get(event.id)?.process
    return process !== undefined && this.assigned.has(process)
  }

  /** Nothing was ever seen there. */
  private endOf(key: Key): number {
    const offsets = this.events.flatMap((_, at) => this.pollsAt(at).filter((record) => record.key === key))
    return offsets.reduce((end, { offset }) => Math.max(end, offset + 1), 0) + 1_000
  }
}

function nameOf({ key, value }: SentRecord): string {
  return `${key} ${value}`
}
