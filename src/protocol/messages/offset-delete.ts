import { type Draft, int16, int32, message, type Message, string, structs } from '../schema.ts'

export const offsetDeleteRequest = message(
  'OffsetDeleteRequest',
  47,
  { versions: '0', flexible: 'none' },
  {
    groupId: string('0+'),
    topics: structs('0+', {
      name: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
      }),
    }),
  },
)
export type OffsetDeleteRequest = Message<typeof offsetDeleteRequest>
export type OffsetDeleteRequestDraft = Draft<typeof offsetDeleteRequest>

export const offsetDeleteResponse = message(
  'OffsetDeleteResponse',
  47,
  { versions: '0', flexible: 'none' },
  {
    errorCode: int16('0+'),
    throttleTimeMs: int32('0+', { ignorable: true }),
    topics: structs('0+', {
      name: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
)
export type OffsetDeleteResponse = Message<typeof offsetDeleteResponse>
export type OffsetDeleteResponseDraft = Draft<typeof offsetDeleteResponse>
