import type { Millis } from './units.ts'

/**
 * A protocol participant as a value. The same inputs at the same times give the same effects in the same order.
 * It sets no timers, reads no clock, does no IO: whoever drives it carries out its effects and wakes it.
 */
export interface Machine<Input, Effect> {
  step(now: Millis, input: Input): readonly Effect[]
  /** When it next wants `wake`; the driver arms one timer. Infinity: not at all. */
  wakeAt(): Millis
  /** Before `wakeAt()` it does nothing. */
  wake(now: Millis): readonly Effect[]
}

/** Names who waits for an answer. Only the host that made it knows what it stands for. */
export type Ticket = number

export interface Decision<Fact, Reply> {
  readonly records: readonly Fact[]
  readonly answers: readonly { readonly to: Ticket; readonly reply: Reply }[]
}

/**
 * State that is the fold of a log. `decide` reads and writes nothing; `replay` is the only writer.
 * Answers leave only once the decision's records (or, when it has none, all records it may have seen) are committed.
 */
export interface Ledger<Command, Fact, Reply> {
  decide(now: Millis, ticket: Ticket, command: Command): Decision<Fact, Reply>
  replay(fact: Fact): void
  wakeAt(): Millis
  wake(now: Millis): Decision<Fact, Reply>
}
