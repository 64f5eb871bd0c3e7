import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClusterWorld } from '../sim/cluster-world.ts'

test('a controller whose log fails while it answers a request ends its process, and another one takes over', async () => {
  const world = new ClusterWorld(3, 1, { 'metadata.log.dir': '/metadata/%id' }, { survivesCrashes: true })
  await world.startAll()
  const active = world.activeController()
  assert.ok(active !== null)
  const node = world.node(active)
  node.disk.fault = (action, path) => (action === 'write' && path.startsWith('/metadata') ? 'EIO' : null)
  const client = world.client()
  const topic = { name: 't', partitions: 1, replicationFactor: 3 }
  const created = client.createTopics([topic], { timeoutMs: 20_000 })
  await world.until(() => node.life?.failure !== null, 1_000)
  assert.match(node.life?.failure ?? '', /^DiskError: write \/metadata/)
  world.kill(active)
  await world.run(created)
  assert.ok(world.activeController() !== active)
  client.close()
})

test('a controller whose snapshot cannot be synced ends its process: what else it wrote there may be lost too', async () => {
  const properties = { 'metadata.log.dir': '/metadata/%id', 'metadata.log.max.record.bytes.between.snapshots': '1000' }
  const world = new ClusterWorld(3, 2, properties, { survivesCrashes: true })
  await world.startAll()
  const node = world.node(3)
  node.disk.fault = (action, path) => (action === 'sync' && path.endsWith('.part') ? 'EIO' : null)
  const client = world.client()
  for (let i = 0; i < 10; i++) {
    const topic = { name: `t${i}`, partitions: 3, replicationFactor: 3 }
    await world.run(client.createTopics([topic], { timeoutMs: 20_000 }))
  }
  await world.until(() => node.life?.failure !== null, 5_000)
  assert.match(node.life?.failure ?? '', /^DiskError: sync \/metadata.*part: EIO/)
  client.close()
})
