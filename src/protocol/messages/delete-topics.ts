import { array, type Draft, int16, int32, message, type Message, string, structs, uuid } from '../schema.ts'

export const deleteTopicsRequest = message(
  'DeleteTopicsRequest',
  20,
  { versions: '1-6', flexible: '4+' },
  {
    topics: structs('6+', {
      name: string('6+', { nullable: '6+', default: null }),
      topicId: uuid('6+'),
    }),
    topicNames: array('0-5', 'string', { ignorable: true }),
    timeoutMs: int32('0+'),
  },
)
export type DeleteTopicsRequest = Message<typeof deleteTopicsRequest>
export type DeleteTopicsRequestDraft = Draft<typeof deleteTopicsRequest>

export const deleteTopicsResponse = message(
  'DeleteTopicsResponse',
  20,
  { versions: '1-6', flexible: '4+' },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    responses: structs('0+', {
      name: string('0+', { nullable: '6+' }),
      topicId: uuid('6+', { ignorable: true }),
      errorCode: int16('0+'),
      errorMessage: string('5+', { nullable: '5+', default: null, ignorable: true }),
    }),
  },
)
export type DeleteTopicsResponse = Message<typeof deleteTopicsResponse>
export type DeleteTopicsResponseDraft = Draft<typeof deleteTopicsResponse>
