import { atLeast, boolean, int, list, long, string } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** The metadata quorum and its log. */
export const quorumRows: readonly ConfigKey[] = [
  long('controller.performance.always.log.threshold.ms', 2000, 'medium', { valid: atLeast(0), internal: true }),
  long('controller.performance.sample.period.ms', 60000, 'medium', { valid: atLeast(100), internal: true }),
  int('controller.quorum.append.linger.ms', 25, 'medium', {
    valid: atLeast(0),
    does: 'How long the leader gathers records before it writes them.',
  }),
  boolean('controller.quorum.auto.join.enable', false, 'low'),
  list('controller.quorum.bootstrap.servers', '', 'high', {}),
  int('controller.quorum.election.backoff.max.ms', 1000, 'high', {
    valid: atLeast(0),
    does: 'The longest random wait after a lost election.',
    ours: 500,
    because: 'Goes with the shorter `controller.quorum.election.timeout.ms`.',
  }),
  int('controller.quorum.election.timeout.ms', 1000, 'high', {
    valid: atLeast(0),
    does: 'How long a candidate waits for votes.',
    ours: 500,
    because: 'Goes with the shorter `controller.quorum.fetch.timeout.ms`.',
  }),
  int('controller.quorum.fetch.max.bytes', 1048576, 'low', {
    valid: atLeast(1),
    does: 'Bytes of the metadata log that are asked for at once.',
  }),
  int('controller.quorum.fetch.snapshot.max.bytes', 1048576, 'low', {
    valid: atLeast(1),
    does: 'Bytes of a metadata snapshot that are asked for at once.',
  }),
  int('controller.quorum.fetch.timeout.ms', 2000, 'high', {
    valid: atLeast(0),
    does: 'A voter that has not heard of the leader for this long starts an election; a leader that a majority has left alone for this long resigns.',
    ours: 700,
    because: 'A controller that stops dead is replaced well within a second; pre-vote makes a shorter stall harmless.',
  }),
  int('controller.quorum.request.timeout.ms', 2000, 'medium', {
    valid: atLeast(0),
    does: 'How long a voter waits for the answer of another.',
  }),
  int('controller.quorum.retry.backoff.ms', 20, 'low', {
    valid: atLeast(0),
    does: 'How long a voter waits before it repeats a failed request.',
  }),
  list('controller.quorum.voters', '', 'high', {
    does: 'The controllers, as `id@host:port`, separated by commas.',
  }),
  long('internal.metadata.delete.delay.millis', 60000, 'low', { internal: true }),
  int('internal.metadata.log.segment.bytes', null, 'low', { internal: true }),
  int('internal.metadata.max.batch.size.in.bytes', 8388608, 'low', { internal: true }),
  string('metadata.log.dir', null, 'high', { does: 'The directory of the metadata log; the first of `log.dirs` when it is not given.' }),
  long('metadata.log.max.record.bytes.between.snapshots', 20971520, 'high', {
    valid: atLeast(1),
    does: 'Bytes of metadata records after which a snapshot is made.',
  }),
  long('metadata.log.max.snapshot.interval.ms', 3600000, 'high', {
    valid: atLeast(0),
    does: 'Time after which a snapshot is made; 0 is never.',
  }),
  int('metadata.log.segment.bytes', 1073741824, 'high', { valid: atLeast(8388608), does: 'The size of a segment of the metadata log.' }),
  long('metadata.log.segment.ms', 604800000, 'high', { does: 'The age at which a segment of the metadata log is rolled.' }),
  int('metadata.max.idle.interval.ms', 500, 'low', {
    valid: atLeast(0),
    does: 'How long the metadata log may be silent before an empty record is written; 0 is for ever.',
  }),
  long('metadata.max.retention.bytes', 104857600, 'high', {
    does: 'Bytes of metadata log and snapshots above which old ones are deleted.',
  }),
  long('metadata.max.retention.ms', 604800000, 'high', { does: 'Age at which metadata log and snapshots are deleted.' }),
]
