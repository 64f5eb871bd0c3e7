import { assert } from '../base/assert.ts'
import type { NodeId } from '../base/units.ts'
import type { Addresses } from './addresses.ts'
import { groupConfigsOf } from './group-configs.ts'
import { parseConnectionOverrides } from './listeners.ts'
import type { ConfigLayer, Role, ServerConfig, ZooKeeperConfig } from './server-config.ts'
import type { ServerValues } from './server-values.ts'
import { topicConfigOf } from './topic-config.ts'
import { noLayer } from './layers.ts'

/** From values that passed every check. */
export function buildServerConfig(
  given: ConfigLayer,
  values: ServerValues,
  roles: readonly Role[],
  nodeId: NodeId,
  addresses: Addresses,
): ServerConfig {
  const logDirs = values.list('log.dirs').length > 0 ? values.list('log.dirs') : values.list('log.dir')
  return {
    given: withNodeId(given, nodeId),
    processRoles: roles,
    nodeId,
    brokerRack: values.text('broker.rack'),
    zookeeper: zookeeperOf(values),
    controllerQuorumVoters: addresses.voters,
    listeners: addresses.listeners,
    advertisedListeners: addresses.advertised,
    controllerAdvertisedListeners: addresses.controllerAdvertised,
    interBrokerListenerName: addresses.interBrokerListenerName,
    controllerListenerNames: addresses.controllerListenerNames,
    logDirs,
    metadataLogDir: values.text('metadata.log.dir') ?? logDirs[0] ?? '',
    maxConnectionsPerIpOverrides: overridesOf(values),
    topicDefaults: topicConfigOf(noLayer, values.layer),
    ...groupConfigsOf(values),
    controllerQuorumElectionTimeoutMs: values.number('controller.quorum.election.timeout.ms'),
    controllerQuorumFetchTimeoutMs: values.number('controller.quorum.fetch.timeout.ms'),
    controllerQuorumElectionBackoffMaxMs: values.number('controller.quorum.election.backoff.max.ms'),
    controllerQuorumAppendLingerMs: values.number('controller.quorum.append.linger.ms'),
    controllerQuorumRequestTimeoutMs: values.number('controller.quorum.request.timeout.ms'),
    controllerQuorumRetryBackoffMs: values.number('controller.quorum.retry.backoff.ms'),
    controllerQuorumFetchMaxBytes: values.number('controller.quorum.fetch.max.bytes'),
    controllerQuorumFetchSnapshotMaxBytes: values.number('controller.quorum.fetch.snapshot.max.bytes'),
    metadataLogSegmentBytes: values.number('metadata.log.segment.bytes'),
    metadataLogSegmentMs: values.number('metadata.log.segment.ms'),
    metadataLogMaxRecordBytesBetweenSnapshots: values.number('metadata.log.max.record.bytes.between.snapshots'),
    metadataLogMaxSnapshotIntervalMs: values.number('metadata.log.max.snapshot.interval.ms'),
    metadataMaxRetentionBytes: values.number('metadata.max.retention.bytes'),
    metadataMaxRetentionMs: values.number('metadata.max.retention.ms'),
    metadataMaxIdleIntervalMs: values.number('metadata.max.idle.interval.ms'),
    defaultReplicationFactor: values.number('default.replication.factor'),
    numPartitions: values.number('num.partitions'),
    autoCreateTopicsEnable: values.boolean('auto.create.topics.enable'),
    deleteTopicEnable: values.boolean('delete.topic.enable'),
    autoLeaderRebalanceEnable: values.boolean('auto.leader.rebalance.enable'),
    leaderImbalanceCheckIntervalSeconds: values.number('leader.imbalance.check.interval.seconds'),
    uncleanLeaderElectionIntervalMs: values.number('unclean.leader.election.interval.ms'),
    brokerHeartbeatIntervalMs: values.number('broker.heartbeat.interval.ms'),
    brokerSessionTimeoutMs: values.number('broker.session.timeout.ms'),
    initialBrokerRegistrationTimeoutMs: values.number('initial.broker.registration.timeout.ms'),
    controlledShutdownEnable: values.boolean('controlled.shutdown.enable'),
    socketRequestMaxBytes: values.number('socket.request.max.bytes'),
    socketListenBacklogSize: values.number('socket.listen.backlog.size'),
    socketConnectionSetupTimeoutMs: values.number('socket.connection.setup.timeout.ms'),
    maxConnections: values.number('max.connections'),
    maxConnectionsPerIp: values.number('max.connections.per.ip'),
    connectionsMaxIdleMs: values.number('connections.max.idle.ms'),
    queuedMaxRequestBytes: values.number('queued.max.request.bytes'),
    queuedMaxRequests: values.number('queued.max.requests'),
    requestTimeoutMs: values.number('request.timeout.ms'),
    replicaLagTimeMaxMs: values.number('replica.lag.time.max.ms'),
    replicaFetchMaxBytes: values.number('replica.fetch.max.bytes'),
    replicaFetchMinBytes: values.number('replica.fetch.min.bytes'),
    replicaFetchWaitMaxMs: values.number('replica.fetch.wait.max.ms'),
    replicaFetchResponseMaxBytes: values.number('replica.fetch.response.max.bytes'),
    replicaFetchBackoffMs: values.number('replica.fetch.backoff.ms'),
    replicaSocketTimeoutMs: values.number('replica.socket.timeout.ms'),
    replicaHighWatermarkCheckpointIntervalMs: values.number('replica.high.watermark.checkpoint.interval.ms'),
    numReplicaFetchers: values.number('num.replica.fetchers'),
    fetchMaxBytes: values.number('fetch.max.bytes'),
    maxIncrementalFetchSessionCacheSlots: values.number('max.incremental.fetch.session.cache.slots'),
    maxRequestPartitionSizeLimit: values.number('max.request.partition.size.limit'),
    logCleanerEnable: values.boolean('log.cleaner.enable'),
    logCleanerThreads: values.number('log.cleaner.threads'),
    logCleanerDedupeBufferSize: values.number('log.cleaner.dedupe.buffer.size'),
    logCleanerIoBufferSize: values.number('log.cleaner.io.buffer.size'),
    logCleanerIoBufferLoadFactor: values.number('log.cleaner.io.buffer.load.factor'),
    logCleanerIoMaxBytesPerSecond: values.number('log.cleaner.io.max.bytes.per.second'),
    logCleanerBackoffMs: values.number('log.cleaner.backoff.ms'),
    logRetentionCheckIntervalMs: values.number('log.retention.check.interval.ms'),
    logFlushOffsetCheckpointIntervalMs: values.number('log.flush.offset.checkpoint.interval.ms'),
    logFlushStartOffsetCheckpointIntervalMs: values.number('log.flush.start.offset.checkpoint.interval.ms'),
    logScrubBytesPerSecond: values.number('odradek.log.scrub.bytes.per.second'),
    logScrubIntervalMs: values.number('odradek.log.scrub.interval.ms'),
    logDirFailureTimeoutMs: values.number('log.dir.failure.timeout.ms'),
    logDirLowSpaceBytes: values.number('odradek.log.dir.low.space.bytes'),
    logDirSpaceCheckIntervalMs: values.number('odradek.log.dir.space.check.interval.ms'),
    metadataBallastBytes: values.number('odradek.metadata.ballast.bytes'),
    producerIdExpirationMs: values.number('producer.id.expiration.ms'),
    producerIdExpirationCheckIntervalMs: values.number('producer.id.expiration.check.interval.ms'),
  }
}

function zookeeperOf(values: ServerValues): ZooKeeperConfig | null {
  const connect = values.text('zookeeper.connect')
  if (connect === null) return null
  const sessionTimeoutMs = values.number('zookeeper.session.timeout.ms')
  const user = values.text('odradek.zookeeper.digest.username')
  return {
    connect,
    sessionTimeoutMs,
    connectionTimeoutMs:
      values.text('zookeeper.connection.timeout.ms') === null ? sessionTimeoutMs : values.number('zookeeper.connection.timeout.ms'),
    digest: user === null ? null : `${user}:${values.text('odradek.zookeeper.digest.password') ?? ''}`,
  }
}

/** Kafka describes both names of the id, whichever was given. */
function withNodeId(given: ConfigLayer, nodeId: NodeId): ConfigLayer {
  const id = String(nodeId)
  return new Map(given).set('node.id', id).set('broker.id', id)
}

function overridesOf(values: ServerValues): ReadonlyMap<string, number> {
  const parsed = parseConnectionOverrides(values.text('max.connections.per.ip.overrides') ?? '')
  assert('value' in parsed, 'the overrides have been checked')
  return parsed.value
}
