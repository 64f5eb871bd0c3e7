import { anyList, int, list } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** Client metrics subscriptions. */
export const clientMetricsRows: readonly ConfigKey[] = [
  int('interval.ms', 300000, 'medium'),
  list('match', '', 'medium', { valid: anyList({ empty: true }) }),
  list('metrics', '', 'medium', { valid: anyList({ empty: true }) }),
]
