import type { Offset } from '../../base/units.ts'
import { type BatchHeader, batchHeaders } from '../../protocol/records/batch-header.ts'

/** A cleaning has taken records out of it, or has dated its tombstones: each replica cleans for itself, and when it likes. */
export function wasCleaned({ baseOffset, lastOffset, recordCount, hasDeleteHorizon }: BatchHeader): boolean {
  return hasDeleteHorizon || recordCount < lastOffset - baseOffset + 1
}

/** The batches before an offset. */
export function before(bytes: Buffer, end: Offset): Buffer {
  let size = 0
  for (const { at, header } of batchHeaders(bytes)) {
    if (header.lastOffset >= end) break
    size = at + header.sizeBytes
  }
  return bytes.subarray(0, size)
}

/**
 * Where two logs differ, in words; null where they do not. Of logs that are compacted (`mayBeCleaned`) only such batches are compared as both have and no
 * cleaning has touched: the others may be in one and not in the other.
 */
export function difference(one: Buffer, other: Buffer, mayBeCleaned: boolean): string | null {
  if (one.equals(other)) return null
  const ours = headersOf(one)
  const theirs = headersOf(other)
  for (const [offset, header] of ours) {
    const found = theirs.get(offset)
    if (found === undefined && mayBeCleaned) continue
    if (found === undefined) return `offset ${offset}, where it has nothing`
    if (mayBeCleaned && (wasCleaned(header) || wasCleaned(found))) continue
    if (found.crc !== header.crc || found.leaderEpoch !== header.leaderEpoch) return `offset ${offset}`
  }
  return mayBeCleaned || theirs.size === ours.size ? null : 'its end'
}

function headersOf(bytes: Buffer): ReadonlyMap<Offset, BatchHeader> {
  return new Map([...batchHeaders(bytes)].map(({ header }) => [header.baseOffset, header]))
}
