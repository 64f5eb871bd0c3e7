import { type Draft, int16, int32, int64, message, type Message, records, string, struct, structs, uint16, uuid } from '../schema.ts'

export const fetchSnapshotRequest = message(
  'FetchSnapshotRequest',
  59,
  { versions: '0-1', flexible: '0+' },
  {
    clusterId: string('0+', { nullable: '0+', default: null, tag: 0 }),
    replicaId: int32('0+', { default: -1 }),
    maxBytes: int32('0+', { default: 2147483647 }),
    topics: structs('0+', {
      name: string('0+'),
      partitions: structs('0+', {
        partition: int32('0+'),
        currentLeaderEpoch: int32('0+'),
        snapshotId: struct('0+', {
          endOffset: int64('0+'),
          epoch: int32('0+'),
        }),
        position: int64('0+'),
        replicaDirectoryId: uuid('1+', { tag: 0, ignorable: true }),
      }),
    }),
  },
)
export type FetchSnapshotRequest = Message<typeof fetchSnapshotRequest>
export type FetchSnapshotRequestDraft = Draft<typeof fetchSnapshotRequest>

export const fetchSnapshotResponse = message(
  'FetchSnapshotResponse',
  59,
  { versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32('0+', { ignorable: true }),
    errorCode: int16('0+'),
    topics: structs('0+', {
      name: string('0+'),
      partitions: structs('0+', {
        index: int32('0+'),
        errorCode: int16('0+'),
        snapshotId: struct('0+', {
          endOffset: int64('0+'),
          epoch: int32('0+'),
        }),
        currentLeader: struct(
          '0+',
          {
            leaderId: int32('0+'),
            leaderEpoch: int32('0+'),
          },
          { tag: 0 },
        ),
        size: int64('0+'),
        position: int64('0+'),
        unalignedRecords: records('0+'),
      }),
    }),
    nodeEndpoints: structs(
      '1+',
      {
        nodeId: int32('1+'),
        host: string('1+'),
        port: uint16('1+'),
      },
      { tag: 0 },
    ),
  },
)
export type FetchSnapshotResponse = Message<typeof fetchSnapshotResponse>
export type FetchSnapshotResponseDraft = Draft<typeof fetchSnapshotResponse>
