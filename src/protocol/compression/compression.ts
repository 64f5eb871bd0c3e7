import type { Codec } from '../records/batch-header.ts'
import { gunzip, gzip } from './gzip.ts'
import { lz4Compress, lz4Decompress } from './lz4.ts'
import { snappyCompress, snappyDecompress } from './snappy.ts'
import { zstdCompress, zstdDecompress } from './zstd.ts'

export { CodecUnavailableError, DecompressedTooLargeError } from './outcomes.ts'
export { canCompressZstd } from './zstd.ts'

/**
 * The bytes that were compressed; for 'none' the very same buffer.
 * @throws MalformedError for bytes that are not of this codec, DecompressedTooLargeError, CodecUnavailableError
 */
export function decompress(codec: Codec, bytes: Buffer, maxBytes: number): Buffer {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return gunzip(bytes, maxBytes)
    case 'snappy':
      return snappyDecompress(bytes, maxBytes)
    case 'lz4':
      return lz4Decompress(bytes, maxBytes)
    case 'zstd':
      return zstdDecompress(bytes, maxBytes)
  }
}

/** `level` is Kafka's `compression.gzip.level` or `compression.zstd.level`; snappy and lz4 take none. @throws CodecUnavailableError */
export function compress(codec: Codec, bytes: Buffer, level?: number): Buffer {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return gzip(bytes, level)
    case 'snappy':
      return snappyCompress(bytes)
    case 'lz4':
      return lz4Compress(bytes)
    case 'zstd':
      return zstdCompress(bytes, level)
  }
}
