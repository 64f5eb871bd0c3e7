import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { canCompressZstd } from '../compression/compression.ts'
import { type ErrorName, errorName } from '../errors.ts'
import { buildBatch, type NewRecord } from './batch-builder.ts'
import {
  attributesAtByte,
  baseOffsetAtByte,
  baseSequenceAtByte,
  baseTimestampAtByte,
  batchCrcIsValid,
  batchHeaderBytes,
  crcAtByte,
  deleteHorizonBit,
  lastOffsetDeltaAtByte,
  lengthAtByte,
  magicAtByte,
  maxTimestampAtByte,
  producerIdAtByte,
  recordCountAtByte,
  recordsLogOverhead,
  stampCrc,
} from './batch-header.ts'
import { type BatchRefused, checkProducedBatch, decompressedBytesMaxOf, type ProduceRules } from './leader-checks.ts'
import { recordErrorsMax } from './record-checks.ts'
import { decodeRecords } from './records.ts'

const now = 1_700_000_000_000
const rules: ProduceRules = {
  apiVersion: 13,
  maxMessageBytes: 1_048_588,
  segmentBytes: 1_073_741_824,
  compacted: false,
  timestampType: 'CreateTime',
  now,
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: 3_600_000,
  compressionType: 'producer',
}
const records: readonly NewRecord[] = [0, 1, 2].map((i) => ({ key: Buffer.from(`k${i}`), value: Buffer.from(`v${i}`), timestamp: now + i }))

/** A batch that a client might send, bent and given a checksum that fits. */
function bent(change: (batch: Buffer) => void, options: Parameters<typeof buildBatch>[0] = {}, content = records): Buffer {
  const batch = buildBatch(options, content)
  change(batch)
  stampCrc(batch, 0, batch.length)
  return batch
}

function refusal(batch: Buffer, changed: Partial<ProduceRules> = {}): BatchRefused {
  const outcome = checkProducedBatch(batch, { ...rules, ...changed })
  assert.ok('error' in outcome, 'the batch was accepted')
  return outcome
}

function refused(batch: Buffer, name: ErrorName, changed: Partial<ProduceRules> = {}): void {
  const { error, message } = refusal(batch, changed)
  assert.equal(errorName(error), name, message)
}

function accepted(batch: Buffer, changed: Partial<ProduceRules> = {}): Buffer {
  const outcome = checkProducedBatch(batch, { ...rules, ...changed })
  assert.ok(!('error' in outcome), 'error' in outcome ? outcome.message : '')
  assert.ok(batchCrcIsValid(outcome.records, 0, outcome.records.length))
  return outcome.records
}

test('a sound batch is taken as it is', () => {
  for (const codec of ['none', 'gzip', 'snappy', 'lz4'] as const) {
    const batch = buildBatch({ codec, producerId: 1, producerEpoch: 0, baseSequence: 0 }, records)
    assert.equal(accepted(batch), batch)
  }
})

test('anything but one whole batch of magic 2 is an invalid record; a magic that never was is damage', () => {
  const batch = buildBatch({}, records)
  refused(Buffer.alloc(0), 'INVALID_RECORD')
  refused(Buffer.concat([batch, batch]), 'INVALID_RECORD')
  refused(batch.subarray(0, -1), 'INVALID_RECORD')
  refused(batch.subarray(0, 14), 'INVALID_RECORD')
  refused(
    bent((it) => it.writeInt8(1, magicAtByte)),
    'INVALID_RECORD',
  )
  refused(
    bent((it) => it.writeInt8(3, magicAtByte)),
    'CORRUPT_MESSAGE',
  )
  refused(
    bent((it) => it.writeInt32BE(20, lengthAtByte)),
    'CORRUPT_MESSAGE',
  )
})

test('a wrong checksum is a corrupt message', () => {
  const batch = buildBatch({}, records)
  batch.writeUInt32BE(batch.readUInt32BE(crcAtByte) ^ 1, crcAtByte)
  refused(batch, 'CORRUPT_MESSAGE')
})

test('the base offset is 0', () => {
  refused(
    bent((it) => it.writeInt32BE(1, baseOffsetAtByte + 4)),
    'INVALID_RECORD',
  )
})

test('sizes are held against the topic and the segment', () => {
  const batch = buildBatch({}, records)
  refused(batch, 'MESSAGE_TOO_LARGE', { maxMessageBytes: batch.length - 1 })
  refused(batch, 'RECORD_LIST_TOO_LARGE', { segmentBytes: batch.length - 1 })
  accepted(batch, { maxMessageBytes: batch.length, segmentBytes: batch.length })
})

test('a batch that lies about its counts is refused, compressed or not', () => {
  for (const codec of ['none', 'gzip', 'lz4', 'snappy'] as const) {
    const lie = (count: number, delta: number): Buffer =>
      bent(
        (it) => {
          it.writeInt32BE(count, recordCountAtByte)
          it.writeInt32BE(delta, lastOffsetDeltaAtByte)
        },
        { codec },
      )
    refused(lie(0, -1), 'INVALID_RECORD')
    refused(lie(-1, 2), 'INVALID_RECORD')
    refused(lie(3, 5), 'INVALID_RECORD')
    refused(lie(2, 1), 'INVALID_RECORD')
    refused(lie(4, 3), 'INVALID_RECORD')
    refused(lie(2 ** 31 - 1, 2 ** 31 - 2), 'INVALID_RECORD')
  }
})

test('clients write no control records, no delete horizon and no time of appending', () => {
  refused(buildBatch({ isControl: true }, records), 'INVALID_RECORD')
  refused(
    bent((it) => it.writeInt16BE(deleteHorizonBit, attributesAtByte)),
    'INVALID_RECORD',
  )
  refused(buildBatch({ logAppendTime: true, timestamp: now }, records), 'INVALID_TIMESTAMP')
})

test('a producer id needs a sequence and an epoch, and is one', () => {
  refused(buildBatch({ producerId: 1, producerEpoch: 0 }, records), 'INVALID_RECORD')
  refused(buildBatch({ producerId: 1, baseSequence: 0 }, records), 'INVALID_RECORD')
  refused(buildBatch({ isTransactional: true }, records), 'INVALID_RECORD')
  refused(
    bent((it) => it.writeInt32BE(0x7fff_ffff, producerIdAtByte), { producerEpoch: 0, baseSequence: 0 }),
    'INVALID_RECORD',
  )
  refused(
    bent((it) => it.writeInt32BE(-5, producerIdAtByte)),
    'INVALID_RECORD',
  )
  accepted(bent((it) => it.writeInt32BE(2 ** 31 - 1, baseSequenceAtByte), { producerId: 1, producerEpoch: 0 }))
})

test('zstd comes with version 7, and unknown codecs never', () => {
  const zstd = bent((it) => it.writeInt16BE(4, attributesAtByte))
  refused(zstd, 'UNSUPPORTED_COMPRESSION_TYPE', { apiVersion: 6 })
  refused(zstd, 'INVALID_RECORD')
  refused(
    bent((it) => it.writeInt16BE(5, attributesAtByte)),
    'UNSUPPORTED_COMPRESSION_TYPE',
  )
})

test('a compacted topic names the records that have no key', () => {
  const mixed = [...records, { key: null, value: Buffer.from('x'), timestamp: now }]
  for (const codec of ['none', 'gzip'] as const) {
    const { error, recordErrors, message } = refusal(buildBatch({ codec }, mixed), { compacted: true })
    assert.equal(errorName(error), 'INVALID_RECORD')
    assert.deepEqual(
      recordErrors?.map((it) => it.batchIndex),
      [3],
    )
    assert.match(message, /1 record errors/)
  }
  accepted(buildBatch({}, mixed))
  accepted(buildBatch({}, records), { compacted: true })
})

test('not more records are named than an answer should carry', () => {
  const many = Array.from({ length: 500 }, () => ({ value: null, timestamp: now }))
  assert.equal(refusal(buildBatch({}, many), { compacted: true }).recordErrors?.length, recordErrorsMax)
})

test('timestamps out of range are named; no timestamp at all is fine', () => {
  const late = [...records, { value: null, timestamp: now + 3_600_001 }]
  const found = refusal(buildBatch({}, late))
  assert.equal(errorName(found.error), 'INVALID_TIMESTAMP')
  assert.deepEqual(
    found.recordErrors?.map((it) => it.batchIndex),
    [3],
  )
  refused(buildBatch({}, [{ value: null, timestamp: now - 11 }]), 'INVALID_TIMESTAMP', { timestampBeforeMaxMs: 10 })
  accepted(buildBatch({}, late), { timestampType: 'LogAppendTime' })
  accepted(buildBatch({}, [{ value: null, timestamp: -1 }]), { timestampBeforeMaxMs: 10 })
})

test('a timestamp that no log could store is refused whatever the topic allows', () => {
  const far = { timestampAfterMaxMs: Infinity, timestampType: 'LogAppendTime' } as const
  refused(
    bent((it) => it.writeInt32BE(0x7fff_ffff, baseTimestampAtByte)),
    'INVALID_TIMESTAMP',
    far,
  )
  refused(
    bent((it) => it.writeInt32BE(-9, baseTimestampAtByte)),
    'INVALID_TIMESTAMP',
    far,
  )
  const edge = bent((it) => it.writeBigInt64BE(BigInt(Number.MAX_SAFE_INTEGER), baseTimestampAtByte))
  refused(edge, 'INVALID_TIMESTAMP', far)
})

test('a wrong largest timestamp is put right', () => {
  const batch = bent((it) => it.writeBigInt64BE(5n, maxTimestampAtByte))
  const outcome = checkProducedBatch(batch, rules)
  assert.ok(!('error' in outcome))
  assert.equal(outcome.header.maxTimestamp, now + 2)
  assert.ok(batchCrcIsValid(batch, 0, batch.length))
})

test('record offsets that do not count up are put right in a new batch', () => {
  const batch = buildBatch({ codec: 'gzip', producerId: 4, producerEpoch: 2, baseSequence: 9 }, records)
  const plain = buildBatch({}, records)
  // the third byte of each record here is its offset delta's: length, attributes, time delta, offset delta
  for (let at = batchHeaderBytes; at < plain.length; at += 1 + (plain.readUInt8(at) >> 1)) plain.writeUInt8(0, at + 3)
  const packed = Buffer.concat([batch.subarray(0, batchHeaderBytes), gzipSync(plain.subarray(batchHeaderBytes))])
  packed.writeInt32BE(packed.length - recordsLogOverhead, lengthAtByte)
  stampCrc(packed, 0, packed.length)
  const outcome = checkProducedBatch(packed, rules)
  assert.ok(!('error' in outcome))
  assert.equal(outcome.header.codec, 'gzip')
  assert.equal(outcome.header.producerId, 4)
  assert.equal(outcome.header.baseSequence, 9)
  assert.deepEqual(decodeRecords(outcome.records), decodeRecords(batch))
})

test('a topic that compresses otherwise gets its batches compressed so', () => {
  for (const codec of ['none', 'gzip', 'snappy', 'lz4'] as const) {
    const batch = buildBatch({ codec, producerId: 4, producerEpoch: 2, baseSequence: 9 }, records)
    for (const compressionType of ['uncompressed', 'gzip', 'snappy', 'lz4'] as const) {
      const stored = accepted(batch, { compressionType })
      assert.deepEqual(decodeRecords(stored), decodeRecords(batch))
      if ((compressionType === 'uncompressed' ? 'none' : compressionType) === codec) assert.equal(stored, batch)
      else assert.notEqual(stored, batch)
    }
  }
})

test('the size that counts is that in which the topic stores the batch', () => {
  const batch = buildBatch({ codec: 'gzip' }, [{ value: Buffer.alloc(10_000), timestamp: now }])
  refused(batch, 'MESSAGE_TOO_LARGE', { compressionType: 'uncompressed', maxMessageBytes: 5_000 })
  accepted(batch, { compressionType: 'uncompressed', maxMessageBytes: 20_000 })
})

test(
  'a topic that wants zstd of a Node that has none refuses with the reason',
  { skip: canCompressZstd && 'this Node can compress with zstd' },
  () => {
    const { error, message } = refusal(buildBatch({}, records), { compressionType: 'zstd' })
    assert.equal(errorName(error), 'UNSUPPORTED_COMPRESSION_TYPE')
    assert.match(message, /Node 22/)
  },
)

test('a batch that would fill memory is too large', () => {
  const bomb = buildBatch({ codec: 'gzip' }, [{ value: Buffer.alloc(decompressedBytesMaxOf(1_048_588)), timestamp: now }])
  assert.ok(bomb.length < 50_000)
  refused(bomb, 'MESSAGE_TOO_LARGE')
})

test('what a batch may decompress to follows the topic, within bounds', () => {
  assert.equal(decompressedBytesMaxOf(100), 16_777_216)
  assert.equal(decompressedBytesMaxOf(2_097_152), 33_554_432)
  assert.equal(decompressedBytesMaxOf(50_000_000), 67_108_864)
  assert.equal(decompressedBytesMaxOf(100_000_000), 100_000_000)
})
