import { type Draft, int16, int32, int64, message, type Message, string, structs, uuid } from '../schema.ts'

export const offsetCommitRequest = message(
  'OffsetCommitRequest',
  8,
  { versions: '2-10', flexible: '8+' },
  {
    groupId: string('0+'),
    generationIdOrMemberEpoch: int32('1+', { default: -1, ignorable: true }),
    memberId: string('1+', { ignorable: true }),
    groupInstanceId: string('7+', { nullable: '7+', default: null }),
    retentionTimeMs: int64('2-4', { default: -1, ignorable: true }),
    topics: structs('0+', {
      name: string('0-9', { ignorable: true }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        committedOffset: int64('0+'),
        committedLeaderEpoch: int32('6+', { default: -1, ignorable: true }),
        committedMetadata: string('0+', { nullable: '0+' }),
      }),
    }),
  },
)
export type OffsetCommitRequest = Message<typeof offsetCommitRequest>
export type OffsetCommitRequestDraft = Draft<typeof offsetCommitRequest>

export const offsetCommitResponse = message(
  'OffsetCommitResponse',
  8,
  { versions: '2-10', flexible: '8+' },
  {
    throttleTimeMs: int32('3+', { ignorable: true }),
    topics: structs('0+', {
      name: string('0-9', { ignorable: true }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
)
export type OffsetCommitResponse = Message<typeof offsetCommitResponse>
export type OffsetCommitResponseDraft = Draft<typeof offsetCommitResponse>
