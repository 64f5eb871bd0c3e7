import type { GroupTopic } from '../state.ts'
import { topicsHash } from '../subscriptions/topic-hash.ts'
import { type ConsumerMember, isSameNames } from './consumer-member.ts'
import type { GroupDraft } from './group-draft.ts'
import { refreshRegexes, saveRegex } from './regular-expressions.ts'

/** What a request has changed about what the member is subscribed to. */
export interface SubscriptionChange {
  /** Names or expression are others than before. */
  readonly subscription: boolean
  /** There has to be a new target. */
  readonly needsTarget: boolean
}

/**
 * Writes what the member says of itself, if that is new, and what its expression stands for. `before`: as it is known, or as `newMember` makes one.
 * (hasMemberSubscriptionChanged, maybeUpdateRegularExpressions)
 */
export function saveMember(draft: GroupDraft, before: ConsumerMember, member: ConsumerMember): SubscriptionChange {
  if (member === before && draft.member(member.memberId) === before) {
    return { subscription: false, needsTarget: refreshRegexes(draft) }
  }
  draft.putMember(member)
  const names = !isSameNames(before.subscribedTopicNames, member.subscribedTopicNames)
  const regex = saveRegex(draft, before, member)
  const refreshed = refreshRegexes(draft)
  return { subscription: names || regex !== 'same', needsTarget: names || regex === 'changed' || refreshed }
}

/**
 * The group epoch goes up when a new target is needed, or when anything about the subscribed topics has changed since it was written; that is looked at only
 * when something may have (updateSubscriptionMetadata).
 */
export function maybeBumpGroupEpoch(draft: GroupDraft, needsTarget: boolean): void {
  const { refresh } = draft.group
  if (!needsTarget && !refresh.metadata) return
  refresh.metadata = false
  const hash = metadataHash(draft)
  if (needsTarget || hash !== draft.metadataHash) draft.setEpoch(draft.groupEpoch + 1, hash)
}

/** Of the topics that are there, of those that members are subscribed to, by name or expression. */
export function metadataHash(draft: GroupDraft): number {
  const names = new Set(draft.subscribersByName().keys())
  for (const [, { topics }] of draft.regexes()) for (const name of topics) names.add(name)
  const { topics } = draft.state.world
  const found: GroupTopic[] = []
  for (const name of names) {
    const topic = topics.byName(name)
    if (topic !== undefined) found.push(topic)
  }
  return topicsHash(found)
}
