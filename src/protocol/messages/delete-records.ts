import { type Draft, int16, int32, int64, message, type Message, string, structs } from '../schema.ts'

export const deleteRecordsRequest = message(
  'DeleteRecordsRequest',
  21,
  { versions: '0-2', flexible: '2+' },
  {
    topics: structs('0+', {
      name: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        offset: int64('0+'),
      }),
    }),
    timeoutMs: int32('0+'),
  },
)
export type DeleteRecordsRequest = Message<typeof deleteRecordsRequest>
export type DeleteRecordsRequestDraft = Draft<typeof deleteRecordsRequest>

export const deleteRecordsResponse = message(
  'DeleteRecordsResponse',
  21,
  { versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32('0+'),
    topics: structs('0+', {
      name: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        lowWatermark: int64('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
)
export type DeleteRecordsResponse = Message<typeof deleteRecordsResponse>
export type DeleteRecordsResponseDraft = Draft<typeof deleteRecordsResponse>
