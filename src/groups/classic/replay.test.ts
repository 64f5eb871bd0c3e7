import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../../base/prng.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { activateClassicGroups } from './activation.ts'
import { ClassicClient, Coordinator, hardState, protocols, settle, stableGroup } from './fixture.test.ts'
import { groupMetadataRecord } from './group-metadata.ts'

test('What a stable group has in the log is what the next coordinator goes on with', () => {
  const coordinator = new Coordinator()
  const [leader, follower] = stableGroup(coordinator, 2)
  assert.ok(leader !== undefined && follower !== undefined)
  const next = coordinator.successor()
  assert.deepEqual(hardState(next.group()), hardState(coordinator.group()))
  for (const client of [leader, follower]) {
    client.coordinator = next
    assert.equal(client.heartbeat(), ErrorCode.NONE)
    assert.equal(next.synced(client.sync()).assignment.toString(), `${client.memberId} in 1`)
  }
})

test('Sessions begin anew with a coordinator, and end for those that are not heard', () => {
  const coordinator = new Coordinator()
  const [leader, follower] = stableGroup(coordinator, 2)
  assert.ok(leader !== undefined && follower !== undefined)
  coordinator.pass(9_000)
  const next = coordinator.successor()
  leader.coordinator = next
  follower.coordinator = next
  next.pass(9_000)
  assert.equal(leader.heartbeat(), ErrorCode.NONE)
  next.pass(1_000)
  assert.equal(follower.heartbeat(), ErrorCode.UNKNOWN_MEMBER_ID)
})

test('A generation that has begun without being assigned anything is followed by the next, with the same members', () => {
  const coordinator = new Coordinator()
  const clients = [0, 1, 2].map(() => new ClassicClient(coordinator))
  const joins = clients.map((client) => client.join())
  coordinator.pass(6_000)
  for (const [at, client] of clients.entries()) client.take(joins[at] ?? -1)
  const next = coordinator.successor()
  assert.equal(next.group().state, 'PreparingRebalance')
  for (const client of clients) client.coordinator = next
  for (const client of clients) assert.equal(next.synced(client.sync()).errorCode, ErrorCode.REBALANCE_IN_PROGRESS)
  const again = clients.map((client) => client.sendJoin())
  assert.deepEqual(
    again.map((ticket) => next.joined(ticket).generationId),
    [2, 2, 2],
  )
})

test('Members of a begun generation that have not heard of it join the next', () => {
  const coordinator = new Coordinator({ groupInitialRebalanceDelayMs: 0 })
  const clients = [0, 1].map(() => new ClassicClient(coordinator, { rebalanceTimeoutMs: 5_000 }))
  const [deaf, leader] = clients
  assert.ok(deaf !== undefined && leader !== undefined)
  const joins = clients.map((client) => client.join())
  coordinator.pass(0)
  leader.take(joins[1] ?? -1)
  const next = coordinator.successor()
  for (const client of clients) client.coordinator = next
  const again = [deaf.sendJoin()]
  assert.equal(leader.heartbeat(), ErrorCode.REBALANCE_IN_PROGRESS)
  again.push(leader.sendJoin())
  assert.deepEqual(
    again.map((ticket) => next.joined(ticket).generationId),
    [2, 2],
  )
})

test('The leader of a begun generation is the leader after a change of coordinator, though it did not come first', () => {
  const coordinator = new Coordinator({ groupInitialRebalanceDelayMs: 0 })
  const [first, second] = stableGroup(coordinator, 2, { rebalanceTimeoutMs: 60_000 })
  assert.ok(first !== undefined && second !== undefined)
  const third = new ClassicClient(coordinator)
  const joins = [third.join(), second.join()]
  coordinator.pass(10_000)
  second.take(joins[1] ?? -1)
  assert.ok(second.isLeader)
  const next = coordinator.successor()
  assert.equal(next.group().leaderId, second.memberId)
  for (const client of [second, third]) client.coordinator = next
  const again = [third.join(), second.sendJoin()]
  third.take(again[0] ?? -1)
  second.take(again[1] ?? -1)
  assert.ok(second.isLeader)
  assert.equal(next.synced(second.syncAll()).errorCode, ErrorCode.NONE)
})

test('A group that grew too large for its limit rebalances as soon as it is coordinated', () => {
  const coordinator = new Coordinator()
  stableGroup(coordinator, 3)
  assert.equal(coordinator.successor({ groupMaxSize: 3 }).group().state, 'Stable')
  assert.equal(coordinator.successor({ groupMaxSize: 2 }).group().state, 'PreparingRebalance')
})

test('A tombstone ends a group, and nothing is due for it any more', () => {
  const coordinator = new Coordinator()
  const [only] = stableGroup(coordinator, 1)
  assert.equal(only?.leave(), ErrorCode.NONE)
  const group = coordinator.group()
  coordinator.decide((turn) => turn.write(...group.tombstones()))
  assert.equal(coordinator.state.groups.size, 0)
  assert.equal(coordinator.state.deadlines.size, 0)
  assert.equal(group.state, 'Dead')
  coordinator.decide((turn) => turn.write(groupMetadataRecord('never there', null)))
})

test('Records of old Kafkas have no rebalance timeout and no time', () => {
  const member = {
    memberId: 'm',
    groupInstanceId: null,
    clientId: 'c',
    clientHost: '/h',
    rebalanceTimeout: -1,
    sessionTimeout: 30_000,
    subscription: Buffer.from('s'),
    assignment: Buffer.from('a'),
  }
  const value = { protocolType: 'consumer', generation: 5, protocol: 'range', leader: 'm', currentStateTimestamp: -1, members: [member] }
  const coordinator = new Coordinator({}, [groupMetadataRecord('g', value)])
  assert.equal(coordinator.group().members.rebalanceTimeoutMs(), 30_000)
  const client = new ClassicClient(coordinator)
  Object.assign(client, { memberId: 'm', generationId: 5 })
  assert.equal(client.heartbeat(), ErrorCode.NONE)
  assert.equal(client.leave(), ErrorCode.NONE)
  assert.equal(coordinator.group().generationId, 6)
})

test('When a group cannot be written, its members may join it all the same, and are in the log with their generation', () => {
  const coordinator = new Coordinator()
  coordinator.failing = true
  const client = new ClassicClient(coordinator)
  assert.equal(coordinator.joined(client.sendJoin()).errorCode, ErrorCode.NOT_COORDINATOR)
  coordinator.failing = false
  settle([client], () => coordinator.pass(10_000))
  assert.equal(client.generationId, 1)
  assert.deepEqual(hardState(coordinator.successor().group()), hardState(coordinator.group()))
})

test('When a generation cannot be written, nobody is in it, and it begins when the members have joined again', () => {
  const coordinator = new Coordinator()
  const clients = stableGroup(coordinator, 2)
  const before = hardState(coordinator.group())
  const joins = clients.slice(0, 1).map((client) => client.join())
  coordinator.failing = true
  joins.push(clients[1]?.join() ?? -1)
  assert.deepEqual(
    joins.map((ticket) => coordinator.joined(ticket).errorCode),
    [ErrorCode.NOT_COORDINATOR, ErrorCode.NOT_COORDINATOR],
  )
  assert.deepEqual({ ...hardState(coordinator.group()), state: 'Stable' }, before)
  coordinator.failing = false
  settle(clients)
  assert.deepEqual(
    clients.map(({ generationId }) => generationId),
    [2, 2],
  )
})

test('When a generation cannot be written and nobody joins again, the group is empty in the end', () => {
  const coordinator = new Coordinator()
  const clients = stableGroup(coordinator, 2)
  clients[0]?.join()
  coordinator.failing = true
  clients[1]?.join()
  coordinator.pass(5_000)
  coordinator.failing = false
  coordinator.pass(60_000)
  assert.equal(coordinator.group().state, 'Empty')
})

test('When assignments cannot be written, nobody has them, and leader and followers sync again', () => {
  const coordinator = new Coordinator()
  const clients = [0, 1].map(() => new ClassicClient(coordinator))
  const [leader, follower] = clients
  assert.ok(leader !== undefined && follower !== undefined)
  const joins = clients.map((client) => client.join())
  coordinator.pass(6_000)
  for (const [at, client] of clients.entries()) client.take(joins[at] ?? -1)
  const waiting = follower.sync()
  coordinator.failing = true
  assert.equal(coordinator.synced(leader.syncAll()).errorCode, ErrorCode.NOT_COORDINATOR)
  assert.equal(coordinator.synced(waiting).errorCode, ErrorCode.NOT_COORDINATOR)
  assert.equal(coordinator.group().state, 'CompletingRebalance')
  coordinator.failing = false
  const again = follower.sync()
  assert.equal(coordinator.synced(leader.syncAll()).errorCode, ErrorCode.NONE)
  assert.equal(coordinator.synced(again).assignment.toString(), `${follower.memberId} in 1`)
})

test("When a static member's new id cannot be written, the member is given another", () => {
  const coordinator = new Coordinator()
  const before = new ClassicClient(coordinator, { groupInstanceId: 'one' })
  settle([before], () => coordinator.pass(6_000))
  const again = new ClassicClient(coordinator, { groupInstanceId: 'one' })
  coordinator.failing = true
  assert.equal(coordinator.joined(again.join()).errorCode, ErrorCode.NOT_COORDINATOR)
  coordinator.failing = false
  assert.equal(again.take(again.join()), ErrorCode.NONE)
  assert.equal(again.generationId, 1)
  assert.equal(again.heartbeat(), ErrorCode.NONE)
  assert.equal(before.heartbeat(), ErrorCode.FENCED_INSTANCE_ID)
})

test('When becoming empty cannot be written, it is tried again', () => {
  const coordinator = new Coordinator()
  const [only] = stableGroup(coordinator, 1)
  coordinator.failing = true
  only?.leave()
  assert.deepEqual([coordinator.group().state, coordinator.group().generationId], ['PreparingRebalance', 1])
  coordinator.failing = false
  coordinator.pass(1_000)
  assert.deepEqual([coordinator.group().state, coordinator.group().generationId], ['Empty', 2])
})

test('A coordinator that leads again begins with what the log has', () => {
  const coordinator = new Coordinator()
  const clients = stableGroup(coordinator, 2)
  const before = hardState(coordinator.group())
  clients[0]?.join()
  new ClassicClient(coordinator).sendJoin()
  coordinator.decide((turn) => activateClassicGroups(coordinator.state, turn))
  assert.deepEqual(hardState(coordinator.group()), before)
  assert.equal(coordinator.group().members.pendingJoin.size, 0)
  assert.equal(clients[1]?.heartbeat(), ErrorCode.NONE)
  coordinator.pass(10_000)
  settle(
    clients.map((client) => Object.assign(client, { memberId: '' })),
    () => coordinator.pass(6_000),
  )
})

/** Members that do whatever comes to their minds, in groups that change coordinators and cannot always write. */
function wander(seed: number): void {
  const random = new Prng(seed)
  let coordinator = new Coordinator({ groupMaxSize: 5 })
  const clients = Array.from({ length: 7 }, (_, at) => {
    const client = new ClassicClient(coordinator, {
      groupInstanceId: at < 2 ? `i${at}` : null,
      joinVersion: at < 2 ? 9 : random.below(10),
      rebalanceTimeoutMs: 2_000 + random.below(20_000),
      sessionTimeoutMs: 6_000 + random.below(20_000),
    })
    client.protocols = random.below(2) === 0 ? protocols('range', 'sticky') : protocols('sticky', 'range')
    return client
  })
  const waiting = new Map<ClassicClient, number>()
  const told = new Map<number, string>()
  let highest = 0
  const hear = (): void => {
    for (const [client, ticket] of waiting) {
      if (coordinator.waits(ticket)) continue
      waiting.delete(client)
      const error = client.take(ticket)
      if (error === ErrorCode.NONE && client.isLeader) {
        const members = client.members.map(({ memberId }) => memberId).toSorted()
        if (!told.has(client.generationId))
          assert.ok(client.generationId > highest || highest === 0, `generation ${client.generationId} after ${highest}`)
        highest = Math.max(highest, client.generationId)
        // Static members come and go under other ids within a generation
        const size = String(members.length)
        assert.equal(told.get(client.generationId) ?? size, size)
        told.set(client.generationId, size)
      }
      if (error === ErrorCode.UNKNOWN_MEMBER_ID || error === ErrorCode.FENCED_INSTANCE_ID) client.memberId = ''
    }
  }
  for (let step = 0; step < 400; step += 1) {
    const client = clients[random.below(clients.length)] ?? assert.fail()
    const what = random.below(20)
    coordinator.failing = random.below(10) === 0
    if (what < 6) waiting.set(client, client.join())
    else if (what < 10 && client.isLeader) client.syncAll()
    else if (what < 10) client.sync()
    else if (what < 14) client.heartbeat()
    else if (what < 15) client.leave()
    else if (what < 16) client.memberId = ''
    else if (what < 19) coordinator.pass(random.below(4_000))
    else {
      hear()
      coordinator = coordinator.successor()
      waiting.clear()
      for (const each of clients) each.coordinator = coordinator
    }
    coordinator.failing = false
    hear()
    const group = coordinator.state.groups.get('g')
    if (group?.type !== 'classic' || group.state === 'PreparingRebalance' || !group.hasRecord) continue
    const folded = coordinator.successor({ groupMaxSize: 100 }).state.groups.get('g')
    assert.equal(folded?.type, 'classic')
    assert.deepEqual([folded.generationId, folded.protocolName], [group.generationId, group.protocolName])
    // Who has begun and assigned nothing begins once more
    assert.equal(folded.state, group.state === 'CompletingRebalance' ? 'PreparingRebalance' : group.state)
  }
  // Whatever happened, the group settles when the faults are over
  coordinator.pass(120_000)
  for (const client of clients) client.memberId = ''
  settle(clients.slice(0, 4), () => coordinator.pass(7_000))
}

test('No generation is given out twice, and the fold of the log is the group, whatever happens', () => {
  for (let seed = 1; seed <= 40; seed += 1) wander(seed)
})
