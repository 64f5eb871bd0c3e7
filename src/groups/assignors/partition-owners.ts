import { assert } from '../../base/assert.ts'
import { addTo } from '../../base/grouped.ts'
import type { Uuid } from '../../base/units.ts'
import type { AssignmentInput, AssignmentMember, GroupAssignment, MemberAssignment } from './assign.ts'

/** A member's place in the sorted list of members; nobody: no owner. */
export const nobody = -1

export interface IndexedMember {
  readonly memberId: string
  readonly member: AssignmentMember
}

/** One subscribed topic, and who of the members has which of its partitions. */
export interface OwnedTopic {
  readonly topicId: Uuid
  /** Indexes of members, ascending. */
  readonly subscribers: number[]
  /** By partition: the index of a member, or nobody. */
  readonly owners: Int32Array
}

/**
 * Who owns what, while an assignment is being made.
 *
 *  1. A partition has one owner at most, and the owner is subscribed to its topic.
 *  2. `sizes` says of every member how many partitions it owns.
 *  3. Members are in the order of their ids and topics in that of theirs, so that the order of the input does not matter.
 */
export class PartitionOwners {
  readonly members: readonly IndexedMember[]
  readonly topics: readonly OwnedTopic[]
  readonly sizes: Int32Array
  private readonly byId = new Map<Uuid, OwnedTopic>()

  constructor({ members, partitionCounts }: AssignmentInput) {
    this.members = [...members].map(([memberId, member]) => ({ memberId, member })).sort(byMemberId)
    this.sizes = new Int32Array(this.members.length)
    for (const [index, { member }] of this.members.entries()) this.subscribe(index, member, partitionCounts)
    this.topics = [...this.byId.values()].sort((a, b) => (a.topicId < b.topicId ? -1 : 1))
  }

  private subscribe(index: number, { topicIds }: AssignmentMember, partitionCounts: ReadonlyMap<Uuid, number>): void {
    for (const topicId of topicIds) {
      const topic = this.byId.get(topicId)
      if (topic !== undefined) {
        topic.subscribers.push(index)
        continue
      }
      const partitions = partitionCounts.get(topicId) ?? 0
      if (partitions > 0) this.byId.set(topicId, { topicId, subscribers: [index], owners: new Int32Array(partitions).fill(nobody) })
    }
  }

  /** Everybody keeps what it has and may have. Should two have the same partition, which no target says, the first keeps it. */
  keepAssigned(): void {
    for (const [index, { member }] of this.members.entries()) {
      for (const [topicId, partitions] of member.assigned) {
        const topic = member.topicIds.has(topicId) ? this.byId.get(topicId) : undefined
        if (topic === undefined) continue
        for (const partition of partitions) if (topic.owners[partition] === nobody) this.give(topic, partition, index)
      }
    }
  }

  size(index: number): number {
    return this.sizes[index] ?? 0
  }

  /** From whoever has it. */
  give(topic: OwnedTopic, partition: number, to: number): void {
    this.takeAway(topic, partition)
    topic.owners[partition] = to
    this.sizes[to] = this.size(to) + 1
  }

  takeAway(topic: OwnedTopic, partition: number): void {
    const owner = topic.owners[partition]
    assert(owner !== undefined, `partition ${partition} of a topic of ${topic.owners.length}`)
    if (owner === nobody) return
    topic.owners[partition] = nobody
    this.sizes[owner] = this.size(owner) - 1
  }

  toAssignment(): GroupAssignment {
    const made = this.members.map(() => new Map<Uuid, number[]>())
    for (const topic of this.topics) {
      for (const [partition, owner] of topic.owners.entries()) {
        if (owner === nobody) continue
        const of = made[owner]
        assert(of !== undefined, 'an owner who is no member')
        addTo(of, topic.topicId, partition)
      }
    }
    return new Map(this.members.map(({ memberId, member }, index) => [memberId, settled(member.assigned, made[index])]))
  }
}

/** The partitions of a topic that nobody has. */
export function unowned(topic: OwnedTopic): number[] {
  return [...topic.owners.keys()].filter((partition) => topic.owners[partition] === nobody)
}

/** What the member had, when it is that again: that is how others see what changed. */
export function settled(before: MemberAssignment, after: MemberAssignment = new Map()): MemberAssignment {
  return isSame(before, after) ? before : after
}

function isSame(before: MemberAssignment, after: MemberAssignment): boolean {
  if (before.size !== after.size) return false
  for (const [topicId, partitions] of after) {
    const had = before.get(topicId)
    if (had === undefined || had.length !== partitions.length) return false
    if (!partitions.every((partition, at) => had[at] === partition)) return false
  }
  return true
}

function byMemberId(a: IndexedMember, b: IndexedMember): number {
  return a.memberId < b.memberId ? -1 : 1
}
