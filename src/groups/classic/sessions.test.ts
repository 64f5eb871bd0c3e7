import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '../../protocol/errors.ts'
import { Turn } from '../turn.ts'
import { ClassicClient, type ClientOptions, Coordinator, stableGroup } from './fixture.test.ts'
import { refreshSession } from './session.ts'

function pair(coordinator: Coordinator, options: ClientOptions = {}) {
  const [leader, follower] = stableGroup(coordinator, 2, options)
  assert.ok(leader !== undefined && follower !== undefined)
  return { leader, follower }
}

test('A member that is not heard for a session is removed, and the others join again', () => {
  const coordinator = new Coordinator()
  const { leader, follower } = pair(coordinator)
  coordinator.pass(5_000)
  assert.equal(leader.heartbeat(), ErrorCode.NONE)
  coordinator.pass(5_000)
  assert.equal(leader.heartbeat(), ErrorCode.REBALANCE_IN_PROGRESS)
  assert.equal(follower.heartbeat(), ErrorCode.UNKNOWN_MEMBER_ID)
  assert.equal(leader.take(leader.join()), ErrorCode.NONE)
  assert.equal(leader.generationId, 2)
})

test('Heartbeats are answered by the state of the group, and keep the member in all of them', () => {
  const coordinator = new Coordinator()
  const { leader, follower } = pair(coordinator, { rebalanceTimeoutMs: 60_000 })
  const rejoin = leader.join()
  for (let beats = 0; beats < 5; beats += 1) {
    coordinator.pass(8_000)
    assert.equal(follower.heartbeat(), ErrorCode.REBALANCE_IN_PROGRESS)
  }
  follower.take(follower.join())
  leader.take(rejoin)
  for (let beats = 0; beats < 5; beats += 1) {
    coordinator.pass(8_000)
    assert.deepEqual([leader.heartbeat(), follower.heartbeat()], [ErrorCode.NONE, ErrorCode.NONE])
  }
})

test('Heartbeats with the wrong group, member or generation are refused', () => {
  const coordinator = new Coordinator()
  const { leader } = pair(coordinator)
  const request = { groupId: 'g', generationId: 1, memberId: leader.memberId, groupInstanceId: null }
  const errorOf = (change: Partial<typeof request>) => {
    const reply = coordinator.reply(coordinator.ask('heartbeat', 4, { ...request, ...change }))
    assert.equal(reply.api, 'heartbeat')
    return reply.response.errorCode
  }
  assert.equal(errorOf({ groupId: '' }), ErrorCode.INVALID_GROUP_ID)
  assert.equal(errorOf({ groupId: 'absent' }), ErrorCode.UNKNOWN_MEMBER_ID)
  assert.equal(errorOf({ memberId: 'stranger' }), ErrorCode.UNKNOWN_MEMBER_ID)
  assert.equal(errorOf({ generationId: 2 }), ErrorCode.ILLEGAL_GENERATION)
  assert.equal(errorOf({}), ErrorCode.NONE)
})

test('A member whose join or sync waits does not have to be heard', () => {
  const coordinator = new Coordinator()
  const { leader, follower } = pair(coordinator, { rebalanceTimeoutMs: 60_000 })
  const rejoin = leader.join()
  for (let beats = 0; beats < 5; beats += 1) {
    coordinator.pass(9_000)
    follower.heartbeat()
  }
  follower.take(follower.join())
  assert.equal(leader.take(rejoin), ErrorCode.NONE)
  const sync = follower.sync()
  for (let beats = 0; beats < 5; beats += 1) {
    coordinator.pass(9_000)
    assert.equal(leader.heartbeat(), ErrorCode.NONE)
  }
  leader.syncAll()
  assert.equal(coordinator.synced(sync).errorCode, ErrorCode.NONE)
  coordinator.pass(9_000)
  assert.deepEqual([leader.heartbeat(), follower.heartbeat()], [ErrorCode.NONE, ErrorCode.NONE])
})

test('The join of the last member that was missing, or its end, lets the rebalance go on', () => {
  const coordinator = new Coordinator()
  const { leader } = pair(coordinator, { rebalanceTimeoutMs: 60_000 })
  const rejoin = leader.join()
  coordinator.pass(10_000)
  assert.equal(leader.take(rejoin), ErrorCode.NONE)
  assert.equal(leader.members.length, 1)
})

test('A member that commits is alive, also while a rebalance is prepared', () => {
  const coordinator = new Coordinator()
  const { leader, follower } = pair(coordinator)
  for (let commits = 0; commits < 3; commits += 1) {
    coordinator.pass(9_000)
    leader.heartbeat()
    refreshSession(coordinator.state, new Turn(coordinator.now), coordinator.group(), follower.memberId)
  }
  refreshSession(coordinator.state, new Turn(coordinator.now), coordinator.group(), 'stranger')
  assert.equal(follower.heartbeat(), ErrorCode.NONE)
})

test('A member that leaves makes the others join again, in every version', () => {
  for (const version of [0, 1, 2, 3, 4, 5]) {
    const coordinator = new Coordinator()
    const { leader, follower } = pair(coordinator)
    assert.equal(follower.leave(version), ErrorCode.NONE)
    assert.equal(leader.heartbeat(), ErrorCode.REBALANCE_IN_PROGRESS)
    assert.equal(follower.leave(version), ErrorCode.UNKNOWN_MEMBER_ID)
  }
})

test('Leaving a group that is not there is an error of each member', () => {
  const coordinator = new Coordinator()
  const stranger = new ClassicClient(coordinator)
  stranger.memberId = 'stranger'
  assert.equal(stranger.leave(1), ErrorCode.UNKNOWN_MEMBER_ID)
  const reply = coordinator.reply(
    coordinator.ask('leaveGroup', 3, {
      groupId: 'absent',
      memberId: '',
      members: [{ memberId: 'a', groupInstanceId: null, reason: null }],
    }),
  )
  assert.equal(reply.api, 'leaveGroup')
  assert.deepEqual(reply.response, {
    errorCode: ErrorCode.NONE,
    members: [{ memberId: 'a', groupInstanceId: null, errorCode: ErrorCode.UNKNOWN_MEMBER_ID }],
  })
})

test('Who leaves while its join or sync waits is told that it is no member', () => {
  const coordinator = new Coordinator()
  const { leader, follower } = pair(coordinator)
  const rejoin = leader.join()
  assert.equal(leader.leave(), ErrorCode.NONE)
  assert.deepEqual([coordinator.joined(rejoin).errorCode, coordinator.joined(rejoin).memberId], [ErrorCode.UNKNOWN_MEMBER_ID, ''])
  const newcomer = new ClassicClient(coordinator)
  const join = newcomer.join()
  follower.take(follower.join())
  newcomer.take(join)
  const sync = newcomer.sync()
  assert.equal(newcomer.leave(), ErrorCode.NONE)
  assert.equal(coordinator.synced(sync).errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
})

test('An id that is pending can be given back', () => {
  const coordinator = new Coordinator()
  const { leader } = pair(coordinator)
  const late = new ClassicClient(coordinator)
  late.memberId = coordinator.joined(late.sendJoin()).memberId
  assert.equal(late.leave(), ErrorCode.NONE)
  assert.ok(!coordinator.group().members.pendingJoin.has(late.memberId))
  // As in Kafka, whose members have to join again for it
  assert.equal(leader.heartbeat(), ErrorCode.REBALANCE_IN_PROGRESS)
})
