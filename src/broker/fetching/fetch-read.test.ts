import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Uuid } from '../../base/units.ts'
import { apis } from '../../protocol/apis.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { batchHeaders } from '../../protocol/records/batch-header.ts'
import { ask, batchOf, createTopic, produceRaw } from '../../sim/cluster-requests.ts'
import { ClusterWorld } from '../../sim/cluster-world.ts'

const at = { topic: 't', partition: 0 }

/** One node whose partition has epochs 0 (offsets 0 to 2) and `epoch` (offset 3 on): it was restarted between them. */
async function twoEpochs(seed: number) {
  const world = new ClusterWorld(1, seed)
  await world.startAll()
  const topicId = await createTopic(world, 't', 1)
  for (const text of ['a', 'b', 'c']) assert.equal((await produceRaw(world, 1, at, batchOf(text))).errorCode, ErrorCode.NONE)
  await world.stop(1)
  world.start(1)
  await world.untilAllServe()
  await world.until(() => world.leaderOf('t', 0) === 1, 3_000)
  await world.clock.advance(100)
  assert.equal((await produceRaw(world, 1, at, batchOf('d'))).baseOffset, 3)
  return { world, topicId, epoch: world.partition('t', 0)?.leaderEpoch ?? -1 }
}

interface Asked {
  readonly fetchOffset: number
  readonly currentLeaderEpoch?: number
  readonly lastFetchedEpoch?: number
  readonly partitionMaxBytes?: number
  readonly maxBytes?: number
}

async function fetch(
  world: ClusterWorld,
  topicId: Uuid,
  { maxBytes = 1 << 20, partitionMaxBytes = 1 << 20, ...asked }: Asked,
  partition = 0,
) {
  const topics = [{ topicId, partitions: [{ partition, partitionMaxBytes, ...asked }] }]
  const answer = await ask(world, 1, apis.fetch, { maxWaitMs: 0, minBytes: 0, maxBytes, topics })
  const found = answer.responses[0]?.partitions[0]
  assert.ok(found !== undefined, 'the answer names the partition')
  return { ...found, batches: [...batchHeaders(found.records ?? Buffer.alloc(0))].map(({ header }) => header.baseOffset) }
}

test('a fetch gives whole batches from its offset on, with the offsets of the log', async () => {
  const { world, topicId } = await twoEpochs(1)
  const all = await fetch(world, topicId, { fetchOffset: 1 })
  assert.deepEqual(all.batches, [1, 2, 3])
  assert.deepEqual([all.highWatermark, all.lastStableOffset, all.logStartOffset], [4, 4, 0])
  assert.deepEqual((await fetch(world, topicId, { fetchOffset: 4 })).batches, [])
})

test('beyond either end of the log a fetch is out of range, and is told where the ends are', async () => {
  const { world, topicId } = await twoEpochs(2)
  for (const fetchOffset of [-1, 5]) {
    const { errorCode, highWatermark, logStartOffset } = await fetch(world, topicId, { fetchOffset })
    assert.deepEqual([errorCode, highWatermark, logStartOffset], [ErrorCode.OFFSET_OUT_OF_RANGE, 4, 0])
  }
})

test('a fetch of an older epoch is fenced, one of a newer epoch is unknown, and the right one is served', async () => {
  const { world, topicId, epoch } = await twoEpochs(3)
  assert.ok(epoch > 0)
  assert.equal((await fetch(world, topicId, { fetchOffset: 0, currentLeaderEpoch: epoch - 1 })).errorCode, ErrorCode.FENCED_LEADER_EPOCH)
  assert.equal((await fetch(world, topicId, { fetchOffset: 0, currentLeaderEpoch: epoch + 1 })).errorCode, ErrorCode.UNKNOWN_LEADER_EPOCH)
  assert.equal((await fetch(world, topicId, { fetchOffset: 0, currentLeaderEpoch: epoch })).errorCode, ErrorCode.NONE)
})

test('a reader whose last epoch ends earlier here is told where its log parts from this one, and gets nothing', async () => {
  const { world, topicId, epoch } = await twoEpochs(4)
  const parted = await fetch(world, topicId, { fetchOffset: 4, lastFetchedEpoch: 0 })
  assert.equal(parted.errorCode, ErrorCode.NONE)
  assert.deepEqual([parted.divergingEpoch.epoch, parted.divergingEpoch.endOffset, parted.batches.length], [0, 3, 0])
  assert.deepEqual((await fetch(world, topicId, { fetchOffset: 3, lastFetchedEpoch: 0 })).batches, [3])
  assert.deepEqual((await fetch(world, topicId, { fetchOffset: 3, lastFetchedEpoch: epoch })).divergingEpoch.epoch, -1)
})

test('the first batch comes whole however few bytes are asked for, and no second one', async () => {
  const { world, topicId } = await twoEpochs(5)
  assert.deepEqual((await fetch(world, topicId, { fetchOffset: 0, partitionMaxBytes: 1 })).batches, [0])
  assert.deepEqual((await fetch(world, topicId, { fetchOffset: 0, maxBytes: 1 })).batches, [0])
})

for (const [title, maxBytes] of [
  ['no room is left', 1],
  ['what is left is less than their next batch', 100],
] as const) {
  test(`partitions for which ${title} are answered by the next requests of the session, though nobody writes to them`, async () => {
    const world = new ClusterWorld(1, 8)
    await world.startAll()
    const topicId = await createTopic(world, 't', 1, {}, 3)
    const all = [0, 1, 2]
    for (const partition of all) await produceRaw(world, 1, { topic: 't', partition }, batchOf('x'))
    const partitions = all.map((partition) => ({ partition, partitionMaxBytes: 1 << 20, fetchOffset: 0 }))
    const limits = { maxWaitMs: 0, minBytes: 1, maxBytes }
    let answer = await ask(world, 1, apis.fetch, { ...limits, sessionEpoch: 0, topics: [{ topicId, partitions }] })
    const { sessionId } = answer
    const read: number[] = []
    for (let sessionEpoch = 1; sessionEpoch <= all.length; sessionEpoch += 1) {
      const withRecords = answer.responses.flatMap((it) => it.partitions).filter(({ records }) => (records?.length ?? 0) > 0)
      const positions = withRecords.map(({ partitionIndex: partition }) => ({ partition, partitionMaxBytes: 1 << 20, fetchOffset: 1 }))
      read.push(...positions.map(({ partition }) => partition))
      const topics = [{ topicId, partitions: positions }]
      answer = await ask(world, 1, apis.fetch, { ...limits, sessionId, sessionEpoch, topics })
    }
    assert.deepEqual(read, all)
  })
}

test('a fetch for no bytes at all is given the first batch', async () => {
  const { world, topicId } = await twoEpochs(7)
  assert.deepEqual((await fetch(world, topicId, { fetchOffset: 0, maxBytes: 0 })).batches, [0])
})

test('an unknown topic id and a partition that is not there are told apart', async () => {
  const { world, topicId } = await twoEpochs(6)
  assert.equal((await fetch(world, 'AAAAAAAAAAAAAAAAAAAACQ', { fetchOffset: 0 })).errorCode, ErrorCode.UNKNOWN_TOPIC_ID)
  assert.equal((await fetch(world, topicId, { fetchOffset: 0 }, 7)).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
})
