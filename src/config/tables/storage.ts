import { listOf, anyList, atLeast, between, boolean, int, list, long, longMax, oneOf, string } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** Logs on disk. */
export const storageRows: readonly ConfigKey[] = [
  int('compression.gzip.level', -1, 'medium', { mode: 'cluster-wide', valid: { kind: 'gzipLevel' } }),
  int('compression.lz4.level', 9, 'medium', { mode: 'cluster-wide', valid: between(1, 17) }),
  string('compression.type', 'producer', 'high', {
    mode: 'cluster-wide',
    valid: oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'),
    does: 'The codec in which batches are stored; `producer` keeps what the producer chose.',
  }),
  int('compression.zstd.level', 3, 'medium', { mode: 'cluster-wide', valid: between(-131072, 22) }),
  list('cordoned.log.dirs', '', 'medium', { valid: anyList({ empty: true }), mode: 'per-broker' }),
  list('log.cleanup.policy', 'delete', 'medium', {
    mode: 'cluster-wide',
    valid: listOf(['compact', 'delete'], { empty: true }),
    does: 'What happens to old segments: `delete`, `compact`, both or (empty) nothing.',
  }),
  list('log.dir', '/tmp/kafka-logs', 'high', {
    valid: anyList({ empty: false }),
    does: 'The directory in which partitions are kept, when `log.dirs` is not given.',
  }),
  long('log.dir.failure.timeout.ms', 30000, 'low', {
    valid: atLeast(1),
    does: 'A broker that cannot tell the controller of a failed directory for this long stops, if it leads partitions in it.',
  }),
  list('log.dirs', null, 'high', {
    valid: anyList({ empty: false }),
    does: 'The directories in which partitions are kept, separated by commas.',
  }),
  long('log.flush.interval.messages', longMax, 'high', {
    mode: 'cluster-wide',
    valid: atLeast(1),
    does: 'Records after which a log is flushed to disk.',
  }),
  long('log.flush.interval.ms', null, 'high', {
    mode: 'cluster-wide',
    does: 'Time after which a log is flushed to disk; that of `log.flush.scheduler.interval.ms` when it is not given.',
  }),
  int('log.flush.offset.checkpoint.interval.ms', 60000, 'high', {
    valid: atLeast(0),
    does: 'How often the recovery point is written down.',
  }),
  long('log.flush.scheduler.interval.ms', longMax, 'high', { does: 'How often logs are looked at for flushing.' }),
  int('log.flush.start.offset.checkpoint.interval.ms', 60000, 'high', {
    valid: atLeast(0),
    does: 'How often the log start offset is written down.',
  }),
  int('log.index.interval.bytes', 4096, 'medium', {
    mode: 'cluster-wide',
    valid: atLeast(0),
    does: 'Bytes of a log between two entries of its offset index.',
  }),
  int('log.index.size.max.bytes', 10485760, 'medium', {
    mode: 'cluster-wide',
    valid: atLeast(4),
    does: 'The longest offset index of a segment; a full one rolls the segment.',
  }),
  long('log.initial.task.delay.ms', 30000, 'low', { valid: atLeast(0), internal: true }),
  long('odradek.log.scrub.bytes.per.second', 4194304, 'low', {
    valid: atLeast(0),
    does: 'How fast logs are read in the background to find what the disk has damaged; 0: they are not.',
  }),
  long('odradek.log.scrub.interval.ms', 86400000, 'low', {
    valid: atLeast(1),
    does: 'The time from one beginning of reading all logs in the background to the next.',
  }),
  long('log.local.retention.bytes', -2, 'medium', { mode: 'cluster-wide', valid: atLeast(-2) }),
  long('log.local.retention.ms', -2, 'medium', { mode: 'cluster-wide', valid: atLeast(-2) }),
  long('log.message.timestamp.after.max.ms', 3600000, 'medium', {
    mode: 'cluster-wide',
    valid: atLeast(0),
    does: 'How far a timestamp may be ahead of the clock of the broker.',
  }),
  long('log.message.timestamp.before.max.ms', longMax, 'medium', {
    mode: 'cluster-wide',
    valid: atLeast(0),
    does: 'How far a timestamp may be behind the clock of the broker.',
  }),
  string('log.message.timestamp.type', 'CreateTime', 'medium', {
    mode: 'cluster-wide',
    valid: oneOf('CreateTime', 'LogAppendTime'),
    does: 'Whether a timestamp is that of the producer or that of the append.',
  }),
  boolean('log.preallocate', false, 'medium', { mode: 'cluster-wide' }),
  long('log.retention.bytes', -1, 'high', {
    mode: 'cluster-wide',
    does: 'Bytes of a partition above which old segments are deleted; -1 is no bound.',
  }),
  long('log.retention.check.interval.ms', 300000, 'medium', { valid: atLeast(1), does: 'How often logs are looked at for old segments.' }),
  int('log.retention.hours', 168, 'high', {
    does: 'Hours after which a segment is deleted, when neither minutes nor milliseconds are given; -1 is never.',
  }),
  int('log.retention.minutes', null, 'high', {
    does: 'Minutes after which a segment is deleted, when milliseconds are not given; -1 is never.',
  }),
  long('log.retention.ms', null, 'high', { mode: 'cluster-wide', does: 'Milliseconds after which a segment is deleted; -1 is never.' }),
  int('log.roll.hours', 168, 'high', {
    valid: atLeast(1),
    does: 'Hours after which a segment is rolled, when milliseconds are not given.',
  }),
  int('log.roll.jitter.hours', 0, 'high', {
    valid: atLeast(0),
    does: 'Hours by which the rolling of segments is spread, when milliseconds are not given.',
  }),
  long('log.roll.jitter.ms', null, 'high', { mode: 'cluster-wide', does: 'Milliseconds by which the rolling of segments is spread.' }),
  long('log.roll.ms', null, 'high', { mode: 'cluster-wide', does: 'Milliseconds after which a segment is rolled.' }),
  int('log.segment.bytes', 1073741824, 'high', { mode: 'cluster-wide', valid: atLeast(1048576), does: 'The size of a segment of a log.' }),
  long('log.segment.delete.delay.ms', 60000, 'high', {
    mode: 'cluster-wide',
    valid: atLeast(0),
    does: 'How long the files of a deleted segment are kept.',
  }),
  int('message.max.bytes', 1048588, 'high', {
    mode: 'cluster-wide',
    valid: atLeast(0),
    does: 'The longest record batch that a topic takes.',
  }),
  int('num.recovery.threads.per.data.dir', 2, 'high', { mode: 'cluster-wide', valid: atLeast(1) }),
  int('num.replica.alter.log.dirs.threads', null, 'high', {
    does: 'How many copies on their way to another log directory are read and written at once; as many as there are log directories, where it is not set.',
  }),
]
