import { type Draft, int16, int32, int64, message, type Message, string, struct, structs, uint16, uuid } from '../schema.ts'

const voter = {
  voterId: int32('0+'),
  voterDirectoryId: uuid('1+'),
}

export const leaderChangeMessage = message(
  'LeaderChangeMessage',
  -1,
  { versions: '0-1', flexible: '0+' },
  {
    version: int16('0+'),
    leaderId: int32('0+'),
    voters: structs('0+', voter),
    grantingVoters: structs('0+', voter),
  },
)
export type LeaderChangeMessage = Message<typeof leaderChangeMessage>
export type LeaderChangeMessageDraft = Draft<typeof leaderChangeMessage>

export const snapshotHeaderRecord = message(
  'SnapshotHeaderRecord',
  -1,
  { versions: '0', flexible: '0+' },
  {
    version: int16('0+'),
    lastContainedLogTimestamp: int64('0+'),
  },
)
export type SnapshotHeaderRecord = Message<typeof snapshotHeaderRecord>
export type SnapshotHeaderRecordDraft = Draft<typeof snapshotHeaderRecord>

export const snapshotFooterRecord = message(
  'SnapshotFooterRecord',
  -1,
  { versions: '0', flexible: '0+' },
  {
    version: int16('0+'),
  },
)
export type SnapshotFooterRecord = Message<typeof snapshotFooterRecord>
export type SnapshotFooterRecordDraft = Draft<typeof snapshotFooterRecord>

export const kRaftVersionRecord = message(
  'KRaftVersionRecord',
  -1,
  { versions: '0', flexible: '0+' },
  {
    version: int16('0+'),
    kRaftVersion: int16('0+'),
  },
)
export type KRaftVersionRecord = Message<typeof kRaftVersionRecord>
export type KRaftVersionRecordDraft = Draft<typeof kRaftVersionRecord>

export const votersRecord = message(
  'VotersRecord',
  -1,
  { versions: '0', flexible: '0+' },
  {
    version: int16('0+'),
    voters: structs('0+', {
      voterId: int32('0+'),
      voterDirectoryId: uuid('0+'),
      endpoints: structs('0+', {
        name: string('0+'),
        host: string('0+'),
        port: uint16('0+'),
      }),
      kRaftVersionFeature: struct('0+', {
        minSupportedVersion: int16('0+'),
        maxSupportedVersion: int16('0+'),
      }),
    }),
  },
)
export type VotersRecord = Message<typeof votersRecord>
export type VotersRecordDraft = Draft<typeof votersRecord>
