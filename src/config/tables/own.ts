import { atLeast, between, long } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** What Kafka has no name for; all begin with `odradek.`. */
export const ownRows: readonly ConfigKey[] = [
  long('odradek.log.dir.low.space.bytes', -1, 'medium', {
    valid: atLeast(-1),
    does:
      'With fewer free bytes a log directory counts as full: it takes no records, what is led there is handed over. ' +
      '-1: a twentieth of the disk, at most 1 GiB; 0: only when a write finds no room.',
  }),
  long('odradek.log.dir.space.check.interval.ms', 1000, 'low', {
    valid: between(10, 60_000),
    does: 'How often the free space of the log directories is looked at.',
  }),
  long('odradek.metadata.ballast.bytes', 16_777_216, 'low', {
    valid: atLeast(0),
    does: 'Bytes kept in the metadata log directory, and given up when its disk is full, so that votes and metadata are still written; at most a fortieth of the disk.',
  }),
]
