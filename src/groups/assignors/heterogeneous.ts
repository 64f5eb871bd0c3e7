import { assert } from '../../base/assert.ts'
import { addTo } from '../../base/grouped.ts'
import { Heap } from '../../base/heap.ts'
import { nobody, type OwnedTopic, type PartitionOwners, unowned } from './partition-owners.ts'

/** How often all topics are gone through to even out what earlier ones have shifted (UniformHeterogeneousAssignmentBuilder.MAX_ITERATION_COUNT). */
const roundsMax = 16

/** A difference in size from which on moving one partition makes things more even. */
const differenceMin = 2

/**
 * Members are subscribed to different topics. What nobody has goes to the subscriber that has least, topic by topic, first those of which each subscriber
 * has to take most. Then topics are evened out one after the other until nothing moves: no owner of a partition has two partitions more than another
 * subscriber of the topic.
 */
export function balanceHeterogeneous(owners: PartitionOwners): void {
  const topics = owners.topics.toSorted(mostPressing)
  const before = new Map(topics.map((topic) => [topic, topic.owners.slice()]))
  for (const topic of topics) giveRest(owners, topic)
  const shared = topics.filter(({ subscribers }) => subscribers.length > 1)
  for (let round = 0; round < roundsMax; round++) {
    let moved = 0
    for (const topic of shared) moved += evenOut(owners, topic, before.get(topic) ?? topic.owners)
    if (moved === 0) return
  }
}

function mostPressing(a: OwnedTopic, b: OwnedTopic): number {
  const byShare = b.owners.length / b.subscribers.length - a.owners.length / a.subscribers.length
  return byShare || a.subscribers.length - b.subscribers.length || (a.topicId < b.topicId ? -1 : 1)
}

/** A member and how much it has, as of when it was put in: moves of other members do not matter to it. */
interface Entry {
  readonly member: number
  readonly size: number
}

function leastFirst(owners: PartitionOwners, members: Iterable<number>): Heap<Entry> {
  const heap = new Heap<Entry>((a, b) => a.size - b.size || a.member - b.member)
  for (const member of members) heap.push({ member, size: owners.size(member) })
  return heap
}

function mostFirst(owners: PartitionOwners, members: Iterable<number>): Heap<Entry> {
  const heap = new Heap<Entry>((a, b) => b.size - a.size || b.member - a.member)
  for (const member of members) heap.push({ member, size: owners.size(member) })
  return heap
}

function giveRest(owners: PartitionOwners, topic: OwnedTopic): void {
  const partitions = unowned(topic)
  if (partitions.length === 0) return
  const least = leastFirst(owners, topic.subscribers)
  for (const partition of partitions) {
    const next = least.pop()
    assert(next !== undefined, 'a topic without a subscriber')
    owners.give(topic, partition, next.member)
    least.push({ member: next.member, size: next.size + 1 })
  }
}

/**
 * From the owners that have most to the subscribers that have least. A member that has received is never one that has to give afterwards, nor the other way
 * round: after a move the giver still has as much as the receiver, the least only grows and the most only shrinks. So entries of the one heap need not
 * know what happens in the other.
 */
function evenOut(owners: PartitionOwners, topic: OwnedTopic, before: Int32Array): number {
  if (isEven(owners, topic)) return 0
  const held = heldBy(topic, before)
  const most = mostFirst(owners, held.keys())
  const least = leastFirst(owners, topic.subscribers)
  for (let moved = 0; ; moved++) {
    const giver = most.pop()
    const taker = least.pop()
    if (giver === undefined || taker === undefined || giver.size - taker.size < differenceMin) return moved
    const partitions = held.get(giver.member)
    const partition = partitions?.pop()
    assert(partitions !== undefined && partition !== undefined, 'a giver that has nothing')
    owners.give(topic, partition, taker.member)
    least.push({ member: taker.member, size: taker.size + 1 })
    if (partitions.length > 0) most.push({ member: giver.member, size: giver.size - 1 })
  }
}

function isEven(owners: PartitionOwners, topic: OwnedTopic): boolean {
  let most = 0
  for (const owner of topic.owners) most = Math.max(most, owners.size(owner))
  return topic.subscribers.every((member) => most - owners.size(member) < differenceMin)
}

/** What each owner has of the topic, in the order in which it would rather keep it: what it had at the start comes first. */
function heldBy(topic: OwnedTopic, before: Int32Array): Map<number, number[]> {
  const held = new Map<number, number[]>()
  for (const kept of [true, false]) {
    for (const [partition, owner] of topic.owners.entries()) {
      assert(owner !== nobody, 'a partition without an owner')
      if ((before[partition] === owner) !== kept) continue
      addTo(held, owner, partition)
    }
  }
  return held
}
