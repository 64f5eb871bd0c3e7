import { listOf, atLeast, between, boolean, double, int, list, long, longMax, oneOf, string } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** Topics. */
export const topicRows: readonly ConfigKey[] = [
  list('cleanup.policy', 'delete', 'medium', {
    valid: listOf(['compact', 'delete'], { empty: true }),
    does: 'What happens to old segments: `delete`, `compact`, both or (empty) nothing.',
  }),
  int('compression.gzip.level', -1, 'medium', { valid: { kind: 'gzipLevel' } }),
  int('compression.lz4.level', 9, 'medium', { valid: between(1, 17) }),
  string('compression.type', 'producer', 'medium', {
    valid: oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'),
    does: 'The codec in which batches are stored; `producer` keeps what the producer chose.',
  }),
  int('compression.zstd.level', 3, 'medium', { valid: between(-131072, 22) }),
  long('delete.retention.ms', 86400000, 'medium', {
    valid: atLeast(0),
    does: 'How long compaction keeps a record without a value, from the first round that saw it on.',
  }),
  long('file.delete.delay.ms', 60000, 'medium', { valid: atLeast(0), does: 'How long the files of a deleted segment are kept.' }),
  long('flush.messages', longMax, 'medium', { valid: atLeast(1), does: 'Records after which a log is flushed to disk.' }),
  long('flush.ms', longMax, 'medium', { valid: atLeast(0), does: 'Time after which a log is flushed to disk.' }),
  list('follower.replication.throttled.replicas', '', 'medium', { valid: { kind: 'throttledReplicas' } }),
  int('index.interval.bytes', 4096, 'medium', { valid: atLeast(0), does: 'Bytes of a log between two entries of its offset index.' }),
  int('internal.segment.bytes', null, 'medium', { internal: true }),
  list('leader.replication.throttled.replicas', '', 'medium', { valid: { kind: 'throttledReplicas' } }),
  long('local.retention.bytes', -2, 'medium', { valid: atLeast(-2) }),
  long('local.retention.ms', -2, 'medium', { valid: atLeast(-2) }),
  long('max.compaction.lag.ms', longMax, 'medium', {
    valid: atLeast(1),
    does: 'Age of a record after which its log is compacted, however few its duplicates; its segment is rolled in time.',
  }),
  int('max.message.bytes', 1048588, 'medium', { valid: atLeast(0), does: 'The longest record batch that a topic takes.' }),
  long('message.timestamp.after.max.ms', 3600000, 'medium', {
    valid: atLeast(0),
    does: 'How far a timestamp may be ahead of the clock of the broker.',
  }),
  long('message.timestamp.before.max.ms', longMax, 'medium', {
    valid: atLeast(0),
    does: 'How far a timestamp may be behind the clock of the broker.',
  }),
  string('message.timestamp.type', 'CreateTime', 'medium', {
    valid: oneOf('CreateTime', 'LogAppendTime'),
    does: 'Whether a timestamp is that of the producer or that of the append.',
  }),
  double('min.cleanable.dirty.ratio', 0.5, 'medium', {
    valid: between(0, 1),
    does: 'The share of bytes not compacted yet above which a log is compacted.',
  }),
  long('min.compaction.lag.ms', 0, 'medium', {
    valid: atLeast(0),
    does: 'Age of a record below which compaction leaves it alone.',
  }),
  int('min.insync.replicas', 1, 'medium', { valid: atLeast(1), does: 'In-sync copies without which a write with acks=all is refused.' }),
  boolean('preallocate', false, 'medium'),
  boolean('remote.log.copy.disable', false, 'medium'),
  boolean('remote.log.delete.on.disable', false, 'medium'),
  boolean('remote.storage.enable', false, 'medium'),
  long('retention.bytes', -1, 'medium', { does: 'Bytes of a partition above which old segments are deleted; -1 is no bound.' }),
  long('retention.ms', 604800000, 'medium', { valid: atLeast(-1), does: 'Milliseconds after which a segment is deleted; -1 is never.' }),
  int('segment.bytes', 1073741824, 'medium', { valid: atLeast(1048576), does: 'The size of a segment of a log.' }),
  int('segment.index.bytes', 10485760, 'medium', {
    valid: atLeast(4),
    does: 'The longest offset index of a segment; a full one rolls the segment.',
  }),
  long('segment.jitter.ms', 0, 'medium', { valid: atLeast(0), does: 'Milliseconds by which the rolling of segments is spread.' }),
  long('segment.ms', 604800000, 'medium', { valid: atLeast(1), does: 'Milliseconds after which a segment is rolled.' }),
  boolean('unclean.leader.election.enable', false, 'medium', {
    does: 'Whether a copy that is not in sync may lead when there is no other: records may be lost.',
  }),
]
