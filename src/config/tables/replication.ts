import { atLeast, boolean, int, long, string } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** Replication and leader election. */
export const replicationRows: readonly ConfigKey[] = [
  boolean('auto.leader.rebalance.enable', true, 'high', { does: 'The controller gives partitions back to their preferred leaders.' }),
  int('default.replication.factor', 1, 'medium', { does: 'Copies of each partition of a topic that is created without saying how many.' }),
  int('delete.records.purgatory.purge.interval.requests', 1, 'medium'),
  int('fetch.max.bytes', 57671680, 'medium', {
    valid: atLeast(1024),
    does: 'The longest answer to a fetch; the first batch is always whole.',
  }),
  int('fetch.purgatory.purge.interval.requests', 1000, 'medium'),
  long('leader.imbalance.check.interval.seconds', 300, 'high', {
    valid: atLeast(1),
    does: 'How often the controller looks for partitions that are not led by their preferred leader.',
  }),
  int('max.incremental.fetch.session.cache.slots', 1000, 'medium', { valid: atLeast(0), does: 'Fetch sessions that are kept.' }),
  int('min.insync.replicas', 1, 'high', {
    mode: 'cluster-wide',
    valid: atLeast(1),
    does: 'In-sync copies without which a write with acks=all is refused.',
  }),
  int('num.replica.fetchers', 1, 'high', {
    mode: 'cluster-wide',
    valid: atLeast(1),
    does: 'Connections over which a broker fetches from one other broker.',
  }),
  int('producer.purgatory.purge.interval.requests', 1000, 'medium'),
  int('replica.fetch.backoff.ms', 1000, 'medium', {
    valid: atLeast(0),
    does: 'How long a follower waits after an error before it fetches again.',
  }),
  int('replica.fetch.max.bytes', 1048576, 'medium', {
    valid: atLeast(0),
    does: 'Bytes that a follower asks for of one partition; the first batch is always whole.',
  }),
  int('replica.fetch.min.bytes', 1, 'high', { does: 'Bytes for which the leader lets a follower wait.' }),
  int('replica.fetch.response.max.bytes', 10485760, 'medium', {
    valid: atLeast(0),
    does: 'Bytes that a follower asks for in one answer; the first batch is always whole.',
  }),
  int('replica.fetch.wait.max.ms', 500, 'high', { does: 'How long the leader lets a follower wait for them.' }),
  long('replica.high.watermark.checkpoint.interval.ms', 5000, 'high', { does: 'How often high watermarks are written down.' }),
  long('replica.lag.time.max.ms', 30000, 'high', {
    does: 'A follower that has not caught up for this long leaves the in-sync replicas.',
    ours: 10000,
    because: 'A slow follower holds back acks=all for a third of the time.',
  }),
  string('replica.selector.class', null, 'medium'),
  int('replica.socket.receive.buffer.bytes', 65536, 'high'),
  int('replica.socket.timeout.ms', 30000, 'high', { does: 'How long a follower waits for an answer of the leader.' }),
  boolean('unclean.leader.election.enable', false, 'high', {
    mode: 'cluster-wide',
    does: 'Whether a copy that is not in sync may lead when there is no other: records may be lost.',
  }),
  long('unclean.leader.election.interval.ms', 300000, 'medium', {
    valid: atLeast(1),
    internal: true,
    does: 'How often the controller looks for partitions that need an unclean election.',
  }),
]
