import type { GroupConfigs } from '../../config/group-configs.ts'
import { ownNumber } from '../../config/group-rules.ts'
import { noLayer } from '../../config/layers.ts'
import type { ConfigLayer, ServerConfig } from '../../config/server-config.ts'
import type { ConsumerGroupConfig, GroupSettings } from '../../groups/settings.ts'

/**
 * What coordinators act on. `groupVersion` is the level of the cluster's feature `group.version`; `recordBatchBytesMax` is `max.message.bytes` of the
 * topic of committed offsets.
 */
export function groupSettingsOf(config: ServerConfig, groupVersion: number, recordBatchBytesMax: number): GroupSettings {
  return {
    consumerProtocolEnabled: groupVersion >= 1 && config.groupCoordinatorRebalanceProtocols.includes('consumer'),
    groupMinSessionTimeoutMs: config.groupMinSessionTimeoutMs,
    groupMaxSessionTimeoutMs: config.groupMaxSessionTimeoutMs,
    groupInitialRebalanceDelayMs: config.groupInitialRebalanceDelayMs,
    groupMaxSize: config.groupMaxSize,
    groupConsumerMaxSize: config.groupConsumerMaxSize,
    groupConsumerAssignors: config.groupConsumerAssignors,
    groupConsumerMigrationPolicy: config.groupConsumerMigrationPolicy,
    groupConsumerRegexRefreshIntervalMs: config.groupConsumerRegexRefreshIntervalMs,
    offsetMetadataMaxBytes: config.offsetMetadataMaxBytes,
    offsetsRetentionMs: config.offsetsRetentionMs,
    recordBatchBytesMax,
  }
}

/**
 * What is in force for one group of the consumer protocol: its own dynamic configuration, else the broker's. Values that were set under other bounds than
 * this broker's are brought within these (GroupConfig.evaluate); one that cannot be read counts as not set.
 */
export function consumerGroupConfigOf(layer: ConfigLayer | undefined, config: GroupConfigs): ConsumerGroupConfig {
  const own = layer ?? noLayer
  return {
    sessionTimeoutMs: clamped(
      ownNumber(own, 'consumer.session.timeout.ms') ?? config.groupConsumerSessionTimeoutMs,
      config.groupConsumerMinSessionTimeoutMs,
      config.groupConsumerMaxSessionTimeoutMs,
    ),
    heartbeatIntervalMs: clamped(
      ownNumber(own, 'consumer.heartbeat.interval.ms') ?? config.groupConsumerHeartbeatIntervalMs,
      config.groupConsumerMinHeartbeatIntervalMs,
      config.groupConsumerMaxHeartbeatIntervalMs,
    ),
    assignmentIntervalMs: clamped(
      ownNumber(own, 'consumer.assignment.interval.ms') ?? config.groupConsumerAssignmentIntervalMs,
      config.groupConsumerMinAssignmentIntervalMs,
      config.groupConsumerMaxAssignmentIntervalMs,
    ),
  }
}

function clamped(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max)
}
