import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClusterWorld } from '../sim/cluster-world.ts'

const second = { timeoutMs: 10_000 }
const at = { topic: 't', partition: 0 }
const value = (text: string) => [{ value: Buffer.from(text) }]

async function cluster(seed: number, properties: Readonly<Record<string, string>> = {}) {
  const world = new ClusterWorld(3, seed, properties)
  await world.startAll()
  return world
}

test('three nodes come up and serve', async () => {
  const world = await cluster(1)
  const client = world.client()
  await world.run(client.createTopics([{ name: 't', partitions: 1, replicationFactor: 3 }], second))
  assert.equal(await world.run(client.produce(at, value('a'), second)), 0)
  const fetched = await world.run(client.fetch(at, 0, { ...second, maxWaitMs: 100 }))
  assert.deepEqual(
    fetched.records.map((it) => it.value?.toString()),
    ['a'],
  )
})
