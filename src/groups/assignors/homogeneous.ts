import { assert } from '../../base/assert.ts'
import { nobody, type PartitionOwners, unowned } from './partition-owners.ts'

/**
 * All members are subscribed to the same topics: each gets the floor or the ceiling of the mean. Those that have more than the floor already are the
 * first to have the ceiling, so no more partitions move than must. What nobody has goes round the members that lack some, one at a time, which spreads
 * each topic.
 */
export function balanceHomogeneous(owners: PartitionOwners): void {
  if (owners.members.length === 0) return
  const quotas = quotasOf(owners)
  takeExcess(owners, quotas)
  giveRest(owners, quotas)
}

/** By member: the floor of the mean, or one more. */
function quotasOf(owners: PartitionOwners): Int32Array {
  const total = owners.topics.reduce((sum, topic) => sum + topic.owners.length, 0)
  const memberCount = owners.members.length
  const floor = Math.floor(total / memberCount)
  const quotas = new Int32Array(memberCount).fill(floor)
  let larger = total % memberCount
  for (const hasMore of [true, false]) {
    for (let index = 0; index < memberCount && larger > 0; index++) {
      if (owners.size(index) > floor !== hasMore) continue
      quotas[index] = floor + 1
      larger -= 1
    }
  }
  return quotas
}

function takeExcess(owners: PartitionOwners, quotas: Int32Array): void {
  for (const topic of owners.topics.toReversed()) {
    for (let partition = topic.owners.length - 1; partition >= 0; partition--) {
      const owner = topic.owners[partition] ?? nobody
      if (owner !== nobody && owners.size(owner) > (quotas[owner] ?? 0)) owners.takeAway(topic, partition)
    }
  }
}

function giveRest(owners: PartitionOwners, quotas: Int32Array): void {
  const lacking = [...quotas.keys()].filter((index) => owners.size(index) < (quotas[index] ?? 0))
  let turn = 0
  for (const topic of owners.topics) {
    for (const partition of unowned(topic)) {
      const at = turn % lacking.length
      const member = lacking[at]
      assert(member !== undefined, 'a partition is left when all have their quota')
      owners.give(topic, partition, member)
      if (owners.size(member) < (quotas[member] ?? 0)) turn = at + 1
      else {
        lacking.splice(at, 1)
        turn = at
      }
    }
  }
}
