import { array, bool, type Draft, int16, int32, message, type Message, string, structs } from '../schema.ts'

export const alterPartitionReassignmentsRequest = message(
  'AlterPartitionReassignmentsRequest',
  45,
  { versions: '0-1', flexible: '0+' },
  {
    timeoutMs: int32('0+', { default: 60000 }),
    allowReplicationFactorChange: bool('1+', { default: true }),
    topics: structs('0+', {
      name: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        replicas: array('0+', 'int32', { nullable: '0+', default: null }),
      }),
    }),
  },
)
export type AlterPartitionReassignmentsRequest = Message<typeof alterPartitionReassignmentsRequest>
export type AlterPartitionReassignmentsRequestDraft = Draft<typeof alterPartitionReassignmentsRequest>

export const alterPartitionReassignmentsResponse = message(
  'AlterPartitionReassignmentsResponse',
  45,
  { versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    allowReplicationFactorChange: bool('1+', { default: true, ignorable: true }),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    responses: structs('0+', {
      name: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      }),
    }),
  },
)
export type AlterPartitionReassignmentsResponse = Message<typeof alterPartitionReassignmentsResponse>
export type AlterPartitionReassignmentsResponseDraft = Draft<typeof alterPartitionReassignmentsResponse>
