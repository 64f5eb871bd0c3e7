import { array, bool, type Draft, int16, int32, int64, message, type Message, string, structs, uuid } from '../schema.ts'

export const offsetFetchRequest = message(
  'OffsetFetchRequest',
  9,
  { versions: '1-10', flexible: '6+' },
  {
    groupId: string('0-7'),
    topics: structs(
      '0-7',
      {
        name: string('0-7'),
        partitionIndexes: array('0-7', 'int32'),
      },
      { nullable: '2-7' },
    ),
    groups: structs('8+', {
      groupId: string('8+'),
      memberId: string('9+', { nullable: '9+', default: null, ignorable: true }),
      memberEpoch: int32('9+', { default: -1, ignorable: true }),
      topics: structs(
        '8+',
        {
          name: string('8-9', { ignorable: true }),
          topicId: uuid('10+', { ignorable: true }),
          partitionIndexes: array('8+', 'int32'),
        },
        { nullable: '8+' },
      ),
    }),
    requireStable: bool('7+', { default: false }),
  },
)
export type OffsetFetchRequest = Message<typeof offsetFetchRequest>
export type OffsetFetchRequestDraft = Draft<typeof offsetFetchRequest>

export const offsetFetchResponse = message(
  'OffsetFetchResponse',
  9,
  { versions: '1-10', flexible: '6+' },
  {
    throttleTimeMs: int32('3+', { ignorable: true }),
    topics: structs('0-7', {
      name: string('0-7'),
      partitions: structs('0-7', {
        partitionIndex: int32('0-7'),
        committedOffset: int64('0-7'),
        committedLeaderEpoch: int32('5-7', { default: -1, ignorable: true }),
        metadata: string('0-7', { nullable: '0-7' }),
        errorCode: int16('0-7'),
      }),
    }),
    errorCode: int16('2-7', { default: 0, ignorable: true }),
    groups: structs('8+', {
      groupId: string('8+'),
      topics: structs('8+', {
        name: string('8-9', { ignorable: true }),
        topicId: uuid('10+', { ignorable: true }),
        partitions: structs('8+', {
          partitionIndex: int32('8+'),
          committedOffset: int64('8+'),
          committedLeaderEpoch: int32('8+', { default: -1, ignorable: true }),
          metadata: string('8+', { nullable: '8+' }),
          errorCode: int16('8+'),
        }),
      }),
      errorCode: int16('8+', { default: 0 }),
    }),
  },
)
export type OffsetFetchResponse = Message<typeof offsetFetchResponse>
export type OffsetFetchResponseDraft = Draft<typeof offsetFetchResponse>
