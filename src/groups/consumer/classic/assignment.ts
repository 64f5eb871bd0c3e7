import { assert } from '../../../base/assert.ts'
import type { Uuid } from '../../../base/units.ts'
import type { MemberAssignment } from '../../assignors/assign.ts'
import type { GroupTopics } from '../../state.ts'
import { type ConsumerProtocolAssignment, versionOfSubscription, writeAssignment } from '../../subscriptions/consumer-protocol.ts'
import type { ClassicMemberMetadata, ConsumerMember, OwnedPartitions } from '../consumer-member.ts'

/** The protocol that a member is told was chosen: the one it likes best, for it is chosen for this member alone. */
export function protocolOf(classic: ClassicMemberMetadata): ClassicMemberMetadata['supportedProtocols'][number] {
  const [first] = classic.supportedProtocols
  assert(first !== undefined, 'a classic member without a protocol')
  return first
}

export function classicOf({ memberId, classicMemberMetadata }: ConsumerMember): ClassicMemberMetadata {
  assert(classicMemberMetadata !== null, `member ${memberId} does not speak the classic protocol`)
  return classicMemberMetadata
}

/** In the version in which the member wrote its subscription. Topics that are gone are left out. */
export function assignmentBytes(topics: GroupTopics, assigned: MemberAssignment, subscription: Buffer): Buffer {
  const assignedPartitions: { topic: string; partitions: readonly number[] }[] = []
  for (const [topicId, partitions] of assigned) {
    const topic = topics.byId(topicId)?.name
    if (topic !== undefined) assignedPartitions.push({ topic, partitions })
  }
  return writeAssignment(versionOfSubscription(subscription), { assignedPartitions })
}

/** The partitions of topics that are there, assigned or owned, by topic id; ascending, each once. */
export function partitionsById(topics: GroupTopics, assigned: ConsumerProtocolAssignment['assignedPartitions']): MemberAssignment {
  const byId = new Map<Uuid, readonly number[]>()
  for (const { topic: name, partitions } of assigned) {
    const topic = topics.byName(name)
    if (topic === undefined) continue
    const known = [...(byId.get(topic.id) ?? []), ...partitions].filter((partition) => partition >= 0 && partition < topic.partitionCount)
    if (known.length > 0)
      byId.set(
        topic.id,
        [...new Set(known)].sort((a, b) => a - b),
      )
  }
  return byId
}

/** All of it assigned at this epoch. */
export function ownedAt(assigned: MemberAssignment, epoch: number): OwnedPartitions {
  return new Map([...assigned].map(([topicId, partitions]) => [topicId, new Map(partitions.map((partition) => [partition, epoch]))]))
}

export function withoutEpochs(owned: OwnedPartitions): MemberAssignment {
  return new Map([...owned].map(([topicId, partitions]) => [topicId, [...partitions.keys()].sort((a, b) => a - b)]))
}
