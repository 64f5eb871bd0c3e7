import * as zlib from 'node:zlib'
import { MalformedError } from '../reader.ts'
import { CodecUnavailableError, DecompressedTooLargeError } from './outcomes.ts'
import { zstdDecode } from './zstd-decoder.ts'

/** What `node:zlib` has from Node 22.15 and 23.8 on. */
interface ZlibWithZstd {
  readonly zstdDecompressSync?: (bytes: Buffer, options: { readonly maxOutputLength: number }) => Buffer
  readonly zstdCompressSync?: (bytes: Buffer, options: { readonly params: Readonly<Record<number, number>> }) => Buffer
  readonly constants: { readonly ZSTD_c_compressionLevel?: number }
}

const { zstdDecompressSync, zstdCompressSync, constants } = zlib as unknown as ZlibWithZstd
/** As Kafka's default of `compression.zstd.level`. */
const defaultLevel = 3

export const canCompressZstd = zstdCompressSync !== undefined

export function zstdDecompress(bytes: Buffer, maxBytes: number): Buffer {
  if (zstdDecompressSync === undefined) return zstdDecode(bytes, maxBytes)
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, maxBytes) })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw new DecompressedTooLargeError('zstd', maxBytes)
    throw new MalformedError(`zstd: ${error instanceof Error ? error.message : String(error)}`)
  }
}

export function zstdCompress(bytes: Buffer, level = defaultLevel): Buffer {
  const levelKey = constants.ZSTD_c_compressionLevel
  if (zstdCompressSync === undefined || levelKey === undefined) {
    throw new CodecUnavailableError('this version of Node cannot compress with zstd: Node 22.15 or later can')
  }
  return zstdCompressSync(bytes, { params: { [levelKey]: level } })
}
