import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '../../protocol/errors.ts'
import { ClassicClient, type ClientOptions, Coordinator, stableGroup } from './fixture.test.ts'

/** Two members that have heard of their generation, and have not synced. */
function joinedPair(coordinator: Coordinator, options: ClientOptions = {}) {
  const [leader, follower] = [0, 1].map(() => new ClassicClient(coordinator, options))
  assert.ok(leader !== undefined && follower !== undefined)
  const joins = [leader.join(), follower.join()]
  coordinator.pass(coordinator.state.world.settings.groupInitialRebalanceDelayMs * 2)
  assert.equal(leader.take(joins[0] ?? -1), ErrorCode.NONE)
  assert.equal(follower.take(joins[1] ?? -1), ErrorCode.NONE)
  assert.ok(leader.isLeader)
  return { leader, follower }
}

test('Followers wait for the leader, and everybody is given its own assignment', () => {
  const coordinator = new Coordinator()
  const { leader, follower } = joinedPair(coordinator)
  const waiting = follower.sync()
  assert.ok(coordinator.waits(waiting))
  const own = coordinator.synced(leader.syncAll())
  assert.deepEqual([own.errorCode, own.protocolType, own.protocolName], [ErrorCode.NONE, 'consumer', 'range'])
  assert.equal(own.assignment.toString(), `${leader.memberId} in 1`)
  assert.equal(coordinator.synced(waiting).assignment.toString(), `${follower.memberId} in 1`)
  assert.equal(coordinator.group().state, 'Stable')
  assert.equal(coordinator.log.at(-1)?.value?.leader, leader.memberId)
})

test('In a stable group a sync is answered with the assignment that is there', () => {
  const coordinator = new Coordinator()
  const { leader, follower } = joinedPair(coordinator)
  leader.syncAll()
  assert.equal(coordinator.synced(follower.sync()).assignment.toString(), `${follower.memberId} in 1`)
  assert.equal(coordinator.synced(follower.sync()).errorCode, ErrorCode.NONE)
})

test('Members that the leader forgets are assigned nothing, and what it assigns to strangers is dropped', () => {
  const coordinator = new Coordinator()
  const { leader, follower } = joinedPair(coordinator)
  leader.sync({ stranger: 'everything' })
  assert.equal(coordinator.synced(follower.sync()).assignment.length, 0)
  assert.equal(coordinator.log.at(-1)?.value?.members.length, 2)
})

test('Syncs that do not fit the group are refused', () => {
  const coordinator = new Coordinator()
  const { leader } = joinedPair(coordinator)
  const request = {
    groupId: 'g',
    generationId: 1,
    memberId: leader.memberId,
    groupInstanceId: null,
    protocolType: null,
    protocolName: null,
    assignments: [],
  }
  const errorOf = (change: Partial<typeof request> | { readonly protocolType: string } | { readonly protocolName: string }) =>
    coordinator.synced(coordinator.ask('syncGroup', 5, { ...request, ...change })).errorCode
  assert.equal(errorOf({ groupId: '' }), ErrorCode.INVALID_GROUP_ID)
  assert.equal(errorOf({ groupId: 'absent' }), ErrorCode.UNKNOWN_MEMBER_ID)
  assert.equal(errorOf({ memberId: 'stranger' }), ErrorCode.UNKNOWN_MEMBER_ID)
  assert.equal(errorOf({ generationId: 0 }), ErrorCode.ILLEGAL_GENERATION)
  assert.equal(errorOf({ generationId: 2 }), ErrorCode.ILLEGAL_GENERATION)
  assert.equal(errorOf({ protocolType: 'connect' }), ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  assert.equal(errorOf({ protocolName: 'sticky' }), ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  assert.equal(errorOf({ protocolType: 'consumer' }), ErrorCode.NONE)
})

test('While a rebalance is prepared a sync hears of it', () => {
  const coordinator = new Coordinator()
  const [leader, follower] = stableGroup(coordinator, 2)
  leader?.join()
  assert.equal(coordinator.synced(follower?.sync() ?? -1).errorCode, ErrorCode.REBALANCE_IN_PROGRESS)
})

test('Members that do not sync within the rebalance timeout are removed, the others join again', () => {
  const coordinator = new Coordinator({ groupInitialRebalanceDelayMs: 0 })
  const { leader, follower } = joinedPair(coordinator, { rebalanceTimeoutMs: 5_000, sessionTimeoutMs: 30_000 })
  leader.syncAll()
  coordinator.pass(4_999)
  assert.equal(leader.heartbeat(), ErrorCode.NONE)
  coordinator.pass(1)
  assert.equal(leader.heartbeat(), ErrorCode.REBALANCE_IN_PROGRESS)
  assert.equal(follower.heartbeat(), ErrorCode.UNKNOWN_MEMBER_ID)
})

test('A leader that does not sync is removed, and waiting followers hear of the rebalance', () => {
  const coordinator = new Coordinator({ groupInitialRebalanceDelayMs: 0 })
  const { leader, follower } = joinedPair(coordinator, { rebalanceTimeoutMs: 5_000, sessionTimeoutMs: 30_000 })
  const sync = follower.sync()
  coordinator.pass(5_000)
  assert.equal(coordinator.synced(sync).errorCode, ErrorCode.REBALANCE_IN_PROGRESS)
  assert.equal(leader.heartbeat(), ErrorCode.UNKNOWN_MEMBER_ID)
  assert.equal(follower.take(follower.join()), ErrorCode.NONE)
  assert.ok(follower.isLeader)
  assert.equal(follower.generationId, 2)
})

test('When all have synced nothing is due but their sessions', () => {
  const coordinator = new Coordinator({ groupInitialRebalanceDelayMs: 0 })
  const { leader, follower } = joinedPair(coordinator, { rebalanceTimeoutMs: 5_000, sessionTimeoutMs: 30_000 })
  const sync = follower.sync()
  leader.syncAll()
  assert.ok(!coordinator.waits(sync))
  assert.equal(coordinator.state.deadlines.size, 2)
  coordinator.pass(29_000)
  assert.equal(leader.heartbeat(), ErrorCode.NONE)
})

test('Of two syncs of one member the later is answered', () => {
  const coordinator = new Coordinator()
  const { leader, follower } = joinedPair(coordinator)
  const syncs = [follower.sync(), follower.sync()]
  assert.equal(coordinator.synced(syncs[0] ?? -1).errorCode, ErrorCode.REBALANCE_IN_PROGRESS)
  leader.syncAll()
  assert.equal(coordinator.synced(syncs[1] ?? -1).errorCode, ErrorCode.NONE)
})

test('Assignments too large for a batch are an error for all that wait, and the group rebalances', () => {
  const coordinator = new Coordinator({ recordBatchBytesMax: 2_000 })
  const { leader, follower } = joinedPair(coordinator)
  const written = coordinator.log.length
  const waiting = follower.sync()
  const own = leader.sync({ [follower.memberId]: 'x'.repeat(2_000) })
  assert.equal(coordinator.synced(own).errorCode, ErrorCode.UNKNOWN_SERVER_ERROR)
  assert.equal(coordinator.synced(waiting).errorCode, ErrorCode.UNKNOWN_SERVER_ERROR)
  assert.equal(coordinator.log.length, written)
  assert.equal(coordinator.group().state, 'PreparingRebalance')
  const joins = [leader.join(), follower.join()]
  assert.equal(leader.take(joins[0] ?? -1), ErrorCode.NONE)
  assert.equal(leader.generationId, 2)
})

test('Members too large for a batch are told of a generation that cannot become stable', () => {
  const coordinator = new Coordinator({ recordBatchBytesMax: 300 })
  const { leader, follower } = joinedPair(coordinator)
  assert.equal(coordinator.group().generationId, 1)
  assert.equal(coordinator.log.at(-1)?.value?.generation, 0)
  const waiting = follower.sync()
  assert.equal(coordinator.synced(leader.syncAll()).errorCode, ErrorCode.UNKNOWN_SERVER_ERROR)
  assert.equal(coordinator.synced(waiting).errorCode, ErrorCode.UNKNOWN_SERVER_ERROR)
})
