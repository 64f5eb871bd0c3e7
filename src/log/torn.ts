import type { File } from '../base/ports.ts'
import { batchCrcIsValid, batchHeaderBytes } from '../protocol/records/batch-header.ts'
import { headerOrProblem } from './segments/batch.ts'
import { isCutOff } from './segments/scan.ts'

/** Read at a time when a tail is looked through. */
const windowBytes = 1024 * 1024

/** What a start finds where a log stops to check. */
export interface FoundEnd {
  /** Byte of the first batch that does not check, or is not all there. */
  readonly position: number
  /** Of the segment's file. */
  readonly size: number
  readonly problem: string
  readonly isLastSegment: boolean
}

/**
 * Whether this is what a process leaves that dies: a write that did not come to its end, and so the beginning of a batch at the end of the last file. All
 * else was whole when it died: the page cache forgets nothing while the machine runs on. A batch behind that place, or one that only claims to be longer
 * than the file, was written to its end. Rejects with DiskError.
 */
export async function isTear(file: File, { position, size, problem, isLastSegment }: FoundEnd): Promise<boolean> {
  if (!isLastSegment || !isCutOff(problem)) return false
  for (let from = position; from < size;) {
    const window = Buffer.allocUnsafe(Math.min(windowBytes, size - from))
    const length = await file.readAsync(from, window)
    const bytes = window.subarray(0, length)
    if (from === position && from + length === size && isWholeButForItsLength(bytes)) return false
    if (hasBatch(bytes, from === position ? 1 : 0)) return false
    if (from + length >= size || length <= overlapBytes) return true
    from += length - overlapBytes
  }
  return true
}

/** So much of a window is looked at again with the next one: a batch that reaches beyond both is not found. */
const overlapBytes = windowBytes / 2

/** The checksum covers all that follows it, and not the length. */
function isWholeButForItsLength(bytes: Buffer): boolean {
  return bytes.length >= batchHeaderBytes && batchCrcIsValid(bytes, 0, bytes.length)
}

const magicAtByte = 16
const magic = 2

function hasBatch(bytes: Buffer, first: number): boolean {
  for (let at = first; at + batchHeaderBytes <= bytes.length; at += 1) {
    if (bytes[at + magicAtByte] !== magic) continue
    const header = headerOrProblem(bytes, at)
    if (typeof header === 'string' || at + header.sizeBytes > bytes.length) continue
    if (batchCrcIsValid(bytes, at, header.sizeBytes)) return true
  }
  return false
}
