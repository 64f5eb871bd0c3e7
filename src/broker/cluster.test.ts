import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeId } from '../base/units.ts'
import { apis } from '../protocol/apis.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { ask, batchOf, createTopic, fetchRaw, produceOver, produceRaw, requestMs, textsOf } from '../sim/cluster-requests.ts'
import { ClusterWorld } from '../sim/cluster-world.ts'

const limit = { timeoutMs: requestMs }
const at = { topic: 't', partition: 0 }
const value = (text: string) => [{ value: Buffer.from(text) }]

async function cluster(seed: number, nodes = 3, properties: Readonly<Record<string, string>> = {}) {
  const world = new ClusterWorld(nodes, seed, properties)
  await world.startAll()
  return world
}

const isrIs = (world: ClusterWorld, size: number) => () => world.partition('t', 0)?.isr.length === size
const texts = (world: ClusterWorld, id: NodeId) => textsOf(world.recordsOf(id, 't', 0))

async function readAll(world: ClusterWorld, count: number) {
  const client = world.client('reader')
  const seen: string[] = []
  while (seen.length < count) {
    const { records } = await world.run(client.fetch(at, seen.length, { ...limit, maxWaitMs: 200 }))
    assert.ok(records.length > 0, `only ${seen.length} of ${count} records can be read`)
    seen.push(...textsOf(records))
  }
  return seen
}

test('three nodes come up and serve, and what is acknowledged with acks=all is on every in-sync replica', async () => {
  const world = await cluster(1)
  await createTopic(world, 't', 3)
  const client = world.client()
  for (const [offset, text] of ['a', 'b', 'c'].entries()) {
    assert.equal(await world.run(client.produce(at, value(text), limit)), offset)
    const isr = world.partition('t', 0)?.isr ?? []
    assert.equal(isr.length, 3)
    for (const id of isr) assert.equal(texts(world, id)[offset], text, `node ${id} has ${text}`)
  }
  assert.deepEqual(await readAll(world, 3), ['a', 'b', 'c'])
})

for (const withController of [true, false]) {
  test(`when the leader is killed, ${withController ? 'and the active controller with it,' : 'the controller lives and'} the next produce succeeds elsewhere and nothing is lost; it comes back into the ISR`, async () => {
    const world = await cluster(withController ? 2 : 3)
    const topics = ['t', 'u', 'v', 'w', 'x', 'y', 'z']
    for (const name of topics) await createTopic(world, name, 3)
    const active = world.activeController()
    const topic = topics.find((name) => (world.leaderOf(name, 0) === active) === withController)
    assert.ok(topic !== undefined && active !== null)
    const leader = world.leaderOf(topic, 0)
    const client = world.client()
    await world.run(client.produce({ topic, partition: 0 }, value('a'), limit))
    world.kill(leader)
    const from = world.clock.mono()
    assert.equal(await world.run(client.produce({ topic, partition: 0 }, value('b'), limit)), 1)
    const took = world.clock.mono() - from
    assert.ok(took < (withController ? 1_500 : 300), `it took ${took} ms`)
    world.start(leader)
    await world.until(() => world.partition(topic, 0)?.isr.length === 3, 5_000)
    assert.deepEqual(textsOf(world.recordsOf(leader, topic, 0)), ['a', 'b'])
  })
}

test('a frozen leader is fenced; what it appends after its thaw is never acknowledged, and it cuts its log to the new one', async () => {
  const world = await cluster(4)
  await createTopic(world, 't', 3, { 'min.insync.replicas': '2' })
  const leader = world.leaderOf('t', 0)
  const client = world.client()
  await world.run(client.produce(at, value('a'), limit))
  const old = world.peer(leader)
  await world.run(old.connect(limit))
  world.freeze(leader)
  let answer: number | null = null
  produceOver(old, at, batchOf('never')).then(
    (it) => (answer = it.errorCode),
    () => (answer = ErrorCode.NETWORK_EXCEPTION),
  )
  await world.until(() => world.leaderOf('t', 0) !== leader, 5_000)
  assert.equal(await world.run(client.produce(at, value('b'), { timeoutMs: 25_000 })), 1)
  world.thaw(leader)
  await world.until(() => answer !== null, 5_000)
  assert.notEqual(answer, ErrorCode.NONE)
  await world.until(isrIs(world, 3), 5_000)
  for (const id of world.nodes.keys()) assert.deepEqual(texts(world, id), ['a', 'b'])
})

test('a node that stops in order hands its partitions over before it goes, and produces go on at once', async () => {
  const world = await cluster(5)
  await createTopic(world, 't', 3)
  const leader = world.leaderOf('t', 0)
  const client = world.client()
  await world.run(client.produce(at, value('a'), limit))
  const stopping = world.stop(leader)
  await stopping
  assert.notEqual(world.leaderOf('t', 0), leader)
  assert.ok(
    world.lines.some((line) => line.includes('handed over')),
    world.describe(),
  )
  const from = world.clock.mono()
  assert.equal(await world.run(client.produce(at, value('b'), limit)), 1)
  assert.ok(world.clock.mono() - from < 300)
  assert.ok(world.node(leader).disk.exists(`/data/${leader}/.kafka_cleanshutdown`))
  world.start(leader)
  await world.until(isrIs(world, 3), 5_000)
  assert.deepEqual(texts(world, leader), ['a', 'b'])
})

test("what is configured for a topic is in force after a start, whatever the node's start was", async () => {
  const world = await cluster(11)
  await createTopic(world, 't', 3, { 'cleanup.policy': 'compact', 'segment.ms': '4711', 'min.insync.replicas': '3' })
  const [first = 1, second = 2, third = 3] = world.nodes.keys()
  await world.run(world.client().produce(at, [{ key: Buffer.from('k'), value: Buffer.from('a') }], limit))
  world.kill(first)
  world.kill(second, true)
  await world.stop(third)
  for (const id of [first, second, third]) world.start(id)
  await world.untilAllServe()
  for (const id of world.nodes.keys()) {
    const replica = [...(world.node(id).life?.broker.partitions ?? [])].find((it) => it.topic === 't')
    const { cleanupCompact, cleanupDelete, segmentMs } = replica?.log.config ?? {}
    assert.deepEqual(
      { cleanupCompact, cleanupDelete, segmentMs },
      { cleanupCompact: true, cleanupDelete: false, segmentMs: 4711 },
      `node ${id}`,
    )
  }
  await world.until(isrIs(world, 3), 5_000)
  world.kill(world.leaderOf('t', 0))
  await world.until(isrIs(world, 2), 5_000)
  await world.clock.advance(100)
  const { errorCode } = await produceRaw(world, world.leaderOf('t', 0), at, batchOf('b'))
  assert.equal(errorCode, ErrorCode.NOT_ENOUGH_REPLICAS)
})

test('below min.insync.replicas a produce is refused with NOT_ENOUGH_REPLICAS and fetches are served', async () => {
  const world = await cluster(6, 5)
  const topicId = await createTopic(world, 't', 3, { 'min.insync.replicas': '2' })
  await world.run(world.client().produce(at, value('a'), limit))
  const leader = world.leaderOf('t', 0)
  for (const id of world.partition('t', 0)?.replicas ?? []) if (id !== leader) world.kill(id)
  await world.until(isrIs(world, 1), 5_000)
  await world.clock.advance(100)
  assert.equal(world.leaderOf('t', 0), leader)
  assert.equal((await produceRaw(world, leader, at, batchOf('b'))).errorCode, ErrorCode.NOT_ENOUGH_REPLICAS)
  assert.deepEqual(textsOf((await fetchRaw(world, leader, topicId, 0, 0)).records), ['a'])
  assert.equal((await produceRaw(world, leader, at, batchOf('one is enough'), { acks: 1 })).errorCode, ErrorCode.NONE)
})

test('a node whose two fellows are gone acknowledges nothing with acks=all, and still serves what was committed', async () => {
  const world = await cluster(7)
  const topicId = await createTopic(world, 't', 3)
  await world.run(world.client().produce(at, value('a'), limit))
  const leader = world.leaderOf('t', 0)
  for (const id of world.nodes.keys()) if (id !== leader) world.kill(id)
  assert.notEqual((await produceRaw(world, leader, at, batchOf('b'))).errorCode, ErrorCode.NONE)
  const { records, partition } = await fetchRaw(world, leader, topicId, 0, 0)
  assert.deepEqual([textsOf(records), partition?.highWatermark], [['a'], 1])
})

test('a topic that is deleted and made anew never shows the records of the old one, also on a node that was away', async () => {
  const world = await cluster(8)
  const first = await createTopic(world, 't', 3)
  const client = world.client()
  for (const text of ['old 1', 'old 2']) await world.run(client.produce(at, value(text), limit))
  world.kill(3)
  const live = 1
  await ask(world, live, apis.deleteTopics, { topics: [{ name: 't' }], timeoutMs: 5_000 })
  await world.until(() => world.image().topics.byName('t') === undefined, 1_000)
  const second = await createTopic(world, 't', 2)
  assert.notEqual(second, first)
  const again = world.client()
  await world.run(again.produce(at, value('new'), limit))
  world.start(3)
  await world.untilAllServe()
  await ask(world, live, apis.alterPartitionReassignments, {
    timeoutMs: 5_000,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas: [1, 2, 3] }] }],
  })
  await world.until(isrIs(world, 3), 5_000)
  for (const id of world.nodes.keys()) assert.deepEqual(texts(world, id), ['new'])
  const leader = world.leaderOf('t', 0)
  assert.equal((await fetchRaw(world, leader, first, 0, 0)).errorCode, ErrorCode.UNKNOWN_TOPIC_ID)
  assert.deepEqual(textsOf((await fetchRaw(world, leader, second, 0, 0)).records), ['new'])
})

test('a reassignment copies the partition to its new nodes and removes it from the old ones, while it is produced to', async () => {
  const world = await cluster(9, 4)
  await createTopic(world, 't', 2)
  const client = world.client()
  const before = [...(world.partition('t', 0)?.replicas ?? [])]
  const after = [1, 2, 3, 4].filter((id) => !before.includes(id))
  await world.run(client.produce(at, value('0'), limit))
  const producing = (async () => {
    for (let n = 1; n < 20; n += 1) await client.produce(at, value(String(n)), limit)
  })()
  await ask(world, 1, apis.alterPartitionReassignments, {
    timeoutMs: 5_000,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas: after }] }],
  })
  await world.run(producing)
  await world.until(() => world.partition('t', 0)?.addingReplicas.length === 0 && isrIs(world, 2)(), 5_000)
  assert.deepEqual(
    [...(world.partition('t', 0)?.replicas ?? [])].sort((a, b) => a - b),
    after,
  )
  await world.clock.advance(200)
  const expected = Array.from({ length: 20 }, (_unused, n) => String(n))
  for (const id of after) assert.deepEqual(texts(world, id), expected)
  for (const id of before) assert.deepEqual(texts(world, id), [])
  assert.deepEqual(await readAll(world, 20), expected)
})

test('records that are deleted are deleted on all replicas, and a replica that was away starts where the others do', async () => {
  const world = await cluster(10)
  const topicId = await createTopic(world, 't', 3)
  const client = world.client()
  for (const text of ['a', 'b', 'c']) await world.run(client.produce(at, value(text), limit))
  const leader = world.leaderOf('t', 0)
  const deletion = { topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset: 2 }] }], timeoutMs: 5_000 }
  const answer = await ask(world, leader, apis.deleteRecords, deletion)
  assert.deepEqual([answer.topics[0]?.partitions[0]?.errorCode, answer.topics[0]?.partitions[0]?.lowWatermark], [ErrorCode.NONE, 2])
  world.kill(leader)
  await world.until(() => ![leader, -1].includes(world.leaderOf('t', 0)), 5_000)
  await world.clock.advance(100)
  const next = world.leaderOf('t', 0)
  const early = await fetchRaw(world, next, topicId, 0, 1)
  assert.deepEqual([early.errorCode, early.partition?.logStartOffset], [ErrorCode.OFFSET_OUT_OF_RANGE, 2])
  assert.deepEqual(textsOf((await fetchRaw(world, next, topicId, 0, 2)).records), ['c'])
})
