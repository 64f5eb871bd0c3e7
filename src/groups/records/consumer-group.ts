import {
  array,
  bytes,
  type Draft,
  int32,
  int64,
  int8,
  message,
  type Message,
  string,
  struct,
  structs,
  uuid,
} from '../../protocol/schema.ts'

export const consumerGroupMetadataKey = message(
  'ConsumerGroupMetadataKey',
  3,
  { versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
  },
)
export type ConsumerGroupMetadataKey = Message<typeof consumerGroupMetadataKey>
export type ConsumerGroupMetadataKeyDraft = Draft<typeof consumerGroupMetadataKey>

export const consumerGroupMetadataValue = message(
  'ConsumerGroupMetadataValue',
  3,
  { versions: '0', flexible: '0+' },
  {
    epoch: int32('0+'),
    metadataHash: int64('0+', { default: 0, tag: 0 }),
  },
)
export type ConsumerGroupMetadataValue = Message<typeof consumerGroupMetadataValue>
export type ConsumerGroupMetadataValueDraft = Draft<typeof consumerGroupMetadataValue>

export const consumerGroupMemberMetadataKey = message(
  'ConsumerGroupMemberMetadataKey',
  5,
  { versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)
export type ConsumerGroupMemberMetadataKey = Message<typeof consumerGroupMemberMetadataKey>
export type ConsumerGroupMemberMetadataKeyDraft = Draft<typeof consumerGroupMemberMetadataKey>

export const consumerGroupMemberMetadataValue = message(
  'ConsumerGroupMemberMetadataValue',
  5,
  { versions: '0', flexible: '0+' },
  {
    instanceId: string('0+', { nullable: '0+' }),
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    subscribedTopicNames: array('0+', 'string'),
    subscribedTopicRegex: string('0+', { nullable: '0+' }),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    serverAssignor: string('0+', { nullable: '0+' }),
    // Absent is an empty struct here, as in Kafka's class, and null is said: whoever has none (a member of the consumer protocol) writes null
    classicMemberMetadata: struct(
      '0+',
      {
        sessionTimeoutMs: int32('0+'),
        supportedProtocols: structs('0+', {
          name: string('0+'),
          metadata: bytes('0+'),
        }),
      },
      { nullable: '0+', tag: 0 },
    ),
  },
)
export type ConsumerGroupMemberMetadataValue = Message<typeof consumerGroupMemberMetadataValue>
export type ConsumerGroupMemberMetadataValueDraft = Draft<typeof consumerGroupMemberMetadataValue>

export const consumerGroupTargetAssignmentMetadataKey = message(
  'ConsumerGroupTargetAssignmentMetadataKey',
  6,
  { versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
  },
)
export type ConsumerGroupTargetAssignmentMetadataKey = Message<typeof consumerGroupTargetAssignmentMetadataKey>
export type ConsumerGroupTargetAssignmentMetadataKeyDraft = Draft<typeof consumerGroupTargetAssignmentMetadataKey>

export const consumerGroupTargetAssignmentMetadataValue = message(
  'ConsumerGroupTargetAssignmentMetadataValue',
  6,
  { versions: '0', flexible: '0+' },
  {
    assignmentEpoch: int32('0+'),
    assignmentTimestamp: int64('0+', { default: 0, tag: 0, ignorable: true }),
  },
)
export type ConsumerGroupTargetAssignmentMetadataValue = Message<typeof consumerGroupTargetAssignmentMetadataValue>
export type ConsumerGroupTargetAssignmentMetadataValueDraft = Draft<typeof consumerGroupTargetAssignmentMetadataValue>

export const consumerGroupTargetAssignmentMemberKey = message(
  'ConsumerGroupTargetAssignmentMemberKey',
  7,
  { versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)
export type ConsumerGroupTargetAssignmentMemberKey = Message<typeof consumerGroupTargetAssignmentMemberKey>
export type ConsumerGroupTargetAssignmentMemberKeyDraft = Draft<typeof consumerGroupTargetAssignmentMemberKey>

export const consumerGroupTargetAssignmentMemberValue = message(
  'ConsumerGroupTargetAssignmentMemberValue',
  7,
  { versions: '0', flexible: '0+' },
  {
    topicPartitions: structs('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', 'int32'),
    }),
  },
)
export type ConsumerGroupTargetAssignmentMemberValue = Message<typeof consumerGroupTargetAssignmentMemberValue>
export type ConsumerGroupTargetAssignmentMemberValueDraft = Draft<typeof consumerGroupTargetAssignmentMemberValue>

export const consumerGroupCurrentMemberAssignmentKey = message(
  'ConsumerGroupCurrentMemberAssignmentKey',
  8,
  { versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)
export type ConsumerGroupCurrentMemberAssignmentKey = Message<typeof consumerGroupCurrentMemberAssignmentKey>
export type ConsumerGroupCurrentMemberAssignmentKeyDraft = Draft<typeof consumerGroupCurrentMemberAssignmentKey>

const topicPartitions = {
  topicId: uuid('0+'),
  partitions: array('0+', 'int32'),
  // Absent is empty, as in Kafka's class
  assignmentEpochs: array('0+', 'int32', { nullable: '0+', tag: 0 }),
}

export const consumerGroupCurrentMemberAssignmentValue = message(
  'ConsumerGroupCurrentMemberAssignmentValue',
  8,
  { versions: '0', flexible: '0+' },
  {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    assignedPartitions: structs('0+', topicPartitions),
    partitionsPendingRevocation: structs('0+', topicPartitions),
  },
)
export type ConsumerGroupCurrentMemberAssignmentValue = Message<typeof consumerGroupCurrentMemberAssignmentValue>
export type ConsumerGroupCurrentMemberAssignmentValueDraft = Draft<typeof consumerGroupCurrentMemberAssignmentValue>

export const consumerGroupRegularExpressionKey = message(
  'ConsumerGroupRegularExpressionKey',
  16,
  { versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
    regularExpression: string('0'),
  },
)
export type ConsumerGroupRegularExpressionKey = Message<typeof consumerGroupRegularExpressionKey>
export type ConsumerGroupRegularExpressionKeyDraft = Draft<typeof consumerGroupRegularExpressionKey>

export const consumerGroupRegularExpressionValue = message(
  'ConsumerGroupRegularExpressionValue',
  16,
  { versions: '0', flexible: '0+' },
  {
    topics: array('0+', 'string'),
    version: int64('0+'),
    timestamp: int64('0+'),
  },
)
export type ConsumerGroupRegularExpressionValue = Message<typeof consumerGroupRegularExpressionValue>
export type ConsumerGroupRegularExpressionValueDraft = Draft<typeof consumerGroupRegularExpressionValue>
