import { type Draft, int16, int32, int64, int8, message, type Message, string, structs } from '../schema.ts'

export const listOffsetsRequest = message(
  'ListOffsetsRequest',
  2,
  { versions: '1-11', flexible: '6+' },
  {
    replicaId: int32('0+'),
    isolationLevel: int8('2+'),
    topics: structs('0+', {
      name: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        currentLeaderEpoch: int32('4+', { default: -1, ignorable: true }),
        timestamp: int64('0+'),
      }),
    }),
    timeoutMs: int32('10+', { ignorable: true }),
  },
)
export type ListOffsetsRequest = Message<typeof listOffsetsRequest>
export type ListOffsetsRequestDraft = Draft<typeof listOffsetsRequest>

export const listOffsetsResponse = message(
  'ListOffsetsResponse',
  2,
  { versions: '1-11', flexible: '6+' },
  {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: structs('0+', {
      name: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        timestamp: int64('1+', { default: -1 }),
        offset: int64('1+', { default: -1 }),
        leaderEpoch: int32('4+', { default: -1 }),
      }),
    }),
  },
)
export type ListOffsetsResponse = Message<typeof listOffsetsResponse>
export type ListOffsetsResponseDraft = Draft<typeof listOffsetsResponse>
