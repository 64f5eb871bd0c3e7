import { atLeast, between, boolean, double, int, long, longMax } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** Compaction. */
export const cleanerRows: readonly ConfigKey[] = [
  long('log.cleaner.backoff.ms', 15000, 'medium', { mode: 'cluster-wide', valid: atLeast(0) }),
  long('log.cleaner.dedupe.buffer.size', 134217728, 'medium', { mode: 'cluster-wide' }),
  long('log.cleaner.delete.retention.ms', 86400000, 'medium', { mode: 'cluster-wide', valid: atLeast(0) }),
  boolean('log.cleaner.enable', true, 'medium'),
  double('log.cleaner.io.buffer.load.factor', 0.9, 'medium', { mode: 'cluster-wide' }),
  int('log.cleaner.io.buffer.size', 524288, 'medium', { mode: 'cluster-wide', valid: atLeast(0) }),
  double('log.cleaner.io.max.bytes.per.second', '1.7976931348623157E308', 'medium', { mode: 'cluster-wide' }),
  long('log.cleaner.max.compaction.lag.ms', longMax, 'medium', { mode: 'cluster-wide', valid: atLeast(1) }),
  double('log.cleaner.min.cleanable.ratio', 0.5, 'medium', { mode: 'cluster-wide', valid: between(0, 1) }),
  long('log.cleaner.min.compaction.lag.ms', 0, 'medium', { mode: 'cluster-wide', valid: atLeast(0) }),
  int('log.cleaner.threads', 1, 'medium', { mode: 'cluster-wide', valid: atLeast(0) }),
]
