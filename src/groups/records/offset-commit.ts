import { type Draft, int32, int64, message, type Message, string, uuid } from '../../protocol/schema.ts'

export const offsetCommitKey = message(
  'OffsetCommitKey',
  1,
  { versions: '0', flexible: 'none' },
  {
    group: string('0'),
    topic: string('0'),
    partition: int32('0'),
  },
)
export type OffsetCommitKey = Message<typeof offsetCommitKey>
export type OffsetCommitKeyDraft = Draft<typeof offsetCommitKey>

export const offsetCommitValue = message(
  'OffsetCommitValue',
  1,
  { versions: '0-4', flexible: '4+' },
  {
    offset: int64('0+'),
    leaderEpoch: int32('3+', { default: -1, ignorable: true }),
    metadata: string('0+'),
    commitTimestamp: int64('0+'),
    expireTimestamp: int64('1', { default: -1, ignorable: true }),
    topicId: uuid('4+', { tag: 0, ignorable: true }),
  },
)
export type OffsetCommitValue = Message<typeof offsetCommitValue>
export type OffsetCommitValueDraft = Draft<typeof offsetCommitValue>
