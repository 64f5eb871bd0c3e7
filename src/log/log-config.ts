import type { Millis } from '../base/units.ts'

/** What a partition's log obeys; a topic's configuration by Kafka's names (`logConfigNames`). Replaceable while the log is open. */
export interface LogConfig {
  readonly segmentBytes: number
  readonly segmentMs: Millis
  readonly segmentJitterMs: Millis
  readonly segmentIndexBytes: number
  readonly indexIntervalBytes: number
  readonly maxMessageBytes: number
  /** -1: without limit */
  readonly retentionMs: Millis
  /** -1: without limit */
  readonly retentionBytes: number
  readonly cleanupDelete: boolean
  readonly cleanupCompact: boolean
  /** How dirty a log must be to be cleaned, 0 … 1. */
  readonly minCleanableDirtyRatio: number
  /** A record younger than this is not cleaned. */
  readonly minCompactionLagMs: Millis
  /** One older than this is, however clean the log. */
  readonly maxCompactionLagMs: Millis
  /** How long a tombstone stays after the cleaning that found it first. */
  readonly deleteRetentionMs: Millis
  readonly fileDeleteDelayMs: Millis
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
  readonly timestampBeforeMaxMs: Millis
  readonly timestampAfterMaxMs: Millis
  readonly compressionType: CompressionSetting
  /** Messages after which a flush is due; Number.MAX_SAFE_INTEGER: never. */
  readonly flushMessages: number
  readonly flushMs: Millis
}

export type CompressionSetting = 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Kafka's name of each setting (org.apache.kafka.common.config.TopicConfig). `cleanup.policy` is a list that makes two of ours. */
export const logConfigNames: Readonly<Record<keyof LogConfig, string>> = {
  segmentBytes: 'segment.bytes',
  segmentMs: 'segment.ms',
  segmentJitterMs: 'segment.jitter.ms',
  segmentIndexBytes: 'segment.index.bytes',
  indexIntervalBytes: 'index.interval.bytes',
  maxMessageBytes: 'max.message.bytes',
  retentionMs: 'retention.ms',
  retentionBytes: 'retention.bytes',
  cleanupDelete: 'cleanup.policy',
  cleanupCompact: 'cleanup.policy',
  minCleanableDirtyRatio: 'min.cleanable.dirty.ratio',
  minCompactionLagMs: 'min.compaction.lag.ms',
  maxCompactionLagMs: 'max.compaction.lag.ms',
  deleteRetentionMs: 'delete.retention.ms',
  fileDeleteDelayMs: 'file.delete.delay.ms',
  timestampType: 'message.timestamp.type',
  timestampBeforeMaxMs: 'message.timestamp.before.max.ms',
  timestampAfterMaxMs: 'message.timestamp.after.max.ms',
  compressionType: 'compression.type',
  flushMessages: 'flush.messages',
  flushMs: 'flush.ms',
}

const hourMs = 3_600_000

/** Kafka 4.3.1's defaults (org.apache.kafka.storage.internals.log.LogConfig). */
export const defaultLogConfig: LogConfig = {
  segmentBytes: 1024 * 1024 * 1024,
  segmentMs: 7 * 24 * hourMs,
  segmentJitterMs: 0,
  segmentIndexBytes: 10 * 1024 * 1024,
  indexIntervalBytes: 4096,
  maxMessageBytes: 1024 * 1024 + 12,
  retentionMs: 7 * 24 * hourMs,
  retentionBytes: -1,
  cleanupDelete: true,
  cleanupCompact: false,
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  deleteRetentionMs: 24 * hourMs,
  fileDeleteDelayMs: 60_000,
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: hourMs,
  compressionType: 'producer',
  flushMessages: Number.MAX_SAFE_INTEGER,
  flushMs: Number.MAX_SAFE_INTEGER,
}

/** A compacted log rolls in time for max.compaction.lag.ms: what is in its active segment cannot be cleaned (LogConfig.maxSegmentMs). */
export function maxSegmentMs(config: LogConfig): Millis {
  return config.cleanupCompact && config.maxCompactionLagMs > 0 ? Math.min(config.maxCompactionLagMs, config.segmentMs) : config.segmentMs
}
