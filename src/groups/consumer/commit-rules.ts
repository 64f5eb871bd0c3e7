import { ErrorCode } from '../../protocol/errors.ts'
import type { OffsetsCaller, OffsetsTarget } from '../group.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, speaksClassic } from './consumer-member.ts'

/** Members of the consumer protocol have to know of member epochs when they commit (KIP-848). */
const commitVersionMin = 9

/**
 * Who may commit (ConsumerGroup.validateOffsetCommit). A member at its epoch may commit anything; one that has not heard of its newest epoch yet may commit
 * for a partition that it has had since the epoch that it knows (KIP-1251), so it cannot overwrite what another member has committed meanwhile.
 */
export function commitErrorOf(group: ConsumerGroup, caller: OffsetsCaller, target: OffsetsTarget | null): ErrorCode {
  const epoch = caller.generationIdOrMemberEpoch
  if (epoch < 0 && group.isEmpty) return ErrorCode.NONE
  const member = group.members.get(caller.memberId)
  if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
  if (!speaksClassic(member) && caller.version < commitVersionMin) return ErrorCode.UNSUPPORTED_VERSION
  if (epoch === member.memberEpoch) return ErrorCode.NONE
  if (epoch > member.memberEpoch) return staleError(member)
  return target === null || isAssignedSince(member, epoch, target) ? ErrorCode.NONE : staleError(member)
}

function isAssignedSince(member: ConsumerMember, epoch: number, { topicId, partition }: OffsetsTarget): boolean {
  const since = member.assigned.get(topicId)?.get(partition) ?? member.pendingRevocation.get(topicId)?.get(partition)
  return since !== undefined && epoch >= since
}

/** ConsumerGroup.validateOffsetFetch; versions of the request that know no members say null. */
export function fetchErrorOf(group: ConsumerGroup, memberId: string | null, memberEpoch: number): ErrorCode {
  if (memberId === null && memberEpoch < 0) return ErrorCode.NONE
  const member = memberId === null ? undefined : group.members.get(memberId)
  if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
  return memberEpoch === member.memberEpoch ? ErrorCode.NONE : staleError(member)
}

function staleError(member: ConsumerMember): ErrorCode {
  return speaksClassic(member) ? ErrorCode.ILLEGAL_GENERATION : ErrorCode.STALE_MEMBER_EPOCH
}
