import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apis } from '../protocol/apis.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { ask, batchOf, createTopic, fetchOver, fetchRaw, produceOver, produceRaw, requestMs, textsOf } from '../sim/cluster-requests.ts'
import { ClusterWorld } from '../sim/cluster-world.ts'

const limit = { timeoutMs: requestMs }
const at = { topic: 't', partition: 0 }
const value = (text: string) => [{ value: Buffer.from(text) }]

async function served(seed: number, configs: Readonly<Record<string, string>> = {}) {
  const world = new ClusterWorld(3, seed)
  await world.startAll()
  const topicId = await createTopic(world, 't', 3, configs)
  return { world, topicId, leader: world.leaderOf('t', 0) }
}

/** What became of something that the test does not wait for, and when. */
function watched<T>(world: ClusterWorld, work: Promise<T>) {
  const seen: { value: T | null; error: unknown; at: number | null } = { value: null, error: null, at: null }
  work.then(
    (result) => Object.assign(seen, { value: result, at: world.clock.mono() }),
    (error: unknown) => Object.assign(seen, { error, at: world.clock.mono() }),
  )
  return seen
}

test('a long poll answers as soon as something is committed', async () => {
  const { world, topicId, leader } = await served(1)
  const fetch = watched(world, fetchOver(world.peer(leader), topicId, 0, 0, { maxWaitMs: 5_000 }))
  await world.clock.advance(300)
  assert.equal(fetch.at, null)
  await world.run(world.client().produce(at, value('a'), limit))
  const from = world.clock.mono()
  await world.until(() => fetch.at !== null, 50)
  assert.ok((fetch.at ?? 0) <= from + 5)
  assert.deepEqual(textsOf(fetch.value?.records ?? []), ['a'])
})

test('a long poll with nothing to tell answers at its deadline', async () => {
  const { world, topicId, leader } = await served(2)
  const from = world.clock.mono()
  const { errorCode, records } = await fetchRaw(world, leader, topicId, 0, 0, { maxWaitMs: 400 })
  assert.deepEqual([errorCode, records.length], [ErrorCode.NONE, 0])
  const took = world.clock.mono() - from
  assert.ok(took >= 400 && took < 420, `it took ${took} ms`)
})

test('a long poll waits for its minBytes, and gives what there is at the deadline', async () => {
  const { world, topicId, leader } = await served(3)
  const fetch = watched(world, fetchOver(world.peer(leader), topicId, 0, 0, { maxWaitMs: 500, minBytes: 10_000 }))
  await world.run(world.client().produce(at, value('small'), limit))
  await world.clock.advance(200)
  assert.equal(fetch.at, null)
  await world.until(() => fetch.at !== null, 400)
  assert.deepEqual(textsOf(fetch.value?.records ?? []), ['small'])
})

test('a long poll answers when leadership moves away, with the new leader and its address (KIP-951)', async () => {
  const { world, topicId, leader } = await served(4)
  const fetch = watched(world, fetchOver(world.peer(leader), topicId, 0, 0, { maxWaitMs: 9_000 }))
  await world.clock.advance(50)
  const stopping = world.stop(leader)
  await world.until(() => fetch.at !== null, 1_000)
  await stopping
  assert.equal(fetch.value?.errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER)
  const next = world.leaderOf('t', 0)
  assert.equal(fetch.value.partition?.currentLeader.leaderId, next)
  const { host, port } = world.endpoint(next)
  assert.deepEqual(
    fetch.value.nodeEndpoints.map((it) => [it.nodeId, it.host, it.port]),
    [[next, host, port]],
  )
})

test('requests to a node that does not lead name the one that does, and where it listens (KIP-951)', async () => {
  const { world, topicId, leader } = await served(5)
  const other = [1, 2, 3].find((id) => id !== leader) ?? -1
  const { host, port } = world.endpoint(leader)
  const leaderEpoch = world.partition('t', 0)?.leaderEpoch
  for (const acks of [-1, 1] as const) {
    const refused = await produceRaw(world, other, at, batchOf('a'), { acks })
    assert.deepEqual([refused.errorCode, refused.currentLeader], [ErrorCode.NOT_LEADER_OR_FOLLOWER, { leaderId: leader, leaderEpoch }])
    assert.deepEqual(
      refused.nodeEndpoints.map((it) => [it.nodeId, it.host, it.port]),
      [[leader, host, port]],
    )
  }
  const refused = await fetchRaw(world, other, topicId, 0, 0, { currentLeaderEpoch: 99 })
  assert.equal(refused.errorCode, ErrorCode.UNKNOWN_LEADER_EPOCH)
})

test('older clients are told that the leader is elsewhere in the words that their versions have', async () => {
  const { world, leader } = await served(5)
  const other = [1, 2, 3].find((id) => id !== leader) ?? -1
  for (const version of [3, 9, 10]) {
    const refused = await produceRaw(world, other, at, batchOf('a'), { version })
    assert.equal(refused.errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER)
    assert.equal(refused.currentLeader.leaderId, version < 10 ? -1 : leader)
  }
  for (const version of [4, 11, 12]) {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }]
    const body = { maxWaitMs: 0, minBytes: 1, topics: [{ topic: 't', partitions }] }
    const refused = (await ask(world, other, apis.fetch, body, version)).responses[0]?.partitions[0]
    assert.deepEqual([refused?.errorCode, refused?.currentLeader.leaderId], [ErrorCode.NOT_LEADER_OR_FOLLOWER, version < 12 ? -1 : leader])
  }
})

test('a client that goes away leaves nothing behind of its long poll', async () => {
  const { world, topicId, leader } = await served(6)
  await world.clock.advance(1_000)
  const { broker } = world.node(leader).life ?? assert.fail()
  const quiet = broker.sleepers
  const peer = world.peer(leader)
  watched(world, fetchOver(peer, topicId, 0, 0, { maxWaitMs: 60_000 }))
  await world.clock.advance(20)
  assert.equal(broker.sleepers, quiet + 1)
  peer.close()
  await world.clock.advance(20)
  assert.equal(broker.sleepers, quiet)
})

test('a produce that its in-sync replicas do not confirm in time is answered with REQUEST_TIMED_OUT', async () => {
  const { world, leader } = await served(7)
  const others = [1, 2, 3].filter((id) => id !== leader)
  for (const id of others) world.freeze(id)
  const from = world.clock.mono()
  const answer = await produceRaw(world, leader, at, batchOf('a'), { timeoutMs: 300 })
  assert.equal(answer.errorCode, ErrorCode.REQUEST_TIMED_OUT)
  assert.ok(world.clock.mono() - from < 330)
  for (const id of others) world.thaw(id)
  await world.until(() => others.every((id) => world.recordsOf(id, 't', 0).length === 1), 5_000)
})

test('a produce that waits for its replicas is answered when leadership moves away', async () => {
  const { world, leader } = await served(8)
  const others = [1, 2, 3].filter((id) => id !== leader)
  const produce = watched(world, produceOver(world.peer(leader), at, batchOf('a'), { timeoutMs: 9_000 }))
  for (const id of others) world.freeze(id)
  await world.clock.advance(100)
  assert.equal(produce.at, null)
  const stopping = world.stop(leader, 25_000)
  await world.until(() => produce.at !== null, 25_000)
  await stopping
  assert.notEqual(produce.value?.errorCode, ErrorCode.NONE)
})

test('a full disk refuses produces with an error that clients try again after, and the broker goes on when there is space', async () => {
  const { world, leader } = await served(9)
  const client = world.client()
  await world.run(client.produce(at, value('before'), limit))
  const { disk } = world.node(leader)
  const used = (): number => -disk.space().free
  disk.spaceBytes = 0
  disk.spaceBytes = used() + 30
  const refused = await produceRaw(world, leader, at, batchOf('x'.repeat(1_000)))
  assert.notEqual(refused.errorCode, ErrorCode.NONE, 'nothing was written, nothing is acknowledged')
  disk.spaceBytes = Infinity
  await world.run(client.produce(at, value('after'), { timeoutMs: 20_000 }), 25_000)
  const reader = await world.run(world.client().fetch(at, 0, { ...limit, maxWaitMs: 100 }))
  assert.deepEqual(textsOf(reader.records), ['before', 'after'])
})

test('a follower whose disk is full for a while catches up when there is space, and leads nothing wrong meanwhile', async () => {
  const { world, leader } = await served(10, { 'min.insync.replicas': '2' })
  const client = world.client()
  const follower = [1, 2, 3].find((id) => id !== leader && id !== world.activeController()) ?? -1
  const { disk } = world.node(follower)
  disk.fault = (action, path) => (action === 'write' && path.includes('/t-0/') ? 'ENOSPC' : null)
  const produced = watched(world, client.produce(at, value('x'.repeat(500)), { timeoutMs: 60_000 }))
  await world.clock.advance(1_500)
  disk.fault = () => null
  await world.until(() => produced.at !== null, 40_000)
  assert.equal(produced.error, null)
  const { life } = world.node(follower)
  assert.equal(life?.failure, null, world.describe())
  await world.until(() => world.recordsOf(follower, 't', 0).length === 1, 10_000)
})

test('a broker that was started again has the configuration of its topics, whatever it opened before it knew of them', async () => {
  const { world } = await served(12, { 'cleanup.policy': 'compact', 'segment.bytes': '2000000', 'min.insync.replicas': '2' })
  for (const id of [1, 2, 3]) world.kill(id)
  await world.startAll()
  await world.until(() => world.leaderOf('t', 0) >= 0, 10_000)
  for (const { life } of world.nodes.values()) {
    const hosted = [...(life?.broker.partitions ?? [])].find((it) => it.topic === 't') ?? assert.fail('no replica')
    const { cleanupCompact, cleanupDelete, segmentBytes } = hosted.log.config
    assert.deepEqual(
      { cleanupCompact, cleanupDelete, segmentBytes },
      { cleanupCompact: true, cleanupDelete: false, segmentBytes: 2_000_000 },
    )
  }
})

test('a leader that was started again asks for as many in-sync replicas as its topic wants', async () => {
  const { world } = await served(13, { 'min.insync.replicas': '3' })
  for (const id of [1, 2, 3]) world.kill(id)
  await world.startAll()
  await world.until(() => world.leaderOf('t', 0) >= 0 && (world.image().topics.byName('t')?.partitions[0]?.isr.length ?? 0) === 3, 10_000)
  const follower = [1, 2, 3].find((id) => id !== world.leaderOf('t', 0) && id !== world.activeController()) ?? -1
  world.kill(follower)
  await world.until(() => (world.image().topics.byName('t')?.partitions[0]?.isr.length ?? 0) === 2, 10_000)
  await world.clock.advance(500)
  const { errorCode } = await produceRaw(world, world.leaderOf('t', 0), at, batchOf('a'))
  assert.equal(errorCode, ErrorCode.NOT_ENOUGH_REPLICAS)
})

test('a fetch whose read fails on the disk is told so, and is served when the disk reads again', async () => {
  const { world, topicId } = await served(11)
  await world.run(world.client().produce(at, value('a'), limit))
  // What is read after a restart is not in memory
  for (const id of [1, 2, 3]) world.kill(id)
  await world.startAll()
  await world.until(() => world.leaderOf('t', 0) >= 0, 10_000)
  const leader = world.leaderOf('t', 0)
  const { disk } = world.node(leader)
  const committed = await world.run(world.client().fetch(at, 0, { ...limit, maxWaitMs: 1_000 }))
  assert.deepEqual(textsOf(committed.records), ['a'])
  disk.readFault = (path) => (path.includes('/t-0/') && path.endsWith('.log') ? 'EIO' : null)
  const { errorCode } = await fetchRaw(world, leader, topicId, 0, 0, { maxWaitMs: 400 })
  assert.equal(errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
  disk.readFault = () => null
  const again = await fetchRaw(world, leader, topicId, 0, 0, { maxWaitMs: 400 })
  assert.deepEqual([again.errorCode, textsOf(again.records)], [ErrorCode.NONE, ['a']])
})
