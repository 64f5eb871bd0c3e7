import type { Prng } from '../../base/prng.ts'
import { buildBatch, type NewRecord } from '../../protocol/records/batch-builder.ts'
import type { Codec } from '../../protocol/records/batch-header.ts'
import { randomBytes } from './random-message.ts'

const CODECS: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4']

function randomRecord(prng: Prng): NewRecord {
  const part = (): Buffer | null => (prng.chance(0.2) ? null : randomBytes(prng, prng.pick([0, 1, 10, 127, 128, 500])))
  const headers = Array.from({ length: prng.chance(0.3) ? prng.below(4) : 0 }, (_, i) => ({ key: `header-${i}`, value: part() }))
  return { key: part(), value: part(), timestamp: 1_700_000_000_000 + prng.below(10_000) - 5_000, headers }
}

/** A batch as a producer might send it; zstd only where this Node can write it, so it is left out. */
export function randomBatch(prng: Prng): Buffer {
  const idempotent = prng.chance(0.5)
  const records = Array.from({ length: prng.between(1, 12) }, () => randomRecord(prng))
  return buildBatch(
    {
      codec: prng.pick(CODECS),
      producerId: idempotent ? prng.below(1_000_000) : -1,
      producerEpoch: idempotent ? prng.below(100) : -1,
      baseSequence: idempotent ? prng.pick([0, 5, 2 ** 31 - 1]) : -1,
    },
    records,
  )
}
