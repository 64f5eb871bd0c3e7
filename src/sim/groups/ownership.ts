import type { PartitionKey } from './shadow.ts'

const nothing: ReadonlySet<PartitionKey> = new Set()

/** What the members of groups believe to own, by group and member id. Who is dead owns nothing. */
export class Ownership {
  private readonly owned = new Map<string, Map<string, ReadonlySet<PartitionKey>>>()

  set(groupId: string, memberId: string, partitions: ReadonlySet<PartitionKey>): void {
    let group = this.owned.get(groupId)
    if (group === undefined) this.owned.set(groupId, (group = new Map()))
    if (partitions.size === 0) group.delete(memberId)
    else group.set(memberId, new Set(partitions))
  }

  of(groupId: string, memberId: string): ReadonlySet<PartitionKey> {
    return this.owned.get(groupId)?.get(memberId) ?? nothing
  }

  /** Members of the group other than `memberId` that believe to own the partition. */
  *others(groupId: string, memberId: string, partition: PartitionKey): Generator<string> {
    for (const [other, partitions] of this.owned.get(groupId) ?? []) if (other !== memberId && partitions.has(partition)) yield other
  }
}
