import { bool, type Draft, int16, int32, int64, message, type Message, string, structs, uint16, uuid } from '../schema.ts'

export const voteRequest = message(
  'VoteRequest',
  52,
  { versions: '0-2', flexible: '0+' },
  {
    clusterId: string('0+', { nullable: '0+', default: null }),
    voterId: int32('1+', { default: -1, ignorable: true }),
    topics: structs('0+', {
      topicName: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        replicaEpoch: int32('0+'),
        replicaId: int32('0+'),
        replicaDirectoryId: uuid('1+', { ignorable: true }),
        voterDirectoryId: uuid('1+', { ignorable: true }),
        lastOffsetEpoch: int32('0+'),
        lastOffset: int64('0+'),
        preVote: bool('2+'),
      }),
    }),
  },
)
export type VoteRequest = Message<typeof voteRequest>
export type VoteRequestDraft = Draft<typeof voteRequest>

export const voteResponse = message(
  'VoteResponse',
  52,
  { versions: '0-2', flexible: '0+' },
  {
    errorCode: int16('0+'),
    topics: structs('0+', {
      topicName: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
        voteGranted: bool('0+'),
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
export type VoteResponse = Message<typeof voteResponse>
export type VoteResponseDraft = Draft<typeof voteResponse>
