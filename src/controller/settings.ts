import type { Millis } from '../base/units.ts'
import { type FeatureRange, supportedFeatures } from '../metadata/supported-features.ts'
import { METADATA_VERSION_LATEST } from '../metadata/metadata-version.ts'

/** What the controller is configured with. Kafka's configuration names in the comments. */
export interface ControllerSettings {
  /** Of this controller: `node.id`. */
  readonly nodeId: number
  readonly clusterId: string
  /** `broker.session.timeout.ms` */
  readonly sessionTimeoutMs: Millis
  /** `broker.heartbeat.interval.ms` */
  readonly heartbeatIntervalMs: Millis
  /** `default.replication.factor` */
  readonly defaultReplicationFactor: number
  /** `num.partitions` */
  readonly defaultPartitions: number
  /** `delete.topic.enable` */
  readonly deleteTopicEnable: boolean
  /** `auto.leader.rebalance.enable` */
  readonly leaderRebalanceEnable: boolean
  /** `leader.imbalance.check.interval.seconds`, in milliseconds */
  readonly leaderRebalanceIntervalMs: Millis
  /** `unclean.leader.election.interval.ms` */
  readonly uncleanElectionIntervalMs: Millis
  /** Of the cluster that an empty log becomes. */
  readonly bootstrapMetadataVersion: number
  readonly supportedFeatures: readonly FeatureRange[]
}

export const defaultControllerSettings: Omit<ControllerSettings, 'nodeId' | 'clusterId'> = {
  sessionTimeoutMs: 1300,
  heartbeatIntervalMs: 200,
  defaultReplicationFactor: 1,
  defaultPartitions: 1,
  deleteTopicEnable: true,
  leaderRebalanceEnable: true,
  leaderRebalanceIntervalMs: 300_000,
  uncleanElectionIntervalMs: 300_000,
  bootstrapMetadataVersion: METADATA_VERSION_LATEST,
  supportedFeatures,
}

/** Partitions that one request may create (ReplicationControlManager.MAX_PARTITIONS_PER_BATCH). */
export const partitionsPerRequestMax = 10_000
/** Records that one request may lead to (QuorumController's max records per user operation). */
export const recordsPerRequestMax = 10_000
/** Leaders that one periodic round may move (ReplicationControlManager.MAX_ELECTIONS_PER_IMBALANCE). */
export const electionsPerRoundMax = 1000
/** Bytes of one configuration value (Short.MAX_VALUE: strings have 16-bit lengths in older versions). */
export const configValueBytesMax = 32_767
/**
 * Fences of one broker on the word of a refused connection, within `fastFenceWindowMs`; after that only its session counts. A process that dies
 * every three seconds still gets a quick failover each time; what flaps faster is left to settle.
 */
export const fastFencesMax = 20
export const fastFenceWindowMs: Millis = 60_000
/** Producer ids that a broker is given at a time (ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE). */
export const producerIdBlockSize = 1000
