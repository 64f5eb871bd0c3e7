import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Millis, NodeId } from '../../base/units.ts'
import { apis } from '../../protocol/apis.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { ask, batchOf, createTopic, fetchRaw, produceRaw, requestMs, textsOf } from '../../sim/cluster-requests.ts'
import { ClusterWorld, placeOf } from '../../sim/cluster-world.ts'

const limit = { timeoutMs: requestMs }
const at = { topic: 't', partition: 0 }
const value = (text: string) => [{ value: Buffer.from(text) }]
const handOverMsMax: Millis = 5_000
const recoveryMsMax: Millis = 10_000

async function cluster(seed: number, properties: Readonly<Record<string, string>> = {}) {
  const world = new ClusterWorld(3, seed, properties)
  await world.startAll()
  const topicId = await createTopic(world, 't', 3, { 'min.insync.replicas': '2' })
  return { world, topicId }
}

function fill(world: ClusterWorld, id: NodeId, leftBytes = 0): void {
  const { disk } = world.node(id)
  disk.spaceBytes = disk.usedSpace() + leftBytes
}

function empty(world: ClusterWorld, id: NodeId): void {
  world.node(id).disk.spaceBytes = Infinity
}

function allLive(world: ClusterWorld): void {
  for (const { id, life } of world.nodes.values()) assert.equal(life?.failure, null, `node ${id} lives`)
}

const ids = [1, 2, 3]
const isrIs = (world: ClusterWorld, size: number) => () => world.partition('t', 0)?.isr.length === size

describe('a full disk', () => {
  for (const leftBytes of [0, 700]) {
    test(`of the leader, with ${leftBytes} bytes left, moves leadership; its node lives, and is in sync again soon after there is room`, async () => {
      const { world } = await cluster(1 + leftBytes)
      const client = world.client()
      await world.run(client.produce(at, value('a'), limit))
      const leader = world.leaderOf('t', 0)
      fill(world, leader, leftBytes)
      const from = world.clock.mono()
      for (let i = 0; i < 50; i++) await world.run(client.produce(at, value('x'.repeat(100)), limit))
      assert.notEqual(world.leaderOf('t', 0), leader)
      assert.ok(world.clock.mono() - from < handOverMsMax, `${world.clock.mono() - from} ms`)
      await world.clock.advance(15_000)
      assert.equal(world.partition('t', 0)?.isr.includes(leader), false)
      allLive(world)
      empty(world, leader)
      await world.until(isrIs(world, 3), recoveryMsMax)
      assert.equal(textsOf(world.recordsOf(leader, 't', 0)).length, 51)
      allLive(world)
    })
  }

  test('of a follower is not waited for: it leaves the in-sync set, and comes back', async () => {
    const { world } = await cluster(11)
    const client = world.client()
    await world.run(client.produce(at, value('a'), limit))
    const leader = world.leaderOf('t', 0)
    const follower = ids.find((id) => id !== leader) ?? 0
    fill(world, follower)
    const from = world.clock.mono()
    await world.run(client.produce(at, value('b'), limit))
    assert.ok(world.clock.mono() - from < handOverMsMax, `${world.clock.mono() - from} ms`)
    await world.clock.advance(3_000)
    assert.equal(world.leaderOf('t', 0), leader)
    assert.deepEqual(world.partition('t', 0)?.isr.includes(follower), false)
    empty(world, follower)
    await world.until(isrIs(world, 3), recoveryMsMax)
    assert.deepEqual(textsOf(world.recordsOf(follower, 't', 0)), ['a', 'b'])
    allLive(world)
  })

  test('of a follower that is over before its leader has heard of it leaves no idle partition out of sync', async () => {
    const { world } = await cluster(61, { 'broker.session.timeout.ms': '60000' })
    const client = world.client()
    const controller = world.activeController() ?? 0
    const leader = ids.find((id) => id !== controller) ?? 0
    const follower = ids.find((id) => id !== controller && id !== leader) ?? 0
    const topics = [
      {
        name: 'idle',
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 0, brokerIds: [leader, follower, controller] }],
        configs: [],
      },
    ]
    const { topics: created } = await ask(world, controller, apis.createTopics, { topics, timeoutMs: requestMs })
    const topicId = created[0]?.topicId ?? ''
    await world.run(client.produce({ topic: 'idle', partition: 0 }, value('a'), limit))
    for (const [from, to] of [[leader, controller], [controller, leader]] as const) world.network.change(placeOf(from), placeOf(to), { cut: true }) // prettier-ignore
    const isrOf = () => world.node(controller).life?.controller.image.partition(topicId, 0)?.isr ?? []
    fill(world, follower)
    await world.until(() => !isrOf().includes(follower), handOverMsMax)
    empty(world, follower)
    await world.clock.advance(recoveryMsMax)
    for (const [from, to] of [[leader, controller], [controller, leader]] as const) world.network.change(placeOf(from), placeOf(to), { cut: false }) // prettier-ignore
    await world.until(() => isrOf().length === 3, recoveryMsMax)
    assert.equal(world.leaderOf('idle', 0), leader)
  })

  test('of all nodes refuses produce for another try, serves fetches, elects, and ends by itself', async () => {
    const { world, topicId } = await cluster(21)
    const client = world.client()
    await world.run(client.produce(at, value('a'), limit))
    for (const id of ids) fill(world, id)
    await world.until(isrIs(world, 1), handOverMsMax)
    await world.clock.advance(2_000)
    const leader = world.leaderOf('t', 0)
    const refused = await produceRaw(world, leader, at, batchOf('b'), { acks: 1 })
    assert.equal(refused.errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
    const read = await fetchRaw(world, leader, topicId, 0, 0)
    assert.deepEqual(textsOf(read.records), ['a'])
    const active = world.activeController() ?? 0
    world.kill(active)
    await world.until(() => world.activeController() !== null, 5_000)
    await createTopic(world, 'u', 1)
    world.start(active)
    await world.until(() => world.node(active).life?.started === true, 10_000)
    allLive(world)
    for (const id of ids) empty(world, id)
    await world.until(isrIs(world, 3), recoveryMsMax)
    await world.run(client.produce(at, value('c'), limit))
    await world.run(client.produce({ topic: 'u', partition: 0 }, value('d'), limit))
    allLive(world)
  })

  test('of a node that dies and is started again on it is no loss: what there was no room to open is led again when there is', async () => {
    const { world } = await cluster(71, { 'log.index.interval.bytes': '0' })
    const client = world.client()
    const [id = 0, other = 0] = ids.filter((it) => it !== world.activeController())
    const last = { topic: 'last', partition: 0 }
    const assignments = [{ partitionIndex: 0, brokerIds: [id, other] }]
    const configs = [{ name: 'min.insync.replicas', value: '1' }]
    const topics = [{ name: 'last', numPartitions: -1, replicationFactor: -1, assignments, configs }]
    await ask(world, id, apis.createTopics, { topics, timeoutMs: requestMs })
    world.kill(other)
    for (const text of ['a', 'b']) await world.run(client.produce(last, value(text), limit), 20_000)
    await world.until(() => world.partition('last', 0)?.isr.length === 1, 20_000)
    world.kill(id)
    world.node(id).disk.fault = (action, path) => (action === 'write' && path.endsWith('.index') ? 'ENOSPC' : null)
    world.start(id)
    await world.until(() => world.node(id).life?.started === true, 10_000)
    await world.clock.advance(3_000)
    assert.match(world.lines.join('\n'), /last-0 cannot be opened and is left as it is: write .* ENOSPC/)
    world.node(id).disk.fault = () => null
    await world.clock.advance(recoveryMsMax)
    await world.run(client.produce(last, value('c'), limit))
    assert.deepEqual(textsOf(world.recordsOf(id, 'last', 0)), ['a', 'b', 'c'])
  })

  test('is freed by retention alone', async () => {
    const { world } = await cluster(31, {
      'log.retention.check.interval.ms': '500',
      'log.segment.bytes': '1048576',
      'log.retention.ms': '4000',
    })
    const client = world.client()
    const leader = world.leaderOf('t', 0)
    for (let i = 0; i < 5; i++) await world.run(client.produce(at, [{ value: Buffer.alloc(300_000, i) }], limit))
    fill(world, leader)
    await world.run(client.produce(at, value('elsewhere'), limit))
    assert.notEqual(world.leaderOf('t', 0), leader)
    await world.until(isrIs(world, 3), 30_000)
    allLive(world)
  })

  test('of all nodes is freed everywhere by deleting records on the leader', async () => {
    const { world } = await cluster(51, { 'log.segment.bytes': '1048576' })
    const client = world.client()
    for (let i = 0; i < 5; i++) await world.run(client.produce(at, [{ value: Buffer.alloc(400_000, i) }], limit))
    for (const id of ids) fill(world, id)
    await world.until(isrIs(world, 1), handOverMsMax)
    await world.clock.advance(2_000)
    const leader = world.leaderOf('t', 0)
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, offset: 5 }] }]
    await ask(world, leader, apis.deleteRecords, { topics, timeoutMs: 1_000 })
    await world.until(isrIs(world, 3), 15_000)
    await world.run(client.produce(at, value('again'), limit))
    allLive(world)
  })

  test('of a node that is told to stop does not keep it from stopping, nor from starting again', async () => {
    const { world } = await cluster(41)
    const client = world.client()
    await world.run(client.produce(at, value('a'), limit))
    const leader = world.leaderOf('t', 0)
    fill(world, leader)
    await world.clock.advance(3_000)
    await world.stop(leader)
    world.start(leader)
    await world.until(() => world.node(leader).life?.started === true, 10_000)
    await world.run(client.produce(at, value('b'), limit))
    empty(world, leader)
    await world.until(isrIs(world, 3), recoveryMsMax)
    assert.deepEqual(textsOf(world.recordsOf(leader, 't', 0)), ['a', 'b'])
  })
})
