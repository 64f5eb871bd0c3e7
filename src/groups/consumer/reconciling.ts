import type { Uuid } from '../../base/units.ts'
import { type ConsumerMember, isReconciledTo, speaksClassic } from './consumer-member.ts'
import type { GroupDraft } from './group-draft.ts'
import { type OwnedTopic, reconcile } from './reconcile.ts'
import { awaitRevocation, hasRevoked } from './sessions.ts'

export interface Reported {
  /** What the member says it uses; null: it does not say. */
  readonly owned: readonly OwnedTopic[] | null
  readonly subscriptionChanged: boolean
}

/**
 * Leads a member on towards the target of the group, as far as it gets, and writes its new current assignment, if it is new (maybeReconcile). A member of the
 * consumer protocol that has to give partitions up is given its rebalance timeout to do so; those of the classic protocol have a time to join.
 */
export function maybeReconcile(draft: GroupDraft, member: ConsumerMember, { owned, subscriptionChanged }: Reported): ConsumerMember {
  const { state, turn, groupId } = draft
  const targetEpoch = draft.assignmentEpoch
  if (!subscriptionChanged && isReconciledTo(member, targetEpoch)) return member
  const reconciled = reconcile(member, {
    targetEpoch,
    target: draft.target(member.memberId),
    isSubscribed: subscriptionOf(draft, member),
    owner: (topicId, partition) => draft.owner(topicId, partition),
    owned,
    subscriptionChanged,
  })
  if (reconciled === member) return member
  draft.putCurrentAssignment(reconciled)
  if (speaksClassic(reconciled)) return reconciled
  if (reconciled.state === 'unrevoked') awaitRevocation(state, turn, groupId, reconciled)
  else hasRevoked(state, groupId, reconciled.memberId)
  return reconciled
}

/** A topic that is gone is nobody's subscription. */
function subscriptionOf(draft: GroupDraft, member: ConsumerMember): (topicId: Uuid) => boolean {
  const names = new Set(member.subscribedTopicNames)
  const matched = member.subscribedTopicRegex === null ? undefined : draft.regex(member.subscribedTopicRegex)?.topics
  return (topicId) => {
    const name = draft.state.world.topics.byId(topicId)?.name
    return name !== undefined && (names.has(name) || matched?.has(name) === true)
  }
}
