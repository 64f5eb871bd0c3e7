import { assert } from '../../../base/assert.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { MemberAssignment } from '../../assignors/assign.ts'
import { refuseAllWaiting } from '../../classic/answers.ts'
import type { ClassicGroup } from '../../classic/classic-group.ts'
import type { ClassicMember } from '../../classic/classic-member.ts'
import type { GroupsState, GroupTopic, GroupTopics } from '../../state.ts'
import { type ConsumerProtocolSubscription, parseAssignment, parseSubscription } from '../../subscriptions/consumer-protocol.ts'
import { topicsHash } from '../../subscriptions/topic-hash.ts'
import type { Turn } from '../../turn.ts'
import { ConsumerGroup } from '../consumer-group.ts'
import { type ConsumerMember, newMember, noPartitions, sortedOnce } from '../consumer-member.ts'
import { GroupDraft } from '../group-draft.ts'
import { keepMember } from '../sessions.ts'
import { ownedAt, partitionsById, withoutEpochs } from './assignment.ts'

/** GROUP_ID_NOT_FOUND, with Kafka's message. */
export interface UpgradeRefused {
  readonly errorMessage: string
}

interface Embedded {
  readonly subscription: ConsumerProtocolSubscription
  readonly assigned: MemberAssignment
}

/**
 * Why a classic group that has members does not become a consumer group; null: it can (GroupMetadataManager.validateOnlineUpgrade and what
 * convertToConsumerGroup throws). Asks only.
 */
export function upgradeRefused(state: GroupsState, group: ClassicGroup): UpgradeRefused | null {
  const { groupConsumerMigrationPolicy: policy, groupConsumerMaxSize } = state.world.settings
  const because = (reason: string): UpgradeRefused => ({
    errorMessage: `Cannot upgrade classic group ${group.groupId} to consumer group because ${reason}.`,
  })
  if (policy !== 'upgrade' && policy !== 'bidirectional') return because('online upgrade is disabled')
  if (!group.isOfConsumers) return because('the group does not use the consumer embedded protocol')
  if (group.members.size > groupConsumerMaxSize) return because('the group size exceeds the consumer group maximum size')
  const protocol = protocolOfMembers(group)
  for (const member of group.members.all()) {
    const embedded = embeddedOf(state.world.topics, member, protocol)
    if (embedded === 'malformed') return because('the embedded consumer protocol is malformed')
    if (embedded === 'custom') {
      const advice = 'Please refer to the documentation or switch to a default assignor before re-attempting the upgrade'
      return because(`an unsupported custom assignor is in use. ${advice}`)
    }
  }
  return null
}

/**
 * The classic group as a consumer group, with this turn's records: members keep their ids, what they were assigned is both their target and what they
 * have, and the generation goes on as group epoch, assignment epoch and member epoch. Who waits for a join or a sync is told to join again, and is then a
 * member of the new kind (GroupMetadataManager.convertToConsumerGroup). Only for a group that `upgradeRefused` has nothing against.
 */
export function upgradeToConsumerGroup(state: GroupsState, turn: Turn, group: ClassicGroup): GroupDraft {
  const { groupId, generationId } = group
  const { topics } = state.world
  const protocol = protocolOfMembers(group)
  const members = [...group.members.all()].map((member) => convertedMember(topics, group, member, protocol))
  refuseAllWaiting(turn, group, ErrorCode.REBALANCE_IN_PROGRESS)
  turn.write(...group.tombstones())
  const draft = new GroupDraft(state, turn, new ConsumerGroup(groupId))
  for (const member of members) draft.putMember(member)
  draft.setEpoch(generationId, topicsHash(subscribedTopics(topics, members)))
  for (const { memberId, assigned } of members) draft.putTarget(memberId, withoutEpochs(assigned))
  draft.setAssignmentEpoch(generationId, 0)
  for (const member of members) {
    draft.putCurrentAssignment(member)
    keepMember(state, turn, groupId, member)
  }
  return draft
}

/**
 * Of the generation, if its members are still those that have it; else the one that the next generation would have. All may have left while their first
 * rebalance waits for more.
 */
function protocolOfMembers(group: ClassicGroup): string {
  const { protocolName } = group
  const all = [...group.members.all()]
  if (all.length === 0) return protocolName ?? ''
  const isCommon = protocolName !== null && all.every(({ protocols }) => protocols.some(({ name }) => name === protocolName))
  return isCommon ? protocolName : group.members.selectProtocol()
}

function embeddedOf(topics: GroupTopics, member: ClassicMember, protocol: string): Embedded | 'malformed' | 'custom' {
  const subscription = parseSubscription(member.metadata(protocol))
  if (subscription === null) return 'malformed'
  if (member.assignment.length === 0) return { subscription, assigned: new Map() }
  const assignment = parseAssignment(member.assignment)
  if (assignment === null) return 'malformed'
  // What a custom assignor wants to tell its member would be lost
  if (assignment.userData !== null && assignment.userData.length > 0) return 'custom'
  return { subscription, assigned: partitionsById(topics, assignment.assignedPartitions) }
}

function convertedMember(topics: GroupTopics, group: ClassicGroup, member: ClassicMember, protocol: string): ConsumerMember {
  const embedded = embeddedOf(topics, member, protocol)
  assert(typeof embedded !== 'string', `${group.groupId}: the embedded protocol of ${member.memberId} cannot be converted`)
  const { subscription, assigned } = embedded
  const { sessionTimeoutMs, protocols } = member
  return {
    ...newMember(member.memberId),
    instanceId: member.groupInstanceId,
    rackId: subscription.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: sortedOnce(subscription.topics),
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    classicMemberMetadata: { sessionTimeoutMs, supportedProtocols: protocols },
    memberEpoch: group.generationId,
    previousMemberEpoch: group.generationId,
    state: 'stable',
    assigned: assigned.size === 0 ? noPartitions : ownedAt(assigned, group.generationId),
  }
}

function subscribedTopics(topics: GroupTopics, members: readonly ConsumerMember[]): GroupTopic[] {
  const names = new Set(members.flatMap(({ subscribedTopicNames }) => subscribedTopicNames))
  return [...names].flatMap((name) => topics.byName(name) ?? [])
}
