import { array, type Draft, int16, int32, int64, int8, message, type Message, structs, uuid } from '../schema.ts'

export const alterPartitionRequest = message(
  'AlterPartitionRequest',
  56,
  { versions: '2-3', flexible: '0+' },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
    topics: structs('0+', {
      topicId: uuid('2+', { ignorable: true }),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        leaderEpoch: int32('0+'),
        newIsr: array('0-2', 'int32'),
        newIsrWithEpochs: structs('3+', {
          brokerId: int32('3+'),
          brokerEpoch: int64('3+', { default: -1 }),
        }),
        leaderRecoveryState: int8('1+', { default: 0 }),
        partitionEpoch: int32('0+'),
      }),
    }),
  },
)
export type AlterPartitionRequest = Message<typeof alterPartitionRequest>
export type AlterPartitionRequestDraft = Draft<typeof alterPartitionRequest>

export const alterPartitionResponse = message(
  'AlterPartitionResponse',
  56,
  { versions: '2-3', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    topics: structs('0+', {
      topicId: uuid('2+', { ignorable: true }),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
        isr: array('0+', 'int32'),
        leaderRecoveryState: int8('1+', { default: 0, ignorable: true }),
        partitionEpoch: int32('0+'),
      }),
    }),
  },
)
export type AlterPartitionResponse = Message<typeof alterPartitionResponse>
export type AlterPartitionResponseDraft = Draft<typeof alterPartitionResponse>
