import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canCompressZstd, DecompressedTooLargeError } from '../compression/compression.ts'
import { MalformedError } from '../reader.ts'
import { BatchBuilder, buildBatch, type NewRecord } from './batch-builder.ts'
import { batchCrcIsValid, type Codec, readBatchHeader, recordCountAtByte } from './batch-header.ts'
import { decodeRecords } from './records.ts'

const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', ...(canCompressZstd ? (['zstd'] as const) : [])]

const samples: readonly NewRecord[] = [
  { key: Buffer.from('k'), value: Buffer.from('v'), timestamp: 1_700_000_000_000 },
  { key: null, value: null, timestamp: 1_600_000_000_000 },
  { key: Buffer.alloc(0), value: Buffer.alloc(0), timestamp: -1 },
  {
    value: Buffer.alloc(5_000, 'ab'),
    timestamp: 2 ** 52,
    headers: [
      { key: '', value: null },
      { key: 'h\u00e9', value: Buffer.from([0, 255]) },
    ],
  },
]

for (const codec of codecs) {
  test(`records compressed with ${codec} come back as they were given`, () => {
    const batch = buildBatch({ codec, baseOffset: 100, leaderEpoch: 3 }, samples)
    assert.ok(batchCrcIsValid(batch, 0, batch.length))
    const back = decodeRecords(batch)
    assert.deepEqual(
      back.map((it) => it.offset),
      [100, 101, 102, 103],
    )
    back.forEach((it, i) => {
      const given = samples[i]
      assert.deepEqual([it.key, it.value, it.timestamp], [given?.key ?? null, given?.value, given?.timestamp])
      assert.deepEqual(it.headers, given?.headers ?? [])
    })
    assert.equal(readBatchHeader(batch, 0).maxTimestamp, 2 ** 52)
  })
}

test('the time of appending stands for all records', () => {
  const batch = buildBatch({ logAppendTime: true, timestamp: 500 }, [
    { value: null, timestamp: 3 },
    { value: null, timestamp: 9 },
  ])
  assert.deepEqual(
    decodeRecords(batch).map((it) => it.timestamp),
    [500, 500],
  )
})

test('a builder knows how large the batch has become, and an upper bound for what comes next', () => {
  const builder = new BatchBuilder({ timestamp: 1 })
  for (const record of samples) {
    const before = builder.sizeBytes
    builder.append(record)
    assert.ok(builder.sizeBytes - before <= BatchBuilder.recordBytesBound(record))
  }
  assert.equal(builder.recordCount, samples.length)
  const size = builder.sizeBytes
  assert.equal(builder.build().length, size)
})

test('a count that is not that of the records is found', () => {
  for (const count of [3, 5, 2 ** 31 - 1]) {
    const batch = buildBatch({}, samples)
    batch.writeInt32BE(count, recordCountAtByte)
    assert.throws(() => decodeRecords(batch), MalformedError)
  }
})

test('no byte that is cut off or bent makes decoding fail in another way', () => {
  const batch = buildBatch({}, samples)
  for (let at = 61; at < 140; at += 1) {
    for (const byte of [0, 1, 0x7f, 0x80, 0xff]) {
      const bent = Buffer.from(batch)
      bent[at] = byte
      try {
        decodeRecords(bent)
      } catch (error) {
        assert.ok(error instanceof MalformedError, String(error))
      }
    }
  }
  assert.throws(() => decodeRecords(batch.subarray(0, batch.length - 1)), MalformedError)
})

test('a batch does not decompress to more than the caller allows', () => {
  const batch = buildBatch({ codec: 'gzip' }, [{ value: Buffer.alloc(1_000_000) }])
  assert.ok(batch.length < 2_000)
  assert.throws(() => decodeRecords(batch, 0, 100_000), DecompressedTooLargeError)
})
