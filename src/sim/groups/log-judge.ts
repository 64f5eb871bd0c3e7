import type { Millis } from '../../base/units.ts'
import type { ApiCommand, GroupCommand } from '../../groups/commands.ts'
import type { GroupFact, GroupRecordOf } from '../../groups/records/fact.ts'
import type { GroupsOptions } from './options.ts'
import type { Signature } from './clients/member.ts'
import type { Ownership } from './ownership.ts'
import type { LogCopy } from './replicated-log.ts'
import { type PartitionKey, partitionKey, type Shadow, type ShadowMember } from './shadow.ts'
import { type Decided, judgeConsumerCommit, judgeDeletion, judgeGeneration } from './record-rules.ts'
import { hold } from './violation.ts'

/** Times are sums with fractions. */
const slackMs: Millis = 1
/** A coordinator that looks so much too late at a session has stood still. */
const standstillMs: Millis = 1_100

/** Of one leader's term: when it heard of each member of consumer groups, and since when they are asked to let partitions go. */
class Term {
  activeSince: Millis = 0
  readonly heard = new Map<string, Millis>()
  readonly revokingSince = new Map<string, Millis>()
  /** Classic groups whose generation began in this term and has not been assigned: nobody may commit. One of an earlier term is being followed by the next. */
  readonly begun = new Set<string>()
}

/**
 * Looks at all records as they are written, against the fold of those before them:
 *
 *  - G-1: a commit is of a member of its generation, or of a member of its epoch (KIP-1251: or of an older one in which it owned the partition already);
 *    and no two members have committed for a partition in one generation or epoch.
 *  - G-4: generations, group epochs and member epochs never go back, and an assignment of a generation is never changed.
 *  - G-5: no partition is with two members. In consumer groups a partition leaves a member only when the member has let it go, or is fenced; and
 *    nobody is fenced by time before the session or the rebalance timeout has passed.
 *  - G-8: offsets expire only when Kafka's conditions hold (KIP-211).
 */
export class LogJudge {
  private readonly options: GroupsOptions
  private readonly ownership: Ownership
  /** A late copy of a classic member's join gives up what the member has been given since: nothing in it tells how old it is. */
  private readonly areJoinsMixedUp: boolean
  private readonly terms = new WeakMap<LogCopy, Term>()
  /** Who has committed, by group, then by generation or epoch and partition. */
  /** Partitions that a late request gave up in the name of a member that still believes to own them. */
  private readonly misled = new Set<string>()
  private readonly inherited = new Map<string, number>()
  /** How often a group of the name has been deleted. */
  private readonly ended = new Map<string, number>()
  private readonly committers = new Map<string, Map<string, string>>()

  constructor(options: GroupsOptions, ownership: Ownership) {
    this.options = options
    this.ownership = ownership
    this.areJoinsMixedUp = options.duplicateChance > 0 || options.stragglerChance > 0
  }

  private term(copy: LogCopy): Term {
    let term = this.terms.get(copy)
    if (term === undefined) this.terms.set(copy, (term = new Term()))
    return term
  }

  onActive(copy: LogCopy, now: Millis): void {
    this.term(copy).activeSince = now
  }

  /** A heartbeat was accepted, when it was decided: refused ones keep nobody. */
  onHeard(copy: LogCopy, groupId: string, memberId: string, at: Millis): void {
    this.term(copy).heard.set(memberKey(groupId, memberId), at)
  }

  /** Before the shadow has heard of it; it has afterwards. */
  onAppend(decided: Decided): void {
    const { copy, facts } = decided
    const { shadow } = copy
    const touched = new Set<string>()
    const before = ownedBefore(shadow, facts)
    this.judgeFences(decided)
    this.noteReturns(decided)
    this.judgeEnds(decided)
    for (const fact of facts) {
      this.judge(decided, fact)
      shadow.apply(fact)
      const groupId = consumerGroupOf(fact)
      if (groupId !== null) touched.add(groupId)
    }
    for (const groupId of touched) this.judgeConsumerGroup(decided, groupId, before.get(groupId) ?? new Map())
  }

  isMisled(groupId: string, memberId: string, partition: PartitionKey): boolean {
    return this.misled.has(`${memberKey(groupId, memberId)}/${partition}`)
  }

  /** The generation's assignments are those of the consumer group that the group was until then; no leader has assigned since. */
  isInherited(groupId: string, generation: number): boolean {
    return this.inherited.get(groupId) === generation
  }

  /** Which of the groups of this name it is: the epochs of the next begin anew. */
  incarnationOf(groupId: string): number {
    return this.ended.get(groupId) ?? 0
  }

  /** A group is deleted, or goes on as one of the other type: with its members, then from no lower an epoch; or anew if it had none. */
  private judgeEnds({ copy: { shadow }, facts }: Decided): void {
    for (const fact of facts) {
      if (fact.type === 'groupMetadata' && fact.value === null) {
        const before = shadow.classic.get(fact.key.group)
        const next = facts.find((one) => one.type === 'consumerGroupMetadata' && one.key.groupId === fact.key.group)
        const goesOn = before !== undefined && before.members.size > 0 && next?.type === 'consumerGroupMetadata'
        this.judgeEnd(fact.key.group, before?.generation ?? -1, goesOn ? (next.value?.epoch ?? null) : null)
      }
      if (fact.type === 'consumerGroupMetadata' && fact.value === null) {
        const before = shadow.consumer.get(fact.key.groupId)
        const next = facts.find((one) => one.type === 'groupMetadata' && one.key.group === fact.key.groupId)
        const goesOn = before !== undefined && before.members.size > 0 && next?.type === 'groupMetadata'
        if (goesOn) this.inherited.set(fact.key.groupId, next.value?.generation ?? -1)
        this.judgeEnd(fact.key.groupId, before?.epoch ?? -1, goesOn ? (next.value?.generation ?? null) : null)
      }
    }
  }

  private judgeEnd(groupId: string, before: number, after: number | null): void {
    if (after !== null) return hold(after >= before, 'G-4', () => `${groupId} was at ${before} and goes on as another type at ${after}`)
    this.committers.delete(groupId)
    this.ended.set(groupId, this.incarnationOf(groupId) + 1)
  }

  private judge(decided: Decided, fact: GroupFact): void {
    switch (fact.type) {
      case 'offsetCommit':
        return fact.value === null ? judgeDeletion(decided, this.options.offsetsRetentionMs, fact) : this.judgeCommit(decided, fact)
      case 'groupMetadata':
        if (fact.value?.leader === null && fact.value.members.length > 0) this.term(decided.copy).begun.add(fact.key.group)
        else this.term(decided.copy).begun.delete(fact.key.group)
        return judgeGeneration(decided.copy.shadow, fact)
      case 'consumerGroupMetadata': {
        const before = decided.copy.shadow.consumer.get(fact.key.groupId)
        const known = before?.isWritten === true ? before.epoch : -1
        const after = fact.value?.epoch ?? Infinity
        return hold(after >= known, 'G-4', () => `the epoch of ${fact.key.groupId} goes back from ${known} to ${after}`)
      }
      case 'consumerGroupTargetAssignmentMetadata': {
        const before = decided.copy.shadow.consumer.get(fact.key.groupId)?.assignmentEpoch ?? -1
        const after = fact.value?.assignmentEpoch ?? Infinity
        return hold(after >= before, 'G-4', () => `the assignment epoch of ${fact.key.groupId} goes back from ${before} to ${after}`)
      }
      case 'consumerGroupCurrentMemberAssignment':
        return this.judgeMemberEpoch(decided, fact)
      default:
        return
    }
  }

  // --- offsets ---

  private judgeCommit({ copy, cause }: Decided, { key, value }: GroupRecordOf<'offsetCommit'>): void {
    hold(cause?.api === 'offsetCommit', 'G-2', () => `an offset of ${key.group} is written for no commit`)
    if (value === null) return
    const { shadow } = copy
    const { memberId, generationIdOrMemberEpoch: epoch } = cause.request
    const classic = shadow.classic.get(key.group)
    const consumer = shadow.consumer.get(key.group)
    const signed = `a commit of ${key.topic}-${key.partition} by '${memberId}' with ${epoch} in ${key.group}`
    if (epoch < 0) {
      const members = [...(consumer?.members.values() ?? [])].filter(({ isMember }) => isMember).length + (classic?.members.size ?? 0)
      return hold(members === 0, 'G-1', () => `${signed}: by no member of a group that has ${members}`)
    }
    if (consumer !== undefined) judgeConsumerCommit(consumer, memberId, epoch, partitionKey(value.topicId, key.partition), signed)
    else {
      const member = classic?.members.get(memberId)
      hold(classic !== undefined && member !== undefined, 'G-1', () => `${signed}: by no member`)
      const isAssigned = classic.leader !== null || this.isInherited(key.group, epoch) || !this.term(copy).begun.has(key.group)
      hold(classic.generation === epoch && isAssigned, 'G-1', () => `${signed}: in generation ${classic.generation}`)
    }
  }

  /** A commit was acknowledged. `incarnation`: which of the groups of this name it was sent to. */
  onCommitted(groupId: string, incarnation: number, partition: PartitionKey, signature: Signature): void {
    if (signature.epoch < 0 || incarnation !== this.incarnationOf(groupId)) return
    let committers = this.committers.get(groupId)
    if (committers === undefined) this.committers.set(groupId, (committers = new Map()))
    const at = `${signature.epoch}/${partition}`
    const by = signature.instanceId ?? signature.memberId
    const other = committers.get(at)
    hold(
      other === undefined || other === by,
      'G-1',
      () => `'${by}' and '${other}' have both committed for ${partition} of ${groupId} with ${signature.epoch}`,
    )
    committers.set(at, by)
  }

  // --- consumer groups ---

  private judgeMemberEpoch({ copy, now }: Decided, { key, value }: GroupRecordOf<'consumerGroupCurrentMemberAssignment'>): void {
    const before = copy.shadow.consumer.get(key.groupId)?.members.get(key.memberId)
    const revoking = this.term(copy).revokingSince
    const at = memberKey(key.groupId, key.memberId)
    if (value === null || value.partitionsPendingRevocation.length === 0) revoking.delete(at)
    else if (!revoking.has(at)) revoking.set(at, now)
    if (value === null || before === undefined) return
    hold(
      value.memberEpoch >= before.epoch || value.memberEpoch < 0,
      'G-4',
      () => `the epoch of '${key.memberId}' goes back from ${before.epoch} to ${value.memberEpoch}`,
    )
    const group = copy.shadow.consumer.get(key.groupId)
    hold(
      value.memberEpoch <= (group?.epoch ?? -1),
      'G-4',
      () => `'${key.memberId}' is at epoch ${value.memberEpoch}, its group at ${group?.epoch}`,
    )
  }

  /** Who believes to own partitions does not join: a late copy of its join did, after it was fenced. */
  private noteReturns({ copy: { shadow }, facts }: Decided): void {
    for (const fact of facts) {
      if (fact.type !== 'consumerGroupMemberMetadata' || fact.value === null) continue
      const { groupId, memberId } = fact.key
      if (shadow.consumerMember(groupId, memberId) !== null) continue
      for (const key of this.ownership.of(groupId, memberId)) this.misled.add(`${memberKey(groupId, memberId)}/${key}`)
    }
  }

  private judgeFences(decided: Decided): void {
    if (decided.cause !== null) return
    for (const fact of decided.facts)
      if (fact.type === 'consumerGroupMemberMetadata' && fact.value === null) this.judgeFence(decided, fact.key.groupId, fact.key.memberId)
  }

  /** By time: the session is over, or what had to be let go was not in time. Nobody is fenced whose heartbeat waits to be read. */
  private judgeFence({ copy, broker, now }: Decided, groupId: string, memberId: string): void {
    const member = copy.shadow.consumerMember(groupId, memberId)
    if (member === null || member.isClassic) return
    const term = this.term(copy)
    const heard = Math.max(term.heard.get(memberKey(groupId, memberId)) ?? 0, term.activeSince)
    const waits = (command: ApiCommand): boolean =>
      command.api === 'consumerGroupHeartbeat' && command.request.memberId === memberId && command.request.memberEpoch === member.epoch
    const stoodStill = copy.deposedAt === null && now - heard - this.options.sessionTimeoutMs > standstillMs
    hold(!stoodStill || ![...broker.unread].some(waits), 'G-5', () => `'${memberId}' is fenced while a heartbeat of it waits to be read`)
    const isSilent = now - heard >= this.options.sessionTimeoutMs - slackMs
    const since =
      member.revoking.size === 0 ? Infinity : Math.max(term.revokingSince.get(memberKey(groupId, memberId)) ?? 0, term.activeSince)
    const isLate = now - since >= this.options.rebalanceTimeoutMs - slackMs
    hold(
      isSilent || isLate,
      'G-5',
      () =>
        `'${memberId}' is fenced ${(now - heard).toFixed(0)} ms after it was heard, ${(now - since).toFixed(0)} ms after it was to let go`,
    )
  }

  private judgeConsumerGroup({ copy, cause }: Decided, groupId: string, before: ReadonlyMap<string, Before>): void {
    const group = copy.shadow.consumer.get(groupId)
    if (group === undefined) return
    const holders = new Map<PartitionKey, string>()
    for (const member of group.members.values()) {
      for (const key of heldBy(member)) {
        const other = holders.get(key)
        hold(other === undefined, 'G-5', () => `${key} of ${groupId} is with '${other}' and with '${member.memberId}'`)
        holders.set(key, member.memberId)
      }
    }
    if (copy.deposedAt !== null) return
    for (const [memberId, { epoch, held }] of before) {
      const member = group.members.get(memberId)
      if (member === undefined || !member.isMember || (member.isClassic && this.areJoinsMixedUp)) continue
      const now = new Set(heldBy(member))
      const owned = this.ownership.of(groupId, memberId)
      const lost = [...held].filter((key) => !now.has(key) && owned.has(key))
      if (isOldRequest(cause, memberId, epoch)) {
        for (const key of lost) this.misled.add(`${memberKey(groupId, memberId)}/${key}`)
        continue
      }
      hold(lost.length === 0, 'G-5', () => `${lost.join(' ')} of ${groupId} is taken from '${memberId}', who has not let it go`)
    }
  }
}

function memberKey(groupId: string, memberId: string): string {
  return `${groupId}/${memberId}`
}

function* heldBy(member: ShadowMember): Generator<PartitionKey> {
  yield* member.assigned.keys()
  yield* member.revoking.keys()
}

function consumerGroupOf(fact: GroupFact): string | null {
  switch (fact.type) {
    case 'offsetCommit':
    case 'groupMetadata':
    case 'pendingOffset':
    case 'endTransaction':
      return null
    default:
      return fact.key.groupId
  }
}

/** What the members of the consumer groups that these records are of hold before them. */
function ownedBefore(shadow: Shadow, facts: readonly GroupFact[]): Map<string, Map<string, Before>> {
  const before = new Map<string, Map<string, Before>>()
  for (const fact of facts) {
    const groupId = consumerGroupOf(fact)
    if (groupId === null || before.has(groupId)) continue
    const members = [...(shadow.consumer.get(groupId)?.members.values() ?? [])].filter(({ isMember }) => isMember)
    before.set(groupId, new Map(members.map((member) => [member.memberId, { epoch: member.epoch, held: new Set(heldBy(member)) }])))
  }
  return before
}

interface Before {
  readonly epoch: number
  readonly held: ReadonlySet<PartitionKey>
}

/**
 * A heartbeat with the epoch before this one, or one that joins, speaks for the member, though it may be a late copy of what it said before it was given
 * what it is about to lose: KIP-848 has no means to tell. The member is fenced with its next heartbeat.
 */
function isOldRequest(cause: GroupCommand | null, memberId: string, epoch: number): boolean {
  return cause?.api === 'consumerGroupHeartbeat' && cause.request.memberId === memberId && cause.request.memberEpoch !== epoch
}
