import type { Uuid } from '../../../base/units.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { ConsumerGroup } from '../consumer-group.ts'
import { type ConsumerMember, speaksClassic } from '../consumer-member.ts'

/** Who sends a request that only members of the classic protocol send. */
export interface ClassicCaller {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly generationId: number
}

/**
 * The member that is meant, by instance id if there is one: UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID if another member has the instance id
 * (GroupMetadataManager.validateConsumerGroupMember).
 */
export function memberOf(
  group: ConsumerGroup,
  { memberId, groupInstanceId }: Omit<ClassicCaller, 'generationId'>,
): ConsumerMember | ErrorCode {
  if (groupInstanceId === null) return group.members.get(memberId) ?? ErrorCode.UNKNOWN_MEMBER_ID
  const owner = group.staticMemberId(groupInstanceId)
  if (owner === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
  if (owner !== memberId) return ErrorCode.FENCED_INSTANCE_ID
  return group.members.get(owner) ?? ErrorCode.UNKNOWN_MEMBER_ID
}

/** The member, if it speaks the classic protocol and is in this generation: its member epoch. */
export function memberInGeneration(group: ConsumerGroup, caller: ClassicCaller): ConsumerMember | ErrorCode {
  const member = memberOf(group, caller)
  if (typeof member === 'number') return member
  if (!speaksClassic(member)) return ErrorCode.UNKNOWN_MEMBER_ID
  return caller.generationId === member.memberEpoch ? member : ErrorCode.ILLEGAL_GENERATION
}

/** Whether some of its target is still with another member, so that joining again would bring it nothing (ConsumerGroup.waitingOnUnreleasedPartition). */
function waitsForOthers(group: ConsumerGroup, member: ConsumerMember): boolean {
  const isFree = (topicId: Uuid, partition: number): boolean =>
    member.assigned.get(topicId)?.has(partition) === true || group.owners.owner(topicId, partition) === null
  for (const [topicId, partitions] of group.target(member.memberId)) {
    if (!partitions.every((partition) => isFree(topicId, partition))) return true
  }
  return false
}

/**
 * Whether the member has to join again: there is a newer assignment, it has to say that it has given up partitions, or partitions that it waits for are
 * free now.
 */
export function hasToRejoin(group: ConsumerGroup, member: ConsumerMember): boolean {
  if (member.memberEpoch < group.assignmentEpoch || member.state === 'unrevoked' || member.state === 'unknown') return true
  return member.state === 'unreleased' && !waitsForOthers(group, member)
}
