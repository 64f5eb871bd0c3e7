import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeId } from '../../base/units.ts'
import { apis } from '../../protocol/apis.ts'
import { ask, createTopic, requestMs, textsOf } from '../../sim/cluster-requests.ts'
import { ClusterWorld } from '../../sim/cluster-world.ts'

const at = { topic: 't', partition: 0 }
const value = (text: string) => [{ value: Buffer.from(text) }]
const written = ['a', 'b', 'c', 'd', 'e']

/** Seven nodes, of which four are a majority, a partition on three of them that asks for two in sync, with records that nobody has synced. */
async function served(seed: number) {
  const world = new ClusterWorld(7, seed)
  await world.startAll()
  await createTopic(world, 't', 3, { 'min.insync.replicas': '2' })
  await world.until(() => world.partition('t', 0)?.isr.length === 3, 5_000)
  const client = world.client()
  for (const text of written) await world.run(client.produce(at, value(text), { timeoutMs: requestMs }))
  client.close()
  return { world, replicas: world.partition('t', 0)?.replicas ?? [] }
}

const texts = (world: ClusterWorld, id: NodeId) => textsOf(world.recordsOf(id, 't', 0))
const elrOf = (world: ClusterWorld) => world.partition('t', 0)?.eligibleLeaderReplicas ?? []

test('a node that has lost its power does not lead with what its disk kept, even if it was the last in sync', async () => {
  let losses = 0
  for (let seed = 1; seed <= 6; seed += 1) {
    const { world, replicas } = await served(seed)
    const [powerless = -1, ...others] = replicas
    world.kill(powerless, true)
    if (texts(world, powerless).length < written.length) losses += 1
    for (const id of others) world.kill(id)
    await world.until(() => world.activeController() !== null && world.leaderOf('t', 0) === -1, 20_000)
    world.start(powerless)
    await world.until(() => world.node(powerless).life?.started === true, 10_000)
    assert.equal(world.leaderOf('t', 0), -1, 'nobody who has all is there')
    assert.ok(!elrOf(world).includes(powerless) && elrOf(world).length > 0, `eligible: ${elrOf(world).join()}`)
    for (const id of others) world.start(id)
    await world.until(() => world.partition('t', 0)?.isr.length === 3, 20_000)
    for (const id of replicas) assert.deepEqual(texts(world, id), written, `node ${id}, seed ${seed}`)
  }
  assert.ok(losses > 0, 'of some seeds the disk lost something')
})

test('nodes that were all killed have lost nothing, and lead again by themselves', async () => {
  const { world, replicas } = await served(11)
  for (const id of world.nodes.keys()) world.kill(id)
  await world.startAll(20_000)
  await world.until(() => world.partition('t', 0)?.isr.length === 3, 20_000)
  for (const id of replicas) assert.deepEqual(texts(world, id), written)
})

test('when all replicas have lost their power nobody leads until an operator says so, and then the last known leader', async () => {
  const { world, replicas } = await served(12)
  for (const id of replicas) world.kill(id, true)
  await world.until(() => world.activeController() !== null && world.leaderOf('t', 0) === -1, 20_000)
  for (const id of replicas) world.start(id)
  await world.untilAllServe(20_000)
  await world.clock.advance(3_000)
  const [lastKnown = -1] = world.partition('t', 0)?.lastKnownElr ?? []
  assert.ok(world.leaderOf('t', 0) === -1 && replicas.includes(lastKnown))
  const topicPartitions = [{ topic: 't', partitions: [0] }]
  const body = { electionType: 1, topicPartitions, timeoutMs: requestMs }
  const answer = await ask(world, 1, apis.electLeaders, body)
  assert.equal(answer.replicaElectionResults[0]?.partitionResult[0]?.errorCode, 0)
  await world.until(() => world.partition('t', 0)?.isr.length === 3, 20_000)
  assert.ok(
    world.lines.some((line) => line.includes(`→ ${lastKnown}`)),
    world.describe(),
  )
})
