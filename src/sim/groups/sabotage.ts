import type { Decision, Ticket } from '../../base/machine.ts'
import type { Millis, Offset } from '../../base/units.ts'
import type { GroupCommand, GroupReply } from '../../groups/commands.ts'
import type { GroupFact } from '../../groups/records/fact.ts'
import type { HostedLedger } from '../../ledger/ledger-host.ts'

export type HostedGroups = HostedLedger<GroupCommand, GroupFact, GroupReply>

/** What the simulation does otherwise than it should. Nothing of it is in the code that is shipped. */
export interface Sabotage {
  readonly servesWhileLoading: boolean
  readonly activates: boolean
  readonly answersBeforeCommit: boolean
  /** What a deposed leader wrote is taken for committed by it. */
  readonly deposedLeadersCommit: boolean
  /** `isTail`: not known to be committed. */
  replaysAtLoad(fact: GroupFact, isTail: boolean): boolean
  loadedFact(fact: GroupFact): GroupFact
  wrap(ledger: HostedGroups): HostedGroups
}

/** All is as it should be. */
export const noSabotage: Sabotage = {
  servesWhileLoading: false,
  activates: true,
  answersBeforeCommit: false,
  deposedLeadersCommit: false,
  replaysAtLoad: () => true,
  loadedFact: (fact) => fact,
  wrap: (ledger) => ledger,
}

export type Decided = Decision<GroupFact, GroupReply>

/** A ledger whose commands, decisions or records are tampered with on their way. */
export class TamperedLedger implements HostedGroups {
  private readonly ledger: HostedGroups
  private readonly command: (command: GroupCommand) => GroupCommand
  private readonly record: (record: GroupFact) => GroupFact | null
  private readonly seen: (fact: GroupFact) => void
  /** So much faster does time pass for it. */
  private readonly haste: number
  private readonly isNeverLate: boolean

  constructor(ledger: HostedGroups, tamper: Tampering, haste = 1) {
    this.ledger = ledger
    this.haste = haste
    this.isNeverLate = tamper.isNeverLate === true
    this.command = (command) => tamper.command?.(command) ?? command
    this.record = (record) => (tamper.record === undefined ? record : tamper.record(record))
    this.seen = (fact) => tamper.seen?.(fact)
  }

  expectOffset(next: Offset): void {
    this.ledger.expectOffset(next)
  }

  decide(now: Millis, ticket: Ticket, command: GroupCommand): Decided {
    return this.tampered(this.ledger.decide(now * this.haste, ticket, this.command(command)))
  }

  replay(fact: GroupFact): void {
    this.seen(fact)
    this.ledger.replay(fact)
  }

  wakeAt(): Millis {
    return this.ledger.wakeAt() / this.haste
  }

  wake(now: Millis): Decided {
    const time = now * this.haste
    return this.tampered(this.ledger.wake(this.isNeverLate ? Math.min(time, this.ledger.wakeAt()) : time))
  }

  private tampered({ records, answers }: Decided): Decided {
    return { records: records.map((record) => this.record(record)).filter((record) => record !== null), answers }
  }
}

export interface Tampering {
  /** Wakes that come late look as if they did not. */
  readonly isNeverLate?: boolean
  command?(command: GroupCommand): GroupCommand
  /** Every fact that the ledger folds. */
  seen?(fact: GroupFact): void
  /** Null: it is not written. */
  record?(record: GroupFact): GroupFact | null
}

export function tampering(tamper: () => Tampering): Sabotage {
  return { ...noSabotage, wrap: (ledger) => new TamperedLedger(ledger, tamper()) }
}
