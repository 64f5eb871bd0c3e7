import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '../../protocol/errors.ts'
import type { OffsetsCaller } from '../group.ts'
import { writeSubscription } from '../subscriptions/consumer-protocol.ts'
import { ClassicClient, Coordinator, settle, stableGroup } from './fixture.test.ts'
import { createSimpleGroup } from './simple-group.ts'

const nobody: OffsetsCaller = { memberId: '', groupInstanceId: null, generationIdOrMemberEpoch: -1, version: 9 }

function subscribed(coordinator: Coordinator, ...topics: readonly string[]): ClassicClient {
  const client = new ClassicClient(coordinator)
  client.protocols = [{ name: 'range', metadata: writeSubscription(1, { topics: [...topics], userData: null, ownedPartitions: [] }) }]
  return client
}

test('Members of the generation may commit, nobody else while there are members', () => {
  const coordinator = new Coordinator()
  const [leader] = stableGroup(coordinator, 2)
  assert.ok(leader !== undefined)
  const group = coordinator.group()
  const caller = { ...nobody, memberId: leader.memberId, generationIdOrMemberEpoch: 1 }
  assert.equal(group.commitError(caller, null), ErrorCode.NONE)
  assert.equal(group.commitError({ ...caller, generationIdOrMemberEpoch: 0 }, null), ErrorCode.ILLEGAL_GENERATION)
  assert.equal(group.commitError({ ...caller, generationIdOrMemberEpoch: -1 }, null), ErrorCode.ILLEGAL_GENERATION)
  assert.equal(group.commitError({ ...caller, memberId: 'stranger' }, null), ErrorCode.UNKNOWN_MEMBER_ID)
  assert.equal(group.commitError({ ...caller, groupInstanceId: 'one' }, null), ErrorCode.UNKNOWN_MEMBER_ID)
  assert.equal(group.commitError(nobody, null), ErrorCode.UNKNOWN_MEMBER_ID)
})

test('A member may commit while a rebalance is prepared, but not between its join and its sync', () => {
  const coordinator = new Coordinator()
  const clients = stableGroup(coordinator, 2)
  const [leader, follower] = clients
  assert.ok(leader !== undefined && follower !== undefined)
  const group = coordinator.group()
  const rejoin = leader.join()
  const caller = { ...nobody, memberId: follower.memberId, generationIdOrMemberEpoch: 1 }
  assert.equal(group.commitError(caller, null), ErrorCode.NONE)
  follower.take(follower.join())
  leader.take(rejoin)
  assert.equal(group.commitError(caller, null), ErrorCode.ILLEGAL_GENERATION)
  assert.equal(group.commitError({ ...caller, generationIdOrMemberEpoch: 2 }, null), ErrorCode.REBALANCE_IN_PROGRESS)
})

test('Without members anybody may commit without a generation', () => {
  const simple = createSimpleGroup('offsets only')
  assert.equal(simple.commitError(nobody, null), ErrorCode.NONE)
  assert.equal(simple.commitError({ ...nobody, memberId: 'm' }, null), ErrorCode.NONE)
  assert.equal(simple.commitError({ ...nobody, memberId: 'm', generationIdOrMemberEpoch: 1 }, null), ErrorCode.UNKNOWN_MEMBER_ID)
  assert.deepEqual([simple.isSimple, simple.stateName, simple.protocolType, simple.deleteError()], [true, 'Empty', '', ErrorCode.NONE])
  assert.deepEqual(simple.expiryBasis, { kind: 'commit' })
})

test('A simple group becomes an ordinary one with its first member, whose generations the log has', () => {
  const coordinator = new Coordinator()
  coordinator.state.groups.set('g', createSimpleGroup('g'))
  const [member] = stableGroup(coordinator, 1)
  assert.equal(member?.generationId, 1)
  assert.equal(coordinator.successor().group().generationId, 1)
})

test('A group knows the topics of its generation, if it is one of consumers and all say so', () => {
  const coordinator = new Coordinator()
  const clients = [subscribed(coordinator, 'a', 'b'), subscribed(coordinator, 'b', 'c')]
  settle(clients, () => coordinator.pass(6_000))
  const group = coordinator.group()
  assert.deepEqual([...(group.subscribedTopics ?? [])].toSorted(), ['a', 'b', 'c'])
  assert.deepEqual([group.isSubscribedTo('a'), group.isSubscribedTo('d')], [true, false])
  assert.deepEqual(group.expiryBasis, { kind: 'commit' })
  assert.equal(group.offsetDeleteError(), ErrorCode.NONE)
  assert.equal(coordinator.successor().group().isSubscribedTo('c'), true)
})

test('A consumer that cannot be understood is held to read everything, and offsets do not expire', () => {
  const coordinator = new Coordinator()
  stableGroup(coordinator, 1)
  const group = coordinator.group()
  assert.equal(group.subscribedTopics, null)
  assert.equal(group.isSubscribedTo('anything'), true)
  assert.deepEqual(group.expiryBasis, { kind: 'never' })
})

test('Groups of other protocol types read no topics, keep their offsets while they have members, and cannot have them deleted', () => {
  const coordinator = new Coordinator()
  const worker = Object.assign(new ClassicClient(coordinator), { protocolType: 'connect' })
  settle([worker], () => coordinator.pass(6_000))
  const group = coordinator.group()
  assert.equal(group.isSubscribedTo('anything'), false)
  assert.deepEqual(group.expiryBasis, { kind: 'never' })
  assert.deepEqual([group.offsetDeleteError(), group.deleteError()], [ErrorCode.NON_EMPTY_GROUP, ErrorCode.NON_EMPTY_GROUP])
})

test('Offsets of a group that became empty expire from then on', () => {
  const coordinator = new Coordinator()
  const client = subscribed(coordinator, 'a')
  settle([client], () => coordinator.pass(6_000))
  client.leave()
  const group = coordinator.group()
  assert.deepEqual(group.expiryBasis, { kind: 'emptySince', at: coordinator.wall })
  assert.deepEqual([group.isSubscribedTo('a'), group.deleteError()], [false, ErrorCode.NONE])
  assert.deepEqual(group.tombstones(), [{ type: 'groupMetadata', key: { group: 'g' }, value: null }])
})

test('Metadata of members is described when the group is stable, assignments always', () => {
  const coordinator = new Coordinator()
  const [leader, follower] = stableGroup(coordinator, 2)
  assert.ok(leader !== undefined && follower !== undefined)
  const describe = () => {
    const reply = coordinator.reply(coordinator.ask('describeGroups', 6, { groups: ['g'], includeAuthorizedOperations: false }))
    assert.equal(reply.api, 'describeGroups')
    const [group] = reply.response.groups
    assert.ok(group !== undefined)
    const members = group.members.map(({ memberMetadata, memberAssignment }) => [memberMetadata.toString(), memberAssignment.toString()])
    return [group.errorCode, group.groupState, group.protocolType, group.protocolData, ...members]
  }
  const assigned = [leader, follower].map(({ memberId }) => `${memberId} in 1`)
  assert.deepEqual(describe(), [0, 'Stable', 'consumer', 'range', ['range metadata', assigned[0]], ['range metadata', assigned[1]]])
  const rejoin = leader.join()
  assert.deepEqual(describe(), [0, 'PreparingRebalance', 'consumer', '', ['', assigned[0]], ['', assigned[1]]])
  follower.join()
  leader.take(rejoin)
  assert.deepEqual(describe(), [0, 'CompletingRebalance', 'consumer', '', ['', assigned[0]], ['', assigned[1]]])
})

test('A group that is not there is dead, and from version 6 on an error', () => {
  const coordinator = new Coordinator()
  const describe = (version: number) => {
    const reply = coordinator.reply(coordinator.ask('describeGroups', version, { groups: ['absent'], includeAuthorizedOperations: false }))
    assert.equal(reply.api, 'describeGroups')
    return reply.response.groups[0]
  }
  const dead = { groupId: 'absent', groupState: 'Dead', protocolType: '', protocolData: '', members: [] }
  assert.deepEqual(describe(5), { errorCode: ErrorCode.NONE, ...dead })
  assert.deepEqual(describe(6), { errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: 'Group absent not found.', ...dead })
})
