import { array, bool, type Draft, int16, int32, message, type Message, string, structs } from '../schema.ts'

export const createPartitionsRequest = message(
  'CreatePartitionsRequest',
  37,
  { versions: '0-3', flexible: '2+' },
  {
    topics: structs('0+', {
      name: string('0+'),
      count: int32('0+'),
      assignments: structs(
        '0+',
        {
          brokerIds: array('0+', 'int32'),
        },
        { nullable: '0+' },
      ),
    }),
    timeoutMs: int32('0+'),
    validateOnly: bool('0+'),
  },
)
export type CreatePartitionsRequest = Message<typeof createPartitionsRequest>
export type CreatePartitionsRequestDraft = Draft<typeof createPartitionsRequest>

export const createPartitionsResponse = message(
  'CreatePartitionsResponse',
  37,
  { versions: '0-3', flexible: '2+' },
  {
    throttleTimeMs: int32('0+'),
    results: structs('0+', {
      name: string('0+'),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
    }),
  },
)
export type CreatePartitionsResponse = Message<typeof createPartitionsResponse>
export type CreatePartitionsResponseDraft = Draft<typeof createPartitionsResponse>
