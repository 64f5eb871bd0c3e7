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

test('a broker with a failed log directory, of which the controller does not know what is in it, cannot go on; others lead then', async () => {
  const world = await twoDirectories(2, { 'metadata.log.dir': '/metadata' })
  const id = world.leaderOf('t', 0)
  const { disk } = world.node(id)
  const folder = ['/data/a', '/data/b'].find((it) => disk.exists(`${it}/t-0`)) ?? ''
  const client = world.client()
  await world.run(client.produce({ topic: 't', partition: 0 }, [{ value: Buffer.from('before') }], limit))
  disk.fault = (action, path) => (action === 'sync' && path.startsWith(`${folder}/t-`) ? 'EIO' : null)
  const after = client.produce({ topic: 't', partition: 0 }, [{ value: Buffer.from('after') }], limit)
  await world.until(() => world.node(id).life?.failure !== null, 10_000)
  assert.match(world.node(id).life?.failure ?? '', /only when this broker ends can others lead what was in it/)
  world.kill(id)
  await world.run(after)
  const { records } = await world.run(world.client().fetch({ topic: 't', partition: 0 }, 0, { ...limit, maxWaitMs: 100 }))
  assert.deepEqual(textsOf(records), ['before', 'after'])
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
