import { type RecordType, recordTypes } from './record-types.ts'

/**
 * What each level of the feature `metadata.version` allows to be written (org.apache.kafka.server.common.MetadataVersion of 4.3.1). The names
 * matter to people (`kafka-features describe`), the levels travel.
 */
export interface MetadataVersion {
  readonly level: number
  readonly name: string
  /** Whether records changed since the level before: a downgrade across it may lose what only the newer records can say. */
  readonly recordsChanged: boolean
}

const level = (number: number, name: string, recordsChanged: boolean): MetadataVersion => ({ level: number, name, recordsChanged })

export const metadataVersions: readonly MetadataVersion[] = [
  level(7, '3.3-IV3', true),
  level(8, '3.4-IV0', true),
  level(9, '3.5-IV0', false),
  level(10, '3.5-IV1', false),
  level(11, '3.5-IV2', true),
  level(12, '3.6-IV0', false),
  level(13, '3.6-IV1', true),
  level(14, '3.6-IV2', true),
  level(15, '3.7-IV0', true),
  level(16, '3.7-IV1', false),
  level(17, '3.7-IV2', true),
  level(18, '3.7-IV3', false),
  level(19, '3.7-IV4', false),
  level(20, '3.8-IV0', false),
  level(21, '3.9-IV0', false),
  level(22, '4.0-IV0', false),
  level(23, '4.0-IV1', true),
  level(24, '4.0-IV2', false),
  level(25, '4.0-IV3', false),
  level(26, '4.1-IV0', false),
  level(27, '4.1-IV1', false),
  level(28, '4.2-IV0', false),
  level(29, '4.2-IV1', false),
  level(30, '4.3-IV0', true),
]

/** 3.3-IV3: what a cluster is taken to have until its log says otherwise, and the lowest that 4.x speaks. */
export const METADATA_VERSION_MIN = 7
/** 4.3-IV0: what a new cluster is given. */
export const METADATA_VERSION_LATEST = 30

const CONTROLLED_SHUTDOWN_SINCE = 7
const MIGRATION_SINCE = 8
const EPOCH_STAYS_ON_ISR_SHRINK_SINCE = 12
const TRANSACTIONS_SINCE = 13
const CONTROLLER_REGISTRATION_SINCE = 15
const DIRECTORIES_SINCE = 17
const ELR_SINCE = 23
const CORDONED_SINCE = 30

export function metadataVersionName(at: number): string {
  return metadataVersions.find((version) => version.level === at)?.name ?? String(at)
}

/** Replicas carry the log directory they are in (KIP-858). */
export function hasDirectories(metadataVersion: number): boolean {
  return metadataVersion >= DIRECTORIES_SINCE
}

/** Controllers say in the log where they are and what they support (KIP-919). */
export function hasControllerRegistration(metadataVersion: number): boolean {
  return metadataVersion >= CONTROLLER_REGISTRATION_SINCE
}

/** Records may stand between BeginTransactionRecord and EndTransactionRecord (KIP-868). */
export function hasTransactions(metadataVersion: number): boolean {
  return metadataVersion >= TRANSACTIONS_SINCE
}

/** Before 3.6-IV0 brokers relied on a new leader epoch whenever the controller took a member out of the ISR (KAFKA-15021). */
export function bumpsLeaderEpochOnIsrShrink(metadataVersion: number): boolean {
  return metadataVersion < EPOCH_STAYS_ON_ISR_SHRINK_SINCE
}

/** Brokers may name log directories that take no new replicas (KIP-1066). */
export function hasCordonedDirectories(metadataVersion: number): boolean {
  return metadataVersion >= CORDONED_SINCE
}

/** Partitions may carry eligible leader replicas (KIP-966): what `eligible.leader.replicas.version` 1 depends on. */
export function hasEligibleLeaderReplicas(metadataVersion: number): boolean {
  return metadataVersion >= ELR_SINCE
}

/** The version in which a record is written under a `metadata.version`, so that every node of the cluster can read it. */
export function recordVersion(type: RecordType, metadataVersion: number): number {
  switch (type) {
    case 'registerBroker':
      if (metadataVersion >= CORDONED_SINCE) return 4
      if (metadataVersion >= DIRECTORIES_SINCE) return 3
      return metadataVersion >= MIGRATION_SINCE ? 2 : 1
    case 'brokerRegistrationChange':
      if (metadataVersion >= CORDONED_SINCE) return 3
      if (metadataVersion >= DIRECTORIES_SINCE) return 2
      return metadataVersion >= CONTROLLED_SHUTDOWN_SINCE ? 1 : 0
    case 'partition':
    case 'partitionChange':
      if (hasEligibleLeaderReplicas(metadataVersion)) return 2
      return metadataVersion >= DIRECTORIES_SINCE ? 1 : 0
    default:
      return recordTypes[type].validVersions.to
  }
}
