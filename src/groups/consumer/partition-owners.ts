import type { Uuid } from '../../base/units.ts'
import type { ConsumerMember, OwnedPartitions } from './consumer-member.ts'

/**
 * Which member has a partition, whether assigned or still to be given up. A log may tell of a partition's new owner before it tells that the old one has let
 * go (a compacted one, or one from Kafka): the later owner counts, and who loses a partition that is another's by now changes nothing.
 */
export class PartitionOwners {
  private readonly byTopic = new Map<Uuid, Map<number, string>>()

  owner(topicId: Uuid, partition: number): string | null {
    return this.byTopic.get(topicId)?.get(partition) ?? null
  }

  replace(before: ConsumerMember | undefined, after: ConsumerMember | undefined): void {
    if (before !== undefined && before.assigned === after?.assigned && before.pendingRevocation === after.pendingRevocation) return
    if (before !== undefined) {
      this.release(before.memberId, before.assigned)
      this.release(before.memberId, before.pendingRevocation)
    }
    if (after !== undefined) {
      this.take(after.memberId, after.assigned)
      this.take(after.memberId, after.pendingRevocation)
    }
  }

  private take(memberId: string, owned: OwnedPartitions): void {
    for (const [topicId, partitions] of owned) {
      const owners = this.byTopic.get(topicId) ?? new Map<number, string>()
      if (owners.size === 0) this.byTopic.set(topicId, owners)
      for (const partition of partitions.keys()) owners.set(partition, memberId)
    }
  }

  private release(memberId: string, owned: OwnedPartitions): void {
    for (const [topicId, partitions] of owned) {
      const owners = this.byTopic.get(topicId)
      if (owners === undefined) continue
      for (const partition of partitions.keys()) if (owners.get(partition) === memberId) owners.delete(partition)
      if (owners.size === 0) this.byTopic.delete(topicId)
    }
  }
}
