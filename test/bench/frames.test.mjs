import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FrameReader } from '../../bench/generator/connection.mjs'
import {
  fetchedIn,
  fetchFrame,
  followingSequence,
  preparedBatch,
  PreparedPartition,
  produceErrorAtByte,
  recordsPerBatch,
} from '../../bench/generator/frames.mjs'
import { apis, batchHeader, recordsOf } from '../rig/build.mjs'
import { readRequest, response } from './frames.mjs'

const content = { batchBytes: 4000, recordSize: 100, codec: 'none' }

/** @param {Buffer} frame a request with its size */
const produced = (frame) => readRequest(apis.produce, frame)

test('a prepared batch has as many records of the size as fit, and no more bytes than asked for', () => {
  for (const [batchBytes, recordSize] of [
    [16_000, 1024],
    [900_000, 100],
    [128_000, 1024],
  ]) {
    const batch = preparedBatch({ batchBytes, recordSize, codec: 'none' })
    const records = recordsOf(batch)
    assert.equal(records.length, recordsPerBatch(batchBytes, recordSize))
    assert.ok(records.every(({ value }) => value?.length === recordSize))
    assert.ok(batch.length <= batchBytes && batch.length > batchBytes - 2 * recordSize - 12 * records.length, `${batch.length}`)
  }
})

test('compressed batches are smaller and have the same records', () => {
  const plain = preparedBatch(content)
  const packed = preparedBatch({ ...content, codec: 'lz4' })
  assert.ok(packed.length < plain.length)
  assert.deepEqual(
    recordsOf(packed).map(({ value }) => value),
    recordsOf(plain).map(({ value }) => value),
  )
})

test('without a producer id the same frame is sent again', () => {
  const partition = new PreparedPartition('t', 3, content)
  assert.equal(partition.next(), partition.next())
  const { body } = produced(partition.next())
  assert.equal(body.acks, -1)
  assert.equal(body.topicData[0].name, 't')
  assert.equal(body.topicData[0].partitionData[0].index, 3)
})

test('an idempotent producer sends each batch with its own sequence and a checksum that holds, in as many frames as are in flight', () => {
  const partition = new PreparedPartition('t', 0, content, { producerId: 17, producerEpoch: 2 })
  const frames = [partition.next(), partition.next()]
  partition.done(frames[0])
  frames.push(partition.next())
  assert.equal(frames[2], frames[0])
  const headers = [frames[1], frames[2]].map((frame) => {
    const batch = frame.subarray(frame.length - partition.batch.length)
    assert.ok(batchHeader.batchCrcIsValid(batch, 0, batch.length))
    return batchHeader.readBatchHeader(batch, 0)
  })
  assert.deepEqual(
    headers.map(({ baseSequence }) => baseSequence),
    [partition.recordCount, 2 * partition.recordCount],
  )
  assert.ok(headers.every(({ producerId, producerEpoch }) => producerId === 17 && producerEpoch === 2))
})

test('sequences begin again at 0 after the largest', () => {
  assert.equal(followingSequence(2 ** 31 - 1, 1), 0)
  assert.equal(followingSequence(2 ** 31 - 2, 1), 2 ** 31 - 1)
  assert.equal(followingSequence(2 ** 31 - 5, 10), 5)
})

test('the error code of a produce answer is where it is looked for', () => {
  const answer = response(apis.produce, 3, {
    responses: [{ name: 'a topic', partitionResponses: [{ index: 5, errorCode: 19, baseOffset: 7, logAppendTimeMs: -1 }] }],
    throttleTimeMs: 0,
  })
  assert.equal(answer.readInt16BE(produceErrorAtByte('a topic')), 19)
})

test("a fetch request's offsets are changed in place", () => {
  const { frame, offsetAtByte } = fetchFrame('t', [4, 9], { maxWaitMs: 5, maxBytes: 100, partitionMaxBytes: 50 })
  frame.writeBigInt64BE(123n, offsetAtByte(0))
  frame.writeBigInt64BE(456n, offsetAtByte(1))
  const { body } = readRequest(apis.fetch, frame)
  assert.deepEqual(
    body.topics[0].partitions.map(({ partition, fetchOffset }) => [partition, Number(fetchOffset)]),
    [
      [4, 123],
      [9, 456],
    ],
  )
})

test('what was fetched is counted batch by batch, without a torn one at the end', () => {
  const batch = preparedBatch(content)
  const second = Buffer.from(batch)
  batchHeader.stampBatch(second, 0, 1000, 1)
  const records = Buffer.concat([batch, second, batch.subarray(0, 200)])
  const of = (/** @type {number} */ partitionIndex, /** @type {Buffer} */ bytes, errorCode = 0) => {
    const common = { partitionIndex, errorCode, highWatermark: 5, lastStableOffset: 5, abortedTransactions: null, records: bytes }
    return common
  }
  const answer = response(apis.fetch, 4, {
    throttleTimeMs: 0,
    responses: [{ topic: 't', partitions: [of(0, records), of(1, Buffer.alloc(0), 6)] }],
  })
  const count = recordsPerBatch(content.batchBytes, content.recordSize)
  assert.deepEqual(fetchedIn(answer), [
    { partition: 0, errorCode: 0, records: 2 * count, bytes: 2 * batch.length, nextOffset: 1000 + count },
    { partition: 1, errorCode: 6, records: 0, bytes: 0, nextOffset: -1 },
  ])
})

test('frames are found however the stream is cut', () => {
  const bodies = [4, 5, 300, 4, 5000].map((size, index) => Buffer.alloc(size, index + 1))
  const stream = Buffer.concat(
    bodies.flatMap((body) => {
      const size = Buffer.alloc(4)
      size.writeInt32BE(body.length)
      return [size, body]
    }),
  )
  for (const step of [1, 2, 3, 7, 64, 1000, stream.length]) {
    /** @type {Buffer[]} */
    const seen = []
    const reader = new FrameReader((frame) => seen.push(Buffer.from(frame)))
    for (let at = 0; at < stream.length; at += step) reader.take(stream.subarray(at, at + step))
    assert.deepEqual(seen, bodies, `cut at every ${step}`)
  }
})

test('a size that no answer has is an error', () => {
  assert.throws(() => new FrameReader(() => {}).take(Buffer.from([0, 0, 0, 1, 9])), /a frame of 1 bytes/)
})
