import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ErrorCode } from '../../../protocol/errors.ts'
import { allOrders, ClassicConsumer, classicGroup, NewConsumer, ownedBy, settle } from './clients.test.ts'
import { Coordinator, topic } from './fixture.test.ts'

/** Two of the classic and one of the consumer protocol, all at their targets. */
function mixedGroup(coordinator = new Coordinator()): { classics: [ClassicConsumer, ClassicConsumer]; fresh: NewConsumer } {
  const classics: [ClassicConsumer, ClassicConsumer] = [new ClassicConsumer(coordinator), new ClassicConsumer(coordinator)]
  classicGroup(coordinator, classics)
  const fresh = new NewConsumer(coordinator)
  settle([...classics, fresh])
  return { classics, fresh }
}

describe('a member of the classic protocol in a consumer group', () => {
  test('has its share of the partitions, and so have all others', () => {
    const { classics, fresh } = mixedGroup()
    assert.deepEqual(ownedBy([...classics, fresh]), allOrders)
    assert.ok([...classics, fresh].every(({ owned }) => owned.length >= 1))
  })

  test('that is new has to join with the id that it is given', () => {
    const coordinator = new Coordinator()
    mixedGroup(coordinator)
    const joiner = new ClassicConsumer(coordinator)
    const response = coordinator.answer('joinGroup', joiner.sendJoin())
    assert.equal(response?.errorCode, ErrorCode.MEMBER_ID_REQUIRED)
    assert.notEqual(response?.memberId, '')
    joiner.memberId = response?.memberId ?? ''
    assert.equal(coordinator.answer('joinGroup', joiner.sendJoin())?.errorCode, ErrorCode.NONE)
  })

  test('is answered at once, as a follower in the generation that is its epoch', () => {
    const coordinator = new Coordinator()
    mixedGroup(coordinator)
    const joiner = new ClassicConsumer(coordinator, { protocols: ['range', 'roundrobin'] })
    assert.equal(joiner.startJoin(), ErrorCode.NONE)
    const { leader, members, protocolName, protocolType, generationId } = joiner.endJoin()
    assert.deepEqual(
      { leader, members, protocolName, protocolType },
      { leader: '', members: [], protocolName: 'range', protocolType: 'consumer' },
    )
    assert.ok((generationId ?? 0) > 1)
  })

  test('gives partitions up before another member is given them', () => {
    const coordinator = new Coordinator()
    const { classics, fresh } = mixedGroup(coordinator)
    const [first, second] = classics
    const joiner = new ClassicConsumer(coordinator)
    const everybody = [first, second, fresh, joiner]
    assert.equal(joiner.rejoin(), ErrorCode.NONE)
    for (let round = 0; round < 8; round++) {
      for (const member of everybody) {
        assert.equal(member.poll(), ErrorCode.NONE)
        const owned = ownedBy(everybody)
        assert.equal(new Set(owned).size, owned.length, `round ${round}: ${owned.join()}`)
      }
    }
    assert.deepEqual(ownedBy(everybody), allOrders)
    assert.ok(everybody.every(({ owned }) => owned.length === 1))
  })

  test('hears of a new assignment with its heartbeat, and syncs for it only after it has joined again', () => {
    const coordinator = new Coordinator()
    const { classics, fresh } = mixedGroup(coordinator)
    const [first] = classics
    coordinator.setTopics(topic('orders', 8))
    assert.equal(fresh.poll(), ErrorCode.NONE)
    assert.equal(first.heartbeat(), ErrorCode.REBALANCE_IN_PROGRESS)
    assert.equal(first.takeSync(first.sendSync()), ErrorCode.REBALANCE_IN_PROGRESS)
    settle([...classics, fresh])
    assert.equal(ownedBy([...classics, fresh]).length, 8)
  })

  test('is not called to join again for partitions that another member still has', () => {
    const coordinator = new Coordinator()
    const { classics, fresh } = mixedGroup(coordinator)
    const joiner = new ClassicConsumer(coordinator)
    assert.equal(joiner.rejoin(), ErrorCode.NONE)
    assert.deepEqual(joiner.owned, [])
    assert.equal(joiner.heartbeat(), ErrorCode.NONE)
    settle([...classics, fresh, joiner])
    assert.equal(joiner.owned.length, 1)
  })

  test('that does not join again within its rebalance timeout is put out', () => {
    const coordinator = new Coordinator()
    const { classics, fresh } = mixedGroup(coordinator)
    const [lazy, other] = classics
    coordinator.setTopics(topic('orders', 8))
    for (let ms = 0; ms <= 30_000; ms += 5_000) {
      assert.notEqual(fresh.poll(), ErrorCode.UNKNOWN_MEMBER_ID)
      other.poll()
      if (ms < 30_000) assert.equal(lazy.heartbeat(), ErrorCode.REBALANCE_IN_PROGRESS)
      coordinator.pass(5_000)
    }
    assert.equal(lazy.heartbeat(), ErrorCode.UNKNOWN_MEMBER_ID)
    settle([other, fresh])
    assert.equal(ownedBy([other, fresh]).length, 8)
  })

  test('that joins and does not sync is put out', () => {
    const coordinator = new Coordinator()
    const { fresh, classics } = mixedGroup(coordinator)
    const joiner = new ClassicConsumer(coordinator)
    assert.equal(joiner.startJoin(), ErrorCode.NONE)
    joiner.endJoin()
    for (let ms = 0; ms <= 30_000; ms += 5_000) {
      for (const member of [...classics, fresh]) member.poll()
      if (ms < 30_000) joiner.heartbeat()
      coordinator.pass(5_000)
    }
    assert.equal(joiner.heartbeat(), ErrorCode.UNKNOWN_MEMBER_ID)
  })

  test('that is silent for its own session timeout is put out', () => {
    const coordinator = new Coordinator()
    const { classics, fresh } = mixedGroup(coordinator)
    const [silent, other] = classics
    coordinator.pass(6_000)
    settle([other, fresh])
    coordinator.pass(4_000)
    settle([other, fresh])
    assert.deepEqual(ownedBy([other, fresh]), allOrders)
    assert.equal(silent.heartbeat(), ErrorCode.UNKNOWN_MEMBER_ID)
  })

  test('may leave, and an administrator may have members of both protocols leave', () => {
    const coordinator = new Coordinator()
    const { classics, fresh } = mixedGroup(coordinator)
    const [first, second] = classics
    assert.equal(first.leave(), ErrorCode.NONE)
    assert.equal(first.leave(), ErrorCode.UNKNOWN_MEMBER_ID)
    settle([second, fresh])
    const { members } = coordinator.asked('leaveGroup', 5, {
      groupId: 'g',
      memberId: '',
      members: [fresh.memberId, 'nobody', second.memberId].map((memberId) => ({ memberId, groupInstanceId: null, reason: null })),
    })
    assert.deepEqual(
      members?.map(({ errorCode }) => errorCode),
      [ErrorCode.NONE, ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.NONE],
    )
    assert.deepEqual(coordinator.group(), { type: 'consumer', stateName: 'Empty' })
  })

  test('is refused what does not become it', () => {
    const coordinator = new Coordinator()
    const { classics, fresh } = mixedGroup(coordinator)
    const [first] = classics
    const { memberId, generationId } = first
    const beat = (over: object): number =>
      coordinator.asked('heartbeat', 4, { groupId: 'g', memberId, generationId, groupInstanceId: null, ...over }).errorCode
    assert.equal(beat({ memberId: 'nobody' }), ErrorCode.UNKNOWN_MEMBER_ID)
    assert.equal(beat({ memberId: fresh.memberId, generationId: fresh.memberEpoch }), ErrorCode.UNKNOWN_MEMBER_ID)
    assert.equal(beat({ generationId: generationId - 1 }), ErrorCode.ILLEGAL_GENERATION)
    assert.equal(beat({ groupInstanceId: 'nobody' }), ErrorCode.UNKNOWN_MEMBER_ID)
    const sync = (over: object): number =>
      coordinator.asked('syncGroup', 5, {
        groupId: 'g',
        memberId,
        generationId,
        groupInstanceId: null,
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: [],
        ...over,
      }).errorCode
    assert.equal(sync({}), ErrorCode.NONE)
    assert.equal(sync({ protocolType: null, protocolName: null }), ErrorCode.NONE)
    assert.equal(sync({ protocolType: 'connect' }), ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    assert.equal(sync({ protocolName: 'roundrobin' }), ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    assert.equal(sync({ generationId: generationId + 1 }), ErrorCode.ILLEGAL_GENERATION)
  })

  test('cannot join with a protocol that the others do not have, nor with metadata that is none', () => {
    const coordinator = new Coordinator()
    mixedGroup(coordinator)
    assert.equal(new ClassicConsumer(coordinator, { protocols: ['roundrobin'] }).startJoin(), ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    assert.equal(new ClassicConsumer(coordinator, { protocols: [] }).startJoin(), ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    const odd = new ClassicConsumer(coordinator, { memberId: 'odd' })
    assert.equal(coordinator.answer('joinGroup', odd.sendJoin(Buffer.from('x')))?.errorCode, ErrorCode.UNKNOWN_SERVER_ERROR)
  })

  test('cannot join a full group, nor one for which migration is disabled', () => {
    const full = new Coordinator({ settings: { groupConsumerMaxSize: 3 } })
    const { classics } = mixedGroup(full)
    assert.equal(new ClassicConsumer(full).startJoin(), ErrorCode.GROUP_MAX_SIZE_REACHED)
    assert.equal(classics[0].rejoin(), ErrorCode.NONE)
    const disabled = new Coordinator({ settings: { groupConsumerMigrationPolicy: 'disabled' } })
    const fresh = new NewConsumer(disabled)
    assert.equal(fresh.poll(), ErrorCode.NONE)
    assert.equal(new ClassicConsumer(disabled).startJoin(), ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  })

  test('goes on as it was with the next coordinator', () => {
    const coordinator = new Coordinator()
    const { classics, fresh } = mixedGroup(coordinator)
    const owned = [...classics, fresh].map((member) => member.owned)
    const next = coordinator.successor()
    for (const member of [...classics, fresh]) member.coordinator = next
    for (const member of classics) assert.equal(member.heartbeat(), ErrorCode.NONE)
    settle([...classics, fresh])
    assert.deepEqual(
      [...classics, fresh].map((member) => member.owned),
      owned,
    )
    next.pass(10_001)
    assert.equal(classics[0].heartbeat(), ErrorCode.UNKNOWN_MEMBER_ID)
  })

  test('may go over to the consumer protocol under the same id', () => {
    const coordinator = new Coordinator()
    const { classics, fresh } = mixedGroup(coordinator)
    const [first, second] = classics
    const changed = new NewConsumer(coordinator, { memberId: first.memberId })
    settle([changed, second, fresh])
    assert.deepEqual(ownedBy([changed, second, fresh]), allOrders)
    assert.equal(first.heartbeat(), ErrorCode.UNKNOWN_MEMBER_ID)
    coordinator.pass(9_000)
    settle([changed, second, fresh])
    coordinator.pass(9_000)
    assert.equal(changed.poll(), ErrorCode.NONE)
  })
})

describe('a static member of the classic protocol in a consumer group', () => {
  function withStatic(coordinator: Coordinator): { still: ClassicConsumer; fresh: NewConsumer } {
    const fresh = new NewConsumer(coordinator)
    assert.equal(fresh.poll(), ErrorCode.NONE)
    const still = new ClassicConsumer(coordinator, { instanceId: 'i' })
    assert.equal(still.rejoin(), ErrorCode.NONE)
    settle([still, fresh])
    return { still, fresh }
  }

  test('that comes back without its id has what it had, and the old id is fenced', () => {
    const coordinator = new Coordinator()
    const { still, fresh } = withStatic(coordinator)
    const again = new ClassicConsumer(coordinator, { instanceId: 'i' })
    assert.equal(again.rejoin(), ErrorCode.NONE)
    assert.notEqual(again.memberId, still.memberId)
    assert.deepEqual(again.owned, still.owned)
    assert.equal(still.heartbeat(), ErrorCode.FENCED_INSTANCE_ID)
    assert.equal(still.startJoin(), ErrorCode.FENCED_INSTANCE_ID)
    settle([again, fresh])
    assert.deepEqual(ownedBy([again, fresh]), allOrders)
  })

  test('may come back with the consumer protocol, and again with the classic one', () => {
    const coordinator = new Coordinator()
    const { still, fresh } = withStatic(coordinator)
    const upgraded = new NewConsumer(coordinator, { instanceId: 'i', memberId: 'upgraded' })
    settle([upgraded, fresh])
    assert.deepEqual(upgraded.owned, still.owned)
    const again = new ClassicConsumer(coordinator, { instanceId: 'i' })
    assert.equal(again.rejoin(), ErrorCode.NONE)
    settle([again, fresh])
    assert.deepEqual(again.owned, still.owned)
  })

  test('with an id that nobody has is unknown', () => {
    const coordinator = new Coordinator()
    withStatic(coordinator)
    assert.equal(new ClassicConsumer(coordinator, { instanceId: 'other', memberId: 'x' }).startJoin(), ErrorCode.UNKNOWN_MEMBER_ID)
  })

  test('may be made to leave by its instance id alone', () => {
    const coordinator = new Coordinator()
    const { still, fresh } = withStatic(coordinator)
    const leave = (memberId: string, groupInstanceId: string): number | undefined =>
      coordinator.asked('leaveGroup', 5, { groupId: 'g', memberId: '', members: [{ memberId, groupInstanceId, reason: null }] })
        .members?.[0]?.errorCode
    assert.equal(leave('other', 'i'), ErrorCode.FENCED_INSTANCE_ID)
    assert.equal(leave('', 'nobody'), ErrorCode.UNKNOWN_MEMBER_ID)
    assert.equal(leave('', 'i'), ErrorCode.NONE)
    assert.equal(still.heartbeat(), ErrorCode.UNKNOWN_MEMBER_ID)
    settle([fresh])
    assert.deepEqual(fresh.owned, allOrders)
  })
})
