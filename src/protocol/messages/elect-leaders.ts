import { array, type Draft, int16, int32, int8, message, type Message, string, structs } from '../schema.ts'

export const electLeadersRequest = message(
  'ElectLeadersRequest',
  43,
  { versions: '0-2', flexible: '2+' },
  {
    electionType: int8('1+'),
    topicPartitions: structs(
      '0+',
      {
        topic: string('0+'),
        partitions: array('0+', 'int32'),
      },
      { nullable: '0+' },
    ),
    timeoutMs: int32('0+', { default: 60000 }),
  },
)
export type ElectLeadersRequest = Message<typeof electLeadersRequest>
export type ElectLeadersRequestDraft = Draft<typeof electLeadersRequest>

export const electLeadersResponse = message(
  'ElectLeadersResponse',
  43,
  { versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('1+'),
    replicaElectionResults: structs('0+', {
      topic: string('0+'),
      partitionResult: structs('0+', {
        partitionId: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      }),
    }),
  },
)
export type ElectLeadersResponse = Message<typeof electLeadersResponse>
export type ElectLeadersResponseDraft = Draft<typeof electLeadersResponse>
