import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '../../protocol/errors.ts'
import { ClassicClient, Coordinator, protocols, stableGroup } from './fixture.test.ts'
import { newMemberJoinTimeoutMs } from './join.ts'

test('A new dynamic member of version 4 or later is given an id first, and has to join with it', () => {
  const coordinator = new Coordinator()
  const client = new ClassicClient(coordinator, { clientId: 'reader', joinVersion: 4 })
  const first = coordinator.joined(client.sendJoin())
  assert.equal(first.errorCode, ErrorCode.MEMBER_ID_REQUIRED)
  assert.match(first.memberId, /^reader-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
  assert.deepEqual(
    { generationId: first.generationId, members: first.members, leader: first.leader },
    { generationId: -1, members: [], leader: '' },
  )
  assert.equal(coordinator.group().state, 'Empty')
  client.memberId = first.memberId
  const second = client.sendJoin()
  assert.ok(coordinator.waits(second))
  coordinator.pass(3_000)
  assert.equal(client.take(second), ErrorCode.NONE)
  assert.deepEqual([client.memberId, client.leader, client.generationId], [first.memberId, first.memberId, 1])
})

test('Before version 4 a new member joins at once, and so does a static member of any version', () => {
  const coordinator = new Coordinator()
  const old = new ClassicClient(coordinator, { joinVersion: 3 }).sendJoin()
  const fixed = new ClassicClient(coordinator, { joinVersion: 9, groupInstanceId: 'one' }).sendJoin()
  coordinator.pass(6_000)
  assert.equal(coordinator.joined(old).errorCode, ErrorCode.NONE)
  assert.match(coordinator.joined(fixed).memberId, /^one-[0-9a-f]{8}-/)
  assert.equal(coordinator.group().members.size, 2)
})

test('A group is in the log before its first member is answered', () => {
  const coordinator = new Coordinator()
  new ClassicClient(coordinator, { joinVersion: 0 }).sendJoin()
  const [created] = coordinator.log
  assert.deepEqual(created?.value, {
    protocolType: '',
    generation: 0,
    protocol: null,
    leader: null,
    currentStateTimestamp: coordinator.wall,
    members: [],
  })
  assert.deepEqual([coordinator.group().state, coordinator.group().protocolType], ['PreparingRebalance', 'consumer'])
})

test('The initial delay comes again while members join, up to the rebalance timeout', () => {
  const coordinator = new Coordinator({ groupInitialRebalanceDelayMs: 3_000 })
  const options = { joinVersion: 3, rebalanceTimeoutMs: 7_000 }
  const first = new ClassicClient(coordinator, options).sendJoin()
  coordinator.pass(2_999)
  new ClassicClient(coordinator, options).sendJoin()
  coordinator.pass(1)
  assert.ok(coordinator.waits(first))
  coordinator.pass(2_999)
  new ClassicClient(coordinator, options).sendJoin()
  coordinator.pass(1)
  assert.ok(coordinator.waits(first))
  new ClassicClient(coordinator, options).sendJoin()
  coordinator.pass(999)
  assert.ok(coordinator.waits(first))
  coordinator.pass(1)
  assert.equal(coordinator.joined(first).members.length, 4)
})

test('The initial delay ends with the first if nobody else comes', () => {
  const coordinator = new Coordinator({ groupInitialRebalanceDelayMs: 3_000 })
  const only = new ClassicClient(coordinator, { joinVersion: 3 }).sendJoin()
  coordinator.pass(2_999)
  assert.ok(coordinator.waits(only))
  coordinator.pass(1)
  assert.equal(coordinator.joined(only).errorCode, ErrorCode.NONE)
})

test('Without an initial delay the first rebalance is over at the next wake', () => {
  const coordinator = new Coordinator({ groupInitialRebalanceDelayMs: 0 })
  const only = new ClassicClient(coordinator, { joinVersion: 3 }).sendJoin()
  assert.ok(coordinator.waits(only))
  coordinator.pass(0)
  assert.equal(coordinator.joined(only).generationId, 1)
})

test('Session timeouts out of bounds and an empty group id are refused before anything is made', () => {
  const coordinator = new Coordinator()
  const errorOf = (client: ClassicClient) => coordinator.joined(client.sendJoin())
  const short = new ClassicClient(coordinator, { sessionTimeoutMs: 5_999 })
  short.memberId = 'me'
  assert.deepEqual([errorOf(short).errorCode, errorOf(short).memberId], [ErrorCode.INVALID_SESSION_TIMEOUT, 'me'])
  assert.equal(errorOf(new ClassicClient(coordinator, { sessionTimeoutMs: 1_800_001 })).errorCode, ErrorCode.INVALID_SESSION_TIMEOUT)
  assert.equal(errorOf(new ClassicClient(coordinator, { groupId: '' })).errorCode, ErrorCode.INVALID_GROUP_ID)
  assert.equal(coordinator.state.groups.size, 0)
})

test('Members need the same protocol type and a protocol in common', () => {
  const coordinator = new Coordinator()
  stableGroup(coordinator, 2)
  const errorOf = (change: (client: ClassicClient) => void) => {
    const client = new ClassicClient(coordinator)
    change(client)
    return coordinator.joined(client.sendJoin()).errorCode
  }
  assert.equal(
    errorOf((client) => (client.protocolType = 'connect')),
    ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
  )
  assert.equal(
    errorOf((client) => (client.protocols = protocols('sticky'))),
    ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
  )
  assert.equal(
    errorOf((client) => (client.protocols = [])),
    ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
  )
  assert.equal(
    errorOf((client) => (client.protocols = protocols('sticky', 'range'))),
    ErrorCode.MEMBER_ID_REQUIRED,
  )
})

test('The first member of a group has to have a protocol type and a protocol', () => {
  const coordinator = new Coordinator()
  const client = new ClassicClient(coordinator)
  client.protocols = []
  assert.equal(coordinator.joined(client.sendJoin()).errorCode, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  client.protocols = protocols('range')
  client.protocolType = ''
  assert.equal(coordinator.joined(client.sendJoin()).errorCode, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  assert.equal(coordinator.group().state, 'Empty')
})

test('The protocol that most members prefer among those that all support is chosen', () => {
  const coordinator = new Coordinator()
  const lists = [protocols('a', 'b', 'c'), protocols('c', 'b'), protocols('c', 'a', 'b')]
  const clients = lists.map((list) => Object.assign(new ClassicClient(coordinator, { joinVersion: 3 }), { protocols: list }))
  const joins = clients.map((client) => client.join())
  coordinator.pass(6_000)
  assert.equal(coordinator.joined(joins[0] ?? -1).protocolName, 'c')
  assert.equal(coordinator.joined(joins[0] ?? -1).members[1]?.metadata.toString(), 'c metadata')
})

test('A protocol that a client names twice counts once', () => {
  const coordinator = new Coordinator()
  const client = new ClassicClient(coordinator, { joinVersion: 3 })
  client.protocols = protocols('range', 'range')
  const join = client.join()
  coordinator.pass(3_000)
  assert.equal(coordinator.joined(join).protocolName, 'range')
})

test('A member that nobody knows is told so, with its id, whether the group is there or not', () => {
  const coordinator = new Coordinator()
  const stranger = new ClassicClient(coordinator)
  stranger.memberId = 'stranger'
  const absent = coordinator.joined(stranger.sendJoin())
  assert.deepEqual([absent.errorCode, absent.memberId, absent.protocolName], [ErrorCode.UNKNOWN_MEMBER_ID, 'stranger', ''])
  assert.equal(coordinator.state.groups.size, 0)
  stableGroup(coordinator, 1)
  const present = coordinator.joined(stranger.sendJoin())
  assert.deepEqual([present.errorCode, present.memberId, present.protocolName], [ErrorCode.UNKNOWN_MEMBER_ID, 'stranger', null])
})

test('Before version 7 there is no null protocol name', () => {
  const coordinator = new Coordinator()
  stableGroup(coordinator, 1)
  const stranger = new ClassicClient(coordinator, { joinVersion: 6 })
  stranger.memberId = 'stranger'
  assert.equal(coordinator.joined(stranger.sendJoin()).protocolName, '')
})

test('An id that was given out is kept for a session, and the rebalance waits for it', () => {
  const coordinator = new Coordinator()
  const [leader] = stableGroup(coordinator, 1)
  assert.ok(leader !== undefined)
  const late = new ClassicClient(coordinator, { sessionTimeoutMs: 6_000 })
  late.memberId = coordinator.joined(late.sendJoin()).memberId
  const rejoin = leader.join()
  assert.ok(coordinator.waits(rejoin))
  coordinator.pass(5_999)
  assert.ok(coordinator.waits(rejoin))
  coordinator.pass(1)
  assert.equal(leader.take(rejoin), ErrorCode.NONE)
  assert.equal(coordinator.joined(late.sendJoin()).errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
})

test('Version 0 has its session timeout as rebalance timeout', () => {
  const coordinator = new Coordinator()
  const client = new ClassicClient(coordinator, { joinVersion: 0, sessionTimeoutMs: 7_000, rebalanceTimeoutMs: -1 })
  client.sendJoin()
  assert.equal(coordinator.group().members.rebalanceTimeoutMs(), 7_000)
})

test('A full group turns new members away and keeps those it has', () => {
  const coordinator = new Coordinator({ groupMaxSize: 2 })
  const [leader] = stableGroup(coordinator, 2)
  assert.ok(leader !== undefined)
  const refused = coordinator.joined(new ClassicClient(coordinator).sendJoin())
  assert.deepEqual([refused.errorCode, refused.memberId], [ErrorCode.GROUP_MAX_SIZE_REACHED, ''])
  assert.ok(coordinator.waits(leader.join()))
})

test('While a group that is too large rebalances, the last to join are turned away and removed', () => {
  const before = new Coordinator()
  const clients = stableGroup(before, 3)
  const coordinator = before.successor({ groupMaxSize: 2 })
  assert.equal(coordinator.group().state, 'PreparingRebalance')
  const joins = clients.map((client) => {
    client.coordinator = coordinator
    return client.join()
  })
  assert.deepEqual(
    joins.map((ticket) => coordinator.joined(ticket).errorCode),
    [ErrorCode.NONE, ErrorCode.NONE, ErrorCode.GROUP_MAX_SIZE_REACHED],
  )
  assert.equal(coordinator.group().members.size, 2)
})

test('Of two joins of one member the later is answered with the generation, the earlier is told to join again', () => {
  const coordinator = new Coordinator()
  const client = new ClassicClient(coordinator)
  const first = client.join()
  const second = client.sendJoin()
  assert.equal(coordinator.joined(first).errorCode, ErrorCode.REBALANCE_IN_PROGRESS)
  coordinator.pass(3_000)
  assert.equal(coordinator.joined(second).generationId, 1)
})

test('A new member that nobody hears of is forgotten after five minutes, though its join waits', () => {
  const coordinator = new Coordinator()
  const [leader] = stableGroup(coordinator, 1, { rebalanceTimeoutMs: 3_600_000 })
  assert.ok(leader !== undefined)
  const join = new ClassicClient(coordinator, { joinVersion: 3 }).sendJoin()
  for (let passed = 0; passed < newMemberJoinTimeoutMs - 5_000; passed += 5_000) {
    coordinator.pass(5_000)
    leader.heartbeat()
  }
  assert.ok(coordinator.waits(join))
  coordinator.pass(5_000)
  assert.deepEqual([coordinator.joined(join).errorCode, coordinator.joined(join).memberId], [ErrorCode.UNKNOWN_MEMBER_ID, ''])
})

test('Ids that would be too long to be said are refused', () => {
  const coordinator = new Coordinator()
  const client = new ClassicClient(coordinator, { clientId: 'x'.repeat(32_767) })
  assert.equal(coordinator.joined(client.sendJoin()).errorCode, ErrorCode.INVALID_REQUEST)
})

test('An id that is pending cannot become that of a static member', () => {
  const coordinator = new Coordinator()
  const memberId = coordinator.joined(new ClassicClient(coordinator).sendJoin()).memberId
  const fixed = new ClassicClient(coordinator, { groupInstanceId: 'one' })
  fixed.memberId = memberId
  assert.equal(coordinator.joined(fixed.sendJoin()).errorCode, ErrorCode.UNKNOWN_SERVER_ERROR)
})
