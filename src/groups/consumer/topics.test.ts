import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ErrorCode } from '../../protocol/errors.ts'
import { assignmentOf, Bench, owned, topic } from './fixture.test.ts'

describe('topics that change', () => {
  test('more partitions are assigned with the next heartbeat of whomever', () => {
    const bench = new Bench()
    bench.join('a')
    bench.setTopics(topic('orders', 5))
    const answer = bench.beat({ memberEpoch: 2 })
    assert.equal(answer.memberEpoch, 3)
    assert.deepEqual(assignmentOf(answer), { orders: [0, 1, 2, 3, 4] })
  })

  test('topics that nobody is subscribed to concern nobody', () => {
    const bench = new Bench()
    bench.join('a')
    bench.beat({ memberEpoch: 2 })
    bench.setTopics(topic('clicks', 9))
    assert.equal(bench.group().refresh.metadata, false)
    bench.beat({ memberEpoch: 2 })
    assert.deepEqual(bench.written, [])
  })

  test('a topic that is gone is given up, and given out anew when it is made again', () => {
    const bench = new Bench()
    bench.join('a', { subscribedTopicNames: ['orders', 'clicks'] })
    bench.removeTopic('orders')
    const gone = bench.beat({ memberEpoch: 2, topicPartitions: owned({ clicks: [0, 1] }) })
    assert.deepEqual(assignmentOf(gone), { clicks: [0, 1] })
    bench.setTopics(topic('orders', 1, 1))
    const again = bench.beat({ memberEpoch: 3 })
    assert.equal(again.memberEpoch, 4)
    assert.deepEqual(assignmentOf(again), { clicks: [0, 1], orders: [0] })
    bench.check()
  })

  test('replicas in other racks raise the group epoch; a coordinator that finds all as it was does not', () => {
    const bench = new Bench()
    bench.join('a')
    bench.failOver()
    bench.beat({ memberEpoch: 2 })
    assert.deepEqual(bench.written, [])
    bench.setTopics(topic('orders', 4, 0, ['east']))
    assert.equal(bench.beat({ memberEpoch: 2 }).memberEpoch, 3)
  })
})

describe('regular expressions', () => {
  const orders = { subscribedTopicNames: null, subscribedTopicRegex: 'order.*' }

  test('stand for topics from the first heartbeat on', () => {
    const bench = new Bench()
    const answer = bench.join('a', orders)
    assert.deepEqual(assignmentOf(answer), { orders: [0, 1, 2, 3] })
    assert.equal(bench.group().isSubscribedTo('orders'), true)
    assert.equal(bench.group().isSubscribedTo('clicks'), false)
    bench.check()
  })

  test('match whole names', () => {
    const bench = new Bench()
    const answer = bench.join('a', { subscribedTopicNames: null, subscribedTopicRegex: 'rder' })
    assert.deepEqual(assignmentOf(answer), {})
    assert.equal(answer.memberEpoch, 1)
  })

  test('are looked up again when topics come or go that they match, and for no others', () => {
    const bench = new Bench()
    bench.join('a', orders)
    bench.beat({ memberEpoch: 2 })
    bench.setTopics(topic('clicks-2', 1))
    assert.equal(bench.group().refresh.regexes, false)
    bench.setTopics(topic('orders-2', 1))
    assert.equal(bench.group().refresh.regexes, true)
    const answer = bench.beat({ memberEpoch: 2 })
    assert.deepEqual(assignmentOf(answer), { orders: [0, 1, 2, 3], 'orders-2': [0] })
    bench.removeTopic('orders-2')
    assert.deepEqual(assignmentOf(bench.beat({ memberEpoch: 3, topicPartitions: owned({ orders: [0, 1, 2, 3] }) })), {
      orders: [0, 1, 2, 3],
    })
    bench.check()
  })

  test('are looked up again when their interval is over', () => {
    const bench = new Bench({ settings: { groupConsumerRegexRefreshIntervalMs: 60_000 }, config: { sessionTimeoutMs: 120_000 } })
    bench.join('a', orders)
    bench.beat({ memberEpoch: 2 })
    // Nobody has told the coordinator
    bench.topics.set('orders-2', topic('orders-2', 1))
    bench.pass(59_999)
    assert.equal(bench.beat({ memberEpoch: 2 }).assignment, null)
    bench.pass(1)
    assert.deepEqual(assignmentOf(bench.beat({ memberEpoch: 2 })), { orders: [0, 1, 2, 3], 'orders-2': [0] })
  })

  test('share one record in a group, which goes with the last member that has them', () => {
    const bench = new Bench()
    bench.join('a', orders)
    bench.join('b', orders)
    assert.equal(bench.writtenTypes().includes('RegularExpression'), false)
    bench.beat({ memberEpoch: -1 })
    assert.equal(bench.writtenTypes().includes('-RegularExpression'), false)
    bench.beat({ memberId: 'b', memberEpoch: 3, subscribedTopicRegex: 'click.*' })
    assert.deepEqual(bench.writtenTypes().slice(0, 4), ['MemberMetadata', '-RegularExpression', 'RegularExpression', 'Metadata'])
    bench.beat({ memberId: 'b', memberEpoch: -1 })
    assert.deepEqual(bench.writtenTypes(), [
      '-CurrentMemberAssignment',
      '-TargetAssignmentMember',
      '-MemberMetadata',
      '-RegularExpression',
      'Metadata',
    ])
    bench.check()
  })

  test('go together with names', () => {
    const bench = new Bench()
    const answer = bench.join('a', { subscribedTopicNames: ['clicks'], subscribedTopicRegex: 'order.*' })
    assert.deepEqual(assignmentOf(answer), { clicks: [0, 1], orders: [0, 1, 2, 3] })
    const less = bench.beat({ memberEpoch: 2, subscribedTopicRegex: '' })
    assert.deepEqual(assignmentOf(less), { clicks: [0, 1] })
    assert.equal(less.memberEpoch, 2)
    bench.check()
  })

  test('an expression that matches nothing any more takes away what the one before gave', () => {
    const bench = new Bench()
    bench.join('a', orders)
    const answer = bench.beat({ memberEpoch: 2, subscribedTopicRegex: 'none', topicPartitions: [] })
    assert.deepEqual(assignmentOf(answer), {})
    assert.equal(answer.memberEpoch, 3)
    bench.check()
  })
})

describe('a coordinator that takes over', () => {
  test('gives every member its whole session, and those that revoke their whole time', () => {
    const bench = new Bench()
    bench.join('a')
    bench.join('b')
    bench.beat({ memberEpoch: 2 })
    bench.pass(9_000)
    bench.failOver()
    bench.pass(9_999)
    assert.equal(bench.group().members.size, 2)
    bench.pass(1)
    assert.deepEqual([...bench.group().members.keys()], ['b'])
    bench.pass(35_000)
    assert.equal(bench.group().stateName, 'Empty')
  })

  test('goes on with the epochs that there were', () => {
    const bench = new Bench()
    bench.join('a')
    bench.join('b')
    bench.failOver()
    assert.deepEqual(assignmentOf(bench.beat({ memberEpoch: 2, topicPartitions: owned({ orders: [0, 1, 2, 3] }) })), { orders: [0, 1] })
    assert.equal(bench.join('c').memberEpoch, 4)
    bench.check()
  })
})

describe('a group as others see it', () => {
  test('ConsumerGroupDescribe names members, assignments and targets', () => {
    const bench = new Bench()
    bench.join('a', { rackId: 'east' })
    bench.join('b')
    const group = bench.describe()
    assert.equal(group.groupState, 'Reconciling')
    assert.equal(group.groupEpoch, 3)
    assert.equal(group.assignmentEpoch, 3)
    const [a, b] = group.members
    assert.equal(a?.memberType, 1)
    assert.equal(a?.rackId, 'east')
    assert.deepEqual(a?.assignment.topicPartitions, [
      { topicId: owned({ orders: [] })[0]?.topicId, topicName: 'orders', partitions: [0, 1, 2, 3] },
    ])
    assert.deepEqual(b?.assignment.topicPartitions, [])
    assert.deepEqual(b?.targetAssignment.topicPartitions[0]?.partitions, [2, 3])
    assert.equal(bench.describe('readers', 0).members[0]?.memberType, -1)
  })

  test('ConsumerGroupDescribe does not find what is not there, and no group without a name', () => {
    const bench = new Bench()
    const none = bench.describe('none')
    assert.equal(none.errorCode, ErrorCode.GROUP_ID_NOT_FOUND)
    assert.equal(none.errorMessage, 'Group none not found.')
    assert.equal(bench.describe('').errorCode, ErrorCode.INVALID_GROUP_ID)
  })

  test('tombstones of a group leave nothing of it', () => {
    const bench = new Bench()
    bench.join('a', { subscribedTopicRegex: 'c.*' })
    bench.join('b')
    const keys = new Set(bench.log.map(({ type, key }) => JSON.stringify([type, key])))
    const tombstones = bench.group().tombstones()
    assert.deepEqual(new Set(tombstones.map(({ type, key }) => JSON.stringify([type, key]))), keys)
    bench.turn((turn) => turn.write(...tombstones))
    assert.equal(bench.state.groups.size, 0)
  })

  test('only an empty group may be deleted', () => {
    const bench = new Bench()
    bench.join('a')
    assert.equal(bench.group().deleteError(), ErrorCode.NON_EMPTY_GROUP)
    bench.beat({ memberEpoch: -1 })
    assert.equal(bench.group().deleteError(), ErrorCode.NONE)
    assert.deepEqual(bench.group().expiryBasis, { kind: 'commit' })
  })
})

describe('who may commit', () => {
  const target = (partition: number) => ({ topic: 'orders', topicId: owned({ orders: [] })[0]?.topicId ?? '', partition })
  const caller = (memberId: string, generationIdOrMemberEpoch: number, version = 10) => ({
    memberId,
    groupInstanceId: null,
    generationIdOrMemberEpoch,
    version,
  })

  test('members at their epoch, in versions that know of epochs; others while there are none', () => {
    const bench = new Bench()
    bench.join('a')
    const group = bench.group()
    assert.equal(group.commitError(caller('a', 2), null), ErrorCode.NONE)
    assert.equal(group.commitError(caller('a', 2, 8), null), ErrorCode.UNSUPPORTED_VERSION)
    assert.equal(group.commitError(caller('a', 3), null), ErrorCode.STALE_MEMBER_EPOCH)
    assert.equal(group.commitError(caller('b', 2), null), ErrorCode.UNKNOWN_MEMBER_ID)
    assert.equal(group.commitError(caller('', -1), null), ErrorCode.UNKNOWN_MEMBER_ID)
    bench.beat({ memberEpoch: -1 })
    assert.equal(group.commitError(caller('', -1), null), ErrorCode.NONE)
    assert.equal(group.commitError(caller('a', 2), null), ErrorCode.UNKNOWN_MEMBER_ID)
  })

  test('with an older epoch for partitions that the member has had since then', () => {
    const bench = new Bench()
    bench.join('a')
    bench.join('b')
    bench.beat({ memberEpoch: 2 })
    bench.beat({ memberEpoch: 2, topicPartitions: owned({ orders: [0, 1] }) })
    const b = bench.beat({ memberId: 'b', memberEpoch: 3 })
    assert.deepEqual(assignmentOf(b), { orders: [2, 3] })
    const group = bench.group()
    assert.equal(group.commitError(caller('a', 2), null), ErrorCode.NONE)
    assert.equal(group.commitError(caller('a', 2), target(0)), ErrorCode.NONE)
    assert.equal(group.commitError(caller('a', 2), target(2)), ErrorCode.STALE_MEMBER_EPOCH)
    assert.equal(group.commitError(caller('b', 2), target(2)), ErrorCode.STALE_MEMBER_EPOCH)
    assert.equal(group.commitError(caller('a', 1), target(0)), ErrorCode.STALE_MEMBER_EPOCH)
  })

  test('partitions that are still to be given up may be committed for', () => {
    const bench = new Bench()
    bench.join('a')
    bench.join('b')
    bench.beat({ memberEpoch: 2 })
    assert.equal(bench.group().commitError(caller('a', 2), target(3)), ErrorCode.NONE)
  })

  test('fetches have to come from members at their epoch, if they name one', () => {
    const bench = new Bench()
    bench.join('a')
    const group = bench.group()
    assert.equal(group.fetchError(null, -1), ErrorCode.NONE)
    assert.equal(group.fetchError('a', 2), ErrorCode.NONE)
    assert.equal(group.fetchError('a', 1), ErrorCode.STALE_MEMBER_EPOCH)
    assert.equal(group.fetchError('b', 2), ErrorCode.UNKNOWN_MEMBER_ID)
  })
})
