import { atLeast, between, boolean, double, int, long, longMax } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** Compaction. */
export const cleanerRows: readonly ConfigKey[] = [
  long('log.cleaner.backoff.ms', 15000, 'medium', {
    mode: 'cluster-wide',
    valid: atLeast(0),
    does: 'How long to wait before logs to compact are looked for again when there was none.',
  }),
  long('log.cleaner.dedupe.buffer.size', 134217728, 'medium', {
    mode: 'cluster-wide',
    does: 'Bytes of memory for the keys of the logs that are being compacted; each takes 24 bytes, and what has no room waits for another round.',
  }),
  long('log.cleaner.delete.retention.ms', 86400000, 'medium', {
    mode: 'cluster-wide',
    valid: atLeast(0),
    does: 'The default of `delete.retention.ms`.',
  }),
  boolean('log.cleaner.enable', true, 'medium', { does: 'Whether topics with `cleanup.policy=compact` are compacted on this broker.' }),
  double('log.cleaner.io.buffer.load.factor', 0.9, 'medium', {
    mode: 'cluster-wide',
    does: 'How full the memory for keys may get; fuller means fewer rounds and more searching.',
  }),
  int('log.cleaner.io.buffer.size', 524288, 'medium', {
    mode: 'cluster-wide',
    valid: atLeast(0),
    does: 'Bytes of memory for reading and writing in compaction.',
  }),
  double('log.cleaner.io.max.bytes.per.second', '1.7976931348623157E308', 'medium', {
    mode: 'cluster-wide',
    does: 'Bytes that compaction reads and writes in a second at most, on all logs together.',
  }),
  long('log.cleaner.max.compaction.lag.ms', longMax, 'medium', {
    mode: 'cluster-wide',
    valid: atLeast(1),
    does: 'The default of `max.compaction.lag.ms`.',
  }),
  double('log.cleaner.min.cleanable.ratio', 0.5, 'medium', {
    mode: 'cluster-wide',
    valid: between(0, 1),
    does: 'The default of `min.cleanable.dirty.ratio`.',
  }),
  long('log.cleaner.min.compaction.lag.ms', 0, 'medium', {
    mode: 'cluster-wide',
    valid: atLeast(0),
    does: 'The default of `min.compaction.lag.ms`.',
  }),
  int('log.cleaner.threads', 1, 'medium', {
    mode: 'cluster-wide',
    valid: atLeast(0),
    does: 'Logs that are compacted at the same time, in turns of a few milliseconds; there are no threads of the operating system behind it.',
  }),
]
