import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '../../protocol/errors.ts'
import { ClassicClient, type ClientOptions, Coordinator, protocols, stableGroup } from './fixture.test.ts'

const quick: ClientOptions = { rebalanceTimeoutMs: 5_000, sessionTimeoutMs: 30_000 }

/** A group of three: the leader and two followers. */
function trio(coordinator: Coordinator, options: ClientOptions = quick) {
  const [leader, second, third] = stableGroup(coordinator, 3, options)
  assert.ok(leader !== undefined && second !== undefined && third !== undefined)
  return { leader, second, third }
}

test('A rebalance is over as soon as all members have joined again, and the leader stays', () => {
  const coordinator = new Coordinator()
  const { leader, second, third } = trio(coordinator)
  const joins = [leader, second, third].map((client) => client.join())
  assert.equal(third.take(joins[2] ?? -1), ErrorCode.NONE)
  assert.deepEqual([third.generationId, third.leader, third.members], [2, leader.memberId, []])
  assert.equal(leader.take(joins[0] ?? -1), ErrorCode.NONE)
  assert.deepEqual(
    leader.members.map(({ memberId, metadata }) => [memberId, metadata.toString()]),
    [leader, second, third].map(({ memberId }) => [memberId, 'range metadata']),
  )
})

test('Members that do not join again in time are removed, and another leader is found if it was one of them', () => {
  const coordinator = new Coordinator()
  const { leader, second, third } = trio(coordinator)
  const newcomer = new ClassicClient(coordinator, quick)
  const joins = [newcomer.join(), third.join(), second.join()]
  assert.ok(joins.every((ticket) => coordinator.waits(ticket)))
  coordinator.pass(5_000)
  assert.deepEqual(
    joins.map((ticket) => coordinator.joined(ticket).errorCode),
    [0, 0, 0],
  )
  assert.equal(second.take(joins[2] ?? -1), ErrorCode.NONE)
  assert.equal(second.leader, second.memberId)
  assert.equal(leader.heartbeat(), ErrorCode.UNKNOWN_MEMBER_ID)
})

test('The rebalance waits for the longest of the rebalance timeouts', () => {
  const coordinator = new Coordinator()
  trio(coordinator, { ...quick, sessionTimeoutMs: 60_000 })
  const patient = new ClassicClient(coordinator, { ...quick, rebalanceTimeoutMs: 20_000, sessionTimeoutMs: 60_000 })
  const join = patient.join()
  coordinator.pass(19_999)
  assert.ok(coordinator.waits(join))
  coordinator.pass(1)
  assert.equal(coordinator.joined(join).members.length, 1)
})

test('A follower that joins a stable group as it is hears of its generation again, a leader begins another', () => {
  const coordinator = new Coordinator()
  const { leader, second } = trio(coordinator)
  const again = coordinator.joined(second.join())
  assert.deepEqual([again.generationId, again.leader, again.members], [1, leader.memberId, []])
  assert.equal(coordinator.group().state, 'Stable')
  assert.ok(coordinator.waits(leader.join()))
  assert.equal(coordinator.group().state, 'PreparingRebalance')
})

test('A follower that joins with other metadata begins a rebalance', () => {
  const coordinator = new Coordinator()
  const { second } = trio(coordinator)
  second.protocols = [{ name: 'range', metadata: Buffer.from('other topics') }]
  assert.ok(coordinator.waits(second.join()))
  assert.equal(coordinator.group().state, 'PreparingRebalance')
})

test('While syncs are awaited, who joins as it was hears of the generation again, the leader of all members', () => {
  const coordinator = new Coordinator()
  const { leader, second, third } = trio(coordinator)
  const joins = [leader, second, third].map((client) => client.join())
  leader.take(joins[0] ?? -1)
  assert.equal(coordinator.group().state, 'CompletingRebalance')
  assert.equal(coordinator.joined(leader.sendJoin()).members.length, 3)
  assert.deepEqual(coordinator.joined(second.sendJoin()).members, [])
  assert.equal(coordinator.joined(second.sendJoin()).generationId, 2)
})

test('While syncs are awaited, who joins with other protocols begins a rebalance, and waiting syncs hear of it', () => {
  const coordinator = new Coordinator()
  const { leader, second, third } = trio(coordinator)
  const joins = [leader, second, third].map((client) => client.join())
  for (const [at, client] of [leader, second, third].entries()) client.take(joins[at] ?? -1)
  const sync = second.sync()
  assert.ok(coordinator.waits(sync))
  third.protocols = protocols('range', 'sticky')
  assert.ok(coordinator.waits(third.sendJoin()))
  assert.equal(coordinator.synced(sync).errorCode, ErrorCode.REBALANCE_IN_PROGRESS)
  assert.equal(coordinator.synced(leader.syncAll()).errorCode, ErrorCode.REBALANCE_IN_PROGRESS)
})

test('A group that everybody has left is empty, in a generation of its own, and is so in the log', () => {
  const coordinator = new Coordinator()
  const { leader, second, third } = trio(coordinator)
  coordinator.wall += 500
  assert.deepEqual(
    [leader, second, third].map((client) => client.leave()),
    [0, 0, ErrorCode.NONE],
  )
  const group = coordinator.group()
  assert.deepEqual([group.state, group.generationId, group.members.size, group.leaderId], ['Empty', 2, 0, null])
  const expected = {
    protocolType: 'consumer',
    generation: 2,
    protocol: null,
    leader: null,
    currentStateTimestamp: coordinator.wall,
    members: [],
  }
  assert.deepEqual(coordinator.log.at(-1)?.value, expected)
})

test('Generations go on where an empty group had left them', () => {
  const coordinator = new Coordinator()
  const [only] = stableGroup(coordinator, 1)
  assert.equal(only?.leave(), ErrorCode.NONE)
  const group = coordinator.group()
  assert.deepEqual([group.state, group.generationId, group.protocolType, group.protocolName], ['Empty', 2, 'consumer', null])
  assert.deepEqual(coordinator.log.at(-1)?.value?.members, [])
  const [next] = stableGroup(coordinator, 1)
  assert.equal(next?.generationId, 3)
})

test('A group that nobody came to in the end becomes empty by itself', () => {
  const coordinator = new Coordinator()
  const client = new ClassicClient(coordinator, { ...quick, joinVersion: 3 })
  const join = client.join()
  client.memberId = [...coordinator.group().members.all()][0]?.memberId ?? ''
  assert.equal(client.leave(), ErrorCode.NONE)
  assert.equal(coordinator.joined(join).errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
  assert.equal(coordinator.group().state, 'PreparingRebalance')
  coordinator.pass(3_000)
  assert.deepEqual([coordinator.group().state, coordinator.group().generationId], ['Empty', 1])
})

test('A rebalance timeout of nothing, or less, removes who does not join at once, and nothing else', () => {
  for (const rebalanceTimeoutMs of [0, -5_000_000]) {
    const coordinator = new Coordinator({ groupInitialRebalanceDelayMs: 0 })
    const clients = [0, 1].map(() => new ClassicClient(coordinator, { rebalanceTimeoutMs, joinVersion: 3 }))
    const joins = clients.map((client) => client.join())
    assert.ok(coordinator.state.deadlines.wakeAt() >= coordinator.now)
    coordinator.pass(0)
    assert.equal(joins.filter((ticket) => coordinator.joined(ticket).errorCode === ErrorCode.NONE).length, 2)
    assert.ok(coordinator.state.deadlines.wakeAt() >= coordinator.now)
  }
})
