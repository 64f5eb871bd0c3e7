import { array, bool, type Draft, int16, int32, int8, message, type Message, string, struct, structs, uuid } from '../schema.ts'

export const consumerGroupDescribeRequest = message(
  'ConsumerGroupDescribeRequest',
  69,
  { versions: '0-1', flexible: '0+' },
  {
    groupIds: array('0+', 'string'),
    includeAuthorizedOperations: bool('0+'),
  },
)
export type ConsumerGroupDescribeRequest = Message<typeof consumerGroupDescribeRequest>
export type ConsumerGroupDescribeRequestDraft = Draft<typeof consumerGroupDescribeRequest>

const topicPartitions = {
  topicId: uuid('0+'),
  topicName: string('0+'),
  partitions: array('0+', 'int32'),
}

const assignment = {
  topicPartitions: structs('0+', topicPartitions),
}

export const consumerGroupDescribeResponse = message(
  'ConsumerGroupDescribeResponse',
  69,
  { versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    groups: structs('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
      groupId: string('0+'),
      groupState: string('0+'),
      groupEpoch: int32('0+'),
      assignmentEpoch: int32('0+'),
      assignorName: string('0+'),
      members: structs('0+', {
        memberId: string('0+'),
        instanceId: string('0+', { nullable: '0+', default: null }),
        rackId: string('0+', { nullable: '0+', default: null }),
        memberEpoch: int32('0+'),
        clientId: string('0+'),
        clientHost: string('0+'),
        subscribedTopicNames: array('0+', 'string'),
        subscribedTopicRegex: string('0+', { nullable: '0+', default: null }),
        assignment: struct('0+', assignment),
        targetAssignment: struct('0+', assignment),
        memberType: int8('1+', { default: -1, ignorable: true }),
      }),
      authorizedOperations: int32('0+', { default: -2147483648 }),
    }),
  },
)
export type ConsumerGroupDescribeResponse = Message<typeof consumerGroupDescribeResponse>
export type ConsumerGroupDescribeResponseDraft = Draft<typeof consumerGroupDescribeResponse>
