import { assert } from '../base/assert.ts'
import { topicValue } from './layers.ts'
import type { CleanupPolicy, CompressionType, ConfigLayer, TopicConfig } from './server-config.ts'
import { asList, asNumber, type ConfigValue } from './values.ts'

/**
 * What is in force for a topic: `topic` is its own configuration, `broker` the broker's layers merged (`merged`), so the order is topic,
 * dynamic broker, dynamic default, static, default.
 */
export function topicConfigOf(topic: ConfigLayer, broker: ConfigLayer): TopicConfig {
  const value = (name: string): ConfigValue => {
    const found = topicValue(topic, broker, name)
    assert(found !== null, `${name} has a value`)
    return found
  }
  const number = (name: string): number => asNumber(value(name))
  return {
    cleanupPolicy: asList(value('cleanup.policy')) as readonly CleanupPolicy[],
    compressionType: value('compression.type') as CompressionType,
    compressionGzipLevel: number('compression.gzip.level'),
    compressionLz4Level: number('compression.lz4.level'),
    compressionZstdLevel: number('compression.zstd.level'),
    deleteRetentionMs: number('delete.retention.ms'),
    fileDeleteDelayMs: number('file.delete.delay.ms'),
    flushMessages: number('flush.messages'),
    flushMs: number('flush.ms'),
    indexIntervalBytes: number('index.interval.bytes'),
    maxCompactionLagMs: number('max.compaction.lag.ms'),
    maxMessageBytes: number('max.message.bytes'),
    messageTimestampAfterMaxMs: number('message.timestamp.after.max.ms'),
    messageTimestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
    messageTimestampType: value('message.timestamp.type') as TopicConfig['messageTimestampType'],
    minCleanableDirtyRatio: number('min.cleanable.dirty.ratio'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    minInsyncReplicas: number('min.insync.replicas'),
    preallocate: value('preallocate') === true,
    retentionBytes: number('retention.bytes'),
    retentionMs: number('retention.ms'),
    segmentBytes: number('segment.bytes'),
    segmentIndexBytes: number('segment.index.bytes'),
    segmentJitterMs: number('segment.jitter.ms'),
    segmentMs: number('segment.ms'),
    uncleanLeaderElectionEnable: value('unclean.leader.election.enable') === true,
  }
}

/** The part that a partition's log obeys, in the names of `log/`. */
export function logSettings(config: TopicConfig) {
  return {
    segmentBytes: config.segmentBytes,
    segmentMs: config.segmentMs,
    segmentJitterMs: config.segmentJitterMs,
    segmentIndexBytes: config.segmentIndexBytes,
    indexIntervalBytes: config.indexIntervalBytes,
    maxMessageBytes: config.maxMessageBytes,
    retentionMs: config.retentionMs,
    retentionBytes: config.retentionBytes,
    cleanupDelete: config.cleanupPolicy.includes('delete'),
    cleanupCompact: config.cleanupPolicy.includes('compact'),
    minCleanableDirtyRatio: config.minCleanableDirtyRatio,
    minCompactionLagMs: config.minCompactionLagMs,
    maxCompactionLagMs: config.maxCompactionLagMs,
    deleteRetentionMs: config.deleteRetentionMs,
    fileDeleteDelayMs: config.fileDeleteDelayMs,
    timestampType: config.messageTimestampType,
    timestampBeforeMaxMs: config.messageTimestampBeforeMaxMs,
    timestampAfterMaxMs: config.messageTimestampAfterMaxMs,
    compressionType: config.compressionType,
    flushMessages: config.flushMessages,
    flushMs: config.flushMs,
  }
}
