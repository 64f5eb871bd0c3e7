import { assert } from '../../base/assert.ts'
import type { MemberProtocol } from './classic-member.ts'

interface Voter {
  readonly protocols: readonly MemberProtocol[]
}

/** How many members support each protocol, kept up as they come and go: asking whether another member fits in costs nothing per member. */
export class ProtocolVotes {
  private readonly supporters = new Map<string, number>()

  add(voter: Voter): void {
    for (const name of namesOf(voter.protocols)) this.supporters.set(name, (this.supporters.get(name) ?? 0) + 1)
  }

  remove(voter: Voter): void {
    for (const name of namesOf(voter.protocols)) {
      const count = (this.supporters.get(name) ?? 0) - 1
      assert(count >= 0, `protocol ${name} is given up by more members than supported it`)
      if (count === 0) this.supporters.delete(name)
      else this.supporters.set(name, count)
    }
  }

  clear(): void {
    this.supporters.clear()
  }

  /** Whether all of `memberCount` members support it. */
  private isCommon(name: string, memberCount: number): boolean {
    return (this.supporters.get(name) ?? 0) === memberCount
  }

  /** Whether one at least of these protocols is supported by all members. */
  anyCommon(protocols: readonly MemberProtocol[], memberCount: number): boolean {
    return protocols.some(({ name }) => this.isCommon(name, memberCount))
  }

  /**
   * Each member votes for the first of its protocols that all support; most votes win. Of equals, the one that was voted for first (Kafka takes
   * whichever its hash table gives first).
   */
  select(members: Iterable<Voter>, memberCount: number): string {
    const votes = new Map<string, number>()
    for (const { protocols } of members) {
      const choice = protocols.find(({ name }) => this.isCommon(name, memberCount))
      assert(choice !== undefined, 'a member that has no protocol in common with the others')
      votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
    }
    let winner: string | null = null
    for (const [name, count] of votes) if (winner === null || count > (votes.get(winner) ?? 0)) winner = name
    assert(winner !== null, 'nobody is there to choose a protocol')
    return winner
  }
}

/** A client may name a protocol twice: that is one supporter. */
function namesOf(protocols: readonly MemberProtocol[]): ReadonlySet<string> {
  return new Set(protocols.map(({ name }) => name))
}
