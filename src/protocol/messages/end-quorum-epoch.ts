import { array, type Draft, int16, int32, message, type Message, string, structs, uint16, uuid } from '../schema.ts'

export const endQuorumEpochRequest = message(
  'EndQuorumEpochRequest',
  54,
  { versions: '0-1', flexible: '1+' },
  {
    clusterId: string('0+', { nullable: '0+', default: null }),
    topics: structs('0+', {
      topicName: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
        preferredSuccessors: array('0', 'int32', { ignorable: true }),
        preferredCandidates: structs(
          '1+',
          {
            candidateId: int32('1+'),
            candidateDirectoryId: uuid('1+'),
          },
          { ignorable: true },
        ),
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
export type EndQuorumEpochRequest = Message<typeof endQuorumEpochRequest>
export type EndQuorumEpochRequestDraft = Draft<typeof endQuorumEpochRequest>

export const endQuorumEpochResponse = message(
  'EndQuorumEpochResponse',
  54,
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
export type EndQuorumEpochResponse = Message<typeof endQuorumEpochResponse>
export type EndQuorumEpochResponseDraft = Draft<typeof endQuorumEpochResponse>
