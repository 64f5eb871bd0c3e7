import { listOf, anyList, atLeast, boolean, className, int, list, long, longMax, required, string } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** The node itself and what it does for topics. */
export const nodeRows: readonly ConfigKey[] = [
  className('alter.config.policy.class.name', null, 'low'),
  boolean('auto.create.topics.enable', true, 'high', { does: 'A topic is made when a client that allows it asks for its metadata.' }),
  int('background.threads', 10, 'high', { mode: 'cluster-wide', valid: atLeast(1) }),
  int('broker.heartbeat.interval.ms', 2000, 'medium', {
    does: 'How often a broker tells the controller that it lives.',
    ours: 200,
    because: 'Goes with the shorter `broker.session.timeout.ms`.',
  }),
  int('broker.id', -1, 'high', { does: 'An older name of `node.id`; when both are given they must agree.' }),
  string('broker.rack', null, 'medium', {
    does: 'The rack of this broker: copies of a new partition are spread over racks, and clients are told of it.',
  }),
  int('broker.session.timeout.ms', 9000, 'medium', {
    does: 'The controller fences a broker that it has not heard of for this long. A broker whose process is gone is fenced sooner.',
    ours: 1300,
    because:
      'A partition whose leader has stopped answering is led again before a client that waits 1.5 s for it gives up; a living broker sends six heartbeats in that time.',
  }),
  list('config.providers', '', 'low', { valid: anyList({ empty: true }), mode: 'cluster-wide' }),
  boolean('controlled.shutdown.enable', true, 'medium', { does: 'A stopping broker first hands its partitions to others.' }),
  className('create.topic.policy.class.name', null, 'low'),
  boolean('delete.topic.enable', true, 'high', { does: 'Whether topics can be deleted.' }),
  int('initial.broker.registration.timeout.ms', 60000, 'medium', {
    does: 'A broker that could not register with the controller for this long gives up.',
  }),
  int('max.request.partition.size.limit', 2000, 'medium', {
    valid: atLeast(1),
    does: 'The most partitions that one DescribeTopicPartitions answer holds.',
  }),
  int('node.id', required, 'high', { valid: atLeast(0), does: 'The number of this node, unique among brokers and controllers.' }),
  int('num.partitions', 1, 'medium', { valid: atLeast(1), does: 'Partitions of a topic that is created without saying how many.' }),
  list('process.roles', required, 'high', {
    valid: listOf(['broker', 'controller'], { empty: false }),
    does: 'What this node is: `broker`, `controller` or both.',
  }),
  long('server.max.startup.time.ms', longMax, 'medium', { valid: atLeast(0), internal: true }),
  int('telemetry.max.bytes', 1048576, 'low', { valid: atLeast(1) }),
  boolean('unstable.api.versions.enable', false, 'high', { internal: true }),
  boolean('unstable.feature.versions.enable', false, 'high', { internal: true }),
]
