import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World } from './quorum-world.test.ts'

const alive = {
  listeners: [{ name: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 'PLAINTEXT' }],
  rack: null,
  features: [],
  timestamp: 5,
}
const path = '/brokers/ids/7'

test('a broker follows whoever leads, and goes on over a change of leaders without a snapshot', async () => {
  const world = new World(1)
  for (const id of [1, 2]) await world.start(id)
  const broker = await world.observe(7)
  await world.until('a leader', () => world.leaders().length === 1)
  world.leaders()[0]?.host.write(20)
  await world.until('all', () => world.settled() && broker.host.committed === world.leaders()[0]?.host.committed)
  const first = world.leaders()[0]
  await first?.quorum.stop()
  world.kill(first?.id ?? 0)
  await world.until('another', () => world.leaders().length === 1)
  world.leaders()[0]?.host.write(20)
  await world.until('all', () => broker.host.committed === world.history.records.length && world.settled())
  assert.ok(world.history.records.length > 20)
  assert.equal(broker.host.snapshots, 0)
  assert.equal(broker.observer.leader.epoch, 2)
})

test('who was away for a while is given the snapshot by the next leader', async () => {
  const world = new World(2)
  for (const id of [1, 2]) await world.start(id)
  await world.until('a leader', () => world.leaders().length === 1)
  world.leaders()[0]?.host.write(20)
  await world.until('all', () => world.settled())
  const first = world.leaders()[0]
  await first?.quorum.stop()
  world.kill(first?.id ?? 0)
  await world.until('another', () => world.leaders().length === 1)
  const broker = await world.observe(7)
  await world.until('the broker', () => broker.host.committed === world.history.records.length)
  assert.equal(broker.host.snapshots, 1)
})

test('a broker says that it is alive once it was let in, in every session again, and takes over from its former process', async () => {
  const world = new World(3)
  await world.start(1)
  await world.until('a leader', () => world.leaders().length === 1)
  const former = await world.observe(7)
  await world.run(100)
  assert.equal(world.ensemble.exists(path), null)
  assert.equal(former.observer.sessionUntil, -Infinity)
  former.observer.onRegistered(alive)
  await world.until('its znode', () => world.ensemble.exists(path) !== null)
  assert.match(world.ensemble.get(path).data.toString(), /"endpoints":\["PLAINTEXT:\/\/h:9092"\]/)
  assert.ok(former.observer.sessionUntil > world.clock.mono())
  former.client?.die()
  const next = await world.observe(7)
  next.observer.onRegistered(alive)
  await world.until('its own znode', () => world.ensemble.exists(path)?.ephemeralOwner === next.client?.sessionId)
  await world.run(5_000)
  assert.notEqual(world.ensemble.exists(path), null, 'the end of the former session has not taken it away')
  next.client?.cut(4_000)
  await world.until('it to go', () => world.ensemble.exists(path) === null)
  await world.until('it to come back', () => world.ensemble.exists(path) !== null)
})

test('the leader knows whose session is over, and forgives who comes back', async () => {
  const world = new World(4)
  const { quorum } = await world.start(1)
  const lost: number[] = []
  quorum.brokerSessions.onLost((broker) => lost.push(broker))
  await world.until('a leader', () => world.leaders().length === 1)
  const broker = await world.observe(7)
  broker.observer.onRegistered(alive)
  await world.run(200)
  assert.deepEqual([lost, quorum.brokerSessions.isLost(7)], [[], false])
  broker.client?.cut(4_000)
  await world.until('the loss', () => quorum.brokerSessions.isLost(7))
  assert.deepEqual(lost, [7])
  await world.until('the return', () => !quorum.brokerSessions.isLost(7))
})
