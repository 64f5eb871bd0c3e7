import { ErrorCode } from '../../../protocol/errors.ts'
import { noMemberId, refuseJoin, waitingOf } from '../../classic/answers.ts'
import { consumerProtocolType } from '../../classic/commit-rules.ts'
import { joinError, termsOf, versionOfRequiredMemberId } from '../../classic/join.ts'
import type { GroupRequest } from '../../commands.ts'
import type { GroupsState } from '../../state.ts'
import { type ConsumerProtocolSubscription, parseSubscription } from '../../subscriptions/consumer-protocol.ts'
import type { Asked, Turn } from '../../turn.ts'
import type { ConsumerGroup } from '../consumer-group.ts'
import { type ConsumerMember, hasRegex, isSameNames, joinEpoch, newMember, updatedMember } from '../consumer-member.ts'
import { GroupDraft } from '../group-draft.ts'
import { replaceMember } from '../joining.ts'
import { maybeReconcile } from '../reconciling.ts'
import { hasRevoked, keepMember } from '../sessions.ts'
import { maybeBumpGroupEpoch, saveMember } from '../subscribing.ts'
import { maybeAssign } from '../target-assignment.ts'
import { classicOf, partitionsById, protocolOf } from './assignment.ts'
import { maybeDowngradeReplacing } from './downgrade.ts'
import { awaitSync, hasJoined } from './timeouts.ts'

type Join = Asked<'joinGroup'>

/** Who joins, and what of it there is already. */
interface Joiner {
  readonly memberId: string
  /** The static member whose place it takes, under a new id; null: nobody's. */
  readonly replaces: ConsumerMember | null
  readonly subscription: ConsumerProtocolSubscription
}

/**
 * A consumer of the classic protocol joins, or joins again: with what it owns it says what it has given up, and is led on towards its target. It is answered at
 * once, as a follower in the generation that is its member epoch, and asks for its assignment with a sync (GroupMetadataManager.classicGroupJoinToConsumerGroup).
 */
export function join(state: GroupsState, turn: Turn, group: ConsumerGroup, asked: Join): void {
  const { request, context } = asked
  const invalid = joinError(state.world.settings, request)
  if (invalid !== ErrorCode.NONE) return refuseJoin(turn, waitingOf(asked), invalid, request.memberId)
  const error = errorOf(state, group, request)
  if (error !== ErrorCode.NONE) return refuseJoin(turn, waitingOf(asked), error, noMemberId)
  const memberId = request.memberId === noMemberId ? state.world.entropy.uuid() : request.memberId
  const mustKnowId = context.version >= versionOfRequiredMemberId && request.groupInstanceId === null
  if (mustKnowId && request.memberId === noMemberId) return refuseJoin(turn, waitingOf(asked), ErrorCode.MEMBER_ID_REQUIRED, memberId)
  const joiner = joinerOf(group, request, memberId)
  if (typeof joiner === 'number') return refuseJoin(turn, waitingOf(asked), joiner, noMemberId)
  joinWith(state, turn, group, asked, joiner)
}

function errorOf(
  { world }: GroupsState,
  group: ConsumerGroup,
  { memberId, protocolType, protocols }: GroupRequest<'joinGroup'>,
): ErrorCode {
  const { groupConsumerMigrationPolicy, groupConsumerMaxSize } = world.settings
  if (groupConsumerMigrationPolicy === 'disabled') return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
  if (group.members.size >= groupConsumerMaxSize && !group.members.has(memberId)) return ErrorCode.GROUP_MAX_SIZE_REACHED
  const isCommon = protocols.some(({ name }) => (group.classicMembersByProtocol.get(name) ?? 0) === group.classicMemberCount)
  return protocolType === consumerProtocolType && isCommon ? ErrorCode.NONE : ErrorCode.INCONSISTENT_GROUP_PROTOCOL
}

/** A dynamic member may have any id: it may have been given it by a classic group, or by another coordinator. */
function joinerOf(group: ConsumerGroup, request: GroupRequest<'joinGroup'>, memberId: string): Joiner | ErrorCode {
  const { groupInstanceId, protocols } = request
  const ownerId = groupInstanceId === null ? undefined : group.staticMemberId(groupInstanceId)
  if (groupInstanceId !== null && request.memberId !== noMemberId) {
    if (ownerId === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
    if (ownerId !== memberId) return ErrorCode.FENCED_INSTANCE_ID
  }
  const subscription = parseSubscription(protocols[0]?.metadata ?? Buffer.alloc(0))
  // As in Kafka, which has no better word for it
  if (subscription === null) return ErrorCode.UNKNOWN_SERVER_ERROR
  const owner = ownerId === undefined || ownerId === memberId ? undefined : group.members.get(ownerId)
  return { memberId, replaces: owner ?? null, subscription }
}

function joinWith(state: GroupsState, turn: Turn, group: ConsumerGroup, asked: Join, joiner: Joiner): void {
  const { memberId, replaces } = joiner
  const before =
    replaces === null
      ? (group.members.get(memberId) ?? newMember(memberId))
      : { ...replaces, memberId, memberEpoch: joinEpoch, previousMemberEpoch: joinEpoch }
  const updated = updatedWith(before, asked, joiner.subscription)
  if (replaces !== null) {
    const isStale = hasRegex(replaces) || !isSameNames(replaces.subscribedTopicNames, updated.subscribedTopicNames)
    const metadata = maybeDowngradeReplacing(state, turn, group, { old: replaces, joined: updated, isStale })
    if (metadata !== null) return answer(turn, asked, memberId, metadata.generation, metadata.protocol)
  }
  const draft = new GroupDraft(state, turn, group)
  if (replaces !== null) replaceMember(draft, replaces, memberId)
  const { subscription, needsTarget } = saveMember(draft, before, updated)
  maybeBumpGroupEpoch(draft, needsTarget)
  maybeAssign(draft)
  const owned = [...partitionsById(state.world.topics, joiner.subscription.ownedPartitions)].map(([topicId, partitions]) => ({
    topicId,
    partitions,
  }))
  const member = maybeReconcile(draft, updated, { owned, subscriptionChanged: subscription })
  hasJoined(state, group.groupId, memberId)
  // It may have spoken the consumer protocol until now
  hasRevoked(state, group.groupId, memberId)
  keepMember(state, turn, group.groupId, member)
  awaitSync(state, turn, group.groupId, member)
  answer(turn, asked, memberId, member.memberEpoch, protocolOf(classicOf(member)).name)
}

function updatedWith(before: ConsumerMember, asked: Join, subscription: ConsumerProtocolSubscription): ConsumerMember {
  const { protocols, rebalanceTimeoutMs, sessionTimeoutMs } = termsOf(asked)
  const { clientId, clientHost } = asked.context
  return updatedMember(before, {
    instanceId: asked.request.groupInstanceId,
    rackId: subscription.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? null : rebalanceTimeoutMs,
    serverAssignor: null,
    subscribedTopicNames: subscription.topics,
    subscribedTopicRegex: '',
    clientId,
    clientHost,
    classicMemberMetadata: { sessionTimeoutMs, supportedProtocols: protocols },
  })
}

function answer(turn: Turn, { ticket }: Join, memberId: string, generationId: number, protocolName: string | null): void {
  turn.answer(ticket, {
    api: 'joinGroup',
    response: {
      errorCode: ErrorCode.NONE,
      generationId,
      protocolType: consumerProtocolType,
      protocolName,
      leader: '',
      memberId,
      members: [],
    },
  })
}
