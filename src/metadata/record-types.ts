import type { Draft, Message } from '../protocol/schema.ts'
import {
  brokerRegistrationChangeRecord,
  fenceBrokerRecord,
  registerBrokerRecord,
  unfenceBrokerRecord,
  unregisterBrokerRecord,
} from './records/brokers.ts'
import {
  abortTransactionRecord,
  beginTransactionRecord,
  endTransactionRecord,
  featureLevelRecord,
  noOpRecord,
  producerIdsRecord,
  registerControllerRecord,
  zkMigrationStateRecord,
} from './records/cluster.ts'
import { clientQuotaRecord, configRecord } from './records/configs.ts'
import {
  accessControlEntryRecord,
  delegationTokenRecord,
  removeAccessControlEntryRecord,
  removeDelegationTokenRecord,
  removeUserScramCredentialRecord,
  userScramCredentialRecord,
} from './records/security.ts'
import { clearElrRecord, partitionChangeRecord, partitionRecord, removeTopicRecord, topicRecord } from './records/topics.ts'

/** Every record that may stand in `__cluster_metadata` (org.apache.kafka.common.metadata.MetadataRecordType of 4.3.1). */
export const recordTypes = {
  registerBroker: registerBrokerRecord,
  unregisterBroker: unregisterBrokerRecord,
  fenceBroker: fenceBrokerRecord,
  unfenceBroker: unfenceBrokerRecord,
  brokerRegistrationChange: brokerRegistrationChangeRecord,
  registerController: registerControllerRecord,
  topic: topicRecord,
  partition: partitionRecord,
  partitionChange: partitionChangeRecord,
  removeTopic: removeTopicRecord,
  clearElr: clearElrRecord,
  config: configRecord,
  clientQuota: clientQuotaRecord,
  featureLevel: featureLevelRecord,
  producerIds: producerIdsRecord,
  userScramCredential: userScramCredentialRecord,
  removeUserScramCredential: removeUserScramCredentialRecord,
  accessControlEntry: accessControlEntryRecord,
  removeAccessControlEntry: removeAccessControlEntryRecord,
  delegationToken: delegationTokenRecord,
  removeDelegationToken: removeDelegationTokenRecord,
  noOp: noOpRecord,
  zkMigrationState: zkMigrationStateRecord,
  beginTransaction: beginTransactionRecord,
  endTransaction: endTransactionRecord,
  abortTransaction: abortTransactionRecord,
} as const

export type RecordType = keyof typeof recordTypes
export type RecordMessage<K extends RecordType> = Message<(typeof recordTypes)[K]>
export type RecordDraft<K extends RecordType> = Draft<(typeof recordTypes)[K]>

export interface RecordOf<K extends RecordType> {
  readonly type: K
  /** The version in which it is, or was, written. */
  readonly version: number
  readonly message: RecordMessage<K>
}

/** A record of the metadata log: a union discriminated by `type`. */
export type MetadataRecord = { [K in RecordType]: RecordOf<K> }[RecordType]
