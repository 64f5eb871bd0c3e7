import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { NodeId } from '../../base/units.ts'
import { apis } from '../../protocol/apis.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { ask, createTopic, requestMs, textsOf } from '../../sim/cluster-requests.ts'
import { ClusterWorld } from '../../sim/cluster-world.ts'

const limit = { timeoutMs: requestMs }
const at = { topic: 't', partition: 0 }
const properties = { 'log.dirs': '/data/%id/a,/data/%id/b', 'metadata.log.dir': '/data/%id/a' }
const segments = { 'segment.bytes': '1048576', 'index.interval.bytes': '100' }

async function worldOf(seed: number, configs: Readonly<Record<string, string>> = {}, replicas = 3): Promise<ClusterWorld> {
  const world = new ClusterWorld(3, seed, properties)
  await world.startAll()
  await createTopic(world, 't', replicas, { ...segments, ...configs })
  return world
}

/** Values that grow, until it is told to stop; what was acknowledged. */
function load(world: ClusterWorld, bytes = 200) {
  const acknowledged: string[] = []
  const client = world.client()
  let going = true
  const work = (async () => {
    for (let i = 0; going; i++) {
      const value = `${i} ${'x'.repeat(bytes)}`
      try {
        await client.produce(at, [{ value: Buffer.from(value) }], limit)
        acknowledged.push(value)
      } catch {
        // Not known whether it is there
      }
    }
  })()
  return {
    acknowledged,
    stop: async () => {
      going = false
      await world.run(work, 60_000)
      client.close()
    },
  }
}

async function fill(world: ClusterWorld, count: number, bytes = 2_000): Promise<readonly string[]> {
  const client = world.client()
  const values = Array.from({ length: count }, (_unused, i) => `${i} ${'y'.repeat(bytes)}`)
  for (const value of values) await world.run(client.produce(at, [{ value: Buffer.from(value) }], limit))
  client.close()
  return values
}

function directoryOf(world: ClusterWorld, id: NodeId): string | undefined {
  const life = world.node(id).life
  for (const partition of life?.broker.partitions ?? []) if (partition.topic === 't') return partition.directory.path
  return undefined
}

const other = (path: string): string => (path.endsWith('/a') ? `${path.slice(0, -1)}b` : `${path.slice(0, -1)}a`)

async function move(world: ClusterWorld, id: NodeId, path: string, topic = 't'): Promise<number | undefined> {
  const answer = await ask(world, id, apis.alterReplicaLogDirs, { dirs: [{ path, topics: [{ name: topic, partitions: [0] }] }] })
  return answer.results[0]?.partitions[0]?.errorCode
}

async function toTheOther(world: ClusterWorld, id: NodeId): Promise<string> {
  const path = other(directoryOf(world, id) ?? '')
  assert.equal(await move(world, id, path), ErrorCode.NONE)
  return path
}

const arrived = (world: ClusterWorld, id: NodeId, path: string): boolean =>
  directoryOf(world, id) === path && left(world, id, other(path)).length === 0

/** What is in a directory of the partition, in whatever state. */
function left(world: ClusterWorld, id: NodeId, path: string): readonly string[] {
  return world
    .node(id)
    .disk.list(path)
    .filter((name) => name.startsWith('t-0') && !name.endsWith('-delete'))
}

/** Each replica has all that was acknowledged, in order, and all have the same. */
async function checkAll(world: ClusterWorld, acknowledged: readonly string[]): Promise<void> {
  await world.until(() => world.partition('t', 0)?.isr.length === 3, 60_000)
  await world.clock.advance(2_000)
  const texts = [1, 2, 3].map((id) => textsOf(world.recordsOf(id, 't', 0)))
  for (const found of texts) assert.deepEqual(found, texts[0])
  const found = new Set(texts[0])
  assert.deepEqual(
    acknowledged.filter((it) => !found.has(it)),
    [],
  )
  for (const id of [1, 2, 3]) {
    const path = directoryOf(world, id) ?? ''
    assert.deepEqual([left(world, id, path), left(world, id, other(path))], [['t-0'], []], `node ${id}`)
    const directoryId = /directory\.id=(\S+)/.exec(world.node(id).disk.readSmall(`${path}/meta.properties`).toString())?.[1]
    const state = world.partition('t', 0)
    assert.equal(state?.directories[state.replicas.indexOf(id)], directoryId, `metadata says where the replica of node ${id} is`)
  }
}

for (const [name, configs] of [
  ['by default', {}],
  ['with flush.messages=1', { 'flush.messages': '1' }],
] as const) {
  test(`leaders and followers move to and fro under a producer that does not notice, ${name}`, async () => {
    const world = await worldOf(1, configs)
    for (const { disk } of world.nodes.values()) disk.syncsLate = true
    const before = await fill(world, 30, 40_000)
    const producing = load(world)
    for (let round = 0; round < 3; round++) {
      for (const id of [1, 2, 3]) {
        const path = await toTheOther(world, id)
        await world.until(() => arrived(world, id, path), 20_000)
        await world.clock.advance(100)
      }
    }
    await producing.stop()
    assert.ok(producing.acknowledged.length > 50)
    await checkAll(world, [...before, ...producing.acknowledged])
  })
}

for (const power of [false, true]) {
  test(`a ${power ? 'loss of power' : 'death'} at any moment of a move loses nothing, and the move goes on`, async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const world = await worldOf(seed, { 'flush.messages': '1' })
      for (const { disk } of world.nodes.values()) disk.syncsLate = true
      const before = await fill(world, 20, 40_000)
      const producing = load(world)
      const id = (seed % 3) + 1
      const path = await toTheOther(world, id)
      await world.clock.advance(seed * 7)
      world.kill(id, power)
      await world.clock.advance(50)
      world.start(id)
      await world.untilAllServe(30_000)
      // The request itself is in no log: a loss of power may take it
      const isOver = (): boolean => left(world, id, other(directoryOf(world, id) ?? '')).length === 0
      await world.until(() => (power ? isOver() : arrived(world, id, path)), 30_000)
      await producing.stop()
      await checkAll(world, [...before, ...producing.acknowledged])
    }
  })
}

test('the power goes on all nodes at once while all of them move: what was acknowledged durably is there', async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const world = await worldOf(seed, { 'flush.messages': '1' })
    for (const { disk } of world.nodes.values()) disk.syncsLate = true
    const before = await fill(world, 10, 40_000)
    const producing = load(world)
    for (const id of [1, 2, 3]) await toTheOther(world, id)
    await world.clock.advance(seed * 9)
    const promised = [...before, ...producing.acknowledged]
    for (const id of [1, 2, 3]) world.kill(id, true)
    for (const id of [1, 2, 3]) world.start(id)
    await world.untilAllServe(30_000)
    await producing.stop()
    await world.until(() => [1, 2, 3].every((id) => left(world, id, other(directoryOf(world, id) ?? '')).length === 0), 30_000)
    await checkAll(world, promised)
  }
})

describe('AlterReplicaLogDirs', () => {
  test('refuses what is no log directory, no topic, or a name that is too long', async () => {
    const world = await worldOf(1)
    assert.equal(await move(world, 1, '/elsewhere'), ErrorCode.LOG_DIR_NOT_FOUND)
    assert.equal(await move(world, 1, '/data/1/b', 'nothing'), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    assert.equal(await move(world, 1, '/data/1/b', 'n'.repeat(230)), ErrorCode.INVALID_TOPIC_EXCEPTION)
  })

  test('of a replica that is where it is asked to be does nothing', async () => {
    const world = await worldOf(1)
    const path = directoryOf(world, 1) ?? ''
    assert.equal(await move(world, 1, path), ErrorCode.NONE)
    await world.clock.advance(500)
    assert.deepEqual([left(world, 1, path), left(world, 1, other(path))], [['t-0'], []])
  })

  test('of a replica that is not here yet decides where it is made', async () => {
    for (const path of ['/data/1/a', '/data/1/b']) {
      const world = await worldOf(1)
      const answer = await move(world, 1, path, 'later')
      assert.equal(answer, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
      await createTopic(world, 'later', 3)
      await world.clock.advance(500)
      assert.ok(world.node(1).disk.exists(`${path}/later-0`))
    }
  })

  test('shows the copy and what it lacks, is bounded, and can be called off by asking for where the replica is', async () => {
    const world = await worldOf(1)
    await fill(world, 40, 100_000)
    const config = { name: 'replica.alter.log.dirs.io.max.bytes.per.second', configOperation: 0, value: '1000000' }
    await ask(world, 1, apis.incrementalAlterConfigs, {
      resources: [{ resourceType: 4, resourceName: '', configs: [config] }],
      validateOnly: false,
    })
    await world.clock.advance(300)
    const from = directoryOf(world, 1) ?? ''
    const path = await toTheOther(world, 1)
    await world.clock.advance(1_500)
    const shown = await ask(world, 1, apis.describeLogDirs, { topics: null })
    const future = shown.results.find((it) => it.logDir === path)?.topics.find((it) => it.name === 't')?.partitions[0]
    assert.equal(future?.isFutureKey, true)
    assert.ok(future !== undefined && future.offsetLag > 10 && future.partitionSize > 500_000 && future.partitionSize < 3_200_000)
    assert.equal(await move(world, 1, from), ErrorCode.NONE)
    await world.clock.advance(10_000)
    assert.deepEqual([directoryOf(world, 1), left(world, 1, from), left(world, 1, path)], [from, ['t-0'], []])
  })

  test('of a topic that is deleted meanwhile leaves nothing', async () => {
    const world = await worldOf(1)
    await fill(world, 40, 100_000)
    await toTheOther(world, 1)
    await world.clock.advance(3)
    await ask(world, 1, apis.deleteTopics, { topics: [{ name: 't' }], timeoutMs: 5_000 })
    await world.clock.advance(10_000)
    for (const path of ['/data/1/a', '/data/1/b']) assert.deepEqual(left(world, 1, path), [])
  })

  test('into a directory that fails leaves the replica where it is, in service', async () => {
    const world = await worldOf(1)
    await fill(world, 40, 100_000)
    const from = directoryOf(world, 2) ?? ''
    const to = other(from)
    world.node(2).disk.fault = (action, path) => (path.startsWith(to) && path.includes('-future') && action === 'sync' ? 'EIO' : null)
    const hasMetadata = to.endsWith('/a')
    await toTheOther(world, 2)
    if (hasMetadata) return
    await world.clock.advance(5_000)
    assert.equal(directoryOf(world, 2), from)
    await world.until(() => world.partition('t', 0)?.isr.length === 3, 30_000)
  })

  test('into a directory without room to spare waits, and nobody suffers; it goes on when there is room', async () => {
    const world = await worldOf(1)
    await fill(world, 40, 100_000)
    const { disk } = world.node(1)
    const space = disk.space.bind(disk)
    const to = other(directoryOf(world, 1) ?? '')
    // Above the mark below which a directory is full (256 KiB here), below twice of it
    disk.space = () => ({ ...space(), free: 384 * 1024 })
    await toTheOther(world, 1)
    await world.clock.advance(5_000)
    assert.deepEqual([directoryOf(world, 1), world.partition('t', 0)?.isr.length], [other(to), 3])
    assert.ok(left(world, 1, to)[0]?.endsWith('-future'))
    disk.space = space
    await world.until(() => arrived(world, 1, to), 20_000)
  })

  test('of a replica whose directory is exchanged meanwhile: the copy is not taken for it, all is fetched again', async () => {
    const world = await worldOf(1)
    const values = await fill(world, 40, 100_000)
    const config = { name: 'replica.alter.log.dirs.io.max.bytes.per.second', configOperation: 0, value: '1000000' }
    await ask(world, 1, apis.incrementalAlterConfigs, {
      resources: [{ resourceType: 4, resourceName: '', configs: [config] }],
      validateOnly: false,
    })
    await world.clock.advance(300)
    const from = directoryOf(world, 1) ?? ''
    const to = await toTheOther(world, 1)
    await world.clock.advance(1_500)
    world.kill(1)
    const { disk } = world.node(1)
    disk.removeTree(`${from}/t-0`)
    const state = world.partition('t', 0)
    assert.ok(state !== undefined && left(world, 1, to)[0]?.endsWith('-future'))
    world.start(1)
    await world.untilAllServe(30_000)
    await checkAll(world, values)
  })
})
