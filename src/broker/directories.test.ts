import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf, createTopic, produceRaw, requestMs, textsOf } from '../sim/cluster-requests.ts'
import { ClusterWorld } from '../sim/cluster-world.ts'
import { DirectoryProblem } from './directories.ts'

const limit = { timeoutMs: requestMs }
const partitions = 4

async function twoDirectories(seed: number, more: Readonly<Record<string, string>> = {}) {
  const world = new ClusterWorld(3, seed, { 'log.dirs': '/data/a,/data/b', ...more })
  await world.startAll()
  await createTopic(world, 't', 3, { 'flush.messages': '1' }, partitions)
  return world
}

test('partitions are spread over the log directories', async () => {
  const world = await twoDirectories(1)
  const { disk } = world.node(1)
  const inA = disk.list('/data/a').filter((name) => name.startsWith('t-')).length
  const inB = disk.list('/data/b').filter((name) => name.startsWith('t-')).length
  assert.deepEqual([inA, inB], [2, 2])
})

test('one failed directory of two: others lead what was in it, the rest stays, and all is well when it is back', async () => {
  const world = await twoDirectories(2, { 'metadata.log.dir': '/metadata' })
  const id = world.leaderOf('t', 0)
  const { disk } = world.node(id)
  const folder = ['/data/a', '/data/b'].find((it) => disk.exists(`${it}/t-0`)) ?? ''
  const inIt = [0, 1, 2, 3].filter((at) => disk.exists(`${folder}/t-${at}`))
  const client = world.client()
  await world.run(client.produce({ topic: 't', partition: 0 }, [{ value: Buffer.from('before') }], limit))
  disk.fault = (action, path) => (action === 'sync' && path.startsWith(`${folder}/t-`) ? 'EIO' : null)
  const isrs = () => [0, 1, 2, 3].map((at) => world.partition('t', at)?.isr ?? [])
  const after = client.produce({ topic: 't', partition: 0 }, [{ value: Buffer.from('after') }], limit)
  await world.until(() => inIt.every((at) => isrs()[at]?.includes(id) === false), 10_000)
  await world.run(after)
  const { records } = await world.run(world.client().fetch({ topic: 't', partition: 0 }, 0, { ...limit, maxWaitMs: 100 }))
  assert.deepEqual(textsOf(records), ['before', 'after'])
  await world.clock.advance(31_000)
  assert.equal(world.node(id).life?.failure, null)
  assert.deepEqual(
    isrs().map((isr) => isr.includes(id)),
    [0, 1, 2, 3].map((at) => !inIt.includes(at)),
    'what was in the other directory is still here',
  )
  disk.fault = () => null
  world.kill(id)
  world.start(id)
  await world.until(() => isrs().every((isr) => isr.length === 3), 20_000)
})

test('a directory that does not open is left out while there is another, and nothing of it is made anew elsewhere', async () => {
  const world = await twoDirectories(5)
  const client = world.client()
  for (const partition of [0, 1, 2, 3]) await world.run(client.produce({ topic: 't', partition }, [{ value: Buffer.from('a') }], limit))
  const { disk } = world.node(1)
  const inB = [0, 1, 2, 3].filter((at) => disk.exists(`/data/b/t-${at}`))
  world.kill(1)
  disk.readFault = (path) => (path === '/data/b/meta.properties' ? 'EIO' : null)
  world.start(1)
  await world.until(() => world.node(1).life?.started === true, 20_000)
  await world.clock.advance(15_000)
  for (const at of [0, 1, 2, 3]) {
    assert.equal(world.partition('t', at)?.isr.includes(1), !inB.includes(at), `t-${at}`)
    if (inB.includes(at)) assert.equal(disk.exists(`/data/a/t-${at}`), false)
  }
})

test('a controller that cannot be told of a failed directory in time ends the broker', async () => {
  const world = new ClusterWorld(3, 6, { 'log.dirs': '/data/a,/data/b', 'log.dir.failure.timeout.ms': '2000' })
  await world.startAll()
  await createTopic(world, 't', 3, { 'flush.messages': '1' }, partitions)
  const id = 3
  for (const other of [1, 2]) world.freeze(other)
  world.node(id).disk.fault = (action, path) => (action === 'sync' && path.startsWith('/data/b') ? 'EIO' : null)
  await world.until(() => world.node(id).life?.failure !== null, 90_000)
  assert.match(world.node(id).life?.failure ?? '', /data.b has failed, and the controller could not be told of it within 2000 ms/)
})

test('a broker whose last log directory fails says that it cannot go on', async () => {
  const world = new ClusterWorld(3, 3)
  await world.startAll()
  await createTopic(world, 't', 3, { 'flush.messages': '1' })
  world.node(3).disk.fault = (action, path) => (action === 'sync' && path.includes('/t-0/') ? 'EIO' : null)
  const produced = world.client().produce({ topic: 't', partition: 0 }, [{ value: Buffer.from('a') }], limit)
  await world.until(() => world.node(3).life?.failure !== null, 5_000)
  assert.match(world.node(3).life?.failure ?? '', /last log directory has failed/)
  world.kill(3)
  await world.run(produced)
})

test('once a sync has failed nothing of that directory is acknowledged, also in partitions that were not synced', async () => {
  const world = new ClusterWorld(1, 5)
  await world.startAll()
  await createTopic(world, 'strict', 1, { 'flush.messages': '1' })
  await createTopic(world, 'lax', 1)
  const at = (topic: string) => ({ topic, partition: 0 })
  assert.equal((await produceRaw(world, 1, at('lax'), batchOf('a'))).errorCode, 0)
  const { disk } = world.node(1)
  disk.fault = (action, path) => (action === 'sync' && path.includes('/strict-0/') ? 'EIO' : null)
  assert.notEqual((await produceRaw(world, 1, at('strict'), batchOf('b'))).errorCode, 0)
  disk.fault = () => null
  for (const topic of ['lax', 'strict']) {
    for (const acks of [1, -1] as const) assert.notEqual((await produceRaw(world, 1, at(topic), batchOf('c'), { acks })).errorCode, 0)
  }
})

test('a node whose metadata log is in a failed log directory ends, though another directory is left', async () => {
  const world = await twoDirectories(6)
  const { disk } = world.node(2)
  const hurt = disk.list('/data/a').find((name) => name.startsWith('t-')) ?? ''
  disk.fault = (action, path) => (action === 'sync' && path.startsWith(`/data/a/${hurt}/`) ? 'EIO' : null)
  const client = world.client()
  const produced = client.produce({ topic: 't', partition: Number(hurt.slice(2)) }, [{ value: Buffer.from('a') }], limit)
  await world.until(() => world.node(2).life?.failure !== null, 5_000)
  assert.match(world.node(2).life?.failure ?? '', /the log directory of the cluster's metadata, \/data\/a, has failed/)
  world.kill(2)
  await world.run(produced)
  client.close()
})

test('directories of another node, of another cluster, copied or not formatted are refused with what to do', () => {
  const identity = (changes: Readonly<Record<string, string>>) =>
    Object.entries({
      version: '1',
      'cluster.id': 'simulated-cluster',
      'node.id': '1',
      'directory.id': 'AAAAAAAAAAAAAAAAAAAACQ',
      ...changes,
    })
      .map(([name, value]) => `${name}=${value}\n`)
      .join('')
  const copy = (world: ClusterWorld) => world.node(1).disk.readSmall('/data/a/meta.properties')
  const cases: readonly [(world: ClusterWorld) => Buffer | string | null, RegExp][] = [
    [() => identity({ 'node.id': '2' }), /belongs to node 2, this is node 1/],
    [() => identity({ 'cluster.id': 'other' }), /another entry of log.dirs/],
    [copy, /same directory.id/],
    [() => null, /is not formatted. Run 'odradek storage format/],
  ]
  for (const [content, expected] of cases) {
    const world = new ClusterWorld(1, 4, { 'log.dirs': '/data/a,/data/b' })
    const { disk } = world.node(1)
    const text = content(world)
    if (text === null) disk.remove('/data/b/meta.properties')
    else disk.replaceSmallSync('/data/b/meta.properties', text)
    assert.throws(
      () => world.start(1),
      (error: unknown) => error instanceof DirectoryProblem && expected.test(error.message),
    )
    if (text !== null) disk.lock('/data/a/.lock').release()
  }
})
