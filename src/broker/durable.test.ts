import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apis } from '../protocol/apis.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { batchOf, createTopic, produceRaw, requestMs, textsOf } from '../sim/cluster-requests.ts'
import { ClusterWorld } from '../sim/cluster-world.ts'

const at = { topic: 't', partition: 0 }
const limit = { timeoutMs: requestMs }

/** All nodes lose their power at once, and come back. */
async function powerCutOfAll(world: ClusterWorld): Promise<void> {
  for (const id of world.nodes.keys()) world.kill(id, true)
  for (const id of world.nodes.keys()) world.start(id)
  await world.untilAllServe(20_000)
}

/** What the leader has, once the others have what it has. */
async function textsIn(world: ClusterWorld): Promise<readonly string[]> {
  await world.until(() => world.partition('t', 0)?.isr.length === 3, 10_000)
  await world.clock.advance(500)
  return textsOf(world.recordsOf(world.leaderOf('t', 0), 't', 0))
}

test('with flush.messages=1 what acks=all acknowledged survives the loss of power on all nodes at once, at any moment', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const world = new ClusterWorld(3, seed)
    await world.startAll()
    await createTopic(world, 't', 3, { 'flush.messages': '1', 'segment.index.bytes': '64', 'index.interval.bytes': '0' })
    for (const { disk } of world.nodes.values()) disk.syncsLate = true
    const client = world.client()
    const acknowledged: string[] = []
    let going = true
    const work = (async () => {
      for (let i = 0; going; i++) {
        await client.produce(at, [{ value: Buffer.from(String(i)) }], limit)
        acknowledged.push(String(i))
      }
    })().catch(() => undefined)
    await world.clock.advance(200 + seed * 37)
    const promised = acknowledged.slice()
    going = false
    await powerCutOfAll(world)
    client.close()
    assert.ok(promised.length > 10, `seed ${seed}: ${promised.length} were acknowledged`)
    const found = new Set(await textsIn(world))
    assert.deepEqual(
      promised.filter((it) => !found.has(it)),
      [],
      `seed ${seed}`,
    )
    await world.run(work)
  }
})

test('acks=1 with flush.messages=1 waits for the sync of the leader, and acks=all for those of its followers too', async () => {
  const world = new ClusterWorld(3, 20)
  await world.startAll()
  await createTopic(world, 't', 3, { 'flush.messages': '1' })
  const leader = world.leaderOf('t', 0)
  const slow = [...world.nodes.keys()].find((id) => id !== leader) ?? 0
  const timed = async (acks: 1 | -1) => {
    const before = world.clock.mono()
    assert.equal((await produceRaw(world, leader, at, batchOf('a'), { acks, timeoutMs: 5_000 })).errorCode, ErrorCode.NONE)
    return world.clock.mono() - before
  }
  await timed(-1)
  world.node(slow).diskDelayMs = () => 300
  assert.ok((await timed(1)) < 100, 'a slow follower is not waited for')
  assert.ok((await timed(-1)) >= 300, 'it is by acks=all')
  await world.clock.advance(1_000)
  world.node(slow).diskDelayMs = () => 0
  world.node(leader).diskDelayMs = () => 300
  assert.ok((await timed(1)) >= 300, "the leader's own sync is waited for")
})

test('a partition that is being synced does not hold up others that are fetched from the same leader', async () => {
  const world = new ClusterWorld(2, 21)
  await world.startAll()
  await createTopic(world, 't', 2, { 'flush.messages': '1' }, 2)
  await createTopic(world, 'u', 2, {}, 2)
  const leader = world.leaderOf('t', 0)
  const lax = [0, 1].find((partition) => world.leaderOf('u', partition) === leader) ?? 0
  const follower = leader === 1 ? 2 : 1
  await produceRaw(world, leader, { topic: 'u', partition: lax }, batchOf('a'))
  world.node(follower).diskDelayMs = () => 400
  const strict = world.peer(leader)
  const body = { acks: -1, timeoutMs: 5_000, topicData: [{ name: 't', partitionData: [{ index: 0, records: batchOf('a') }] }] }
  let done = false
  const waits = strict.request(apis.produce, 12, body, { timeoutMs: requestMs }).then(() => (done = true))
  await world.clock.advance(50)
  const before = world.clock.mono()
  assert.equal((await produceRaw(world, leader, { topic: 'u', partition: lax }, batchOf('b'))).errorCode, ErrorCode.NONE)
  assert.ok(world.clock.mono() - before < 50)
  assert.equal(done, false)
  await world.run(waits)
  strict.close()
})

test('flush.messages=1 is switched on at run time: what is there already is synced, and from then on nothing is lost', async () => {
  const world = new ClusterWorld(3, 22)
  await world.startAll()
  await createTopic(world, 't', 3)
  for (const { disk } of world.nodes.values()) disk.syncsLate = true
  const client = world.client()
  await world.run(client.produce(at, [{ value: Buffer.from('before') }], limit))
  const peer = world.peer(1)
  const alter = {
    resources: [{ resourceType: 2, resourceName: 't', configs: [{ name: 'flush.messages', configOperation: 0, value: '1' }] }],
    validateOnly: false,
  }
  await world.run(peer.request(apis.incrementalAlterConfigs, apis.incrementalAlterConfigs.versionMax, alter, { timeoutMs: requestMs }))
  peer.close()
  await world.clock.advance(200)
  await world.run(client.produce(at, [{ value: Buffer.from('after') }], limit))
  client.close()
  await powerCutOfAll(world)
  assert.deepEqual(await textsIn(world), ['before', 'after'])
})
