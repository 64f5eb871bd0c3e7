import { atLeast, boolean, int, short } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** Transactions and producer ids. */
export const transactionsRows: readonly ConfigKey[] = [
  int('add.partitions.to.txn.retry.backoff.max.ms', 100, 'high', { valid: atLeast(0) }),
  int('add.partitions.to.txn.retry.backoff.ms', 20, 'high', { valid: atLeast(1) }),
  int('producer.id.expiration.check.interval.ms', 600000, 'low', {
    valid: atLeast(1),
    internal: true,
    does: 'How often silent producers are looked for.',
  }),
  int('producer.id.expiration.ms', 86400000, 'low', {
    mode: 'cluster-wide',
    valid: atLeast(1),
    does: 'A producer that has been silent for this long is forgotten by its partitions.',
  }),
  int('transaction.abort.timed.out.transaction.cleanup.interval.ms', 10000, 'low', { valid: atLeast(1) }),
  int('transaction.max.timeout.ms', 900000, 'high', { valid: atLeast(1) }),
  boolean('transaction.partition.verification.enable', true, 'low', { mode: 'cluster-wide' }),
  int('transaction.remove.expired.transaction.cleanup.interval.ms', 3600000, 'low', { valid: atLeast(1) }),
  int('transaction.state.log.load.buffer.size', 5242880, 'high', { valid: atLeast(1) }),
  int('transaction.state.log.min.isr', 2, 'high', { valid: atLeast(1) }),
  int('transaction.state.log.num.partitions', 50, 'high', { valid: atLeast(1) }),
  short('transaction.state.log.replication.factor', 3, 'high', { valid: atLeast(1) }),
  int('transaction.state.log.segment.bytes', 104857600, 'high', { valid: atLeast(1) }),
  boolean('transaction.two.phase.commit.enable', false, 'low'),
  int('transactional.id.expiration.ms', 604800000, 'high', { valid: atLeast(1) }),
]
