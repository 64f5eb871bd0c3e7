import { type Draft, int16, int32, int64, message, type Message, string, structs } from '../schema.ts'

export const offsetForLeaderEpochRequest = message(
  'OffsetForLeaderEpochRequest',
  23,
  { versions: '2-4', flexible: '4+' },
  {
    replicaId: int32('3+', { default: -2, ignorable: true }),
    topics: structs('0+', {
      topic: string('0+'),
      partitions: structs('0+', {
        partition: int32('0+'),
        currentLeaderEpoch: int32('2+', { default: -1, ignorable: true }),
        leaderEpoch: int32('0+'),
      }),
    }),
  },
)
export type OffsetForLeaderEpochRequest = Message<typeof offsetForLeaderEpochRequest>
export type OffsetForLeaderEpochRequestDraft = Draft<typeof offsetForLeaderEpochRequest>

export const offsetForLeaderEpochResponse = message(
  'OffsetForLeaderEpochResponse',
  23,
  { versions: '2-4', flexible: '4+' },
  {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: structs('0+', {
      topic: string('0+'),
      partitions: structs('0+', {
        errorCode: int16('0+'),
        partition: int32('0+'),
        leaderEpoch: int32('1+', { default: -1, ignorable: true }),
        endOffset: int64('0+', { default: -1 }),
      }),
    }),
  },
)
export type OffsetForLeaderEpochResponse = Message<typeof offsetForLeaderEpochResponse>
export type OffsetForLeaderEpochResponseDraft = Draft<typeof offsetForLeaderEpochResponse>
