import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Millis, NodeId } from '../../base/units.ts'
import { apis } from '../../protocol/apis.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { ask, createTopic } from '../../sim/cluster-requests.ts'
import { ClusterWorld } from '../../sim/cluster-world.ts'
import { OFFSETS_TOPIC } from '../internal-topics.ts'
import { partitionOfKey } from './partition-of-key.ts'

const groupId = 'g'
const offsetsPartitions = 3

async function cluster(seed: number): Promise<ClusterWorld> {
  const world = new ClusterWorld(3, seed, {
    'offsets.topic.num.partitions': String(offsetsPartitions),
    'group.initial.rebalance.delay.ms': '0',
  })
  await world.startAll()
  await createTopic(world, 't', 3)
  await untilCoordinated(world)
  return world
}

/** As clients do: any node, again until it can say. */
async function coordinator(world: ClusterWorld, by: NodeId = 1): Promise<NodeId> {
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await ask(world, by, apis.findCoordinator, { keyType: 0, coordinatorKeys: [groupId] })
    const found = answer.coordinators[0]
    if (found?.errorCode === ErrorCode.NONE) return found.nodeId
    assert.equal(found?.errorCode, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    await world.clock.advance(50)
  }
  return assert.fail(`no coordinator: ${world.describe()}`)
}

async function untilCoordinated(world: ClusterWorld): Promise<void> {
  await coordinator(world)
  await world.until(() => (world.partition(OFFSETS_TOPIC, partitionOfKey(groupId, offsetsPartitions))?.isr.length ?? 0) === 3, 5_000)
}

async function commit(world: ClusterWorld, node: NodeId, offset: number): Promise<number> {
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: `m${offset}` }] }]
  const answer = await ask(world, node, apis.offsetCommit, { groupId, generationIdOrMemberEpoch: -1, memberId: '', topics }, 9)
  return answer.topics[0]?.partitions[0]?.errorCode ?? assert.fail('no partition in the answer')
}

/** The committed offset, or the name of the error. */
async function committed(world: ClusterWorld, node: NodeId): Promise<number | { readonly error: number }> {
  const groups = [{ groupId, topics: [{ name: 't', partitionIndexes: [0] }] }]
  const answer = await ask(world, node, apis.offsetFetch, { groups, requireStable: true }, 9)
  const group = answer.groups[0] ?? assert.fail('no group in the answer')
  if (group.errorCode !== ErrorCode.NONE) return { error: group.errorCode }
  const partition = group.topics[0]?.partitions[0] ?? assert.fail('no partition in the answer')
  return partition.errorCode === ErrorCode.NONE ? partition.committedOffset : { error: partition.errorCode }
}

const join = (memberId: string) => ({
  groupId,
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  memberId,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.alloc(6) }],
})

/** Joins and syncs as the only member. Gives what to send heartbeats with. */
async function joinAlone(world: ClusterWorld, node: NodeId) {
  const first = await ask(world, node, apis.joinGroup, join(''))
  assert.equal(first.errorCode, ErrorCode.MEMBER_ID_REQUIRED)
  const joined = await ask(world, node, apis.joinGroup, join(first.memberId))
  assert.equal(joined.errorCode, ErrorCode.NONE)
  const { memberId, generationId } = joined
  const assignments = [{ memberId, assignment: Buffer.from('all of it') }]
  const synced = await ask(world, node, apis.syncGroup, {
    groupId,
    generationId,
    memberId,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments,
  })
  assert.equal(synced.errorCode, ErrorCode.NONE)
  return { groupId, generationId, memberId }
}

const others = (world: ClusterWorld, node: NodeId): NodeId[] => [...world.nodes.keys()].filter((id) => id !== node)

test('the offsets topic is made when the first group looks for its coordinator, and only that broker answers for it', async () => {
  const world = await cluster(1)
  const topic = world.image().topics.byName(OFFSETS_TOPIC)
  assert.equal(topic?.partitions.length, offsetsPartitions)
  assert.equal(world.image().configs.ofTopic(OFFSETS_TOPIC).get('cleanup.policy'), 'compact')
  const node = await coordinator(world)
  assert.equal(node, world.leaderOf(OFFSETS_TOPIC, partitionOfKey(groupId, offsetsPartitions)))
  assert.equal(await committed(world, node), -1)
  assert.equal(await commit(world, node, 7), ErrorCode.NONE)
  assert.equal(await committed(world, node), 7)
  for (const other of others(world, node)) {
    assert.equal(await commit(world, other, 8), ErrorCode.NOT_COORDINATOR)
    assert.deepEqual(await committed(world, other), { error: ErrorCode.NOT_COORDINATOR })
  }
})

for (const power of [false, true]) {
  test(`when the coordinator ${power ? 'loses its power' : 'is killed'} another one goes on with what was committed, and none ever says that nothing was`, async () => {
    const world = await cluster(power ? 2 : 3)
    const before = await coordinator(world)
    const member = await joinAlone(world, before)
    for (let offset = 1; offset <= 20; offset += 1) assert.equal(await commitAsMember(world, before, member, offset), ErrorCode.NONE)
    const killedAt = world.clock.mono()
    world.kill(before, power)
    let goneFor: Millis = -1
    for (let tries = 0; tries < 200 && goneFor < 0; tries += 1) {
      for (const node of others(world, before)) {
        const seen = await committed(world, node)
        if (typeof seen === 'number') {
          assert.equal(seen, 20)
          goneFor = world.clock.mono() - killedAt
        }
      }
      await world.clock.advance(10)
    }
    assert.ok(goneFor >= 0 && goneFor < 1_500, `offsets were away for ${goneFor} ms`)
    const [survivor = before] = others(world, before)
    const after = await coordinator(world, survivor)
    const beat = await ask(world, after, apis.heartbeat, member)
    assert.equal(beat.errorCode, ErrorCode.NONE, 'the member and its generation are known to the new coordinator')
    assert.equal(await commitAsMember(world, after, member, 21), ErrorCode.NONE)
    world.start(before)
    await world.until(() => world.partition(OFFSETS_TOPIC, partitionOfKey(groupId, offsetsPartitions))?.isr.length === 3, 10_000)
    assert.equal(await committed(world, await coordinator(world, survivor)), 21)
  })
}

async function commitAsMember(
  world: ClusterWorld,
  node: NodeId,
  member: { readonly memberId: string; readonly generationId: number },
  offset: number,
) {
  const { memberId, generationId } = member
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: null }] }]
  const answer = await ask(world, node, apis.offsetCommit, { groupId, generationIdOrMemberEpoch: generationId, memberId, topics }, 9)
  return answer.topics[0]?.partitions[0]?.errorCode
}

test('a coordinator that stood still tells nobody what it knew, once another one may have gone on', async () => {
  const world = await cluster(4)
  const before = await coordinator(world)
  assert.equal(await commit(world, before, 1), ErrorCode.NONE)
  const peer = world.peer(before)
  await world.run(peer.connect({ timeoutMs: 1_000 }))
  world.freeze(before)
  let seen: unknown = null
  const groups = [{ groupId, topics: [{ name: 't', partitionIndexes: [0] }] }]
  peer.request(apis.offsetFetch, 9, { groups, requireStable: true }, { timeoutMs: 60_000 }).then(
    (answer) => (seen = answer.groups[0]?.errorCode),
    () => (seen = 'closed'),
  )
  const partition = partitionOfKey(groupId, offsetsPartitions)
  await world.until(() => ![before, -1].includes(world.leaderOf(OFFSETS_TOPIC, partition)), 10_000)
  const [survivor = before] = others(world, before)
  await world.clock.advance(100)
  const after = await coordinator(world, survivor)
  assert.notEqual(after, before, 'the others know it by now')
  assert.equal(await commit(world, after, 2), ErrorCode.NONE)
  world.thaw(before)
  await world.until(() => seen !== null, 5_000)
  assert.ok(seen === ErrorCode.NOT_COORDINATOR || seen === 'closed', `the old coordinator answered ${String(seen)}`)
})

test('a coordinator that stops in order lets go who waits for others to join, and its groups go on at once', async () => {
  const world = await cluster(5)
  const before = await coordinator(world)
  await joinAlone(world, before)
  assert.equal(await commit(world, before, 3), ErrorCode.UNKNOWN_MEMBER_ID, 'a group with members takes no commits of others')
  const second = await ask(world, before, apis.joinGroup, join(''))
  const peer = world.peer(before)
  let parked: number | null = null
  peer.request(apis.joinGroup, apis.joinGroup.versionMax, join(second.memberId), { timeoutMs: 60_000 }).then(
    (answer) => (parked = answer.errorCode),
    () => (parked = -1),
  )
  await world.clock.advance(50)
  assert.equal(parked, null, 'the first member has not joined again yet')
  const stoppedAt = world.clock.mono()
  const stopping = world.stop(before)
  await world.until(() => parked !== null, 5_000)
  assert.equal(parked, ErrorCode.NOT_COORDINATOR)
  await stopping
  const [survivor = before] = others(world, before)
  assert.notEqual(await coordinator(world, survivor), before)
  assert.ok(world.clock.mono() - stoppedAt < 2_000)
})

test('while no other node can be reached a commit is not acknowledged, and what was acknowledged is there when they are back', async () => {
  const world = await cluster(6)
  const node = await coordinator(world)
  assert.equal(await commit(world, node, 5), ErrorCode.NONE)
  for (const other of others(world, node)) world.kill(other)
  assert.equal(await commit(world, node, 6), ErrorCode.COORDINATOR_NOT_AVAILABLE)
  for (const other of others(world, node)) world.start(other)
  await world.untilAllServe()
  let seen = await committed(world, await coordinator(world))
  for (let tries = 0; typeof seen !== 'number' && tries < 100; tries += 1) {
    await world.clock.advance(50)
    seen = await committed(world, await coordinator(world))
  }
  assert.ok(seen === 5 || seen === 6, `${JSON.stringify(seen)} is committed`)
  assert.equal(await commit(world, await coordinator(world), 7), ErrorCode.NONE)
  assert.equal(await committed(world, await coordinator(world)), 7)
})
