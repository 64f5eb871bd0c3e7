import type { Message } from '../../protocol/schema.ts'
import {
  consumerGroupCurrentMemberAssignmentKey,
  consumerGroupCurrentMemberAssignmentValue,
  consumerGroupMemberMetadataKey,
  consumerGroupMemberMetadataValue,
  consumerGroupMetadataKey,
  consumerGroupMetadataValue,
  consumerGroupRegularExpressionKey,
  consumerGroupRegularExpressionValue,
  consumerGroupTargetAssignmentMemberKey,
  consumerGroupTargetAssignmentMemberValue,
  consumerGroupTargetAssignmentMetadataKey,
  consumerGroupTargetAssignmentMetadataValue,
} from './consumer-group.ts'
import { groupMetadataKey, groupMetadataValue } from './group-metadata.ts'
import { offsetCommitKey, offsetCommitValue } from './offset-commit.ts'

/** The records of `__consumer_offsets` that say something here; the number in front of a key is the `apiKey` of its schema. */
export const groupRecordTypes = {
  offsetCommit: { key: offsetCommitKey, value: offsetCommitValue },
  groupMetadata: { key: groupMetadataKey, value: groupMetadataValue },
  consumerGroupMetadata: { key: consumerGroupMetadataKey, value: consumerGroupMetadataValue },
  consumerGroupMemberMetadata: { key: consumerGroupMemberMetadataKey, value: consumerGroupMemberMetadataValue },
  consumerGroupTargetAssignmentMetadata: {
    key: consumerGroupTargetAssignmentMetadataKey,
    value: consumerGroupTargetAssignmentMetadataValue,
  },
  consumerGroupTargetAssignmentMember: { key: consumerGroupTargetAssignmentMemberKey, value: consumerGroupTargetAssignmentMemberValue },
  consumerGroupCurrentMemberAssignment: {
    key: consumerGroupCurrentMemberAssignmentKey,
    value: consumerGroupCurrentMemberAssignmentValue,
  },
  consumerGroupRegularExpression: { key: consumerGroupRegularExpressionKey, value: consumerGroupRegularExpressionValue },
} as const

export type GroupRecordType = keyof typeof groupRecordTypes
export type GroupKey<K extends GroupRecordType> = Message<(typeof groupRecordTypes)[K]['key']>
export type GroupValue<K extends GroupRecordType> = Message<(typeof groupRecordTypes)[K]['value']>

/** One record: what stands for this key from now on. A null value is a tombstone: nothing does. */
export interface GroupRecordOf<K extends GroupRecordType> {
  readonly type: K
  readonly key: GroupKey<K>
  readonly value: GroupValue<K> | null
}

/** A record of a coordinator's log, decoded: a union discriminated by `type`. */
export type GroupRecord = { [K in GroupRecordType]: GroupRecordOf<K> }[GroupRecordType]

/** An offset that was committed in a transaction; it counts when the transaction is committed, and waits until then. */
export interface PendingOffsetFact {
  readonly type: 'pendingOffset'
  readonly producerId: number
  readonly key: GroupKey<'offsetCommit'>
  readonly value: GroupValue<'offsetCommit'> | null
}

/** The end of the transaction that `producerId` has open in this partition, by its marker. */
export interface EndTransactionFact {
  readonly type: 'endTransaction'
  readonly producerId: number
  readonly committed: boolean
}

/** All that the log of a coordinator can say. The last two are read from logs only: nothing here writes transactions. */
export type GroupFact = GroupRecord | PendingOffsetFact | EndTransactionFact
