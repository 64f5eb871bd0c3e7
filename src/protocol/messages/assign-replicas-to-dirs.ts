import { type Draft, int16, int32, int64, message, type Message, structs, uuid } from '../schema.ts'

/** KIP-858: which log directory of the sender holds which replica. */
export const assignReplicasToDirsRequest = message(
  'AssignReplicasToDirsRequest',
  73,
  { versions: '0', flexible: '0+' },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
    directories: structs('0+', {
      id: uuid('0+'),
      topics: structs('0+', {
        topicId: uuid('0+'),
        partitions: structs('0+', { partitionIndex: int32('0+') }),
      }),
    }),
  },
)
export type AssignReplicasToDirsRequest = Message<typeof assignReplicasToDirsRequest>
export type AssignReplicasToDirsRequestDraft = Draft<typeof assignReplicasToDirsRequest>

export const assignReplicasToDirsResponse = message(
  'AssignReplicasToDirsResponse',
  73,
  { versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    directories: structs('0+', {
      id: uuid('0+'),
      topics: structs('0+', {
        topicId: uuid('0+'),
        partitions: structs('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
        }),
      }),
    }),
  },
)
export type AssignReplicasToDirsResponse = Message<typeof assignReplicasToDirsResponse>
export type AssignReplicasToDirsResponseDraft = Draft<typeof assignReplicasToDirsResponse>
