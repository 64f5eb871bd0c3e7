import type { Uuid } from '../../base/units.ts'
import type { AssignmentInput, AssignmentMember, GroupAssignment, MemberAssignment } from './assign.ts'
import { settled } from './partition-owners.ts'

/** Of one topic: how much of it each subscriber gets, and how far it has been given away. */
interface Ranges {
  readonly topicId: Uuid
  readonly partitions: number
  subscribers: number
  next: number
  /** How many subscribers have been served. */
  served: number
}

/**
 * Each topic is cut into one range for each subscriber, the first ones larger by one where it does not divide (RangeAssignor). Members are served in one
 * order for all topics, those with an instance id first: members with the same subscription get equal partitions of equally large topics, and what a
 * static member gets does not depend on the id that it has been given this time.
 */
export function assignRanges(input: AssignmentInput): GroupAssignment {
  const bySubscription = rangesBySubscription(input)
  const sorted = [...input.members].sort(inOrder)
  return new Map(
    sorted.map(([memberId, { topicIds, assigned }]) => [memberId, settled(assigned, nextOf(bySubscription.get(topicIds) ?? []))]),
  )
}

/** By the set of topics itself: members that share one share the list, too. */
function rangesBySubscription({ members, partitionCounts }: AssignmentInput): Map<ReadonlySet<Uuid>, Ranges[]> {
  const membersOf = new Map<ReadonlySet<Uuid>, number>()
  for (const { topicIds } of members.values()) membersOf.set(topicIds, (membersOf.get(topicIds) ?? 0) + 1)
  const topics = new Map<Uuid, Ranges>()
  const bySubscription = new Map<ReadonlySet<Uuid>, Ranges[]>()
  for (const [topicIds, count] of membersOf) {
    const list = [...topicIds].map((topicId) => rangesOf(topics, topicId, partitionCounts))
    for (const ranges of list) ranges.subscribers += count
    bySubscription.set(topicIds, list)
  }
  return bySubscription
}

function rangesOf(topics: Map<Uuid, Ranges>, topicId: Uuid, partitionCounts: ReadonlyMap<Uuid, number>): Ranges {
  const known = topics.get(topicId)
  if (known !== undefined) return known
  const ranges = { topicId, partitions: partitionCounts.get(topicId) ?? 0, subscribers: 0, next: 0, served: 0 }
  topics.set(topicId, ranges)
  return ranges
}

/** The next member's; topics of which nothing is left are taken off the list. */
function nextOf(list: Ranges[]): MemberAssignment {
  const assigned = new Map<Uuid, readonly number[]>()
  let left = 0
  for (const ranges of list) {
    const range = nextRange(ranges)
    if (range.length > 0) assigned.set(ranges.topicId, range)
    if (ranges.next < ranges.partitions) list[left++] = ranges
  }
  list.length = left
  return assigned
}

function nextRange(ranges: Ranges): number[] {
  const { partitions, subscribers, next, served } = ranges
  const length = Math.floor(partitions / subscribers) + (served < partitions % subscribers ? 1 : 0)
  ranges.next += length
  ranges.served += 1
  return Array.from({ length }, (_, at) => next + at)
}

type Entry = readonly [memberId: string, member: AssignmentMember]

function inOrder([memberIdA, { instanceId: a }]: Entry, [memberIdB, { instanceId: b }]: Entry): number {
  if (a !== null && b !== null && a !== b) return a < b ? -1 : 1
  if ((a === null) !== (b === null)) return a === null ? 1 : -1
  return memberIdA < memberIdB ? -1 : 1
}
