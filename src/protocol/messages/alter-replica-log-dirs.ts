import { array, type Draft, int16, int32, message, type Message, string, structs } from '../schema.ts'

export const alterReplicaLogDirsRequest = message(
  'AlterReplicaLogDirsRequest',
  34,
  { versions: '1-2', flexible: '2+' },
  {
    dirs: structs('0+', {
      path: string('0+'),
      topics: structs('0+', {
        name: string('0+'),
        partitions: array('0+', 'int32'),
      }),
    }),
  },
)
export type AlterReplicaLogDirsRequest = Message<typeof alterReplicaLogDirsRequest>
export type AlterReplicaLogDirsRequestDraft = Draft<typeof alterReplicaLogDirsRequest>

export const alterReplicaLogDirsResponse = message(
  'AlterReplicaLogDirsResponse',
  34,
  { versions: '1-2', flexible: '2+' },
  {
    throttleTimeMs: int32('0+'),
    results: structs('0+', {
      topicName: string('0+'),
      partitions: structs('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
)
export type AlterReplicaLogDirsResponse = Message<typeof alterReplicaLogDirsResponse>
export type AlterReplicaLogDirsResponseDraft = Draft<typeof alterReplicaLogDirsResponse>
