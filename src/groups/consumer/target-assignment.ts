import type { Timestamp, Uuid } from '../../base/units.ts'
import { assign, type AssignmentInput, type AssignmentMember } from '../assignors/assign.ts'
import type { AssignorName, GroupSettings } from '../settings.ts'
import type { ConsumerMember } from './consumer-member.ts'
import type { GroupDraft } from './group-draft.ts'

/**
 * Computes the target for the group epoch, if there is none yet and the last one is older than the group's assignment interval: members that come in numbers
 * are assigned together. Until then the target is what it was, and the next heartbeat of whomever tries again. (maybeUpdateTargetAssignment)
 */
export function maybeAssign(draft: GroupDraft): void {
  const { world } = draft.state
  const now = world.wallTime()
  if (draft.assignmentEpoch >= draft.groupEpoch) return
  if (!isTimeToAssign(draft.assignmentTimestamp, world.consumerConfig(draft.groupId).assignmentIntervalMs, now)) return
  const input = inputOf(draft)
  const result = assign(preferredAssignor(draft.membersByAssignor(), world.settings), input)
  for (const [memberId, target] of result) {
    if (target !== input.members.get(memberId)?.assigned || !draft.hasTarget(memberId)) draft.putTarget(memberId, target)
  }
  draft.setAssignmentEpoch(draft.groupEpoch, now)
}

/** The time of the last target may be another coordinator's: one that lies ahead says nothing. */
function isTimeToAssign(last: Timestamp, intervalMs: number, now: Timestamp): boolean {
  return last === 0 || now < last || now - last >= intervalMs
}

/** The one that most members ask for, of those that there are; the first of the configuration when nobody does, or as many ask for each. */
export function preferredAssignor(membersByAssignor: ReadonlyMap<string, number>, settings: GroupSettings): AssignorName {
  let preferred: AssignorName = settings.groupConsumerAssignors[0] ?? 'uniform'
  let votes = 0
  for (const name of settings.groupConsumerAssignors) {
    const count = membersByAssignor.get(name) ?? 0
    if (count <= votes) continue
    preferred = name
    votes = count
  }
  return preferred
}

function inputOf(draft: GroupDraft): AssignmentInput {
  const members = new Map<string, AssignmentMember>()
  const subscriptions = new Subscriptions(draft)
  for (const member of draft.members()) {
    const { memberId, instanceId } = member
    members.set(memberId, { instanceId, topicIds: subscriptions.of(member), assigned: draft.target(memberId) })
  }
  return { members, partitionCounts: subscriptions.partitionCounts }
}

/** The ids of subscribed topics, looked up once for all members that are subscribed alike. */
class Subscriptions {
  readonly partitionCounts = new Map<Uuid, number>()
  private readonly draft: GroupDraft
  private readonly bySubscription = new Map<string, ReadonlySet<Uuid>>()

  constructor(draft: GroupDraft) {
    this.draft = draft
  }

  of(member: ConsumerMember): ReadonlySet<Uuid> {
    const key = JSON.stringify([member.subscribedTopicNames, member.subscribedTopicRegex])
    const known = this.bySubscription.get(key)
    if (known !== undefined) return known
    const ids = this.idsOf(member)
    this.bySubscription.set(key, ids)
    return ids
  }

  private idsOf({ subscribedTopicNames, subscribedTopicRegex }: ConsumerMember): ReadonlySet<Uuid> {
    const ids = new Set<Uuid>()
    for (const name of subscribedTopicNames) this.add(ids, name)
    const matched = subscribedTopicRegex === null ? undefined : this.draft.regex(subscribedTopicRegex)
    for (const name of matched?.topics ?? []) this.add(ids, name)
    return ids
  }

  private add(ids: Set<Uuid>, name: string): void {
    const topic = this.draft.state.world.topics.byName(name)
    if (topic === undefined) return
    ids.add(topic.id)
    this.partitionCounts.set(topic.id, topic.partitionCount)
  }
}
