import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_UUID } from '../base/units.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { apis } from '../protocol/apis.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { ask, createTopic, fetchRaw, produceRaw } from '../sim/cluster-requests.ts'
import { ClusterWorld } from '../sim/cluster-world.ts'
import { OFFSETS_TOPIC } from './internal-topics.ts'

const properties = {
  'log.retention.check.interval.ms': '500',
  'log.cleaner.backoff.ms': '500',
  'log.cleaner.min.cleanable.ratio': '0.01',
  'log.roll.ms': '1000',
  'offsets.topic.num.partitions': '1',
}

function keyed(...records: readonly string[]): Buffer {
  return buildBatch(
    { timestamp: 1_700_000_000_000 },
    records.map((text) => {
      const [key = '', value] = text.split('=')
      return { key: Buffer.from(key), value: value === undefined ? null : Buffer.from(value) }
    }),
  )
}

function checkpointOf(world: ClusterWorld, node: number): string {
  const path = `/data/${node}/cleaner-offset-checkpoint`
  const { disk } = world.node(node)
  return disk.exists(path) ? disk.readSmall(path).toString() : ''
}

test('every replica compacts a compacted topic for itself, says so in its checkpoint, and knows it after a restart', async () => {
  const world = new ClusterWorld(3, 1, properties)
  await world.startAll()
  const topicId = await createTopic(world, 't', 3, { 'cleanup.policy': 'compact' })
  const leader = world.leaderOf('t', 0)
  for (let i = 0; i < 20; i++) await produceRaw(world, leader, { topic: 't', partition: 0 }, keyed(`a=${i}`, `k${i % 3}=${i}`))
  await world.clock.advance(8_000)
  const { records } = await fetchRaw(world, leader, topicId, 0, 0)
  assert.deepEqual(
    records.map((it) => `${it.offset} ${it.key?.toString()}=${it.value?.toString()}`),
    ['35 k2=17', '37 k0=18', '38 a=19', '39 k1=19'],
  )
  for (const node of [1, 2, 3]) assert.match(checkpointOf(world, node), /^t 0 40$/m)
  await world.stop(1)
  world.start(1)
  await world.untilAllServe()
  await world.clock.advance(2_000)
  assert.match(checkpointOf(world, 1), /^t 0 40$/m)
  for (const node of [1, 2, 3]) {
    const sizes = world
      .node(node)
      .disk.list(`/data/${node}/t-0`)
      .filter((name) => name.endsWith('.log'))
    assert.ok(sizes.length <= 2, `node ${node} has ${sizes.join(', ')}`)
  }
})

test('a topic that is deleted and made anew is not taken for clean', async () => {
  const world = new ClusterWorld(1, 2, properties)
  await world.startAll()
  await createTopic(world, 't', 1, { 'cleanup.policy': 'compact' })
  const at = { topic: 't', partition: 0 }
  for (let i = 0; i < 5; i++) await produceRaw(world, 1, at, keyed('a=1', 'b=1'))
  await world.clock.advance(5_000)
  assert.match(checkpointOf(world, 1), /^t 0 10$/m)
  await ask(world, 1, apis.deleteTopics, { topics: [{ name: 't', topicId: NO_UUID }], timeoutMs: 5_000 })
  await world.clock.advance(500)
  await createTopic(world, 't', 1, { 'cleanup.policy': 'compact' })
  assert.doesNotMatch(checkpointOf(world, 1), /^t 0/m)
})

test('committed offsets are compacted, and the coordinator that reads them says the same as before', async () => {
  const world = new ClusterWorld(3, 3, properties)
  await world.startAll()
  await createTopic(world, 't', 3, {}, 4)
  const find = async (): Promise<number> => {
    for (;;) {
      const answer = await ask(world, 1, apis.findCoordinator, { keyType: 0, coordinatorKeys: ['g'] })
      const found = answer.coordinators[0]
      if (found?.errorCode === ErrorCode.NONE) return found.nodeId
      await world.clock.advance(50)
    }
  }
  const first = await find()
  await world.until(() => world.partition(OFFSETS_TOPIC, 0)?.isr.length === 3, 5_000)
  for (let i = 1; i <= 40; i++) {
    const partitions = [{ partitionIndex: i % 4, committedOffset: i, committedMetadata: `m${i}` }]
    const body = { groupId: 'g', generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: 't', partitions }] }
    const answer = await ask(world, first, apis.offsetCommit, body, 9)
    assert.equal(answer.topics[0]?.partitions[0]?.errorCode, ErrorCode.NONE)
  }
  await world.clock.advance(8_000)
  for (const node of [1, 2, 3]) {
    const { disk } = world.node(node)
    const folder = `/data/${node}/${OFFSETS_TOPIC}-0`
    let bytes = 0
    for (const name of disk.list(folder)) if (name.endsWith('.log')) bytes += disk.readSmall(`${folder}/${name}`).length
    assert.ok(bytes < 1_000, `${bytes} bytes on node ${node}`)
  }
  await world.stop(first)
  const read = async (): Promise<readonly number[] | null> => {
    const groups = [{ groupId: 'g', topics: [{ name: 't', partitionIndexes: [0, 1, 2, 3] }] }]
    for (const node of [1, 2, 3].filter((it) => it !== first)) {
      const answer = await ask(world, node, apis.offsetFetch, { groups, requireStable: true }, 9)
      const group = answer.groups[0]
      if (group?.errorCode === ErrorCode.NONE) return (group.topics[0]?.partitions ?? []).map((it) => it.committedOffset)
    }
    return null
  }
  let offsets = await read()
  for (let tries = 0; offsets === null && tries < 100; tries++) {
    await world.clock.advance(100)
    offsets = await read()
  }
  assert.deepEqual(offsets, [40, 37, 38, 39])
})
