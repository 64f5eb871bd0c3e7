import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ApiCommand } from '../../../groups/commands.ts'
import { newRecord } from '../../../metadata/new-record.ts'
import { apis } from '../../../protocol/apis.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import { contextOf, FakeBroker, fakeConfig, sent } from '../../../sim/broker/fake-broker.ts'
import { ManualClock } from '../../../sim/manual-clock.ts'
import { TopicMaker } from '../auto-topics.ts'
import { groupOperations, operationsNotAsked } from '../topic-entries.ts'
import { clientHostOf } from './asked.ts'
import { groupHandlers } from './group-handlers.ts'

function setUp(groupVersion = 1) {
  const broker = new FakeBroker(new ManualClock())
  broker.image.apply(newRecord('featureLevel', 30, { name: 'group.version', featureLevel: groupVersion }))
  return { broker, groups: broker.groups, handlers: groupHandlers(broker, new TopicMaker(broker)) }
}

type Handlers = ReturnType<typeof groupHandlers>
const bytes = Buffer.alloc(0)

const join = {
  groupId: 'g',
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 30_000,
  memberId: 'm',
  groupInstanceId: null,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: bytes }],
  reason: null,
}
const sync = {
  groupId: 'g',
  generationId: 1,
  memberId: 'm',
  groupInstanceId: null,
  protocolType: null,
  protocolName: null,
  assignments: [],
}
const beat = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }
const leave = { groupId: 'g', memberId: 'm', members: [] }
const consumerBeat = {
  groupId: 'g',
  memberId: 'm',
  memberEpoch: 0,
  instanceId: null,
  rackId: null,
  rebalanceTimeoutMs: -1,
  subscribedTopicNames: null,
  subscribedTopicRegex: null,
  serverAssignor: null,
  topicPartitions: null,
}

async function joined(handlers: Handlers, version: number, changes: Partial<typeof join> = {}) {
  return sent(apis.joinGroup, version, await handlers.joinGroup?.({ ...join, ...changes }, contextOf(version)))
}
async function left(handlers: Handlers, version: number, changes: Partial<typeof leave> = {}) {
  return sent(apis.leaveGroup, version, await handlers.leaveGroup?.({ ...leave, ...changes }, contextOf(version)))
}

function lastAsked(broker: FakeBroker): ApiCommand {
  const last = broker.groups.asked.at(-1)
  assert.ok(last !== undefined)
  return last.command
}

describe('who asks', () => {
  test('the coordinator is told the version, the client and its address as Java writes it', async () => {
    const { broker, handlers } = setUp()
    await joined(handlers, 4)
    assert.deepEqual(lastAsked(broker).context, { version: 4, clientId: 'client', clientHost: '/10.1.2.3' })
    assert.equal(clientHostOf('127.0.0.1'), '/127.0.0.1')
    assert.equal(clientHostOf('::1'), '/0:0:0:0:0:0:0:1')
    assert.equal(clientHostOf('fe80::1:2'), '/fe80:0:0:0:0:0:1:2')
  })

  test('a group without a name is refused without asking', async () => {
    const { groups, handlers } = setUp()
    const context = contextOf(0)
    assert.equal((await joined(handlers, 9, { groupId: '' })).errorCode, ErrorCode.INVALID_GROUP_ID)
    assert.equal((await joined(handlers, 9, { groupId: '' })).memberId, 'm')
    assert.equal((await left(handlers, 0, { groupId: '' })).errorCode, ErrorCode.INVALID_GROUP_ID)
    const answers = [
      await handlers.syncGroup?.({ ...sync, groupId: '' }, context),
      await handlers.heartbeat?.({ ...beat, groupId: '' }, context),
      await handlers.offsetDelete?.({ groupId: '', topics: [] }, context),
    ]
    for (const answer of answers) assert.equal(Object(answer).errorCode, ErrorCode.INVALID_GROUP_ID)
    assert.equal(groups.asked.length, 0)
  })
})

describe('JoinGroup, SyncGroup, Heartbeat, LeaveGroup', () => {
  test('a join of the first version waits for a rebalance as long as its session', async () => {
    const { broker, handlers } = setUp()
    const timeout = async (version: number) => {
      await joined(handlers, version)
      const command = lastAsked(broker)
      return command.api === 'joinGroup' ? command.request.rebalanceTimeoutMs : null
    }
    assert.deepEqual([await timeout(0), await timeout(1)], [10_000, 30_000])
  })

  test('no protocol is an empty name before version 7, and null since', async () => {
    const { groups, handlers } = setUp()
    groups.stub = () => ({ errorCode: 0, generationId: 1, protocolName: null, leader: 'm', memberId: 'm', members: [] })
    assert.equal((await joined(handlers, 6)).protocolName, '')
    assert.equal((await joined(handlers, 7)).protocolName, null)
    assert.equal((await joined(handlers, 9, { groupId: '' })).protocolName, null)
  })

  test('a sync has to say its protocol since version 5', async () => {
    const { groups, handlers } = setUp()
    const code = async (version: number, changes: object) =>
      sent(apis.syncGroup, version, await handlers.syncGroup?.({ ...sync, ...changes }, contextOf(version))).errorCode
    assert.equal(await code(5, { protocolType: 'consumer' }), ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    assert.equal(groups.asked.length, 0)
    assert.equal(await code(5, { protocolType: 'consumer', protocolName: 'range' }), ErrorCode.NOT_COORDINATOR)
    assert.equal(await code(4, {}), ErrorCode.NOT_COORDINATOR)
  })

  test('while the coordinator loads, a heartbeat is told that all is well', async () => {
    const { groups, handlers } = setUp()
    const code = async () => sent(apis.heartbeat, 4, await handlers.heartbeat?.(beat, contextOf(4))).errorCode
    groups.stub = () => ({ errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS })
    assert.equal(await code(), ErrorCode.NONE)
    groups.stub = () => ({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID })
    assert.equal(await code(), ErrorCode.UNKNOWN_MEMBER_ID)
  })

  test('before version 3 one member leaves, and its error is that of the answer', async () => {
    const { broker, groups, handlers } = setUp()
    const members = [{ memberId: 'm', groupInstanceId: null, errorCode: ErrorCode.UNKNOWN_MEMBER_ID }]
    groups.stub = () => ({ errorCode: 0, members })
    assert.equal((await left(handlers, 2)).errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
    const command = lastAsked(broker)
    assert.deepEqual(command.api === 'leaveGroup' && command.request.members, [{ memberId: 'm', groupInstanceId: null, reason: null }])
    const later = await left(handlers, 3)
    assert.deepEqual([later.errorCode, later.members], [0, members])
    groups.stub = () => ({ errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, members: [] })
    assert.equal((await left(handlers, 0)).errorCode, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
  })
})

describe('the consumer protocol', () => {
  const beaten = async (handlers: Handlers) =>
    sent(apis.consumerGroupHeartbeat, 1, await handlers.consumerGroupHeartbeat?.(consumerBeat, contextOf(1))).errorCode
  const described = async (handlers: Handlers, groupIds: readonly string[], includeAuthorizedOperations = false) =>
    sent(apis.consumerGroupDescribe, 1, await handlers.consumerGroupDescribe?.({ groupIds, includeAuthorizedOperations }, contextOf(1)))
      .groups

  test('is refused where the feature or the configuration does not have it', async () => {
    const old = setUp(0)
    assert.equal(await beaten(old.handlers), ErrorCode.UNSUPPORTED_VERSION)
    assert.deepEqual(
      (await described(old.handlers, ['a', 'b'])).map((it) => [it.groupId, it.errorCode]),
      [
        ['a', ErrorCode.UNSUPPORTED_VERSION],
        ['b', ErrorCode.UNSUPPORTED_VERSION],
      ],
    )
    const { broker, groups, handlers } = setUp(1)
    assert.equal(await beaten(handlers), ErrorCode.NOT_COORDINATOR)
    broker.config = fakeConfig({ 'group.coordinator.rebalance.protocols': 'classic' })
    assert.equal(await beaten(handlers), ErrorCode.UNSUPPORTED_VERSION)
    assert.equal(groups.asked.length, 1)
  })

  test('groups are described in the order asked for, a name that is none among them', async () => {
    const { groups, handlers } = setUp()
    groups.stub = (command) => {
      assert.ok(command.api === 'consumerGroupDescribe')
      const known = { groupState: 'Stable', groupEpoch: 1, assignmentEpoch: 1, assignorName: 'range', members: [] }
      return { throttleTimeMs: 0, groups: command.request.groupIds.map((groupId) => ({ errorCode: 0, groupId, ...known })) }
    }
    const found = await described(handlers, ['aaaaa', '', 'bb', 'a', 'bb'], true)
    assert.deepEqual(
      found.map((it) => [it.groupId, it.errorCode, it.authorizedOperations]),
      [
        ['aaaaa', 0, groupOperations],
        ['', ErrorCode.INVALID_GROUP_ID, operationsNotAsked],
        ['bb', 0, groupOperations],
        ['a', 0, groupOperations],
        ['bb', 0, groupOperations],
      ],
    )
    // by partition: the names of one letter and of five fall together
    assert.deepEqual(
      groups.asked.map((it) => it.command.api === 'consumerGroupDescribe' && it.command.request.groupIds),
      [['aaaaa', 'a'], ['bb']],
    )
  })
})

describe('DescribeGroups, DeleteGroups, ListGroups', () => {
  test('every version is described, what may be done only when asked for', async () => {
    const { groups, handlers } = setUp()
    groups.stub = (command) => {
      assert.ok(command.api === 'describeGroups')
      const known = { groupState: 'Dead', protocolType: '', protocolData: '', members: [] }
      return { groups: command.request.groups.map((groupId) => ({ errorCode: groupId === 'bad' ? 16 : 0, groupId, ...known })) }
    }
    for (let version = 0; version <= 6; version += 1) {
      const request = { groups: ['one', 'bad', 'four', 'one'], includeAuthorizedOperations: true }
      const answer = sent(apis.describeGroups, version, await handlers.describeGroups?.(request, contextOf(version)))
      assert.deepEqual(
        answer.groups.map((it) => it.groupId),
        ['one', 'bad', 'four', 'one'],
      )
      const operations = answer.groups.map((it) => it.authorizedOperations)
      const told = version >= 3 ? groupOperations : operationsNotAsked
      assert.deepEqual(operations, [told, operationsNotAsked, told, told])
    }
  })

  test('a group that is named twice is deleted once', async () => {
    const { groups, handlers } = setUp()
    groups.stub = (command) => {
      assert.ok(command.api === 'deleteGroups')
      return { throttleTimeMs: 0, results: command.request.groupsNames.map((groupId) => ({ groupId, errorCode: 0 })) }
    }
    const request = { groupsNames: ['b', 'aa', 'b'] }
    const answer = sent(apis.deleteGroups, 2, await handlers.deleteGroups?.(request, contextOf(2)))
    assert.deepEqual(
      answer.results.map((it) => it.groupId),
      ['b', 'aa'],
    )
  })

  test('partitions that have gone are left out of a list, one that loads fails the whole', async () => {
    const { groups, handlers } = setUp()
    const entry = (groupId: string) => ({ groupId, protocolType: 'consumer', groupState: 'Stable', groupType: 'classic' })
    const list = async (version: number) =>
      sent(apis.listGroups, version, await handlers.listGroups?.({ statesFilter: [], typesFilter: [] }, contextOf(version)))
    groups.listed = [
      { errorCode: 0, groups: [entry('a')] },
      { errorCode: ErrorCode.NOT_COORDINATOR, groups: [] },
      { errorCode: 0, groups: [entry('b')] },
    ]
    for (let version = 0; version <= 5; version += 1) {
      const { errorCode, groups: found } = await list(version)
      assert.deepEqual([errorCode, found.map((it) => it.groupId)], [0, ['a', 'b']])
    }
    groups.listed = [...groups.listed, { errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, groups: [] }]
    const failed = await list(5)
    assert.deepEqual([failed.errorCode, failed.groups], [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, []])
  })
})
