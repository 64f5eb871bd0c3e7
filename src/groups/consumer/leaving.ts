import type { GroupsState } from '../state.ts'
import type { Turn } from '../turn.ts'
import { maybeDowngradeWithout } from './classic/downgrade.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, noPartitions, type OwnedPartitions, staticLeaveEpoch } from './consumer-member.ts'
import { GroupDraft } from './group-draft.ts'
import { removeUnusedRegexes } from './regular-expressions.ts'
import { endDeadlines } from './sessions.ts'
import { metadataHash } from './subscribing.ts'

/**
 * These members leave, or are put out: their partitions are free from now on, and their epochs unknown. The group needs a new target, which the next heartbeat
 * of whomever computes. If only members of the classic protocol stay, the group may become a classic one. Of `group` nothing may have been changed in
 * this turn. (consumerGroupFenceMembers)
 */
export function fenceMembers(state: GroupsState, turn: Turn, group: ConsumerGroup, memberIds: ReadonlySet<string>): void {
  const gone = [...memberIds].flatMap((memberId) => group.members.get(memberId) ?? [])
  if (gone.length === 0 || maybeDowngradeWithout(state, turn, group, memberIds)) return
  const draft = new GroupDraft(state, turn, group)
  for (const { memberId } of gone) {
    draft.removeMember(memberId)
    endDeadlines(state, group.groupId, memberId)
  }
  removeUnusedRegexes(draft, gone)
  draft.setEpoch(draft.groupEpoch + 1, metadataHash(draft))
}

/**
 * A static member goes away for a while: it keeps what it is assigned, which nobody is to commit for meanwhile; what it was to give up it does not use any
 * more. Its session goes on. (consumerGroupStaticMemberGroupLeave)
 */
export function leaveForAWhile(state: GroupsState, turn: Turn, group: ConsumerGroup, member: ConsumerMember): void {
  const away = {
    ...member,
    memberEpoch: staticLeaveEpoch,
    assigned: atEpochZero(member.assigned),
    pendingRevocation: noPartitions,
  }
  new GroupDraft(state, turn, group).putCurrentAssignment(away)
}

/** Whoever takes its place starts at epoch 0, and may commit for what it takes over. */
export function atEpochZero(owned: OwnedPartitions): OwnedPartitions {
  return new Map([...owned].map(([topicId, partitions]) => [topicId, new Map([...partitions.keys()].map((partition) => [partition, 0]))]))
}
