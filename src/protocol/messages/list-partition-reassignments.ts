import { array, type Draft, int16, int32, message, type Message, string, structs } from '../schema.ts'

export const listPartitionReassignmentsRequest = message(
  'ListPartitionReassignmentsRequest',
  46,
  { versions: '0', flexible: '0+' },
  {
    timeoutMs: int32('0+', { default: 60000 }),
    topics: structs(
      '0+',
      {
        name: string('0+'),
        partitionIndexes: array('0+', 'int32'),
      },
      { nullable: '0+', default: null },
    ),
  },
)
export type ListPartitionReassignmentsRequest = Message<typeof listPartitionReassignmentsRequest>
export type ListPartitionReassignmentsRequestDraft = Draft<typeof listPartitionReassignmentsRequest>

export const listPartitionReassignmentsResponse = message(
  'ListPartitionReassignmentsResponse',
  46,
  { versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    topics: structs('0+', {
      name: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        replicas: array('0+', 'int32'),
        addingReplicas: array('0+', 'int32'),
        removingReplicas: array('0+', 'int32'),
      }),
    }),
  },
)
export type ListPartitionReassignmentsResponse = Message<typeof listPartitionReassignmentsResponse>
export type ListPartitionReassignmentsResponseDraft = Draft<typeof listPartitionReassignmentsResponse>
