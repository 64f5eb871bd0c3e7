import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MalformedError } from '../reader.ts'
import { buildBatch } from './batch-builder.ts'
import {
  addToSequence,
  attributesAtByte,
  baseOffsetAt,
  baseSequenceAtByte,
  batchCrcIsValid,
  batchHeaders,
  batchSizeAt,
  lastOffsetAt,
  lengthAtByte,
  magicAtByte,
  readBatchHeader,
  stampBatch,
  stampLogAppendTime,
  wholeBatchesEnd,
} from './batch-header.ts'

const value = Buffer.from('value')
const two = () => buildBatch({ timestamp: 1000, producerId: 7, producerEpoch: 1, baseSequence: 5 }, [{ value }, { value, timestamp: 1500 }])

test('a header says what the batch was built with', () => {
  const { crc, ...header } = readBatchHeader(two(), 0)
  assert.ok(crc > 0)
  assert.deepEqual(header, {
    baseOffset: 0,
    sizeBytes: two().length,
    leaderEpoch: -1,
    magic: 2,
    attributes: 0,
    lastOffsetDelta: 1,
    lastOffset: 1,
    baseTimestamp: 1000,
    maxTimestamp: 1500,
    producerId: 7,
    producerEpoch: 1,
    baseSequence: 5,
    lastSequence: 6,
    recordCount: 2,
    codec: 'none',
    timestampType: 'CreateTime',
    isTransactional: false,
    isControl: false,
    hasDeleteHorizon: false,
  })
})

test('offset and leader epoch are stamped in place and the checksum stays valid', () => {
  const batch = Buffer.concat([Buffer.alloc(3), two()])
  stampBatch(batch, 3, 2 ** 40 + 7, 9)
  assert.equal(baseOffsetAt(batch, 3), 2 ** 40 + 7)
  assert.equal(lastOffsetAt(batch, 3), 2 ** 40 + 8)
  assert.equal(readBatchHeader(batch, 3).leaderEpoch, 9)
  assert.ok(batchCrcIsValid(batch, 3, batch.length - 3))
})

test('the time of appending changes attributes, largest timestamp and checksum, and nothing after the batch', () => {
  const one = two()
  const run = Buffer.concat([one, one])
  stampLogAppendTime(run, 0, 99_999)
  const header = readBatchHeader(run, 0)
  assert.equal(header.timestampType, 'LogAppendTime')
  assert.equal(header.maxTimestamp, 99_999)
  assert.ok(batchCrcIsValid(run, 0, one.length))
  assert.deepEqual(run.subarray(one.length), one)
})

test('sequences go on with 0 after the largest int32', () => {
  assert.equal(addToSequence(5, 1), 6)
  assert.equal(addToSequence(2 ** 31 - 1, 0), 2 ** 31 - 1)
  assert.equal(addToSequence(2 ** 31 - 1, 1), 0)
  assert.equal(addToSequence(2 ** 31 - 2, 3), 1)
  const batch = two()
  batch.writeInt32BE(2 ** 31 - 1, baseSequenceAtByte)
  assert.equal(readBatchHeader(batch, 0).lastSequence, 0)
  batch.writeInt32BE(-1, baseSequenceAtByte)
  assert.equal(readBatchHeader(batch, 0).lastSequence, -1)
})

test('what cannot be a header is refused', () => {
  const batch = two()
  const bent = (change: (bytes: Buffer) => void): Buffer => {
    const copy = Buffer.from(batch)
    change(copy)
    return copy
  }
  const cases = [
    batch.subarray(0, 60),
    Buffer.alloc(0),
    bent((it) => it.writeInt8(1, magicAtByte)),
    bent((it) => it.writeInt32BE(48, lengthAtByte)),
    bent((it) => it.writeInt32BE(-1, lengthAtByte)),
    bent((it) => it.writeInt16BE(5, attributesAtByte)),
    bent((it) => it.writeInt32BE(-1, 0)),
    bent((it) => it.writeInt32BE(0x7fff_ffff, 0)),
  ]
  for (const bytes of cases) assert.throws(() => readBatchHeader(bytes, 0), MalformedError)
})

test('a size is not known before it is there', () => {
  assert.equal(batchSizeAt(two().subarray(0, 11), 0), null)
  assert.equal(batchSizeAt(two().subarray(0, 12), 0), two().length)
})

test('a run of batches ends where a cut off one begins', () => {
  const one = two()
  const run = Buffer.concat([one, one, one.subarray(0, 70)])
  assert.deepEqual(
    [...batchHeaders(run)].map((it) => it.at),
    [0, one.length],
  )
  assert.equal(wholeBatchesEnd(run), 2 * one.length)
  assert.equal(wholeBatchesEnd(run.subarray(0, 2 * one.length)), 2 * one.length)
  assert.equal(wholeBatchesEnd(run.subarray(0, 2 * one.length + 5)), 2 * one.length)
})
