import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { MigrationPolicy } from '../../settings.ts'
import { writeAssignment } from '../../subscriptions/consumer-protocol.ts'
import { allOrders, ClassicConsumer, classicGroup, NewConsumer, ownedBy, settle } from './clients.test.ts'
import { Coordinator, topic } from './fixture.test.ts'

interface Mixed {
  readonly coordinator: Coordinator
  readonly first: ClassicConsumer
  readonly second: ClassicConsumer
  readonly fresh: NewConsumer
}

function mixedGroup(options: ConstructorParameters<typeof Coordinator>[0] = {}, instanceId: string | null = null): Mixed {
  const coordinator = new Coordinator(options)
  const [first, second] = [new ClassicConsumer(coordinator), new ClassicConsumer(coordinator)]
  classicGroup(coordinator, [first, second])
  const fresh = new NewConsumer(coordinator, { instanceId })
  settle([first, second, fresh])
  return { coordinator, first, second, fresh }
}

/** They are told to join again, the first of them assigns, all go on. */
function rebalance(members: readonly ClassicConsumer[]): void {
  for (const member of members) assert.equal(member.heartbeat(), ErrorCode.REBALANCE_IN_PROGRESS)
  for (const member of members) member.startJoin()
  const joined = members.map((member) => member.endJoin())
  const at = joined.findIndex(({ leader, memberId }) => leader === memberId)
  assert.ok(at >= 0, 'nobody leads')
  const followers = members.filter((_, index) => index !== at)
  const tickets = followers.map((member) => member.sendSync())
  const assignments = members.map(({ memberId }, index) => ({
    memberId,
    assignment: writeAssignment(3, {
      assignedPartitions: [{ topic: 'orders', partitions: [0, 1, 2, 3].filter((it) => it % members.length === index) }],
    }),
  }))
  const leader = members[at]
  assert.ok(leader !== undefined)
  assert.equal(leader.takeSync(leader.sendSync(assignments)), ErrorCode.NONE)
  for (const [index, member] of followers.entries()) assert.equal(member.takeSync(tickets[index] ?? -1), ErrorCode.NONE)
}

describe('a consumer group becomes a classic group', () => {
  test('when its last member of the consumer protocol leaves, and those that stay rebalance', () => {
    const { coordinator, first, second, fresh } = mixedGroup()
    const generation = first.generationId
    assert.equal(fresh.leave(), ErrorCode.NONE)
    coordinator.pass(1)
    assert.deepEqual(coordinator.group(), { type: 'classic', stateName: 'PreparingRebalance' })
    rebalance([first, second])
    assert.deepEqual(coordinator.group(), { type: 'classic', stateName: 'Stable' })
    assert.deepEqual(ownedBy([first, second]), allOrders)
    assert.ok(first.generationId > generation)
  })

  test('and a member that joins before it could be told begins the rebalance, which waits for the others', () => {
    const { coordinator, first, second, fresh } = mixedGroup()
    assert.equal(fresh.leave(), ErrorCode.NONE)
    assert.equal(first.startJoin(), null)
    coordinator.pass(1)
    assert.equal(second.heartbeat(), ErrorCode.REBALANCE_IN_PROGRESS)
    second.startJoin()
    assert.equal(first.endJoin().generationId, second.endJoin().generationId)
  })

  test('when the last one is put out because it is silent', () => {
    const { coordinator, first, second } = mixedGroup()
    for (let ms = 0; ms < 45_000; ms += 5_000) {
      assert.equal(first.heartbeat(), ErrorCode.NONE)
      assert.equal(second.heartbeat(), ErrorCode.NONE)
      coordinator.pass(5_000)
    }
    assert.equal(coordinator.group()?.type, 'classic')
    rebalance([first, second])
    assert.deepEqual(ownedBy([first, second]), allOrders)
  })

  test('when an administrator removes the last one', () => {
    const { coordinator, first, second, fresh } = mixedGroup()
    const members = [{ memberId: fresh.memberId, groupInstanceId: null, reason: null }]
    assert.equal(coordinator.asked('leaveGroup', 5, { groupId: 'g', memberId: '', members }).members?.[0]?.errorCode, ErrorCode.NONE)
    coordinator.pass(1)
    rebalance([first, second])
    const { errorCode } = fresh.send()
    // Its epoch is nothing to a classic group
    assert.equal(errorCode, ErrorCode.GROUP_ID_NOT_FOUND)
  })

  test('with sessions that go on', () => {
    const { coordinator, first, second, fresh } = mixedGroup()
    assert.equal(fresh.leave(), ErrorCode.NONE)
    coordinator.pass(1)
    rebalance([first, second])
    coordinator.pass(6_000)
    assert.equal(first.heartbeat(), ErrorCode.NONE)
    coordinator.pass(6_000)
    assert.equal(second.heartbeat(), ErrorCode.UNKNOWN_MEMBER_ID)
    assert.equal(first.heartbeat(), ErrorCode.REBALANCE_IN_PROGRESS)
  })

  test('also when the coordinator dies before it has told anybody: the next one lets them rebalance', () => {
    const { coordinator, first, second, fresh } = mixedGroup()
    assert.equal(fresh.leave(), ErrorCode.NONE)
    const next = coordinator.successor()
    assert.deepEqual(next.group(), { type: 'classic', stateName: 'PreparingRebalance' })
    for (const member of [first, second]) member.coordinator = next
    rebalance([first, second])
    assert.deepEqual(next.group(), { type: 'classic', stateName: 'Stable' })
  })

  test('and a consumer group again, as often as one likes, without going back in generations', () => {
    const { coordinator, first, second, fresh } = mixedGroup()
    let epoch = fresh.memberEpoch
    for (let round = 0; round < 3; round++) {
      assert.equal(fresh.leave(), ErrorCode.NONE)
      coordinator.pass(1)
      rebalance([first, second])
      fresh.memberEpoch = 0
      fresh.owned = []
      settle([first, second, fresh])
      assert.ok(fresh.memberEpoch > epoch)
      epoch = fresh.memberEpoch
    }
  })

  test('when its last member of the consumer protocol, a static one, comes back with the classic protocol: nobody has to rebalance', () => {
    const { coordinator, first, second, fresh } = mixedGroup({}, 'i')
    const back = new ClassicConsumer(coordinator, { instanceId: 'i' })
    assert.equal(back.rejoin(), ErrorCode.NONE)
    coordinator.pass(1)
    assert.deepEqual(coordinator.group(), { type: 'classic', stateName: 'Stable' })
    assert.deepEqual(back.owned, fresh.owned)
    for (const member of [first, second, back]) assert.equal(member.heartbeat(), ErrorCode.NONE)
    assert.deepEqual(ownedBy([first, second, back]), allOrders)
  })

  test('and rebalances then if the one that came back is subscribed to something else', () => {
    const { coordinator, first, second } = mixedGroup({ topics: [topic('orders', 4), topic('more', 1)] }, 'i')
    const back = new ClassicConsumer(coordinator, { instanceId: 'i', topics: ['orders', 'more'] })
    assert.equal(back.startJoin(), ErrorCode.NONE)
    back.endJoin()
    coordinator.pass(1)
    assert.equal(back.takeSync(back.sendSync()), ErrorCode.REBALANCE_IN_PROGRESS)
    rebalance([first, second, back])
    assert.equal(coordinator.group()?.stateName, 'Stable')
  })
})

describe('a consumer group stays what it is', () => {
  test('when the policy does not let it go, and what was left is assigned by the coordinator all the same', () => {
    const coordinator = new Coordinator({ settings: { groupConsumerMigrationPolicy: 'upgrade' satisfies MigrationPolicy } })
    const [first, second] = [new ClassicConsumer(coordinator), new ClassicConsumer(coordinator)]
    classicGroup(coordinator, [first, second])
    const fresh = new NewConsumer(coordinator)
    settle([first, second, fresh])
    assert.equal(fresh.leave(), ErrorCode.NONE)
    assert.equal(coordinator.group()?.type, 'consumer')
    settle([first, second])
    assert.deepEqual(ownedBy([first, second]), allOrders)
    coordinator.setTopics(topic('orders', 6))
    settle([first, second])
    assert.equal(ownedBy([first, second]).length, 6)
  })

  test('when another member of the consumer protocol stays', () => {
    const { coordinator, first, second, fresh } = mixedGroup()
    const other = new NewConsumer(coordinator, { memberId: 'new-2' })
    settle([first, second, fresh, other])
    assert.equal(fresh.leave(), ErrorCode.NONE)
    assert.equal(coordinator.group()?.type, 'consumer')
    settle([first, second, other])
    assert.deepEqual(ownedBy([first, second, other]), allOrders)
  })

  test('when it is too large for a classic one', () => {
    const { coordinator, fresh } = mixedGroup({ settings: { groupMaxSize: 2 } })
    const third = new ClassicConsumer(coordinator)
    assert.equal(third.rejoin(), ErrorCode.NONE)
    assert.equal(fresh.leave(), ErrorCode.NONE)
    assert.equal(coordinator.group()?.type, 'consumer')
  })

  test('when a static member only goes away for a while', () => {
    const { coordinator, first, second, fresh } = mixedGroup({}, 'i')
    assert.equal(fresh.leave(), ErrorCode.NONE)
    assert.equal(coordinator.group()?.type, 'consumer')
    settle([first, second])
    const back = new NewConsumer(coordinator, { instanceId: 'i', memberId: 'new-2' })
    settle([first, second, back])
    assert.deepEqual(back.owned, fresh.owned)
  })

  test('when all leave', () => {
    const { coordinator, first, second, fresh } = mixedGroup()
    for (const member of [first, second, fresh]) assert.equal(member.leave(), ErrorCode.NONE)
    assert.deepEqual(coordinator.group(), { type: 'consumer', stateName: 'Empty' })
  })
})
