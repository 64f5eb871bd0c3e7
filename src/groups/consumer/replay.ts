import type { MemberAssignment } from '../assignors/assign.ts'
import type { GroupRecord, GroupRecordOf } from '../records/fact.ts'
import type { GroupsState } from '../state.ts'
import { ConsumerGroup, initialEpoch, type ResolvedRegex } from './consumer-group.ts'
import { leaveEpoch, newMember, noPartitions, withCurrentAssignment, withMetadata } from './consumer-member.ts'

type ConsumerRecord = Extract<GroupRecord, { readonly type: `consumerGroup${string}` }>

/**
 * Applies one record. It may be the first of its group, or of its member: a log that has been compacted begins anywhere. A classic group under the same id was
 * ended by tombstones before; one that is there yet has offsets alone, and no record.
 */
export function replayConsumerGroup(state: GroupsState, record: ConsumerRecord): void {
  const { groupId } = record.key
  const known = state.groups.get(groupId)
  if (known?.type === 'consumer') return apply(state, known, record)
  if (record.value === null) return
  const group = new ConsumerGroup(groupId)
  state.groups.set(groupId, group)
  apply(state, group, record)
}

function apply(state: GroupsState, group: ConsumerGroup, record: ConsumerRecord): void {
  switch (record.type) {
    case 'consumerGroupMetadata':
      if (record.value === null) state.groups.delete(group.groupId)
      else group.setEpoch(record.value.epoch, record.value.metadataHash)
      return
    case 'consumerGroupMemberMetadata':
      return applyMetadata(group, record)
    case 'consumerGroupCurrentMemberAssignment':
      return applyCurrentAssignment(group, record)
    case 'consumerGroupTargetAssignmentMember':
      return group.putTarget(record.key.memberId, record.value === null ? null : targetOf(record.value))
    case 'consumerGroupTargetAssignmentMetadata':
      return group.setAssignmentEpoch(record.value?.assignmentEpoch ?? initialEpoch, record.value?.assignmentTimestamp ?? 0)
    case 'consumerGroupRegularExpression':
      return group.putRegex(record.key.regularExpression, record.value === null ? null : resolvedOf(record.value))
  }
}

function applyMetadata(group: ConsumerGroup, { key, value }: GroupRecordOf<'consumerGroupMemberMetadata'>): void {
  if (value === null) return group.removeMember(key.memberId)
  group.putMember(withMetadata(group.members.get(key.memberId) ?? newMember(key.memberId), value))
}

function applyCurrentAssignment(group: ConsumerGroup, { key, value }: GroupRecordOf<'consumerGroupCurrentMemberAssignment'>): void {
  const known = group.members.get(key.memberId)
  if (value !== null) return group.putMember(withCurrentAssignment(known ?? newMember(key.memberId), value))
  if (known === undefined) return
  const none = { memberEpoch: leaveEpoch, previousMemberEpoch: leaveEpoch, assigned: noPartitions, pendingRevocation: noPartitions }
  group.putMember({ ...known, ...none })
}

function resolvedOf({ topics, version, timestamp }: NonNullable<GroupRecordOf<'consumerGroupRegularExpression'>['value']>): ResolvedRegex {
  return { topics: new Set(topics), version, timestamp }
}

function targetOf({ topicPartitions }: NonNullable<GroupRecordOf<'consumerGroupTargetAssignmentMember'>['value']>): MemberAssignment {
  return new Map(topicPartitions.map(({ topicId, partitions }) => [topicId, [...partitions].sort((a, b) => a - b)]))
}
