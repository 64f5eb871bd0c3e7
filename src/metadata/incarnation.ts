import type { Offset, Uuid } from '../base/units.ts'
import { crc32c } from '../protocol/records/crc32c.ts'

/** Of the 16 bytes of an incarnation id these say what it goes on from, and the rest is random. */
const lineageBytes = 8
const bootBytes = 4

/**
 * The incarnation id of a broker that goes on, in one run of the machine, with all that was there when it had registered under `brokerEpoch`. The epoch of a
 * registration whose answer never came, or was not noted, is not known to the next process; but both have the same lineage, and so the controller can tell
 * that nothing was lost between them.
 */
export function incarnationAfter(bootId: string, brokerEpoch: Offset, random: Uuid): Uuid {
  const bytes = Buffer.from(random, 'base64url')
  bytes.writeUInt32BE(crc32c(Buffer.from(bootId)), 0)
  bytes.writeUInt32BE(brokerEpoch % 2 ** 32, bootBytes)
  return bytes.toString('base64url')
}

/** Whether two incarnations of a broker go on from the same state of its disk. Random ones never do. */
export function isSameLineage(one: Uuid, other: Uuid): boolean {
  const lineage = (id: Uuid): Buffer => Buffer.from(id, 'base64url').subarray(0, lineageBytes)
  return lineage(one).equals(lineage(other))
}
