import { array, bool, type Draft, int16, int32, int8, message, type Message, string, structs, uuid } from '../schema.ts'

export const createTopicsRequest = message(
  'CreateTopicsRequest',
  19,
  { versions: '2-7', flexible: '5+' },
  {
    topics: structs('0+', {
      name: string('0+'),
      numPartitions: int32('0+'),
      replicationFactor: int16('0+'),
      assignments: structs('0+', {
        partitionIndex: int32('0+'),
        brokerIds: array('0+', 'int32'),
      }),
      configs: structs('0+', {
        name: string('0+'),
        value: string('0+', { nullable: '0+' }),
      }),
    }),
    timeoutMs: int32('0+', { default: 60000 }),
    validateOnly: bool('1+', { default: false }),
  },
)
export type CreateTopicsRequest = Message<typeof createTopicsRequest>
export type CreateTopicsRequestDraft = Draft<typeof createTopicsRequest>

export const createTopicsResponse = message(
  'CreateTopicsResponse',
  19,
  { versions: '2-7', flexible: '5+' },
  {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: structs('0+', {
      name: string('0+'),
      topicId: uuid('7+', { ignorable: true }),
      errorCode: int16('0+'),
      errorMessage: string('1+', { nullable: '0+', ignorable: true }),
      topicConfigErrorCode: int16('5+', { tag: 0, ignorable: true }),
      numPartitions: int32('5+', { default: -1, ignorable: true }),
      replicationFactor: int16('5+', { default: -1, ignorable: true }),
      configs: structs(
        '5+',
        {
          name: string('5+'),
          value: string('5+', { nullable: '5+' }),
          readOnly: bool('5+'),
          configSource: int8('5+', { default: -1, ignorable: true }),
          isSensitive: bool('5+'),
        },
        { nullable: '5+', ignorable: true },
      ),
    }),
  },
)
export type CreateTopicsResponse = Message<typeof createTopicsResponse>
export type CreateTopicsResponseDraft = Draft<typeof createTopicsResponse>
