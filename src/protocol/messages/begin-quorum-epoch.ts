import { type Draft, int16, int32, message, type Message, string, structs, uint16, uuid } from '../schema.ts'

export const beginQuorumEpochRequest = message(
  'BeginQuorumEpochRequest',
  53,
  { versions: '0-1', flexible: '1+' },
  {
    clusterId: string('0+', { nullable: '0+', default: null }),
    voterId: int32('1+', { default: -1, ignorable: true }),
    topics: structs('0+', {
      topicName: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        voterDirectoryId: uuid('1+', { ignorable: true }),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
      }),
    }),
    leaderEndpoints: structs(
      '1+',
      {
        name: string('1+'),
        host: string('1+'),
        port: uint16('1+'),
      },
      { ignorable: true },
    ),
  },
)
export type BeginQuorumEpochRequest = Message<typeof beginQuorumEpochRequest>
export type BeginQuorumEpochRequestDraft = Draft<typeof beginQuorumEpochRequest>

export const beginQuorumEpochResponse = message(
  'BeginQuorumEpochResponse',
  53,
  { versions: '0-1', flexible: '1+' },
  {
    errorCode: int16('0+'),
    topics: structs('0+', {
      topicName: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
      }),
    }),
    nodeEndpoints: structs(
      '1+',
      {
        nodeId: int32('1+'),
        host: string('1+'),
        port: uint16('1+'),
      },
      { tag: 0 },
    ),
  },
)
export type BeginQuorumEpochResponse = Message<typeof beginQuorumEpochResponse>
export type BeginQuorumEpochResponseDraft = Draft<typeof beginQuorumEpochResponse>
