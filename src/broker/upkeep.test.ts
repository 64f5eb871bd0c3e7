import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTopic, fetchRaw, batchOf, produceRaw, textsOf } from '../sim/cluster-requests.ts'
import { ClusterWorld } from '../sim/cluster-world.ts'

const at = { topic: 't', partition: 0 }

async function lone(seed: number, configs: Readonly<Record<string, string>>) {
  const world = new ClusterWorld(1, seed, { 'log.retention.check.interval.ms': '1000' })
  await world.startAll()
  return { world, topicId: await createTopic(world, 't', 1, configs) }
}

async function again(world: ClusterWorld) {
  world.start(1)
  await world.untilAllServe()
  await world.until(() => world.leaderOf('t', 0) === 1, 5_000)
  await world.clock.advance(100)
}

test('what is older than flush.ms survives a power cut, also on the only replica', async () => {
  for (const seed of [1, 2, 3, 4]) {
    const { world, topicId } = await lone(seed, { 'flush.ms': '2000' })
    await produceRaw(world, 1, at, batchOf('old'))
    await world.clock.advance(5_000)
    await produceRaw(world, 1, at, batchOf('young'))
    world.kill(1, true)
    await again(world)
    const texts = textsOf((await fetchRaw(world, 1, topicId, 0, 0)).records)
    assert.equal(texts[0], 'old', `seed ${seed}`)
    assert.ok(texts.length === 1 || texts[1] === 'young')
  }
})

test('the high watermark is in the checkpoint soon, and a stop in order keeps all of it', async () => {
  const { world, topicId } = await lone(5, {})
  for (const text of ['a', 'b', 'c']) await produceRaw(world, 1, at, batchOf(text))
  await world.clock.advance(6_000)
  const checkpoint = world.node(1).disk.readSmall('/data/1/replication-offset-checkpoint').toString()
  assert.match(checkpoint, /^t 0 3$/m)
  await produceRaw(world, 1, at, batchOf('d'))
  await world.stop(1)
  assert.match(world.node(1).disk.readSmall('/data/1/replication-offset-checkpoint').toString(), /^t 0 4$/m)
  await again(world)
  assert.deepEqual(textsOf((await fetchRaw(world, 1, topicId, 0, 0)).records), ['a', 'b', 'c', 'd'])
})

test('segments beyond retention are deleted, the log start moves on, and consumers are told', async () => {
  const { world, topicId } = await lone(6, { 'retention.ms': '5000', 'segment.ms': '2000' })
  await produceRaw(world, 1, at, batchOf('old'))
  await world.clock.advance(15_000)
  const { partition } = await fetchRaw(world, 1, topicId, 0, 0)
  assert.deepEqual([partition?.errorCode, partition?.logStartOffset], [1, 1])
  await produceRaw(world, 1, at, batchOf('new'))
  assert.deepEqual(textsOf((await fetchRaw(world, 1, topicId, 0, 1)).records), ['new'])
})
