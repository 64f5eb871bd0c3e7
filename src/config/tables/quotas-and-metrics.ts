import { anyList, atLeast, className, int, list, long, string } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** Quotas and metrics. */
export const quotasAndMetricsRows: readonly ConfigKey[] = [
  int('alter.log.dirs.replication.quota.window.num', 11, 'low', { valid: atLeast(1) }),
  int('alter.log.dirs.replication.quota.window.size.seconds', 1, 'low', { valid: atLeast(1) }),
  className('client.quota.callback.class', null, 'low'),
  int('controller.quota.window.num', 11, 'low', { valid: atLeast(1) }),
  int('controller.quota.window.size.seconds', 1, 'low', { valid: atLeast(1) }),
  int('kafka.metrics.polling.interval.secs', 10, 'low', { valid: atLeast(1) }),
  list('kafka.metrics.reporters', '', 'low', { valid: anyList({ empty: true }) }),
  list('metric.reporters', 'org.apache.kafka.common.metrics.JmxReporter', 'low', {
    valid: anyList({ empty: true }),
    mode: 'cluster-wide',
    ours: '',
    because: 'There is no JMX here.',
  }),
  int('metrics.num.samples', 2, 'low', { valid: atLeast(1) }),
  string('metrics.recording.level', 'INFO', 'low'),
  long('metrics.sample.window.ms', 30000, 'low', { valid: atLeast(1) }),
  int('quota.window.num', 11, 'low', { valid: atLeast(1) }),
  int('quota.window.size.seconds', 1, 'low', { valid: atLeast(1) }),
  int('replication.quota.window.num', 11, 'low', { valid: atLeast(1) }),
  int('replication.quota.window.size.seconds', 1, 'low', { valid: atLeast(1) }),
]
