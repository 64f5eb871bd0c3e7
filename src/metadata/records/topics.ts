import { array, type Draft, int32, int8, message, type Message, string, uuid } from '../../protocol/schema.ts'

export const topicRecord = message(
  'TopicRecord',
  2,
  { versions: '0', flexible: '0+' },
  {
    name: string('0+'),
    topicId: uuid('0+'),
  },
)
export type TopicRecord = Message<typeof topicRecord>
export type TopicRecordDraft = Draft<typeof topicRecord>

export const partitionRecord = message(
  'PartitionRecord',
  3,
  { versions: '0-2', flexible: '0+' },
  {
    partitionId: int32('0+', { default: -1 }),
    topicId: uuid('0+'),
    replicas: array('0+', 'int32'),
    isr: array('0+', 'int32'),
    removingReplicas: array('0+', 'int32'),
    addingReplicas: array('0+', 'int32'),
    leader: int32('0+', { default: -1 }),
    leaderRecoveryState: int8('0+', { default: 0, tag: 0 }),
    leaderEpoch: int32('0+', { default: -1 }),
    partitionEpoch: int32('0+', { default: -1 }),
    directories: array('1+', 'uuid'),
    eligibleLeaderReplicas: array('2+', 'int32', { nullable: '2+', default: null, tag: 1 }),
    lastKnownElr: array('2+', 'int32', { nullable: '2+', default: null, tag: 2 }),
  },
)
export type PartitionRecord = Message<typeof partitionRecord>
export type PartitionRecordDraft = Draft<typeof partitionRecord>

export const partitionChangeRecord = message(
  'PartitionChangeRecord',
  5,
  { versions: '0-2', flexible: '0+' },
  {
    partitionId: int32('0+', { default: -1 }),
    topicId: uuid('0+'),
    isr: array('0+', 'int32', { nullable: '0+', default: null, tag: 0 }),
    leader: int32('0+', { default: -2, tag: 1 }),
    replicas: array('0+', 'int32', { nullable: '0+', default: null, tag: 2 }),
    removingReplicas: array('0+', 'int32', { nullable: '0+', default: null, tag: 3 }),
    addingReplicas: array('0+', 'int32', { nullable: '0+', default: null, tag: 4 }),
    leaderRecoveryState: int8('0+', { default: -1, tag: 5 }),
    directories: array('1+', 'uuid', { nullable: '1+', default: null, tag: 8 }),
    eligibleLeaderReplicas: array('2+', 'int32', { nullable: '2+', default: null, tag: 6 }),
    lastKnownElr: array('2+', 'int32', { nullable: '2+', default: null, tag: 7 }),
  },
)
export type PartitionChangeRecord = Message<typeof partitionChangeRecord>
export type PartitionChangeRecordDraft = Draft<typeof partitionChangeRecord>

export const removeTopicRecord = message(
  'RemoveTopicRecord',
  9,
  { versions: '0', flexible: '0+' },
  {
    topicId: uuid('0+'),
  },
)
export type RemoveTopicRecord = Message<typeof removeTopicRecord>
export type RemoveTopicRecordDraft = Draft<typeof removeTopicRecord>

export const clearElrRecord = message(
  'ClearElrRecord',
  28,
  { versions: '0', flexible: '0+' },
  {
    topicName: string('0+'),
  },
)
export type ClearElrRecord = Message<typeof clearElrRecord>
export type ClearElrRecordDraft = Draft<typeof clearElrRecord>
