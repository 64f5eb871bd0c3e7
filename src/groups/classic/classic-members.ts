import { assert } from '../../base/assert.ts'
import type { Millis } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ClassicMember, MemberProtocol, Waiting } from './classic-member.ts'
import { ProtocolVotes } from './protocol-votes.ts'

/** What a member says of itself with each join. */
export interface JoinTerms {
  readonly protocols: readonly MemberProtocol[]
  readonly rebalanceTimeoutMs: Millis
  readonly sessionTimeoutMs: Millis
}

/**
 * The members of one group in the order in which they came.
 *
 *  1. An instance id belongs to one member at most, and that member has it (KIP-345).
 *  2. `awaitingJoinCount` is the number of members with `awaitingJoin`; the counts of `votes` are those of all members' protocols.
 *  3. An id is a member's or pending, never both; `pendingSync` has members' ids only.
 */
export class ClassicMembers {
  private readonly byId = new Map<string, ClassicMember>()
  private readonly idByInstance = new Map<string, string>()
  private readonly votes = new ProtocolVotes()
  private awaiting = 0
  /** Ids that were given out with MEMBER_ID_REQUIRED, and have not joined yet. */
  readonly pendingJoin = new Set<string>()
  /** Members of the present generation that have not sent their SyncGroup. */
  readonly pendingSync = new Set<string>()

  get size(): number {
    return this.byId.size
  }

  get awaitingJoinCount(): number {
    return this.awaiting
  }

  /** Everybody who could join has; also when nobody is left. */
  get allJoined(): boolean {
    return this.awaiting === this.byId.size && this.pendingJoin.size === 0
  }

  all(): IterableIterator<ClassicMember> {
    return this.byId.values()
  }

  get(memberId: string): ClassicMember | undefined {
    return this.byId.get(memberId)
  }

  has(memberId: string): boolean {
    return this.byId.has(memberId)
  }

  /** The member that has this instance id now. */
  byInstance(groupInstanceId: string): ClassicMember | undefined {
    const id = this.idByInstance.get(groupInstanceId)
    return id === undefined ? undefined : this.byId.get(id)
  }

  /** NONE, UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID: another member has taken the instance id (ClassicGroup.validateMember). */
  validate(memberId: string, groupInstanceId: string | null): ErrorCode {
    if (groupInstanceId !== null) {
      const owner = this.idByInstance.get(groupInstanceId)
      if (owner === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
      if (owner !== memberId) return ErrorCode.FENCED_INSTANCE_ID
    }
    return this.byId.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID
  }

  add(member: ClassicMember): void {
    assert(!this.byId.has(member.memberId), `member ${member.memberId} is there already`)
    const { groupInstanceId } = member
    if (groupInstanceId !== null) {
      assert(!this.idByInstance.has(groupInstanceId), `instance ${groupInstanceId} is a member already`)
      this.idByInstance.set(groupInstanceId, member.memberId)
    }
    this.byId.set(member.memberId, member)
    this.votes.add(member)
    if (member.awaitingJoin !== null) this.awaiting += 1
    this.pendingJoin.delete(member.memberId)
  }

  /** A member, or an id that is pending. Whoever waits for an answer has to have it already. */
  remove(memberId: string): void {
    const member = this.byId.get(memberId)
    if (member !== undefined) {
      assert(member.awaitingJoin === null && member.awaitingSync === null, `member ${memberId} is removed while it waits for an answer`)
      this.votes.remove(member)
      if (member.groupInstanceId !== null) this.idByInstance.delete(member.groupInstanceId)
      this.byId.delete(memberId)
    }
    this.pendingJoin.delete(memberId)
    this.pendingSync.delete(memberId)
  }

  /** What it said with its last join counts from now on. */
  update(member: ClassicMember, terms: JoinTerms): void {
    this.votes.remove(member)
    member.protocols = terms.protocols
    member.rebalanceTimeoutMs = terms.rebalanceTimeoutMs
    member.sessionTimeoutMs = terms.sessionTimeoutMs
    this.votes.add(member)
  }

  /** Returns who waited for the same member before, and has to be answered. */
  awaitJoin(member: ClassicMember, waiting: Waiting): Waiting | null {
    const before = this.releaseJoin(member)
    member.awaitingJoin = waiting
    this.awaiting += 1
    return before
  }

  /** Takes out who waits for the member's join, to be answered. */
  releaseJoin(member: ClassicMember): Waiting | null {
    const waiting = member.awaitingJoin
    if (waiting === null) return null
    member.awaitingJoin = null
    this.awaiting -= 1
    assert(this.awaiting >= 0, 'fewer than no members wait for their join')
    return waiting
  }

  /**
   * A static member that lost its id is given another; all else of it stays (ClassicGroup.replaceStaticMember). Whoever waits for answers under the
   * old id has to have them already.
   */
  replaceStatic(old: ClassicMember, newMemberId: string): ClassicMember {
    const hadToSync = this.pendingSync.has(old.memberId)
    this.remove(old.memberId)
    const member = old.underId(newMemberId)
    this.add(member)
    if (hadToSync) this.pendingSync.add(newMemberId)
    return member
  }

  /** In place of all that was there; nobody of them waits. */
  replaceAll(members: readonly ClassicMember[]): void {
    const awaiting = members.reduce((count, { awaitingJoin }) => count + (awaitingJoin === null ? 0 : 1), 0)
    assert(awaiting === this.awaiting, 'a member is dropped while it waits for its join')
    this.byId.clear()
    this.idByInstance.clear()
    this.votes.clear()
    this.awaiting = 0
    for (const member of members) this.add(member)
  }

  /** Forgets who waits: their tickets are nobody's any more. */
  forgetWaiting(): void {
    for (const member of this.byId.values()) {
      member.awaitingJoin = null
      member.awaitingSync = null
      member.isNew = false
    }
    this.awaiting = 0
    this.pendingJoin.clear()
    this.pendingSync.clear()
  }

  /** Whether one at least of these protocols is supported by all members. */
  supportsAny(protocols: readonly MemberProtocol[]): boolean {
    return this.votes.anyCommon(protocols, this.byId.size)
  }

  /** The protocol of the next generation, if these are its members. */
  selectProtocol(): string {
    return this.votes.select(this.byId.values(), this.byId.size)
  }

  /** The longest of all members'. */
  rebalanceTimeoutMs(): Millis {
    let longest = 0
    for (const { rebalanceTimeoutMs } of this.byId.values()) longest = Math.max(longest, rebalanceTimeoutMs)
    return longest
  }
}
