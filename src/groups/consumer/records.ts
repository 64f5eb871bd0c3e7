import type { MemberAssignment } from '../assignors/assign.ts'
import type { GroupRecord } from '../records/fact.ts'
import type { ResolvedRegex } from './consumer-group.ts'
import { type ConsumerMember, type OwnedPartitions, stateNumber } from './consumer-member.ts'

/** The records of consumer groups, as GroupCoordinatorRecordHelpers of Kafka 4.3 makes them. */

export function groupEpochRecord(groupId: string, epoch: number, metadataHash: number): GroupRecord {
  return { type: 'consumerGroupMetadata', key: { groupId }, value: { epoch, metadataHash } }
}

export function memberMetadataRecord(groupId: string, member: ConsumerMember): GroupRecord {
  return {
    type: 'consumerGroupMemberMetadata',
    key: { groupId, memberId: member.memberId },
    value: {
      instanceId: member.instanceId,
      rackId: member.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: member.subscribedTopicNames,
      subscribedTopicRegex: member.subscribedTopicRegex,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      serverAssignor: member.serverAssignor,
      classicMemberMetadata: member.classicMemberMetadata,
    },
  }
}

export function memberMetadataTombstone(groupId: string, memberId: string): GroupRecord {
  return { type: 'consumerGroupMemberMetadata', key: { groupId, memberId }, value: null }
}

export function targetMemberRecord(groupId: string, memberId: string, target: MemberAssignment): GroupRecord {
  const topicPartitions = [...target].map(([topicId, partitions]) => ({ topicId, partitions }))
  return { type: 'consumerGroupTargetAssignmentMember', key: { groupId, memberId }, value: { topicPartitions } }
}

export function targetMemberTombstone(groupId: string, memberId: string): GroupRecord {
  return { type: 'consumerGroupTargetAssignmentMember', key: { groupId, memberId }, value: null }
}

export function targetMetadataRecord(groupId: string, assignmentEpoch: number, assignmentTimestamp: number): GroupRecord {
  return { type: 'consumerGroupTargetAssignmentMetadata', key: { groupId }, value: { assignmentEpoch, assignmentTimestamp } }
}

export function currentAssignmentRecord(groupId: string, member: ConsumerMember): GroupRecord {
  return {
    type: 'consumerGroupCurrentMemberAssignment',
    key: { groupId, memberId: member.memberId },
    value: {
      memberEpoch: member.memberEpoch,
      previousMemberEpoch: member.previousMemberEpoch,
      state: stateNumber(member.state),
      assignedPartitions: topicPartitions(member.assigned),
      partitionsPendingRevocation: topicPartitions(member.pendingRevocation),
    },
  }
}

function topicPartitions(owned: OwnedPartitions) {
  return [...owned].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions.keys()],
    assignmentEpochs: [...partitions.values()],
  }))
}

export function currentAssignmentTombstone(groupId: string, memberId: string): GroupRecord {
  return { type: 'consumerGroupCurrentMemberAssignment', key: { groupId, memberId }, value: null }
}

export function regexRecord(groupId: string, regularExpression: string, resolved: ResolvedRegex): GroupRecord {
  const { topics, version, timestamp } = resolved
  return {
    type: 'consumerGroupRegularExpression',
    key: { groupId, regularExpression },
    value: { topics: [...topics].sort(), version, timestamp },
  }
}

export function regexTombstone(groupId: string, regularExpression: string): GroupRecord {
  return { type: 'consumerGroupRegularExpression', key: { groupId, regularExpression }, value: null }
}

/** All that a group has in the log, members first: as long as the group's own record stands, so does the group. */
export function groupTombstones(groupId: string, memberIds: Iterable<string>, expressions: Iterable<string>): GroupRecord[] {
  const ids = [...memberIds]
  return [
    ...ids.map((memberId) => currentAssignmentTombstone(groupId, memberId)),
    ...ids.map((memberId) => targetMemberTombstone(groupId, memberId)),
    { type: 'consumerGroupTargetAssignmentMetadata', key: { groupId }, value: null },
    ...ids.map((memberId) => memberMetadataTombstone(groupId, memberId)),
    ...[...expressions].map((expression) => regexTombstone(groupId, expression)),
    { type: 'consumerGroupMetadata', key: { groupId }, value: null },
  ]
}
