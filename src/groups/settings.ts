import type { Millis } from '../base/units.ts'

export type MigrationPolicy = 'disabled' | 'downgrade' | 'upgrade' | 'bidirectional'
export type AssignorName = 'uniform' | 'range'

/** What coordinators of groups act on, by Kafka's names of configurations (`group.…`, `offset…`) in camel case. */
export interface GroupSettings {
  /** group.coordinator.rebalance.protocols has it, and group.version is 1 at least. Without it the consumer protocol is refused. */
  readonly consumerProtocolEnabled: boolean

  readonly groupMinSessionTimeoutMs: Millis
  readonly groupMaxSessionTimeoutMs: Millis
  readonly groupInitialRebalanceDelayMs: Millis
  readonly groupMaxSize: number

  readonly groupConsumerMaxSize: number
  /** The first is the default. */
  readonly groupConsumerAssignors: readonly AssignorName[]
  readonly groupConsumerMigrationPolicy: MigrationPolicy
  readonly groupConsumerRegexRefreshIntervalMs: Millis

  readonly offsetMetadataMaxBytes: number
  readonly offsetsRetentionMs: Millis

  /** `max.message.bytes` of the offsets topic: the largest batch that can be written. */
  readonly recordBatchBytesMax: number
}

/** Of one group of the consumer protocol: its own dynamic configuration (resource type GROUP), or what the broker says. */
export interface ConsumerGroupConfig {
  readonly sessionTimeoutMs: Millis
  readonly heartbeatIntervalMs: Millis
  readonly assignmentIntervalMs: Millis
}
