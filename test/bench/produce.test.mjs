import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FetchConnection, Fetches } from '../../bench/generator/fetch.mjs'
import { preparedBatch, recordsPerBatch } from '../../bench/generator/frames.mjs'
import { ProduceConnection, Tally } from '../../bench/generator/produce.mjs'
import { apis, batchHeader } from '../rig/build.mjs'
import { readRequest, response } from './frames.mjs'

/** A connection whose time and answers are the test's. @param {{ everyMs?: number, window?: number }} options */
function connection({ everyMs = 0, window = 5 }) {
  const clock = { ms: 0 }
  const tally = new Tally(everyMs > 0)
  tally.fromMs = 0
  /** @type {Buffer[]} */
  const sent = []
  const partitions = ['a', 'b'].map((name) => ({ next: () => Buffer.from(name), done: () => {}, recordCount: 10 }))
  const loop = new ProduceConnection({
    topic: 't',
    partitions: /** @type {any} */ (partitions),
    window,
    pace: { firstDueAt: 0, everyMs },
    tally,
    now: () => clock.ms,
  })
  loop.socket = { write: (frame) => sent.push(frame) }
  const answer = (errorCode = 0) =>
    loop.onFrame(
      response(apis.produce, 3, {
        responses: [{ name: 't', partitionResponses: [{ index: 0, errorCode, baseOffset: 0, logAppendTimeMs: -1 }] }],
        throttleTimeMs: 0,
      }),
    )
  return { clock, tally, sent, loop, answer }
}

test('a closed loop keeps its window full, partition after partition', () => {
  const { sent, loop, answer, clock, tally } = connection({ window: 3 })
  loop.pump()
  assert.equal(sent.join(''), 'aba')
  clock.ms = 7
  answer()
  assert.equal(sent.join(''), 'abab')
  assert.equal(loop.inFlight.length, 3)
  assert.equal(tally.latency.max, 7000)
  assert.equal(tally.records, 10)
})

test('what is answered before or after the measured time does not count, but an error always does', () => {
  const { loop, answer, clock, tally } = connection({})
  tally.fromMs = 10
  tally.untilMs = 20
  loop.pump()
  answer(7)
  clock.ms = 10
  answer()
  clock.ms = 20
  answer()
  assert.equal(tally.requests, 1)
  assert.deepEqual(tally.errors, { 7: 1 })
})

test('an open loop sends what is due, and no more', () => {
  const { sent, loop, clock } = connection({ everyMs: 10 })
  loop.pump()
  assert.equal(sent.length, 1)
  clock.ms = 9
  loop.pump()
  assert.equal(sent.length, 1)
  clock.ms = 25
  loop.pump()
  assert.equal(sent.length, 3)
})

test('a cluster that stands still shows it in every request that was due meanwhile', () => {
  const { loop, answer, clock, tally } = connection({ everyMs: 10, window: 1 })
  tally.untilMs = 100
  loop.pump()
  clock.ms = 1000
  loop.pump()
  for (let count = 0; count < 10; count += 1) answer()
  assert.equal(tally.latency.count, 10)
  assert.equal(tally.latency.max, 1_000_000)
  assert.equal(tally.latency.min, 910_000)
  assert.ok(loop.isDone)
})

test('the generator is late only with what it had room for', () => {
  const { loop, answer, clock, tally } = connection({ everyMs: 10, window: 1 })
  tally.untilMs = 40
  clock.ms = 3
  loop.pump()
  assert.equal(tally.lateness.max, 3000)
  clock.ms = 30
  answer()
  assert.equal(tally.lateness.count, 1)
})

test('what is never answered, or was never sent, counts with the time it has waited', () => {
  const { loop, clock, tally } = connection({ everyMs: 10, window: 2 })
  tally.untilMs = 50
  loop.pump()
  clock.ms = 100
  loop.pump()
  loop.giveUp()
  assert.equal(tally.latency.count, 5)
  assert.equal(tally.latency.max, 100_000)
  assert.equal(tally.requests, 0)
  assert.ok(loop.stopped)
})

test('a consumer goes on where the last batch ended, and stops at its end', () => {
  const content = { batchBytes: 2000, recordSize: 100, codec: 'none' }
  const count = recordsPerBatch(content.batchBytes, content.recordSize)
  const batch = preparedBatch(content)
  const fetches = new Fetches()
  const positions = [
    { partition: 0, offset: 0, endOffset: count * 2 },
    { partition: 1, offset: 0, endOffset: 0 },
  ]
  const limits = { maxWaitMs: 1, maxBytes: 1000, partitionMaxBytes: 1000 }
  const loop = new FetchConnection({ topic: 't', positions, limits, fetches })
  /** @type {number[][]} */
  const asked = []
  loop.socket = {
    write: (frame) => asked.push(readRequest(apis.fetch, frame).body.topics[0].partitions.map((it) => Number(it.fetchOffset))),
  }
  const answer = (/** @type {number} */ baseOffset) => {
    batchHeader.stampBatch(batch, 0, baseOffset, 0)
    const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 9, lastStableOffset: 9, abortedTransactions: null, records: batch }
    loop.onFrame(response(apis.fetch, 4, { throttleTimeMs: 0, responses: [{ topic: 't', partitions: [partition] }] }))
  }
  loop.ask()
  answer(0)
  answer(count)
  assert.deepEqual(asked, [
    [0, 0],
    [count, 0],
  ])
  assert.ok(loop.isDone)
  const { requests, records, bytes, errors } = fetches
  assert.deepEqual({ requests, records, bytes, errors }, { requests: 2, records: 2 * count, bytes: 2 * batch.length, errors: {} })
})
