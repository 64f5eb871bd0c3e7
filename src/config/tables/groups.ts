import { listOf, anyList, atLeast, int, intMax, list, long, oneOfAnyCase, short, string } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** Consumer and streams groups, and their offsets. */
export const groupsRows: readonly ConfigKey[] = [
  int('group.consumer.assignment.interval.ms', 1000, 'medium', {
    mode: 'cluster-wide',
    valid: atLeast(0),
    does: 'The least time between two assignments of one consumer group; a group may have its own.',
  }),
  list('group.consumer.assignors', 'uniform,range', 'medium', {
    valid: anyList({ empty: false }),
    does: "What assigns partitions in consumer groups: `uniform`, `range`; the first is the default. Classes of one's own cannot be loaded.",
  }),
  int('group.consumer.heartbeat.interval.ms', 5000, 'medium', {
    valid: atLeast(1),
    does: 'How often members of consumer groups are told to report; a group may have its own.',
  }),
  int('group.consumer.max.assignment.interval.ms', 15000, 'medium', {
    valid: atLeast(0),
    does: 'The highest `consumer.assignment.interval.ms` of a group.',
  }),
  int('group.consumer.max.heartbeat.interval.ms', 15000, 'medium', {
    valid: atLeast(1),
    does: 'The highest `consumer.heartbeat.interval.ms` of a group.',
  }),
  int('group.consumer.max.session.timeout.ms', 60000, 'medium', {
    valid: atLeast(1),
    does: 'The highest `consumer.session.timeout.ms` of a group.',
  }),
  int('group.consumer.max.size', intMax, 'medium', { valid: atLeast(1), does: 'Members of one group of the consumer protocol.' }),
  string('group.consumer.migration.policy', 'bidirectional', 'medium', {
    valid: oneOfAnyCase('DISABLED', 'DOWNGRADE', 'UPGRADE', 'BIDIRECTIONAL'),
    does: 'Whether a group may turn from the classic protocol to the consumer protocol while it has members, and back.',
  }),
  int('group.consumer.min.assignment.interval.ms', 0, 'medium', {
    valid: atLeast(0),
    does: 'The lowest `consumer.assignment.interval.ms` of a group.',
  }),
  int('group.consumer.min.heartbeat.interval.ms', 5000, 'medium', {
    valid: atLeast(1),
    does: 'The lowest `consumer.heartbeat.interval.ms` of a group.',
  }),
  int('group.consumer.min.session.timeout.ms', 45000, 'medium', {
    valid: atLeast(1),
    does: 'The lowest `consumer.session.timeout.ms` of a group.',
  }),
  int('group.consumer.regex.refresh.interval.ms', 600000, 'medium', {
    valid: atLeast(10000),
    internal: true,
    does: 'How often a regular expression is looked up again for new topics.',
  }),
  int('group.consumer.session.timeout.ms', 45000, 'medium', {
    valid: atLeast(1),
    does: 'How long a member of a consumer group may be silent; a group may have its own.',
  }),
  int('group.coordinator.append.linger.ms', -1, 'medium', { valid: atLeast(-1) }),
  int('group.coordinator.background.threads', 2, 'high', { valid: atLeast(1) }),
  int('group.coordinator.cached.buffer.max.bytes', 1048588, 'medium', { mode: 'cluster-wide', valid: atLeast(524288) }),
  list('group.coordinator.rebalance.protocols', 'classic,consumer,streams', 'medium', {
    valid: listOf(['consumer', 'classic', 'share', 'streams'], { empty: false }),
    does: '`classic` must be in it; without `consumer` the consumer protocol is refused. `streams` and `share` have no effect: those groups are not there.',
  }),
  int('group.coordinator.threads', 4, 'high', { valid: atLeast(1) }),
  int('group.initial.rebalance.delay.ms', 3000, 'medium', {
    does: 'How long the first rebalance of an empty classic group waits for more members.',
  }),
  int('group.max.session.timeout.ms', 1800000, 'medium', {
    does: 'The highest session timeout that a member of a classic group may ask for.',
  }),
  int('group.max.size', intMax, 'medium', { valid: atLeast(1), does: 'Members of one group of the classic protocol.' }),
  int('group.min.session.timeout.ms', 6000, 'medium', { does: 'The lowest session timeout that a member of a classic group may ask for.' }),
  int('group.streams.assignment.interval.ms', 1000, 'medium', { mode: 'cluster-wide', valid: atLeast(0) }),
  int('group.streams.heartbeat.interval.ms', 5000, 'medium', { valid: atLeast(1) }),
  int('group.streams.initial.rebalance.delay.ms', 3000, 'medium', { valid: atLeast(0) }),
  int('group.streams.max.assignment.interval.ms', 15000, 'medium', { valid: atLeast(0) }),
  int('group.streams.max.heartbeat.interval.ms', 15000, 'medium', { valid: atLeast(1) }),
  int('group.streams.max.session.timeout.ms', 60000, 'medium', { valid: atLeast(1) }),
  int('group.streams.max.size', intMax, 'medium', { valid: atLeast(1) }),
  int('group.streams.max.standby.replicas', 2, 'medium', { valid: atLeast(0) }),
  int('group.streams.min.assignment.interval.ms', 0, 'medium', { valid: atLeast(0) }),
  int('group.streams.min.heartbeat.interval.ms', 5000, 'medium', { valid: atLeast(1) }),
  int('group.streams.min.session.timeout.ms', 45000, 'medium', { valid: atLeast(1) }),
  int('group.streams.num.standby.replicas', 0, 'medium', { valid: atLeast(0) }),
  int('group.streams.session.timeout.ms', 45000, 'medium', { valid: atLeast(1) }),
  int('offset.metadata.max.bytes', 4096, 'high', { does: 'The longest metadata that may be committed with an offset.' }),
  int('offsets.commit.timeout.ms', 5000, 'high', { valid: atLeast(1), does: 'How long a change of a group waits for its replicas.' }),
  int('offsets.load.buffer.size', 5242880, 'high', {
    valid: atLeast(1),
    does: 'What is read at a time of a partition of committed offsets that comes to be led here.',
  }),
  long('offsets.retention.check.interval.ms', 600000, 'high', {
    valid: atLeast(1),
    does: 'How often offsets that have expired are looked for.',
  }),
  int('offsets.retention.minutes', 10080, 'high', {
    valid: atLeast(1),
    does: 'How long offsets are kept after their group has become empty, or, without a group, after they were committed.',
  }),
  int('offsets.topic.compression.codec', 0, 'high', {
    does: 'How batches of the topic of committed offsets are compressed: 0 not at all, 1 gzip, 2 snappy, 3 lz4, 4 zstd.',
  }),
  int('offsets.topic.num.partitions', 50, 'high', {
    valid: atLeast(1),
    does: 'Partitions of the topic of committed offsets when it is made.',
  }),
  short('offsets.topic.replication.factor', 3, 'high', {
    valid: atLeast(1),
    does: 'Copies of the topic of committed offsets when it is made; as many brokers must run then.',
  }),
  int('offsets.topic.segment.bytes', 104857600, 'high', {
    valid: atLeast(1),
    ours: 8388608,
    because:
      'The segment that is being written is not compacted, and who comes to coordinate groups reads it whole: the shorter, the sooner.',
    does: 'Segment size of the topic of committed offsets when it is made.',
  }),
]
