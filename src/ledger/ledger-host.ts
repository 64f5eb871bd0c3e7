import { assert } from '../base/assert.ts'
import type { Decision, Ledger, Ticket } from '../base/machine.ts'
import { type Millis, NEVER, type Offset } from '../base/units.ts'

/** A ledger that may use the place of its records in the log (an offset makes a good epoch: it is never given twice). */
export interface HostedLedger<Command, Fact, Reply> extends Ledger<Command, Fact, Reply> {
  /** Told before each `decide` and `wake`: where the first record of the decision will stand, if it has any. */
  expectOffset(next: Offset): void
}

/** The end of the log that the leader appends to. */
export interface LedgerLog<Fact> {
  /** Where the next record will stand. */
  nextOffset(): Offset
  /**
   * Appends all of the facts, or none: as one batch. Returns the offset of the last one; null when this node does not lead any more.
   * What cannot be written has to throw, before anything is appended.
   */
  append(facts: readonly Fact[]): Offset | null
}

export interface LedgerHostOptions<Command, Fact, Reply> {
  /** A ledger that has seen no record. */
  readonly make: () => HostedLedger<Command, Fact, Reply>
  /** The answer to a command that this node cannot take, or cannot say the outcome of, because it does not lead (any more). */
  readonly refuse: (command: Command) => Reply
  /** Without it an answer waits for as long as its records do. */
  readonly commitTimeout?: CommitTimeout<Command, Reply>
}

/** An answer whose records are not committed in time: whoever asked is told so, and does not know whether they will be. */
export interface CommitTimeout<Command, Reply> {
  readonly afterMs: Millis
  readonly answer: (command: Command) => Reply
}

/** Decisions of one wake; what is still due comes with the next. */
const wakesPerTurnMax = 64

interface Parked<Command, Reply> {
  readonly command: Command
  readonly answer: (reply: Reply) => void
}

interface Answered<Command, Reply> extends Parked<Command, Reply> {
  /** Leaves when everything below is committed. */
  readonly after: Offset
  /** Or is given up then. */
  readonly deadline: Millis
  readonly reply: Reply
}

/**
 * Runs one ledger.
 *
 *  standby --lead--> active --resign--> standby
 *
 *  The log's driver either tells of each committed batch (`onCommitted`: a standby follows the log), or reads the log when this node comes to lead it
 *  (`onTail` for all that is there, committed or not) and from then on says only how far it is committed (`commitTo`).
 *
 *  1. On a standby only committed records are replayed; nothing is decided.
 *  2. On the active node the records of a decision are appended and at once replayed, before the next command is looked at. If the append fails
 *     nothing is replayed.
 *  3. An answer leaves once its decision's records are committed; one without records once all records replayed before it are, so nobody hears of
 *     state that may yet be lost.
 *  4. Who resigns with uncommitted records replayed throws the ledger away, and is given snapshot and log again from the beginning. Every answer
 *     that has not left is refused: its outcome is unknown.
 */
export class LedgerHost<Command, Fact, Reply> {
  private readonly options: LedgerHostOptions<Command, Fact, Reply>
  private current: HostedLedger<Command, Fact, Reply>
  /** null on a standby. */
  private log: LedgerLog<Fact> | null = null
  /** Exclusive: all records below it have been replayed. */
  private appliedEnd: Offset = 0
  /** Exclusive: all records below it are known to be committed. */
  private committedEnd: Offset = 0
  private nextTicket: Ticket = 1
  /** Commands that the ledger has not answered. */
  private readonly parked = new Map<Ticket, Parked<Command, Reply>>()
  /** Answers that wait for the log, in the order of `after`. */
  private answered: Answered<Command, Reply>[] = []

  constructor(options: LedgerHostOptions<Command, Fact, Reply>) {
    this.options = options
    this.current = options.make()
  }

  /** The ledger as it is now; another object after a snapshot or a resignation. */
  get ledger(): HostedLedger<Command, Fact, Reply> {
    return this.current
  }

  get isActive(): boolean {
    return this.log !== null
  }

  /** Exclusive: what the ledger is the fold of. */
  get appliedOffset(): Offset {
    return this.appliedEnd
  }

  /** Commands and answers that wait. */
  get waiting(): number {
    return this.parked.size + this.answered.length
  }

  /**
   * Records from `baseOffset` to `lastOffset` are committed. `facts` is asked for only if they have not been replayed; it gives none for a batch
   * that is the log's own business.
   */
  onCommitted(baseOffset: Offset, lastOffset: Offset, facts: () => readonly Fact[]): void {
    if (lastOffset >= this.appliedEnd) {
      assert(baseOffset >= this.appliedEnd, `committed from ${baseOffset} to ${lastOffset}, replayed up to ${this.appliedEnd}`)
      const given = facts()
      assert(this.log === null || given.length === 0, `records up to ${lastOffset} that the active node did not write`)
      for (const fact of given) this.current.replay(fact)
      this.appliedEnd = lastOffset + 1
    }
    this.committedEnd = Math.max(this.committedEnd, lastOffset + 1)
    this.release()
  }

  /**
   * Records that the next leader, this node, has in its log, and that may not be committed yet: it leads, so they will be or its leadership ends.
   * Only on a standby, before `lead`. Whoever asks for what they say is answered when they are committed.
   */
  onTail(baseOffset: Offset, lastOffset: Offset, facts: readonly Fact[]): void {
    assert(this.log === null, 'the active node has written the tail itself')
    assert(baseOffset >= this.appliedEnd, `a tail from ${baseOffset}, replayed up to ${this.appliedEnd}`)
    for (const fact of facts) this.current.replay(fact)
    this.appliedEnd = lastOffset + 1
  }

  /** All below `endOffset` is committed, whoever wrote it. */
  commitTo(endOffset: Offset): void {
    if (endOffset <= this.committedEnd) return
    this.committedEnd = endOffset
    this.release()
  }

  /** The state after all records below `endOffset`, in place of all that was replayed. Only on a standby. */
  onSnapshot(endOffset: Offset, facts: Iterable<Fact>): void {
    assert(this.log === null, 'a snapshot for the active node')
    this.current = this.options.make()
    for (const fact of facts) this.current.replay(fact)
    this.appliedEnd = endOffset
    this.committedEnd = endOffset
  }

  /** This node leads, and all that was committed before has been replayed. */
  lead(log: LedgerLog<Fact>): void {
    assert(this.log === null, 'led already')
    assert(this.appliedEnd <= log.nextOffset(), `replayed up to ${this.appliedEnd}, the log ends at ${log.nextOffset()}`)
    this.log = log
  }

  /**
   * This node leads no more. Returns whether the ledger had to be thrown away: then the driver has to give snapshot and log from the beginning,
   * before anything else.
   */
  resign(): { readonly mustRefold: boolean } {
    if (this.log === null) return { mustRefold: false }
    this.log = null
    const mustRefold = this.appliedEnd > this.committedEnd
    if (mustRefold) {
      this.current = this.options.make()
      this.appliedEnd = 0
      this.committedEnd = 0
    }
    this.refuseAll()
    return { mustRefold }
  }

  private refuseAll(): void {
    const waiting: Parked<Command, Reply>[] = [...this.answered, ...this.parked.values()]
    this.answered = []
    this.parked.clear()
    for (const { command, answer } of waiting) answer(this.options.refuse(command))
  }

  /** `answer` is called exactly once; within this call if nothing has to be waited for. */
  submit(now: Millis, command: Command, answer: (reply: Reply) => void): void {
    const log = this.log
    if (log === null) {
      answer(this.options.refuse(command))
      return
    }
    const ticket = this.nextTicket
    this.nextTicket += 1
    this.parked.set(ticket, { command, answer })
    this.current.expectOffset(log.nextOffset())
    this.carryOut(log, now, this.current.decide(now, ticket, command))
  }

  /** When the ledger has something due, or an answer is given up. */
  wakeAt(): Millis {
    return this.log === null ? NEVER : Math.min(this.current.wakeAt(), this.answered[0]?.deadline ?? NEVER)
  }

  /** Lets the ledger do what is due: one decision after the other, each from the state that the one before left. */
  wake(now: Millis): void {
    this.giveUp(now)
    for (let count = 0; count < wakesPerTurnMax; count += 1) {
      const log = this.log
      if (log === null || now < this.current.wakeAt()) return
      this.current.expectOffset(log.nextOffset())
      if (!this.carryOut(log, now, this.current.wake(now))) return
    }
  }

  /** Answers whose records took too long. Part of `wake`; on its own for a driver that lets the ledger write nothing at the moment. */
  giveUp(now: Millis): void {
    const timeout = this.options.commitTimeout
    if (timeout === undefined) return
    let late = 0
    while (late < this.answered.length && (this.answered[late]?.deadline ?? NEVER) <= now) late += 1
    for (const { command, answer } of this.answered.splice(0, late)) answer(timeout.answer(command))
  }

  /** False when nothing came of it because this node does not lead any more. */
  private carryOut(log: LedgerLog<Fact>, now: Millis, decision: Decision<Fact, Reply>): boolean {
    if (decision.records.length > 0) {
      const last = log.append(decision.records)
      if (last === null) {
        this.refuseAnswers(decision)
        return false
      }
      for (const fact of decision.records) this.current.replay(fact)
      assert(last + 1 >= this.appliedEnd + decision.records.length, `appended up to ${last} after ${this.appliedEnd}`)
      this.appliedEnd = last + 1
    }
    const deadline = now + (this.options.commitTimeout?.afterMs ?? NEVER)
    for (const { to, reply } of decision.answers) {
      const parked = this.parked.get(to)
      assert(parked !== undefined, `an answer to ticket ${to}, for which nobody waits`)
      this.parked.delete(to)
      this.answered.push({ ...parked, after: this.appliedEnd, deadline, reply })
    }
    this.release()
    return true
  }

  /** Leadership is gone, the driver will say so: nothing of this decision came to be. */
  private refuseAnswers(decision: Decision<Fact, Reply>): void {
    for (const { to } of decision.answers) {
      const parked = this.parked.get(to)
      this.parked.delete(to)
      parked?.answer(this.options.refuse(parked.command))
    }
  }

  private release(): void {
    let ready = 0
    while (ready < this.answered.length && (this.answered[ready]?.after ?? Infinity) <= this.committedEnd) ready += 1
    if (ready === 0) return
    // Taken out first: whoever is answered may submit the next command from within
    for (const { answer, reply } of this.answered.splice(0, ready)) answer(reply)
  }
}
