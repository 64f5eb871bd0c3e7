import { int, list } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** Client metrics subscriptions. */
export const clientMetricsRows: readonly ConfigKey[] = [
  int('interval.ms', 300000, 'medium'),
  list('match', '', 'medium'),
  list('metrics', '', 'medium'),
]
