import type { Decision, Ticket } from '../base/machine.ts'
import type { Millis } from '../base/units.ts'
import type { ApiCommandOf, GroupApi, GroupReply } from './commands.ts'
import type { GroupFact, GroupRecord } from './records/fact.ts'

/** A command of a client, with the ticket to answer it by: in this turn, or in a later one. */
export interface Asked<K extends GroupApi> extends ApiCommandOf<K> {
  readonly ticket: Ticket
}

/** One decision in the making: the records to write and the answers that go with them. */
export class Turn implements Decision<GroupFact, GroupReply> {
  /** Of the monotonic clock. */
  readonly now: Millis
  readonly records: GroupRecord[] = []
  readonly answers: { readonly to: Ticket; readonly reply: GroupReply }[] = []

  constructor(now: Millis) {
    this.now = now
  }

  write(...records: readonly GroupRecord[]): void {
    this.records.push(...records)
  }

  answer(to: Ticket, reply: GroupReply): void {
    this.answers.push({ to, reply })
  }
}
