import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '../../protocol/errors.ts'
import { ClassicClient, type ClientOptions, Coordinator, hardState, protocols, settle } from './fixture.test.ts'

function statics(coordinator: Coordinator, count: number, options: ClientOptions = {}): ClassicClient[] {
  const clients = Array.from({ length: count }, (_, at) => new ClassicClient(coordinator, { groupInstanceId: `i${at}`, ...options }))
  settle(clients, () => coordinator.pass(coordinator.state.world.settings.groupInitialRebalanceDelayMs * 2))
  return clients
}

/** The same instance after a restart: without the id it had. */
function restarted(client: ClassicClient, options: ClientOptions = {}): ClassicClient {
  return new ClassicClient(client.coordinator, { ...client.options, ...options })
}

test('A static follower that comes back without its id changes nothing but its id', () => {
  const coordinator = new Coordinator()
  const [leader, follower] = statics(coordinator, 2)
  assert.ok(leader !== undefined && follower !== undefined)
  const again = restarted(follower)
  assert.equal(again.take(again.join()), ErrorCode.NONE)
  assert.notEqual(again.memberId, follower.memberId)
  assert.deepEqual([again.generationId, again.leader, again.members], [1, leader.memberId, []])
  assert.equal(coordinator.group().state, 'Stable')
  assert.equal(coordinator.synced(again.sync()).assignment.toString(), `${follower.memberId} in 1`)
  assert.deepEqual(
    coordinator.log
      .at(-1)
      ?.value?.members.map(({ memberId }) => memberId)
      .toSorted(),
    [leader.memberId, again.memberId].toSorted(),
  )
  assert.equal(leader.heartbeat(), ErrorCode.NONE)
})

test('Who uses the id of before is fenced, in every request', () => {
  const coordinator = new Coordinator()
  const [, follower] = statics(coordinator, 2)
  assert.ok(follower !== undefined)
  const again = restarted(follower)
  again.take(again.join())
  assert.equal(follower.heartbeat(), ErrorCode.FENCED_INSTANCE_ID)
  assert.equal(coordinator.synced(follower.sync()).errorCode, ErrorCode.FENCED_INSTANCE_ID)
  const join = coordinator.joined(follower.sendJoin())
  assert.deepEqual([join.errorCode, join.memberId, join.protocolName], [ErrorCode.FENCED_INSTANCE_ID, follower.memberId, null])
  assert.equal(follower.leave(), ErrorCode.FENCED_INSTANCE_ID)
  const caller = { memberId: follower.memberId, groupInstanceId: 'i1', generationIdOrMemberEpoch: 1, version: 9 }
  assert.equal(coordinator.group().commitError(caller, null), ErrorCode.FENCED_INSTANCE_ID)
  assert.equal(coordinator.group().commitError({ ...caller, memberId: again.memberId }, null), ErrorCode.NONE)
})

test('Who waits under the id of before is fenced, too', () => {
  const coordinator = new Coordinator()
  const first = new ClassicClient(coordinator, { groupInstanceId: 'one' })
  const join = first.join()
  const again = restarted(first)
  const rejoin = again.join()
  assert.equal(coordinator.joined(join).errorCode, ErrorCode.FENCED_INSTANCE_ID)
  coordinator.pass(6_000)
  assert.equal(again.take(rejoin), ErrorCode.NONE)
  assert.equal(coordinator.group().members.size, 1)
})

test('A static leader that comes back is told from version 9 on that it leads and must not assign', () => {
  const coordinator = new Coordinator()
  const [leader, follower] = statics(coordinator, 2)
  assert.ok(leader !== undefined && follower !== undefined)
  const again = restarted(leader)
  const response = coordinator.joined(again.join())
  assert.equal(response.skipAssignment, true)
  assert.equal(response.leader, response.memberId)
  assert.equal(response.members.length, 2)
  assert.equal(coordinator.group().leaderId, response.memberId)
})

test('Before version 9 a static leader that comes back takes itself for a follower', () => {
  const coordinator = new Coordinator()
  const [leader] = statics(coordinator, 2)
  assert.ok(leader !== undefined)
  const response = coordinator.joined(restarted(leader, { joinVersion: 8 }).join())
  assert.deepEqual([response.leader, response.members, response.skipAssignment], [leader.memberId, [], undefined])
  assert.equal(coordinator.group().leaderId, response.memberId)
})

test('A static member that comes back with another choice of protocols begins a rebalance', () => {
  const coordinator = new Coordinator()
  const clients = [0, 1].map((at) =>
    Object.assign(new ClassicClient(coordinator, { groupInstanceId: `i${at}` }), { protocols: protocols('range', 'sticky') }),
  )
  settle(clients, () => coordinator.pass(6_000))
  const again = restarted(clients[1] ?? assert.fail())
  again.protocols = protocols('sticky')
  assert.ok(coordinator.waits(again.join()))
  assert.equal(coordinator.group().state, 'PreparingRebalance')
})

test('A static member that comes back between a generation and its assignments begins another, for the leader may be assigning to its old id', () => {
  const coordinator = new Coordinator()
  const [leader, follower] = statics(coordinator, 2)
  assert.ok(leader !== undefined && follower !== undefined)
  const rejoin = leader.join()
  follower.take(follower.join())
  leader.take(rejoin)
  assert.equal(coordinator.group().state, 'CompletingRebalance')
  const sync = follower.sync()
  const again = restarted(follower)
  assert.ok(coordinator.waits(again.join()))
  assert.equal(coordinator.group().state, 'PreparingRebalance')
  assert.equal(coordinator.synced(sync).errorCode, ErrorCode.FENCED_INSTANCE_ID)
})

test('Static members that do not join again stay until their session ends', () => {
  const coordinator = new Coordinator({ groupInitialRebalanceDelayMs: 0 })
  const [leader, follower] = statics(coordinator, 2, { rebalanceTimeoutMs: 1_000, sessionTimeoutMs: 10_000 })
  assert.ok(leader !== undefined && follower !== undefined)
  const rejoin = leader.join()
  coordinator.pass(1_000)
  assert.equal(leader.take(rejoin), ErrorCode.NONE)
  assert.equal(leader.members.length, 2)
  assert.ok(coordinator.group().members.has(follower.memberId))
})

test('When only absent static members are left, nobody is told of a generation, and their sessions end in an empty group', () => {
  const coordinator = new Coordinator({ groupInitialRebalanceDelayMs: 0 })
  const [leader, follower] = statics(coordinator, 2, { rebalanceTimeoutMs: 1_000, sessionTimeoutMs: 10_000 })
  assert.ok(leader !== undefined && follower !== undefined)
  const newcomer = new ClassicClient(coordinator, { rebalanceTimeoutMs: 1_000 })
  newcomer.join()
  newcomer.leave()
  coordinator.pass(3_000)
  assert.deepEqual([coordinator.group().state, coordinator.group().generationId], ['PreparingRebalance', 1])
  coordinator.pass(7_000)
  assert.deepEqual([coordinator.group().state, coordinator.group().generationId], ['Empty', 2])
})

test('A static member with an id has to be the one that has the instance', () => {
  const coordinator = new Coordinator()
  const [first, second] = statics(coordinator, 2)
  assert.ok(first !== undefined && second !== undefined)
  const stranger = new ClassicClient(coordinator, { groupInstanceId: 'nobody' })
  stranger.memberId = first.memberId
  assert.equal(coordinator.joined(stranger.sendJoin()).errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
  const thief = new ClassicClient(coordinator, { groupInstanceId: 'i1' })
  thief.memberId = first.memberId
  assert.equal(coordinator.joined(thief.sendJoin()).errorCode, ErrorCode.FENCED_INSTANCE_ID)
})

test('An administrator removes static members by their instance ids, each with its own error', () => {
  const coordinator = new Coordinator()
  const [first, second] = statics(coordinator, 2)
  assert.ok(first !== undefined && second !== undefined)
  const members = ['i0', 'nobody', null].map((groupInstanceId) => ({ memberId: '', groupInstanceId, reason: null }))
  const reply = coordinator.reply(coordinator.ask('leaveGroup', 5, { groupId: 'g', memberId: '', members }))
  assert.equal(reply.api, 'leaveGroup')
  assert.deepEqual(
    reply.response.members?.map(({ errorCode, groupInstanceId }) => [groupInstanceId, errorCode]),
    [
      ['i0', ErrorCode.NONE],
      ['nobody', ErrorCode.UNKNOWN_MEMBER_ID],
      [null, ErrorCode.UNKNOWN_MEMBER_ID],
    ],
  )
  assert.equal(second.heartbeat(), ErrorCode.REBALANCE_IN_PROGRESS)
})

test('A static member is the same after a change of coordinator', () => {
  const coordinator = new Coordinator()
  const [leader, follower] = statics(coordinator, 2)
  assert.ok(leader !== undefined && follower !== undefined)
  const again = restarted(follower)
  again.take(again.join())
  const next = coordinator.successor()
  assert.deepEqual(hardState(next.group()), hardState(coordinator.group()))
  again.coordinator = next
  follower.coordinator = next
  assert.equal(again.heartbeat(), ErrorCode.NONE)
  assert.equal(follower.heartbeat(), ErrorCode.FENCED_INSTANCE_ID)
  const restartedThere = restarted(again)
  assert.equal(restartedThere.take(restartedThere.join()), ErrorCode.NONE)
  assert.equal(restartedThere.generationId, 1)
})
