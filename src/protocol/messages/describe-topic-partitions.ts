import { array, bool, type Draft, int16, int32, message, type Message, string, struct, structs, uuid } from '../schema.ts'

export const describeTopicPartitionsRequest = message(
  'DescribeTopicPartitionsRequest',
  75,
  { versions: '0', flexible: '0+' },
  {
    topics: structs('0+', {
      name: string('0+'),
    }),
    responsePartitionLimit: int32('0+', { default: 2000 }),
    cursor: struct(
      '0+',
      {
        topicName: string('0+'),
        partitionIndex: int32('0+'),
      },
      { nullable: '0+', default: null },
    ),
  },
)
export type DescribeTopicPartitionsRequest = Message<typeof describeTopicPartitionsRequest>
export type DescribeTopicPartitionsRequestDraft = Draft<typeof describeTopicPartitionsRequest>

export const describeTopicPartitionsResponse = message(
  'DescribeTopicPartitionsResponse',
  75,
  { versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32('0+', { ignorable: true }),
    topics: structs('0+', {
      errorCode: int16('0+'),
      name: string('0+', { nullable: '0+' }),
      topicId: uuid('0+', { ignorable: true }),
      isInternal: bool('0+', { default: false, ignorable: true }),
      partitions: structs('0+', {
        errorCode: int16('0+'),
        partitionIndex: int32('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+', { default: -1, ignorable: true }),
        replicaNodes: array('0+', 'int32'),
        isrNodes: array('0+', 'int32'),
        eligibleLeaderReplicas: array('0+', 'int32', { nullable: '0+', default: null }),
        lastKnownElr: array('0+', 'int32', { nullable: '0+', default: null }),
        offlineReplicas: array('0+', 'int32', { ignorable: true }),
      }),
      topicAuthorizedOperations: int32('0+', { default: -2147483648 }),
    }),
    nextCursor: struct(
      '0+',
      {
        topicName: string('0+'),
        partitionIndex: int32('0+'),
      },
      { nullable: '0+', default: null },
    ),
  },
)
export type DescribeTopicPartitionsResponse = Message<typeof describeTopicPartitionsResponse>
export type DescribeTopicPartitionsResponseDraft = Draft<typeof describeTopicPartitionsResponse>
