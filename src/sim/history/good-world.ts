import type { Millis, Offset } from '../../base/units.ts'
import { Prng } from '../../base/prng.ts'
import type { Key, OperationId, OperationRequest, OperationResult, Process, SentRecord } from './operation.ts'
import type { HistoryRecorder } from './recorder.ts'

/** A transaction as the model has it: decided once, and then at each key when its marker is there. */
export interface ModelTransaction {
  isCommitted: boolean | null
  readonly keys: Set<Key>
}

interface Entry {
  /** Null: a marker. */
  readonly value: number | null
  readonly transaction: ModelTransaction | null
}

/** A partition's log as it should be: what is appended stays where it is. */
export class ModelLog {
  private readonly entries: Entry[] = []
  /** Where transactions begin here whose marker is missing. */
  private readonly open = new Map<ModelTransaction, Offset>()

  get end(): Offset {
    return this.entries.length
  }

  /** The last stable offset. */
  get stableEnd(): Offset {
    return Math.min(this.end, ...this.open.values())
  }

  append(value: number, transaction: ModelTransaction | null = null): Offset {
    if (transaction !== null && !this.open.has(transaction)) this.open.set(transaction, this.end)
    return this.entries.push({ value, transaction }) - 1
  }

  mark(transaction: ModelTransaction): void {
    if (this.open.delete(transaction)) this.entries.push({ value: null, transaction })
  }

  isOpen(transaction: ModelTransaction): boolean {
    return this.open.has(transaction)
  }

  /** Up to `countMax` records from an offset on, and the offset to go on from. */
  fetch(from: Offset, readsCommitted: boolean, countMax: number): { records: { value: number; offset: Offset }[]; next: Offset } {
    const records: { value: number; offset: Offset }[] = []
    const end = readsCommitted ? this.stableEnd : this.end
    let next = from
    for (; next < end && records.length < countMax; next += 1) {
      const { value = null, transaction = null } = this.entries[next] ?? {}
      const isVisible = !readsCommitted || transaction === null || transaction.isCommitted === true
      if (value !== null && isVisible) records.push({ value, offset: next })
    }
    return { records, next }
  }
}

/** What a client does, with a pause (`yield`) wherever others may come between. */
export type Life = Generator<undefined, void>

/** What comes of a request: `lost` and `late` are unknown to the client, as is `silent`, which has happened. */
export type Fate = 'ok' | 'fail' | 'silent' | 'late' | 'lost'

/** A cluster without a fault, on a network with all of them, and the clock by which its clients record. */
export class GoodWorld {
  readonly prng: Prng
  readonly keys: readonly Key[]
  readonly logs: ReadonlyMap<Key, ModelLog>
  private readonly recorder: HistoryRecorder
  private readonly troubleChance: number
  private readonly lateEffects: (() => void)[] = []
  private readonly undecided = new Set<ModelTransaction>()
  private nextValue = 0
  private now: Millis = 0
  /** All is well from now on, and clients come to an end. */
  isCalm = false

  constructor(seed: number, recorder: HistoryRecorder) {
    this.prng = new Prng(seed)
    this.recorder = recorder
    this.keys = Array.from({ length: this.prng.between(1, 4) }, (_, at) => `k-${at}`)
    this.logs = new Map([...this.keys, 'in', 'out'].map((key) => [key, new ModelLog()]))
    this.troubleChance = this.prng.chance(0.3) ? 0 : this.prng.fraction() * 0.6
  }

  log(key: Key): ModelLog {
    const log = this.logs.get(key)
    if (log === undefined) throw new RangeError(`there is no ${key}`)
    return log
  }

  fresh(): number {
    this.nextValue += 1
    return this.nextValue
  }

  freshSends(countMax: number, keys = this.keys): { key: Key; value: number }[] {
    return Array.from({ length: this.prng.between(1, countMax) }, () => ({ key: this.prng.pick(keys), value: this.fresh() }))
  }

  fate(): Fate {
    if (this.isCalm || !this.prng.chance(this.troubleChance)) return 'ok'
    return this.prng.pick(['fail', 'silent', 'late', 'lost'])
  }

  // ── Recording

  invoke(process: Process, request: OperationRequest): OperationId {
    return this.recorder.invoke(process, request, this.tick())
  }

  end(id: OperationId, fate: Fate, result: OperationResult = {}): void {
    if (fate === 'ok') this.recorder.ok(id, this.tick(), result)
    else if (fate === 'fail') this.recorder.fail(id, this.tick(), 'refused', result)
    else this.recorder.info(id, this.tick(), 'no answer', result)
  }

  sending(id: OperationId, sends: readonly SentRecord[]): void {
    this.recorder.sending(id, sends)
  }

  /** An answer may leave out the offset, as an idempotent retry's does. */
  told(offsets: readonly Offset[]): (Offset | null)[] {
    return offsets.map((offset) => (this.prng.chance(0.15) ? null : offset))
  }

  private tick(): Millis {
    this.now += this.prng.below(3)
    return this.now
  }

  // ── What happens when nobody waits for it

  later(effect: () => void): void {
    this.lateEffects.push(effect)
  }

  /** One of the things that were put off. */
  happen(): void {
    const at = this.prng.below(this.lateEffects.length)
    const [effect] = this.lateEffects.splice(at, 1)
    effect?.()
  }

  get isSettled(): boolean {
    return this.lateEffects.length === 0
  }

  newTransaction(): ModelTransaction {
    const transaction = { isCommitted: null, keys: new Set<Key>() }
    this.undecided.add(transaction)
    return transaction
  }

  /** What nobody has decided, because its client is gone, is aborted. */
  expireTransactions(): void {
    for (const transaction of this.undecided) this.decide(transaction, false)
  }

  /** The transaction is decided; its markers come one by one. */
  decide(transaction: ModelTransaction, isCommitted: boolean): void {
    if (transaction.isCommitted !== null) return
    transaction.isCommitted = isCommitted
    this.undecided.delete(transaction)
    for (const key of transaction.keys) this.later(() => this.log(key).mark(transaction))
  }

  isOver(transaction: ModelTransaction): boolean {
    return transaction.isCommitted !== null && [...transaction.keys].every((key) => !this.log(key).isOpen(transaction))
  }
}
