import type { GroupsState, GroupTopics } from '../state.ts'
import { compileRegex, isInvalid } from '../subscriptions/regex.ts'
import type { ConsumerGroup } from './consumer-group.ts'

/** Marks the groups that these topics concern. Their next heartbeat sees to it: nobody can be told before that anyway. */
export function onTopicsChanged(state: GroupsState, names: ReadonlySet<string>): void {
  for (const group of state.groups.values()) {
    if (group.type !== 'consumer') continue
    for (const name of names) mark(state.world.topics, group, name)
  }
}

function mark(topics: GroupTopics, group: ConsumerGroup, name: string): void {
  const { refresh } = group
  if (!refresh.metadata && group.isSubscribedTo(name)) refresh.metadata = true
  if (refresh.regexes) return
  for (const expression of group.subscribersByRegex.keys()) {
    if (matches(topics, expression, name) === (group.regexes.get(expression)?.topics.has(name) ?? false)) continue
    refresh.regexes = true
    return
  }
}

function matches(topics: GroupTopics, expression: string, name: string): boolean {
  if (topics.byName(name) === undefined) return false
  const regex = compileRegex(expression)
  return !isInvalid(regex) && regex.matches(name)
}
