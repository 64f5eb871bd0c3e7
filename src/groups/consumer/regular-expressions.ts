import type { GroupsState } from '../state.ts'
import { compileRegex, matchingTopics } from '../subscriptions/regex.ts'
import type { ResolvedRegex } from './consumer-group.ts'
import type { ConsumerMember } from './consumer-member.ts'
import type { GroupDraft } from './group-draft.ts'

/**
 * Expressions that members are subscribed to. What each stands for is in the log, one record for each expression of a group: it is looked up in the
 * turn in which the first member asks for it, again when topics come or go that it matches, and in any case every
 * `group.consumer.regex.refresh.interval.ms`. Kafka looks it up after the turn, so its members are told one heartbeat later.
 */

/** Kafka numbers the states of its metadata here; 0 has it look anew. */
const noVersion = 0

/** 'unmatched': another expression, which matches nothing: no reason for a new target as long as the subscribed topics are the same. */
export type RegexChange = 'same' | 'unmatched' | 'changed'

/** The member's metadata must have been put in the draft. */
export function saveRegex(draft: GroupDraft, before: ConsumerMember, after: ConsumerMember): RegexChange {
  const old = before.subscribedTopicRegex ?? ''
  const expression = after.subscribedTopicRegex ?? ''
  if (old === expression) return 'same'
  const subscribers = draft.subscribersByRegex()
  if (old !== '' && !subscribers.has(old)) draft.removeRegex(old)
  if (expression === '' || draft.regex(expression) !== undefined) return 'changed'
  const resolved = resolve(draft.state, expression)
  draft.putRegex(expression, resolved)
  // Even then the topics of the old one may be nobody's now
  draft.group.refresh.metadata = true
  return resolved.topics.size > 0 ? 'changed' : 'unmatched'
}

/** Looks all expressions up anew, if it is time to. True: some stand for other topics than before. */
export function refreshRegexes(draft: GroupDraft): boolean {
  const { refresh } = draft.group
  const { state, turn } = draft
  if (!refresh.regexes && turn.now < refresh.regexesAt) return false
  refresh.regexes = false
  refresh.regexesAt = turn.now + state.world.settings.groupConsumerRegexRefreshIntervalMs
  let changed = false
  for (const expression of draft.subscribersByRegex().keys()) {
    const resolved = resolve(state, expression)
    if (isSame(draft.regex(expression), resolved)) continue
    draft.putRegex(expression, resolved)
    changed = true
  }
  return changed
}

/** Members have gone: expressions that only they were subscribed to go, too. */
export function removeUnusedRegexes(draft: GroupDraft, gone: Iterable<ConsumerMember>): void {
  const subscribers = draft.subscribersByRegex()
  for (const { subscribedTopicRegex: expression } of gone) {
    if (expression !== null && expression !== '' && !subscribers.has(expression)) draft.removeRegex(expression)
  }
}

function resolve({ world }: GroupsState, expression: string): ResolvedRegex {
  const topics = new Set(matchingTopics(compileRegex(expression), world.topics.names()))
  return { topics, version: noVersion, timestamp: world.wallTime() }
}

function isSame(one: ResolvedRegex | undefined, other: ResolvedRegex): boolean {
  if (one?.topics.size !== other.topics.size) return false
  for (const topic of one.topics) if (!other.topics.has(topic)) return false
  return true
}
