import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { MigrationPolicy } from '../../settings.ts'
import { writeAssignment } from '../../subscriptions/consumer-protocol.ts'
import { allOrders, ClassicConsumer, classicGroup, NewConsumer, ownedBy, settle } from './clients.test.ts'
import { Coordinator, settings, topic } from './fixture.test.ts'

function classics(coordinator: Coordinator, count = 2): ClassicConsumer[] {
  const consumers = Array.from({ length: count }, () => new ClassicConsumer(coordinator))
  classicGroup(coordinator, consumers)
  return consumers
}

describe('a classic group becomes a consumer group', () => {
  test('when a member of the consumer protocol joins it, and everybody keeps what it has until it is asked for it', () => {
    const coordinator = new Coordinator()
    const members = classics(coordinator)
    const owned = members.map((member) => member.owned)
    const generation = members[0]?.generationId ?? 0
    const fresh = new NewConsumer(coordinator)
    assert.equal(fresh.poll(), ErrorCode.NONE)
    assert.deepEqual(coordinator.group(), { type: 'consumer', stateName: 'Reconciling' })
    assert.ok(fresh.memberEpoch > generation)
    assert.deepEqual(fresh.owned, [])
    assert.deepEqual(
      members.map((member) => member.owned),
      owned,
    )
    for (const member of members) assert.equal(member.heartbeat(), ErrorCode.REBALANCE_IN_PROGRESS)
    settle([...members, fresh])
    assert.deepEqual(ownedBy([...members, fresh]), allOrders)
    assert.equal(coordinator.group()?.stateName, 'Stable')
  })

  test('in one turn whose records say it all to the next coordinator', () => {
    const coordinator = new Coordinator()
    const members = classics(coordinator)
    const fresh = new NewConsumer(coordinator)
    assert.equal(fresh.poll(), ErrorCode.NONE)
    const next = coordinator.successor()
    assert.equal(next.group()?.type, 'consumer')
    for (const member of [...members, fresh]) member.coordinator = next
    settle([...members, fresh])
    assert.deepEqual(ownedBy([...members, fresh]), allOrders)
  })

  test('with its static members, who are known by their instance ids', () => {
    const coordinator = new Coordinator()
    const still = new ClassicConsumer(coordinator, { instanceId: 'i' })
    classicGroup(coordinator, [still])
    const fresh = new NewConsumer(coordinator)
    settle([fresh, still])
    const upgraded = new NewConsumer(coordinator, { instanceId: 'i', memberId: 'upgraded' })
    settle([fresh, upgraded])
    assert.deepEqual(upgraded.owned, still.owned)
    assert.equal(still.heartbeat(), ErrorCode.FENCED_INSTANCE_ID)
  })

  test('by the very member that joins with the other protocol under the same instance id', () => {
    const coordinator = new Coordinator()
    const still = new ClassicConsumer(coordinator, { instanceId: 'i' })
    const other = new ClassicConsumer(coordinator)
    classicGroup(coordinator, [still, other])
    const upgraded = new NewConsumer(coordinator, { instanceId: 'i', memberId: 'upgraded' })
    assert.equal(upgraded.poll(), ErrorCode.NONE)
    assert.deepEqual(upgraded.owned, still.owned)
    assert.equal(still.heartbeat(), ErrorCode.FENCED_INSTANCE_ID)
    settle([other, upgraded])
    assert.deepEqual(ownedBy([other, upgraded]), allOrders)
  })

  test('while a rebalance is prepared: who waits is told to join again, and does', () => {
    const coordinator = new Coordinator()
    const members = classics(coordinator)
    const [first, second] = members
    const joiner = new ClassicConsumer(coordinator)
    assert.equal(joiner.startJoin(), null)
    const fresh = new NewConsumer(coordinator)
    assert.equal(fresh.poll(), ErrorCode.NONE)
    const { errorCode, memberId } = joiner.endJoin()
    assert.deepEqual({ errorCode, memberId }, { errorCode: ErrorCode.REBALANCE_IN_PROGRESS, memberId: joiner.memberId })
    assert.equal(joiner.rejoin(), ErrorCode.NONE)
    assert.ok(first !== undefined && second !== undefined)
    settle([first, second, joiner, fresh])
    assert.deepEqual(ownedBy([first, second, joiner, fresh]), allOrders)
  })

  test('before its first generation, too', () => {
    const coordinator = new Coordinator()
    const joiner = new ClassicConsumer(coordinator)
    assert.equal(joiner.startJoin(), null)
    const fresh = new NewConsumer(coordinator)
    assert.equal(fresh.poll(), ErrorCode.NONE)
    assert.equal(joiner.endJoin().errorCode, ErrorCode.REBALANCE_IN_PROGRESS)
    assert.equal(joiner.rejoin(), ErrorCode.NONE)
    settle([joiner, fresh])
    assert.deepEqual(ownedBy([joiner, fresh]), allOrders)
  })

  test('when all have left it again while its first rebalance waits for more', () => {
    const coordinator = new Coordinator()
    const joiner = new ClassicConsumer(coordinator)
    assert.equal(joiner.startJoin(), null)
    assert.equal(joiner.leave(), ErrorCode.NONE)
    const fresh = new NewConsumer(coordinator)
    settle([fresh])
    assert.deepEqual(coordinator.group(), { type: 'consumer', stateName: 'Stable' })
    coordinator.pass(settings.groupInitialRebalanceDelayMs)
    assert.equal(fresh.poll(), ErrorCode.NONE)
  })

  test('while a sync is awaited', () => {
    const coordinator = new Coordinator()
    const [leader, follower] = [new ClassicConsumer(coordinator), new ClassicConsumer(coordinator)]
    for (const consumer of [leader, follower]) assert.equal(consumer.startJoin(), null)
    coordinator.pass(settings.groupInitialRebalanceDelayMs * 2)
    for (const consumer of [leader, follower]) assert.equal(consumer.endJoin().errorCode, ErrorCode.NONE)
    const sync = follower.sendSync()
    const fresh = new NewConsumer(coordinator)
    assert.equal(fresh.poll(), ErrorCode.NONE)
    assert.equal(follower.takeSync(sync), ErrorCode.REBALANCE_IN_PROGRESS)
    assert.equal(follower.rejoin(), ErrorCode.NONE)
    settle([leader, follower, fresh])
    assert.deepEqual(ownedBy([leader, follower, fresh]), allOrders)
  })

  test('and members that were silent then are put out by the sessions that they asked for', () => {
    const coordinator = new Coordinator()
    const members = classics(coordinator)
    const fresh = new NewConsumer(coordinator)
    assert.equal(fresh.poll(), ErrorCode.NONE)
    coordinator.pass(10_001)
    settle([fresh])
    assert.deepEqual(fresh.owned, allOrders)
    for (const member of members) assert.equal(member.heartbeat(), ErrorCode.UNKNOWN_MEMBER_ID)
  })

  test('without topics that are gone, and without partitions that never were', () => {
    const coordinator = new Coordinator({ topics: [topic('orders', 4), topic('gone', 1)] })
    const consumer = new ClassicConsumer(coordinator, { topics: ['orders', 'gone'] })
    assert.equal(consumer.startJoin(), null)
    coordinator.pass(settings.groupInitialRebalanceDelayMs * 2)
    consumer.endJoin()
    const assignedPartitions = [
      { topic: 'orders', partitions: [0, 9, -1, 0] },
      { topic: 'gone', partitions: [0] },
    ]
    consumer.takeSync(consumer.sendSync([{ memberId: consumer.memberId, assignment: writeAssignment(3, { assignedPartitions }) }]))
    coordinator.setTopics(topic('orders', 4))
    const fresh = new NewConsumer(coordinator)
    settle([fresh, consumer])
    assert.deepEqual(ownedBy([fresh, consumer]), allOrders)
  })
})

describe('a classic group stays what it is', () => {
  function refused(coordinator: Coordinator): string {
    const { errorCode, errorMessage } = new NewConsumer(coordinator).send()
    assert.equal(errorCode, ErrorCode.GROUP_ID_NOT_FOUND)
    assert.equal(coordinator.group()?.type, 'classic')
    return errorMessage ?? ''
  }

  test('when the policy does not let it go', () => {
    for (const policy of ['disabled', 'downgrade'] satisfies MigrationPolicy[]) {
      const coordinator = new Coordinator({ settings: { groupConsumerMigrationPolicy: policy } })
      const members = classics(coordinator)
      assert.equal(refused(coordinator), 'Cannot upgrade classic group g to consumer group because online upgrade is disabled.')
      for (const member of members) assert.equal(member.heartbeat(), ErrorCode.NONE)
    }
  })

  test('when it is too large', () => {
    const coordinator = new Coordinator({ settings: { groupConsumerMaxSize: 1 } })
    classics(coordinator)
    assert.match(refused(coordinator), /the group size exceeds the consumer group maximum size\.$/)
  })

  test('when its members are not consumers', () => {
    const coordinator = new Coordinator()
    coordinator.ask('joinGroup', 3, {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'connect',
      protocols: [{ name: 'default', metadata: Buffer.from('anything') }],
      reason: null,
    })
    assert.match(refused(coordinator), /the group does not use the consumer embedded protocol\.$/)
  })

  test('when what its members say of themselves cannot be read', () => {
    const coordinator = new Coordinator()
    const odd = new ClassicConsumer(coordinator, { memberId: '' })
    const id = coordinator.answer('joinGroup', odd.sendJoin(Buffer.from('x')))?.memberId ?? ''
    odd.memberId = id
    odd.sendJoin(Buffer.from('x'))
    assert.match(refused(coordinator), /the embedded consumer protocol is malformed\.$/)
  })

  test('when an assignor of its own has something to tell its members', () => {
    const coordinator = new Coordinator()
    const consumer = new ClassicConsumer(coordinator)
    assert.equal(consumer.startJoin(), null)
    coordinator.pass(settings.groupInitialRebalanceDelayMs * 2)
    consumer.endJoin()
    const assignment = writeAssignment(3, { assignedPartitions: [{ topic: 'orders', partitions: [0] }], userData: Buffer.from('own') })
    assert.equal(consumer.takeSync(consumer.sendSync([{ memberId: consumer.memberId, assignment }])), ErrorCode.NONE)
    assert.match(refused(coordinator), /an unsupported custom assignor is in use/)
  })
})

describe('a group without members', () => {
  test('is taken over by a member of the consumer protocol', () => {
    const coordinator = new Coordinator()
    const [only] = classics(coordinator, 1)
    assert.equal(only?.leave(), ErrorCode.NONE)
    assert.deepEqual(coordinator.group(), { type: 'classic', stateName: 'Empty' })
    const fresh = new NewConsumer(coordinator)
    settle([fresh])
    assert.deepEqual(coordinator.group(), { type: 'consumer', stateName: 'Stable' })
    assert.deepEqual(coordinator.successor().group(), { type: 'consumer', stateName: 'Stable' })
  })

  test('is taken over by a member of the classic protocol, whatever the policy', () => {
    const coordinator = new Coordinator({ settings: { groupConsumerMigrationPolicy: 'disabled' } })
    const fresh = new NewConsumer(coordinator)
    settle([fresh])
    assert.equal(fresh.leave(), ErrorCode.NONE)
    assert.deepEqual(coordinator.group(), { type: 'consumer', stateName: 'Empty' })
    classics(coordinator)
    assert.deepEqual(coordinator.group(), { type: 'classic', stateName: 'Stable' })
    assert.deepEqual(coordinator.successor().group(), { type: 'classic', stateName: 'Stable' })
  })
})
