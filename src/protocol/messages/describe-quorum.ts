import { type Draft, int16, int32, int64, message, type Message, string, structs, uint16, uuid } from '../schema.ts'

export const describeQuorumRequest = message(
  'DescribeQuorumRequest',
  55,
  { versions: '0-2', flexible: '0+' },
  {
    topics: structs('0+', {
      topicName: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
      }),
    }),
  },
)
export type DescribeQuorumRequest = Message<typeof describeQuorumRequest>
export type DescribeQuorumRequestDraft = Draft<typeof describeQuorumRequest>

const replicaState = {
  replicaId: int32('0+'),
  replicaDirectoryId: uuid('2+'),
  logEndOffset: int64('0+'),
  lastFetchTimestamp: int64('1+', { default: -1, ignorable: true }),
  lastCaughtUpTimestamp: int64('1+', { default: -1, ignorable: true }),
}

export const describeQuorumResponse = message(
  'DescribeQuorumResponse',
  55,
  { versions: '0-2', flexible: '0+' },
  {
    errorCode: int16('0+'),
    errorMessage: string('2+', { nullable: '2+', ignorable: true }),
    topics: structs('0+', {
      topicName: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('2+', { nullable: '2+', ignorable: true }),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
        highWatermark: int64('0+'),
        currentVoters: structs('0+', replicaState),
        observers: structs('0+', replicaState),
      }),
    }),
    nodes: structs('2+', {
      nodeId: int32('2+'),
      listeners: structs('2+', {
        name: string('2+'),
        host: string('2+'),
        port: uint16('2+'),
      }),
    }),
  },
)
export type DescribeQuorumResponse = Message<typeof describeQuorumResponse>
export type DescribeQuorumResponseDraft = Draft<typeof describeQuorumResponse>
