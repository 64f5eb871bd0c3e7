import { CodecUnavailableError, DecompressedTooLargeError } from '../compression/outcomes.ts'
import { compress } from '../compression/compression.ts'
import { ErrorCode } from '../errors.ts'
import { MalformedError } from '../reader.ts'
import { buildBatch } from './batch-builder.ts'
import {
  attributesAtByte,
  batchCrcIsValid,
  batchHeaderBytes,
  type BatchHeader,
  batchSizeAt,
  type Codec,
  codecBits,
  codecMask,
  lengthAtByte,
  MAGIC,
  magicAtByte,
  maxTimestampAtByte,
  readBatchHeader,
  recordsLogOverhead,
  stampCrc,
  writeInt64At,
} from './batch-header.ts'
import { checkRecords, type RecordError, type RecordRules, type RecordsSound } from './record-checks.ts'
import { recordBytes, recordsOf } from './records.ts'

export interface ProduceRules extends RecordRules {
  /** Of the Produce request. */
  readonly apiVersion: number
  readonly maxMessageBytes: number
  readonly segmentBytes: number
  readonly compressionType: 'producer' | 'uncompressed' | Exclude<Codec, 'none'>
  /** For gzip or zstd, where the topic's compression type makes the broker compress. */
  readonly compressionLevel?: number
}

export interface BatchRefused {
  readonly error: ErrorCode
  readonly message: string
  readonly recordErrors?: readonly RecordError[]
}

export interface BatchAccepted {
  /** The batch that was given, or a new one when it had to be rewritten. Offset and leader epoch are still to be stamped. */
  readonly records: Buffer
  readonly header: BatchHeader
}

const NO_PRODUCER_ID = -1
const NO_TIMESTAMP = -1
/** The first version of Produce in which a batch may be compressed with zstd (KIP-110). */
const zstdVersionMin = 7
/**
 * A compressed batch may hold so many times what an uncompressed one may weigh, within these bounds: memory and time that one small request
 * can cost are limited. A producer that is told MESSAGE_TOO_LARGE splits its batch and sends the parts.
 */
const decompressedRatioMax = 16
const decompressedFloorBytes = 16_777_216
const decompressedCeilingBytes = 67_108_864

/** What the records of one batch may decompress to on a topic with this `max.message.bytes`. */
export function decompressedBytesMaxOf(maxMessageBytes: number): number {
  const scaled = Math.min(decompressedCeilingBytes, Math.max(decompressedFloorBytes, maxMessageBytes * decompressedRatioMax))
  return Math.max(scaled, maxMessageBytes)
}

/**
 * What a leader checks before it takes what a producer sent for one partition (ProduceRequest.validateRecords,
 * UnifiedLog.analyzeAndValidateRecords, LogValidator), cheapest first. Nothing is appended of a batch that is refused. Where the batch says
 * something harmless but wrong it is put right instead, as Kafka does: the largest timestamp in place, record offsets that do not count up by a
 * new batch. Stamping offset, leader epoch and the time of appending is the log's part.
 */
export function checkProducedBatch(records: Buffer, rules: ProduceRules): BatchRefused | BatchAccepted {
  try {
    const header = oneBatch(records, rules.apiVersion)
    if ('error' in header) return header
    const refusal = checkHeader(records, header, rules)
    return refusal ?? checkContent(records, header, rules)
  } catch (error) {
    if (error instanceof MalformedError) return refuse('INVALID_RECORD', `The batch cannot be read: ${error.message}`)
    if (error instanceof CodecUnavailableError) return refuse('UNSUPPORTED_COMPRESSION_TYPE', error.message)
    if (error instanceof DecompressedTooLargeError) return refuse('MESSAGE_TOO_LARGE', error.message)
    throw error
  }
}

function refuse(error: keyof typeof ErrorCode, message: string): BatchRefused {
  return { error: ErrorCode[error], message }
}

/** Exactly one whole batch of the current format. */
function oneBatch(records: Buffer, apiVersion: number): BatchRefused | BatchHeader {
  const one = `Produce requests with version ${apiVersion} must have exactly one record batch per partition`
  if (records.length < recordsLogOverhead) return refuse('INVALID_RECORD', one)
  const length = records.readInt32BE(lengthAtByte)
  if (records.length > magicAtByte) {
    const magic = records.readInt8(magicAtByte)
    // what was never a format is damage (ByteBufferLogInputStream), an older format is a client's mistake
    if (magic < 0 || magic > MAGIC) return refuse('CORRUPT_MESSAGE', `Invalid magic found in record: ${magic}`)
    if (magic !== MAGIC)
      return refuse(
        'INVALID_RECORD',
        `Produce requests with version ${apiVersion} are only allowed to contain record batches with magic version 2, not ${magic}`,
      )
  }
  if (length < batchHeaderBytes - recordsLogOverhead)
    return refuse('CORRUPT_MESSAGE', `The batch says that it has ${length} bytes, less than its header`)
  const sizeBytes = batchSizeAt(records, 0)
  if (sizeBytes === null || sizeBytes !== records.length) {
    return refuse('INVALID_RECORD', `${one}: the first is of ${sizeBytes ?? 'unknown'} bytes, ${records.length} were sent`)
  }
  if ((records.readInt16BE(attributesAtByte) & codecMask) > codecBits('zstd'))
    return refuse('UNSUPPORTED_COMPRESSION_TYPE', 'The batch names a codec that does not exist')
  return readBatchHeader(records, 0)
}

function checkHeader(records: Buffer, header: BatchHeader, rules: ProduceRules): BatchRefused | null {
  const { sizeBytes, baseOffset, recordCount, lastOffsetDelta } = header
  if (baseOffset !== 0)
    return refuse('INVALID_RECORD', `The baseOffset of the record batch in the append should be 0, but it is ${baseOffset}`)
  if (sizeBytes > rules.maxMessageBytes) {
    return refuse(
      'MESSAGE_TOO_LARGE',
      `The record batch size is ${sizeBytes} bytes which exceeds the maximum configured value of ${rules.maxMessageBytes}`,
    )
  }
  if (sizeBytes > rules.segmentBytes) {
    return refuse(
      'RECORD_LIST_TOO_LARGE',
      `The record batch size is ${sizeBytes} bytes which exceeds the maximum segment size of ${rules.segmentBytes}`,
    )
  }
  if (!batchCrcIsValid(records, 0, sizeBytes))
    return refuse('CORRUPT_MESSAGE', 'Record batch is corrupt: its CRC-32C is not that of its bytes')
  if (recordCount <= 0) return refuse('INVALID_RECORD', `Invalid reported count for record batch: ${recordCount}`)
  if (recordCount !== lastOffsetDelta + 1) {
    return refuse('INVALID_RECORD', `Inconsistent batch offset range [0, ${lastOffsetDelta}] and count of records ${recordCount}`)
  }
  return checkAttributes(header, rules)
}

function checkAttributes(header: BatchHeader, rules: ProduceRules): BatchRefused | null {
  if (header.isControl) return refuse('INVALID_RECORD', 'Clients are not allowed to write control records')
  if (header.hasDeleteHorizon) return refuse('INVALID_RECORD', 'Clients are not allowed to set a delete horizon')
  if (header.producerId < NO_PRODUCER_ID || !Number.isSafeInteger(header.producerId)) {
    return refuse('INVALID_RECORD', `Invalid producerId ${header.producerId} in record batch`)
  }
  if (header.baseTimestamp < NO_TIMESTAMP || !Number.isSafeInteger(header.baseTimestamp)) {
    return refuse('INVALID_TIMESTAMP', `Invalid base timestamp ${header.baseTimestamp} in record batch`)
  }
  if (header.producerId >= 0) {
    if (header.baseSequence < 0)
      return refuse('INVALID_RECORD', `Invalid sequence number ${header.baseSequence} in record batch with producerId ${header.producerId}`)
    if (header.producerEpoch < 0)
      return refuse('INVALID_RECORD', `Invalid producer epoch ${header.producerEpoch} in record batch with producerId ${header.producerId}`)
  } else if (header.isTransactional) return refuse('INVALID_RECORD', 'A transactional record batch without a producer id')
  if (header.timestampType === 'LogAppendTime') {
    return refuse('INVALID_TIMESTAMP', 'Invalid timestamp type in record batch. Producer should not set timestamp type to LogAppendTime.')
  }
  if (header.codec === 'zstd' && rules.apiVersion < zstdVersionMin) {
    return refuse(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `Produce requests with version ${rules.apiVersion} are not allowed to use ZStandard compression`,
    )
  }
  return null
}

/**
 * Every batch is opened and walked, compressed or not, as Kafka does: the checksum was made by whoever may be lying, and a count, a length or a
 * stream that does not hold would stop each consumer of the partition for good. The walk makes no objects.
 */
function checkContent(records: Buffer, header: BatchHeader, rules: ProduceRules): BatchRefused | BatchAccepted {
  const plain = recordBytes(records, 0, header, decompressedBytesMaxOf(rules.maxMessageBytes))
  const found = checkRecords(header, plain, rules)
  if ('error' in found) return found
  const codec = wantedCodec(header, rules)
  const rewritten = rewrite(records, header, plain, found, codec, rules)
  if (rewritten === null) return { records, header: putRight(records, header, found, rules) }
  if (rewritten.length > rules.maxMessageBytes) {
    return refuse(
      'MESSAGE_TOO_LARGE',
      `The record batch is of ${rewritten.length} bytes as this topic stores it, which exceeds the maximum configured value of ${rules.maxMessageBytes}`,
    )
  }
  if (rewritten.length > rules.segmentBytes) {
    return refuse(
      'RECORD_LIST_TOO_LARGE',
      `The record batch is of ${rewritten.length} bytes as this topic stores it, which exceeds the maximum segment size of ${rules.segmentBytes}`,
    )
  }
  return { records: rewritten, header: readBatchHeader(rewritten, 0) }
}

function wantedCodec(header: BatchHeader, rules: ProduceRules): Codec {
  if (rules.compressionType === 'producer') return header.codec
  return rules.compressionType === 'uncompressed' ? 'none' : rules.compressionType
}

/** A new batch where the topic compresses otherwise or the records' offsets do not count up; null when the bytes can stay. */
function rewrite(
  records: Buffer,
  header: BatchHeader,
  plain: Buffer,
  found: RecordsSound,
  codec: Codec,
  rules: ProduceRules,
): Buffer | null {
  if (!found.offsetsAreConsecutive) {
    const { producerId, producerEpoch, baseSequence, isTransactional, leaderEpoch } = header
    const options = { producerId, producerEpoch, baseSequence, isTransactional, leaderEpoch, codec }
    return buildBatch({ ...options, ...levelOf(rules) }, recordsOf(header, plain))
  }
  if (codec === header.codec) return null
  const packed = repack(records, plain, codec, rules.compressionLevel)
  putRight(packed, readBatchHeader(packed, 0), found, rules)
  return packed
}

function levelOf(rules: ProduceRules): { readonly compressionLevel?: number } {
  return rules.compressionLevel === undefined ? {} : { compressionLevel: rules.compressionLevel }
}

/** The header's largest timestamp is a claim; lookups by time depend on it. */
function putRight(records: Buffer, header: BatchHeader, found: RecordsSound, rules: ProduceRules): BatchHeader {
  if (rules.timestampType === 'LogAppendTime' || header.maxTimestamp === found.maxTimestamp) return header
  writeInt64At(records, maxTimestampAtByte, found.maxTimestamp)
  stampCrc(records, 0, header.sizeBytes)
  return readBatchHeader(records, 0)
}

/**
 * The same batch with its records compressed by another codec. `batch` is one whole batch.
 * @throws MalformedError, DecompressedTooLargeError, CodecUnavailableError
 */
export function recompress(batch: Buffer, codec: Codec, level?: number): Buffer {
  return repack(batch, recordBytes(batch, 0, readBatchHeader(batch, 0)), codec, level)
}

function repack(batch: Buffer, plain: Buffer, codec: Codec, level: number | undefined): Buffer {
  const packed = Buffer.concat([batch.subarray(0, batchHeaderBytes), compress(codec, plain, level)])
  packed.writeInt32BE(packed.length - recordsLogOverhead, lengthAtByte)
  packed.writeInt16BE((packed.readInt16BE(attributesAtByte) & ~codecMask) | codecBits(codec), attributesAtByte)
  stampCrc(packed, 0, packed.length)
  return packed
}
