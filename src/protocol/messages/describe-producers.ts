import { array, type Draft, int16, int32, int64, message, type Message, string, structs } from '../schema.ts'

export const describeProducersRequest = message(
  'DescribeProducersRequest',
  61,
  { versions: '0', flexible: '0+' },
  {
    topics: structs('0+', {
      name: string('0+'),
      partitionIndexes: array('0+', 'int32'),
    }),
  },
)
export type DescribeProducersRequest = Message<typeof describeProducersRequest>
export type DescribeProducersRequestDraft = Draft<typeof describeProducersRequest>

export const describeProducersResponse = message(
  'DescribeProducersResponse',
  61,
  { versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    topics: structs('0+', {
      name: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
        activeProducers: structs('0+', {
          producerId: int64('0+'),
          producerEpoch: int32('0+'),
          lastSequence: int32('0+', { default: -1 }),
          lastTimestamp: int64('0+', { default: -1 }),
          coordinatorEpoch: int32('0+'),
          currentTxnStartOffset: int64('0+', { default: -1 }),
        }),
      }),
    }),
  },
)
export type DescribeProducersResponse = Message<typeof describeProducersResponse>
export type DescribeProducersResponseDraft = Draft<typeof describeProducersResponse>
