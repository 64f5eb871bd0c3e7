import { atLeast, boolean, int, oneOf, string } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** Groups, as a resource of their own. */
export const groupResourcesRows: readonly ConfigKey[] = [
  int('consumer.assignment.interval.ms', 1000, 'medium', {
    valid: atLeast(0),
    does: 'The least time between two assignments of the group.',
  }),
  int('consumer.heartbeat.interval.ms', 5000, 'medium', { valid: atLeast(1), does: 'How often members of the group are told to report.' }),
  int('consumer.session.timeout.ms', 45000, 'medium', { valid: atLeast(1), does: 'How long a member of the group may be silent.' }),
  int('share.assignment.interval.ms', 1000, 'medium', { valid: atLeast(0) }),
  string('share.auto.offset.reset', 'latest', 'medium', { valid: { kind: 'offsetReset' } }),
  int('share.delivery.count.limit', 5, 'medium', { valid: atLeast(2) }),
  int('share.heartbeat.interval.ms', 5000, 'medium', { valid: atLeast(1) }),
  string('share.isolation.level', 'read_uncommitted', 'medium', { valid: oneOf('read_committed', 'read_uncommitted') }),
  int('share.partition.max.record.locks', 2000, 'medium', { valid: atLeast(100) }),
  int('share.record.lock.duration.ms', 30000, 'medium', { valid: atLeast(1000) }),
  boolean('share.renew.acknowledge.enable', true, 'medium'),
  int('share.session.timeout.ms', 45000, 'medium', { valid: atLeast(1) }),
  int('streams.assignment.interval.ms', 1000, 'medium', { valid: atLeast(0) }),
  int('streams.heartbeat.interval.ms', 5000, 'medium', { valid: atLeast(1) }),
  int('streams.initial.rebalance.delay.ms', 3000, 'medium', { valid: atLeast(0) }),
  int('streams.num.standby.replicas', 0, 'medium', { valid: atLeast(0) }),
  int('streams.session.timeout.ms', 45000, 'medium', { valid: atLeast(1) }),
]
