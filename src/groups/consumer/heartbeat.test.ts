import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ErrorCode } from '../../protocol/errors.ts'
import { assignmentOf, Bench, groupId, type Heartbeat, owned, topic, wallStart } from './fixture.test.ts'

const all = { orders: [0, 1, 2, 3] }

describe('what a heartbeat may say', () => {
  const join: Partial<Heartbeat> = { rebalanceTimeoutMs: 10_000, subscribedTopicNames: ['orders'], topicPartitions: [] }
  const wrong: readonly [Partial<Heartbeat>, string][] = [
    [{ ...join, memberId: '' }, "MemberId can't be empty."],
    [{ ...join, memberId: ' \t' }, "MemberId can't be empty."],
    [{ ...join, groupId: '' }, "GroupId can't be empty."],
    [{ ...join, groupId: '', memberId: '' }, "MemberId can't be empty."],
    [{ ...join, instanceId: '' }, "InstanceId can't be empty."],
    [{ ...join, rackId: '' }, "RackId can't be empty."],
    [{ ...join, rebalanceTimeoutMs: -1 }, 'RebalanceTimeoutMs must be provided in first request.'],
    [{ ...join, topicPartitions: null }, 'TopicPartitions must be empty when (re-)joining.'],
    [{ ...join, topicPartitions: owned({ orders: [0] }) }, 'TopicPartitions must be empty when (re-)joining.'],
    [{ ...join, subscribedTopicNames: null }, 'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.'],
    [{ memberEpoch: -2 }, "InstanceId can't be null."],
    [{ memberEpoch: -3 }, 'MemberEpoch is invalid.'],
  ]
  for (const [request, message] of wrong) {
    test(`INVALID_REQUEST for ${JSON.stringify(request)}: ${message}`, () => {
      const bench = new Bench()
      const answer = bench.beat(request)
      assert.equal(answer.errorCode, ErrorCode.INVALID_REQUEST)
      assert.equal(answer.errorMessage, message)
      assert.equal(answer.memberId, null)
      assert.deepEqual(bench.written, [])
    })
  }

  test('in version 0 a member that joins is given an id', () => {
    const bench = new Bench()
    const { memberId, memberEpoch } = bench.beat({ ...join, memberId: '' }, 0)
    assert.equal(memberId?.length, 22)
    assert.equal(memberEpoch, 2)
    assert.equal(bench.beat({ memberId: '', memberEpoch: 2 }, 0).errorMessage, "MemberId can't be empty.")
  })

  test('an assignor that there is not is refused at any time, by a message that lists those that there are', () => {
    const bench = new Bench()
    const answer = bench.join('a', { serverAssignor: 'sticky' })
    assert.equal(answer.errorCode, ErrorCode.UNSUPPORTED_ASSIGNOR)
    assert.equal(answer.errorMessage, 'ServerAssignor sticky is not supported. Supported assignors: uniform, range.')
    bench.join('a')
    assert.equal(bench.beat({ memberEpoch: 2, serverAssignor: '' }).errorCode, ErrorCode.UNSUPPORTED_ASSIGNOR)
  })

  test('an expression that is none is refused, and nothing is written', () => {
    const bench = new Bench()
    const answer = bench.join('a', { subscribedTopicNames: null, subscribedTopicRegex: '[' })
    assert.equal(answer.errorCode, ErrorCode.INVALID_REGULAR_EXPRESSION)
    assert.equal(answer.errorMessage, 'SubscribedTopicRegex `[` is not a valid regular expression: missing closing ].')
    assert.deepEqual(bench.log, [])
  })

  test('without the consumer protocol every heartbeat is UNSUPPORTED_VERSION', () => {
    const bench = new Bench({ settings: { consumerProtocolEnabled: false } })
    assert.equal(bench.join('a').errorCode, ErrorCode.UNSUPPORTED_VERSION)
    assert.equal(bench.describe().errorCode, ErrorCode.UNSUPPORTED_VERSION)
  })
})

describe('joining', () => {
  test('the first member gets everything, at epoch 2, and is told so', () => {
    const bench = new Bench()
    const answer = bench.join('a')
    assert.equal(answer.errorCode, ErrorCode.NONE)
    assert.equal(answer.memberId, 'a')
    assert.equal(answer.memberEpoch, 2)
    assert.equal(answer.heartbeatIntervalMs, 5_000)
    assert.deepEqual(assignmentOf(answer), all)
    assert.equal(bench.group().stateName, 'Stable')
    bench.check()
  })

  test('records come in the order in which Kafka writes them', () => {
    const bench = new Bench()
    bench.join('a', { subscribedTopicRegex: 'cl.*' })
    assert.deepEqual(bench.writtenTypes(), [
      'MemberMetadata',
      'RegularExpression',
      'Metadata',
      'TargetAssignmentMember',
      'TargetAssignmentMetadata',
      'CurrentMemberAssignment',
    ])
    const target = bench.written[4]
    assert.deepEqual(target?.value, { assignmentEpoch: 2, assignmentTimestamp: wallStart })
    const current = bench.written[5]
    assert.ok(current?.type === 'consumerGroupCurrentMemberAssignment')
    assert.deepEqual(
      current.value?.assignedPartitions.map(({ assignmentEpochs }) => assignmentEpochs),
      [
        [2, 2],
        [2, 2, 2, 2],
      ],
    )
  })

  test('who is subscribed to nothing is a member all the same, at the epoch that a group begins with', () => {
    const bench = new Bench()
    const answer = bench.join('a', { subscribedTopicNames: [] })
    assert.equal(answer.memberEpoch, 1)
    assert.deepEqual(assignmentOf(answer), {})
    assert.deepEqual(bench.writtenTypes(), ['MemberMetadata', 'CurrentMemberAssignment'])
    bench.check()
  })

  test('topics that do not exist are assigned when they do', () => {
    const bench = new Bench()
    assert.deepEqual(assignmentOf(bench.join('a', { subscribedTopicNames: ['later'] })), {})
    bench.setTopics(topic('later', 2))
    const answer = bench.beat({ memberEpoch: 2 })
    assert.equal(answer.memberEpoch, 3)
    assert.deepEqual(assignmentOf(answer), { later: [0, 1] })
  })

  test('joining again with its id and epoch 0 a member keeps what it had, and is told', () => {
    const bench = new Bench()
    bench.join('a')
    bench.join('b')
    const answer = bench.join('a')
    assert.equal(answer.memberEpoch, 3)
    assert.deepEqual(assignmentOf(answer), { orders: [0, 1] })
    // With no partitions in use it has given up the others
    assert.deepEqual(assignmentOf(bench.beat({ memberId: 'b', memberEpoch: 3 })), { orders: [2, 3] })
    bench.check()
  })

  test('a full group takes nobody but those that are in it', () => {
    const bench = new Bench({ settings: { groupConsumerMaxSize: 1 } })
    bench.join('a')
    const answer = bench.join('b')
    assert.equal(answer.errorCode, ErrorCode.GROUP_MAX_SIZE_REACHED)
    assert.equal(answer.errorMessage, 'The consumer group has reached its maximum capacity of 1 members.')
    assert.equal(bench.join('a').errorCode, ErrorCode.NONE)
  })

  test('members that come within the assignment interval are assigned together', () => {
    const bench = new Bench({ config: { assignmentIntervalMs: 1_000 } })
    bench.join('a')
    assert.deepEqual(assignmentOf(bench.join('b')), {})
    assert.deepEqual(bench.writtenTypes(), ['MemberMetadata', 'Metadata', 'CurrentMemberAssignment'])
    bench.join('c')
    assert.equal(bench.group().stateName, 'Assigning')
    assert.equal(bench.beat({ memberId: 'b', memberEpoch: 2 }).memberEpoch, 2)
    bench.pass(1_000)
    const answer = bench.beat({ memberEpoch: 2, topicPartitions: owned(all) })
    assert.equal(bench.group().assignmentEpoch, 4)
    assert.equal(bench.group().target('c').size, 1)
    assert.equal(answer.memberEpoch, 2)
    bench.check()
  })

  test('an assignment of the future, by the clock of another coordinator, keeps nobody waiting', () => {
    const bench = new Bench({ config: { assignmentIntervalMs: 1_000 } })
    bench.join('a')
    bench.wall -= 3_600_000
    bench.join('b')
    assert.equal(bench.group().assignmentEpoch, 3)
  })

  test('the assignor is the one that most ask for', () => {
    const bench = new Bench()
    bench.join('a', { serverAssignor: 'range' })
    assert.equal(bench.describe().assignorName, 'range')
    bench.join('b', { serverAssignor: 'uniform' })
    assert.equal(bench.describe().assignorName, 'uniform')
    bench.join('c', { serverAssignor: 'range' })
    assert.equal(bench.describe().assignorName, 'range')
  })
})

describe('a heartbeat in a quiet group', () => {
  test('writes nothing and is told nothing', () => {
    const bench = new Bench()
    bench.join('a')
    for (const topicPartitions of [null, owned(all), owned({ orders: [0] }), owned({ nowhere: [7] })]) {
      const answer = bench.beat({ memberEpoch: 2, topicPartitions })
      assert.equal(answer.memberEpoch, 2)
      assert.equal(answer.assignment, null)
      assert.deepEqual(bench.written, [])
    }
  })

  test('that says everything is told everything', () => {
    const bench = new Bench()
    bench.join('a')
    const full = { memberEpoch: 2, rebalanceTimeoutMs: 10_000, subscribedTopicNames: ['orders'], topicPartitions: owned(all) }
    assert.deepEqual(assignmentOf(bench.beat(full)), all)
    assert.deepEqual(bench.written, [])
  })

  test('a new client id is written down and moves nothing', () => {
    const bench = new Bench()
    bench.join('a')
    bench.beat({ memberEpoch: 2, rackId: 'east' })
    assert.deepEqual(bench.writtenTypes(), ['MemberMetadata'])
    assert.equal(bench.group().groupEpoch, 2)
    bench.check()
  })
})

describe('fencing', () => {
  test('UNKNOWN_MEMBER_ID and GROUP_ID_NOT_FOUND for who is not there', () => {
    const bench = new Bench()
    const none = bench.beat({ memberEpoch: 1 })
    assert.equal(none.errorCode, ErrorCode.GROUP_ID_NOT_FOUND)
    assert.equal(none.errorMessage, `Consumer group ${groupId} not found.`)
    bench.join('a')
    const who = bench.beat({ memberId: 'who', memberEpoch: 2 })
    assert.equal(who.errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
    assert.equal(who.errorMessage, `Member who is not a member of group ${groupId}.`)
  })

  test('a greater epoch is fenced', () => {
    const bench = new Bench()
    bench.join('a')
    const answer = bench.beat({ memberEpoch: 3 })
    assert.equal(answer.errorCode, ErrorCode.FENCED_MEMBER_EPOCH)
    assert.equal(
      answer.errorMessage,
      'The consumer group member has a greater member epoch (3) than the one known by the group coordinator (2). ' +
        'The member must abandon all its partitions and rejoin.',
    )
  })

  test('the epoch before is good for who uses nothing but what it is assigned: its answer may have been lost', () => {
    const bench = new Bench()
    bench.join('a')
    bench.beat({ memberEpoch: 2, subscribedTopicNames: ['orders', 'clicks'] })
    assert.equal(bench.beat({ memberEpoch: 2 }).errorCode, ErrorCode.FENCED_MEMBER_EPOCH)
    assert.equal(bench.beat({ memberEpoch: 2, topicPartitions: owned({ other: [0] }) }).errorCode, ErrorCode.FENCED_MEMBER_EPOCH)
    assert.equal(bench.beat({ memberEpoch: 2, topicPartitions: owned(all) }).memberEpoch, 3)
    assert.equal(bench.beat({ memberEpoch: 1, topicPartitions: [] }).errorCode, ErrorCode.FENCED_MEMBER_EPOCH)
  })

  test('a member in a state that a later release wrote has to give up everything', () => {
    const bench = new Bench()
    bench.join('a')
    const last = bench.log.at(-1)
    assert.ok(last?.type === 'consumerGroupCurrentMemberAssignment' && last.value !== null)
    const { key, value } = last
    bench.turn((turn) => turn.write({ type: 'consumerGroupCurrentMemberAssignment', key, value: { ...value, state: 9 } }))
    const answer = bench.beat({ memberEpoch: 2, topicPartitions: owned(all) })
    assert.equal(answer.errorCode, ErrorCode.FENCED_MEMBER_EPOCH)
    assert.match(answer.errorMessage ?? '', /is in a unknown state/)
    assert.equal(bench.beat({ memberEpoch: 2, topicPartitions: [] }).errorCode, ErrorCode.NONE)
    assert.equal(bench.group().stateName, 'Stable')
  })
})

describe('partitions move when their owner has let go', () => {
  test('step by step', () => {
    const bench = new Bench()
    bench.join('a')
    assert.deepEqual(assignmentOf(bench.join('b')), {})
    assert.equal(bench.group().stateName, 'Reconciling')
    const revoke = bench.beat({ memberEpoch: 2, topicPartitions: owned(all) })
    assert.equal(revoke.memberEpoch, 2)
    assert.deepEqual(assignmentOf(revoke), { orders: [0, 1] })
    assert.equal(bench.beat({ memberId: 'b', memberEpoch: 3 }).assignment, null)
    assert.equal(bench.beat({ memberEpoch: 2, topicPartitions: owned({ orders: [0, 1, 2] }) }).memberEpoch, 2)
    assert.equal(bench.beat({ memberId: 'b', memberEpoch: 3 }).assignment, null)
    assert.equal(bench.beat({ memberEpoch: 2, topicPartitions: owned({ orders: [0, 1] }) }).memberEpoch, 3)
    assert.deepEqual(assignmentOf(bench.beat({ memberId: 'b', memberEpoch: 3 })), { orders: [2, 3] })
    assert.equal(bench.group().stateName, 'Stable')
    bench.check()
  })

  test('who does not let go within its rebalance timeout is put out', () => {
    const bench = new Bench()
    bench.join('a', { rebalanceTimeoutMs: 7_000 })
    bench.join('b')
    bench.beat({ memberEpoch: 2 })
    bench.pass(6_999)
    assert.equal(bench.beat({ memberEpoch: 2 }).errorCode, ErrorCode.NONE)
    bench.pass(1)
    assert.deepEqual(bench.writtenTypes(), ['-CurrentMemberAssignment', '-TargetAssignmentMember', '-MemberMetadata', 'Metadata'])
    assert.equal(bench.beat({ memberEpoch: 2 }).errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
    assert.deepEqual(assignmentOf(bench.beat({ memberId: 'b', memberEpoch: 3 })), all)
    bench.check()
  })

  test('who has let go in time is not put out', () => {
    const bench = new Bench()
    bench.join('a')
    bench.join('b')
    bench.beat({ memberEpoch: 2 })
    bench.beat({ memberEpoch: 2, topicPartitions: owned({ orders: [0, 1] }) })
    assert.equal(bench.pass(20_000), false)
  })

  test('what a member gives up and is to have after all it keeps', () => {
    const bench = new Bench()
    bench.join('a')
    bench.join('b')
    bench.beat({ memberEpoch: 2 })
    bench.beat({ memberId: 'b', memberEpoch: -1 })
    const answer = bench.beat({ memberEpoch: 2, topicPartitions: owned({ orders: [0, 1] }) })
    assert.equal(answer.memberEpoch, 4)
    assert.deepEqual(assignmentOf(answer), all)
    bench.check()
  })

  test('a topic that a member drops from its subscription is given up at once', () => {
    const bench = new Bench({ config: { assignmentIntervalMs: 1_000 } })
    bench.join('a', { subscribedTopicNames: ['orders', 'clicks'] })
    const using = owned({ ...all, clicks: [0, 1] })
    const answer = bench.beat({ memberEpoch: 2, subscribedTopicNames: ['clicks'], topicPartitions: using })
    assert.deepEqual(assignmentOf(answer), { clicks: [0, 1] })
    assert.equal(answer.memberEpoch, 2)
    assert.equal(bench.group().members.get('a')?.state, 'unrevoked')
    bench.check()
  })
})

describe('a batch of records has its limit', () => {
  test('what does not fit in it is not done, and tried again with the next heartbeat', () => {
    const bench = new Bench()
    bench.join('a')
    bench.settings.recordBatchBytesMax = 300
    const answer = bench.join('b')
    assert.equal(answer.errorCode, ErrorCode.UNKNOWN_SERVER_ERROR)
    assert.match(answer.errorMessage ?? '', /larger than a batch of records may be/)
    assert.deepEqual(bench.written, [])
    bench.setTopics(topic('orders', 99))
    assert.equal(bench.beat({ memberEpoch: 2 }).errorCode, ErrorCode.UNKNOWN_SERVER_ERROR)
    bench.settings.recordBatchBytesMax = 3_000
    assert.equal(bench.beat({ memberEpoch: 2 }).memberEpoch, 3)
    bench.check()
  })
})

describe('leaving', () => {
  test('a member that leaves is gone, and its partitions are free', () => {
    const bench = new Bench()
    bench.join('a')
    bench.join('b')
    const answer = bench.beat({ memberEpoch: -1 })
    assert.equal(answer.memberEpoch, -1)
    assert.equal(answer.memberId, 'a')
    assert.equal(answer.heartbeatIntervalMs, 0)
    assert.equal(bench.group().targets.has('a'), false)
    assert.deepEqual(assignmentOf(bench.beat({ memberId: 'b', memberEpoch: 3 })), all)
    assert.equal(bench.beat({ memberEpoch: -1 }).errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
    bench.check()
  })

  test('the epoch of the group outlives its members', () => {
    const bench = new Bench()
    bench.join('a')
    bench.beat({ memberEpoch: -1 })
    assert.equal(bench.group().stateName, 'Empty')
    assert.equal(bench.group().groupEpoch, 3)
    assert.equal(bench.join('a').memberEpoch, 4)
  })

  test('a group that does not exist cannot be left', () => {
    const answer = new Bench().beat({ memberEpoch: -1 })
    assert.equal(answer.errorCode, ErrorCode.GROUP_ID_NOT_FOUND)
    assert.equal(answer.errorMessage, `Group ${groupId} not found.`)
  })

  test('a member that is silent for its session timeout is put out; each heartbeat begins the session anew', () => {
    const bench = new Bench()
    bench.join('a')
    bench.pass(40_000)
    bench.beat({ memberEpoch: 2 })
    assert.equal(bench.pass(44_999), false)
    assert.equal(bench.pass(1), true)
    assert.equal(bench.group().stateName, 'Empty')
    bench.check()
  })
})

describe('static members', () => {
  const one = { instanceId: 'one' }

  test('another member cannot have the instance id of one that is there', () => {
    const bench = new Bench()
    bench.join('a', one)
    const answer = bench.join('b', one)
    assert.equal(answer.errorCode, ErrorCode.UNRELEASED_INSTANCE_ID)
    assert.equal(
      answer.errorMessage,
      'Static member b with instance id one cannot join the group because the instance id is owned by a member.',
    )
  })

  test('one that left for a while is replaced by whoever comes with its instance id, and nothing moves', () => {
    const bench = new Bench()
    bench.join('a', one)
    bench.join('c', { subscribedTopicNames: ['clicks'] })
    bench.beat({ memberId: 'a', memberEpoch: 2, topicPartitions: owned(all) })
    const away = bench.beat({ memberEpoch: -2, ...one })
    assert.equal(away.memberEpoch, -2)
    assert.deepEqual(bench.writtenTypes(), ['CurrentMemberAssignment'])
    const back = bench.join('b', one)
    assert.equal(back.memberEpoch, 3)
    assert.deepEqual(assignmentOf(back), all)
    assert.equal(bench.group().groupEpoch, 3)
    assert.equal(bench.beat({ memberEpoch: 3, ...one }).errorCode, ErrorCode.FENCED_INSTANCE_ID)
    assert.equal(bench.beat({ memberId: 'b', memberEpoch: 3, ...one }).errorCode, ErrorCode.NONE)
    bench.check()
  })

  test('its session goes on while it is away', () => {
    const bench = new Bench()
    bench.join('a', one)
    bench.beat({ memberEpoch: -2, ...one })
    assert.equal(bench.pass(44_999), false)
    bench.pass(1)
    assert.equal(bench.group().stateName, 'Empty')
  })

  test('whoever takes its place may commit for what it takes over with the epoch that it is told, whatever that is', () => {
    const bench = new Bench()
    bench.join('a', one)
    bench.beat({ memberEpoch: -2, ...one })
    assert.deepEqual(
      [...(bench.group().members.get('a')?.assigned.values().next().value ?? [])],
      [
        [0, 0],
        [1, 0],
        [2, 0],
        [3, 0],
      ],
    )
    bench.join('b', one)
    bench.beat({ memberId: 'b', memberEpoch: 2, subscribedTopicNames: ['orders', 'clicks'], ...one })
    const caller = { memberId: 'b', groupInstanceId: 'one', generationIdOrMemberEpoch: 2, version: 10 }
    const target = { topic: 'orders', topicId: owned({ orders: [] })[0]?.topicId ?? '', partition: 0 }
    assert.equal(bench.group().commitError(caller, target), ErrorCode.NONE)
  })

  test('its session alone decides, also when another coordinator takes over while it is away', () => {
    const bench = new Bench()
    bench.join('a', one)
    bench.join('b')
    bench.beat({ memberEpoch: 2 })
    bench.beat({ memberEpoch: -2, ...one })
    bench.failOver()
    bench.pass(44_999)
    assert.equal(bench.group().members.has('a'), true)
    bench.pass(1)
    assert.equal(bench.group().members.has('a'), false)
  })

  test('it comes back under its own id', () => {
    const bench = new Bench()
    bench.join('a', one)
    bench.beat({ memberEpoch: -2, ...one })
    assert.deepEqual(assignmentOf(bench.join('a', one)), all)
    bench.check()
  })

  test('what it had to give up is free when it goes away', () => {
    const bench = new Bench()
    bench.join('a', one)
    bench.join('b')
    bench.beat({ memberEpoch: 2 })
    bench.beat({ memberEpoch: -2, ...one })
    assert.deepEqual(assignmentOf(bench.beat({ memberId: 'b', memberEpoch: 3 })), { orders: [2, 3] })
    bench.check()
  })

  test('an instance id that nobody has is unknown, one that another has fences', () => {
    const bench = new Bench()
    bench.join('a', one)
    assert.equal(bench.beat({ memberEpoch: 2, instanceId: 'two' }).errorMessage, 'Instance id two is unknown.')
    const fenced = bench.beat({ memberId: 'b', memberEpoch: -1, ...one })
    assert.equal(fenced.errorCode, ErrorCode.FENCED_INSTANCE_ID)
    assert.equal(fenced.errorMessage, 'Static member b with instance id one was fenced by member a.')
  })
})
