import { ErrorCode } from '../../protocol/errors.ts'
import type { ExpiryBasis, OffsetsCaller } from '../group.ts'
import { subscribedTopics as topicsOf } from '../subscriptions/consumer-protocol.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { GroupMetadata } from './group-metadata.ts'

export const consumerProtocolType = 'consumer'

/**
 * Who may commit (ClassicGroup.validateOffsetCommit): members of this generation unless a sync is awaited, and anybody without a generation while the
 * group has no members.
 */
export function commitError(group: ClassicGroup, caller: OffsetsCaller): ErrorCode {
  const { memberId, groupInstanceId, generationIdOrMemberEpoch: generation } = caller
  if (group.state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE
  if (generation < 0 && group.isEmpty) return ErrorCode.NONE
  if (generation < 0 && memberId === '' && groupInstanceId === null) return ErrorCode.UNKNOWN_MEMBER_ID
  const unknown = group.members.validate(memberId, groupInstanceId)
  if (unknown !== ErrorCode.NONE) return unknown
  if (generation !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  // It has the generation from its join, but not what it is assigned in it
  return group.state === 'CompletingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}

/** KIP-211 (ClassicGroup.offsetExpirationCondition). */
export function expiryBasis(group: ClassicGroup): ExpiryBasis {
  if (group.protocolType === '') return { kind: 'commit' }
  if (group.isEmpty) {
    const at = group.metadata.currentStateTimestamp
    return at === -1 ? { kind: 'commit' } : { kind: 'emptySince', at }
  }
  return group.state === 'Stable' && group.subscribedTopics !== null ? { kind: 'commit' } : { kind: 'never' }
}

/**
 * What the members of this generation have subscribed to: null when the group does not tell (it is no consumers', or a member's metadata cannot be
 * read).
 */
export function topicsOfGeneration({ protocolType, protocol, members }: GroupMetadata): ReadonlySet<string> | null {
  if (protocolType !== consumerProtocolType) return null
  const topics = new Set<string>()
  if (members.length > 0 && protocol === null) return null
  for (const { subscription } of members) {
    const own = topicsOf(subscription)
    if (own === null) return null
    for (const topic of own) topics.add(topic)
  }
  return topics
}
