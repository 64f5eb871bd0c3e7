import { gunzipSync, gzipSync } from 'node:zlib'
import { MalformedError } from '../reader.ts'
import { DecompressedTooLargeError } from './outcomes.ts'

/** Output is gathered in chunks of about what comes out, within these bounds; the default of 16 KiB makes many chunks of a large batch. */
const chunkBytesMin = 1_024
const chunkBytesMax = 262_144
const usualRatio = 4

export function gunzip(bytes: Buffer, maxBytes: number): Buffer {
  const chunkSize = Math.min(chunkBytesMax, Math.max(chunkBytesMin, bytes.length * usualRatio))
  try {
    return gunzipSync(bytes, { maxOutputLength: Math.max(1, maxBytes), chunkSize })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ERR_BUFFER_TOO_LARGE') throw new DecompressedTooLargeError('gzip', maxBytes)
    throw new MalformedError(`gzip: ${error instanceof Error ? error.message : String(error)}`)
  }
}

export function gzip(bytes: Buffer, level = -1): Buffer {
  return gzipSync(bytes, { level })
}
