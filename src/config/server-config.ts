import type { Millis, NodeId } from '../base/units.ts'
import type { GroupConfigs } from './group-configs.ts'
import type { ListenerAddress, VoterAddress } from './listeners.ts'

export type Role = 'broker' | 'controller'

/** What a line of a `server.properties` says. */
export interface PropertyEntry {
  readonly name: string
  readonly value: string
  /** From 1. 0: not from a file (a command's option, or a default of the caller). */
  readonly line: number
}

export interface ConfigProblem {
  /** 0: of no line in particular. */
  readonly line: number
  readonly name: string
  /** One sentence for a person, that says what to do; does not repeat the line or the name. */
  readonly message: string
}

/** The text values of one layer, by name. */
export type ConfigLayer = ReadonlyMap<string, string>

/** `zookeeper.connect` and what goes with it. */
export interface ZooKeeperConfig {
  readonly connect: string
  readonly sessionTimeoutMs: Millis
  readonly connectionTimeoutMs: Millis
  /** `user:password`; null: nodes of the ensemble are open to all. */
  readonly digest: string | null
}

/**
 * What a node acts on, by Kafka's names in camel case; units are Kafka's (the name says them). A long that is beyond a safe integer
 * (Kafka's "for ever") is `Number.MAX_SAFE_INTEGER`. A value of -1 or 0 with a special meaning keeps it.
 */
export interface ServerConfig extends TopicDefaults, GroupConfigs {
  /** The properties as given, by name: the static layer of DescribeConfigs. */
  readonly given: ConfigLayer

  readonly processRoles: readonly Role[]
  readonly nodeId: NodeId
  readonly brokerRack: string | null

  /** Null: the cluster agrees through its own quorum. */
  readonly zookeeper: ZooKeeperConfig | null
  readonly controllerQuorumVoters: readonly VoterAddress[]
  readonly controllerQuorumElectionTimeoutMs: Millis
  readonly controllerQuorumFetchTimeoutMs: Millis
  readonly controllerQuorumElectionBackoffMaxMs: Millis
  readonly controllerQuorumAppendLingerMs: Millis
  readonly controllerQuorumRequestTimeoutMs: Millis
  readonly controllerQuorumRetryBackoffMs: Millis
  readonly controllerQuorumFetchMaxBytes: number
  readonly controllerQuorumFetchSnapshotMaxBytes: number

  /** All that this node binds, those of the controller included. */
  readonly listeners: readonly ListenerAddress[]
  /** What brokers tell clients and each other; without the controller's listeners. */
  readonly advertisedListeners: readonly ListenerAddress[]
  /** What a controller registers: its own listeners, with a host that others can reach. */
  readonly controllerAdvertisedListeners: readonly ListenerAddress[]
  readonly interBrokerListenerName: string
  readonly controllerListenerNames: readonly string[]

  readonly logDirs: readonly string[]
  readonly metadataLogDir: string
  readonly metadataLogSegmentBytes: number
  readonly metadataLogSegmentMs: Millis
  readonly metadataLogMaxRecordBytesBetweenSnapshots: number
  readonly metadataLogMaxSnapshotIntervalMs: Millis
  readonly metadataMaxRetentionBytes: number
  readonly metadataMaxRetentionMs: Millis
  readonly metadataMaxIdleIntervalMs: Millis

  readonly defaultReplicationFactor: number
  readonly numPartitions: number
  readonly autoCreateTopicsEnable: boolean
  readonly deleteTopicEnable: boolean
  readonly autoLeaderRebalanceEnable: boolean
  readonly leaderImbalanceCheckIntervalSeconds: number
  readonly uncleanLeaderElectionIntervalMs: Millis

  readonly brokerHeartbeatIntervalMs: Millis
  readonly brokerSessionTimeoutMs: Millis
  readonly initialBrokerRegistrationTimeoutMs: Millis
  readonly controlledShutdownEnable: boolean

  readonly socketRequestMaxBytes: number
  readonly socketListenBacklogSize: number
  readonly socketConnectionSetupTimeoutMs: Millis
  readonly maxConnections: number
  readonly maxConnectionsPerIp: number
  /** By address; what is not in it has `maxConnectionsPerIp`. */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>
  /** -1: never. */
  readonly connectionsMaxIdleMs: Millis
  /** -1: no bound. */
  readonly queuedMaxRequestBytes: number
  readonly queuedMaxRequests: number
  readonly requestTimeoutMs: Millis

  readonly replicaLagTimeMaxMs: Millis
  readonly replicaFetchMaxBytes: number
  readonly replicaFetchMinBytes: number
  readonly replicaFetchWaitMaxMs: Millis
  readonly replicaFetchResponseMaxBytes: number
  readonly replicaFetchBackoffMs: Millis
  readonly replicaSocketTimeoutMs: Millis
  readonly replicaHighWatermarkCheckpointIntervalMs: Millis
  readonly numReplicaFetchers: number
  readonly fetchMaxBytes: number
  readonly maxIncrementalFetchSessionCacheSlots: number
  readonly maxRequestPartitionSizeLimit: number

  readonly logCleanerEnable: boolean
  readonly logCleanerThreads: number
  readonly logCleanerDedupeBufferSize: number
  readonly logCleanerIoBufferSize: number
  readonly logCleanerIoBufferLoadFactor: number
  readonly logCleanerIoMaxBytesPerSecond: number
  readonly logCleanerBackoffMs: Millis

  readonly logRetentionCheckIntervalMs: Millis
  readonly logFlushOffsetCheckpointIntervalMs: Millis
  readonly logFlushStartOffsetCheckpointIntervalMs: Millis
  readonly logDirFailureTimeoutMs: Millis
  /** -1: by the size of the disk. */
  readonly logDirLowSpaceBytes: number
  readonly logDirSpaceCheckIntervalMs: Millis
  readonly metadataBallastBytes: number
  /** 0: logs are not scrubbed. */
  readonly logScrubBytesPerSecond: number
  readonly logScrubIntervalMs: Millis
  readonly producerIdExpirationMs: Millis
  readonly producerIdExpirationCheckIntervalMs: Millis
}

/** The broker's synonyms of topic configurations, hours and minutes already turned into milliseconds. */
export interface TopicDefaults {
  readonly topicDefaults: TopicConfig
}

export type CleanupPolicy = 'compact' | 'delete'
export type CompressionType = 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** The configuration of one topic that is in force, as numbers. */
export interface TopicConfig {
  readonly cleanupPolicy: readonly CleanupPolicy[]
  readonly compressionType: CompressionType
  readonly compressionGzipLevel: number
  readonly compressionLz4Level: number
  readonly compressionZstdLevel: number
  readonly deleteRetentionMs: Millis
  readonly fileDeleteDelayMs: Millis
  readonly flushMessages: number
  readonly flushMs: Millis
  readonly indexIntervalBytes: number
  readonly maxCompactionLagMs: Millis
  readonly maxMessageBytes: number
  readonly messageTimestampAfterMaxMs: Millis
  readonly messageTimestampBeforeMaxMs: Millis
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime'
  readonly minCleanableDirtyRatio: number
  readonly minCompactionLagMs: Millis
  readonly minInsyncReplicas: number
  readonly preallocate: boolean
  /** -1: no bound. */
  readonly retentionBytes: number
  /** -1: for ever. */
  readonly retentionMs: Millis
  readonly segmentBytes: number
  readonly segmentIndexBytes: number
  readonly segmentJitterMs: Millis
  readonly segmentMs: Millis
  readonly uncleanLeaderElectionEnable: boolean
}

export type ParsedServerConfig =
  | { readonly config: ServerConfig; readonly warnings: readonly ConfigProblem[] }
  | { readonly problems: readonly ConfigProblem[]; readonly warnings: readonly ConfigProblem[] }
