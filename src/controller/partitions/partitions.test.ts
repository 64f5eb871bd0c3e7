import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode, errorName } from '../../protocol/errors.ts'
import { shown, TestController } from '../fixture.test.ts'

const fence = (controller: TestController, id: number) =>
  controller.internal({ api: 'fence', brokerId: id, brokerEpoch: controller.epochs.get(id) ?? -1, why: 'gone' })

function reassign(
  controller: TestController,
  replicas: readonly number[] | null,
  options: { readonly topic?: string; readonly keepFactor?: boolean } = {},
) {
  const response = controller.call('alterPartitionReassignments', {
    allowReplicationFactorChange: options.keepFactor !== true,
    topics: [{ name: options.topic ?? 't', partitions: [{ partitionIndex: 0, replicas }] }],
  })
  const result = response.responses[0]?.partitions[0]
  return result === undefined ? 'nothing' : errorName(result.errorCode)
}

test('the leader shrinks and grows its ISR, and each change is one step of the partition epoch', () => {
  const controller = new TestController().up(1, 2, 3)
  controller.createTopic('t', [[1, 2, 3]])
  const shrunk = controller.alterIsr('t', [1, 2])
  assert.deepEqual([shrunk.errorCode, shrunk.leaderId, shrunk.leaderEpoch, shrunk.partitionEpoch, shrunk.isr], [0, 1, 0, 1, [1, 2]])
  const same = controller.alterIsr('t', [1, 2])
  assert.deepEqual([same.errorCode, same.partitionEpoch], [0, 1], 'nothing changes')
  assert.equal(controller.alterIsr('t', [1, 2, 3]).partitionEpoch, 2)
  assert.equal(shown(controller.partition('t')), '1/0 [1,2,3] (1,2,3)')
})

test('a replica takes itself out of the ISR, and with that out of leadership, but not the last one, and nobody else', () => {
  const controller = new TestController().up(1, 2, 3)
  controller.createTopic('t', [[1, 2, 3]])
  assert.equal(errorName(controller.alterIsr('t', [2, 3]).errorCode ?? 0), 'NEW_LEADER_ELECTED')
  assert.equal(shown(controller.partition('t')), '2/1 [2,3] (1,2,3)')
  assert.equal(errorName(controller.alterIsr('t', [3], { leader: 1 }).errorCode ?? 0), 'INVALID_REQUEST', 'who is not in it')
  assert.equal(errorName(controller.alterIsr('t', [2], { leader: 3, partitionEpoch: 0 }).errorCode ?? 0), 'INVALID_UPDATE_VERSION')
  assert.equal(errorName(controller.alterIsr('t', [2], { leader: 3 }).errorCode ?? 0), 'NONE')
  assert.equal(shown(controller.partition('t')), '2/1 [2] (1,2,3)')
  assert.equal(errorName(controller.alterIsr('t', [], { leader: 2 }).errorCode ?? 0), 'INVALID_REQUEST')
  assert.equal(errorName(controller.alterIsr('t', [2, 3], { leader: 2 }).errorCode ?? 0), 'NONE')
  controller.heartbeat(3, { wantFence: true })
  assert.equal(shown(controller.partition('t')), '2/1 [2] (1,2,3)')
})

test('an ISR is changed by compare-and-set; the checks come in their order', () => {
  const controller = new TestController().up(1, 2, 3)
  controller.createTopic('t', [[1, 2, 3]])
  controller.createTopic('lost', [[1, 2, 3]], { 'unclean.leader.election.enable': 'true' })
  controller.alterIsr('t', [1, 2])
  controller.heartbeat(3, { wantFence: true })
  const stale = controller.alterIsr('t', [1, 2], { brokerEpoch: 0 })
  assert.equal(errorName(stale.top), 'STALE_BROKER_EPOCH')
  const cases: readonly (readonly [string, readonly number[], Parameters<TestController['alterIsr']>[2]])[] = [
    ['NOT_CONTROLLER', [1], { leaderEpoch: 1, partitionEpoch: 0 }],
    ['NOT_CONTROLLER', [1], { leaderEpoch: -1, partitionEpoch: 9 }],
    ['FENCED_LEADER_EPOCH', [1], { leader: 2, leaderEpoch: -1, partitionEpoch: 0 }],
    ['INVALID_REQUEST', [2], { leader: 2, partitionEpoch: 0 }],
    ['INVALID_UPDATE_VERSION', [9], { partitionEpoch: 0 }],
    ['INVALID_REQUEST', [], {}],
    ['INVALID_REQUEST', [1, 9], {}],
    ['INVALID_REQUEST', [3], {}],
    ['INVALID_REQUEST', [1, 1], {}],
    ['INVALID_REQUEST', [1, 2], { recovery: 1 }],
    ['INVALID_REQUEST', [1], { recovery: 1 }],
    ['INVALID_REQUEST', [1], { recovery: 5 }],
    ['INELIGIBLE_REPLICA', [1, 2, 3], {}],
    ['INELIGIBLE_REPLICA', [1, 2], { memberEpochs: { 2: 0 } }],
    ['UNKNOWN_TOPIC_OR_PARTITION', [1], { partition: 1 }],
  ]
  for (const [error, isr, options] of cases) {
    if (options?.partition === 1) continue
    assert.equal(
      errorName(controller.alterIsr('t', isr, options).errorCode ?? 0),
      error,
      `${error} for ${isr.join()} ${JSON.stringify(options)}`,
    )
  }
  assert.equal(shown(controller.partition('t')), '1/0 [1,2] (1,2,3)')
  const unknown = controller.call('alterPartition', {
    brokerId: 1,
    brokerEpoch: controller.epochs.get(1) ?? -1,
    topics: [
      {
        topicId: controller.prng.uuid(),
        partitions: [{ partitionIndex: 0, leaderEpoch: 0, partitionEpoch: 0, newIsr: [], newIsrWithEpochs: [] }],
      },
    ],
  })
  assert.equal(unknown.topics[0]?.partitions[0]?.errorCode, ErrorCode.UNKNOWN_TOPIC_ID)
})

test('a partition that is named twice in one request is changed once', () => {
  const controller = new TestController().up(1, 2, 3)
  controller.createTopic('t', [[1, 2, 3]])
  const asked = (isr: readonly number[]) => ({
    partitionIndex: 0,
    leaderEpoch: 0,
    partitionEpoch: 0,
    newIsr: isr,
    newIsrWithEpochs: [],
  })
  const { topics } = controller.call(
    'alterPartition',
    {
      brokerId: 1,
      brokerEpoch: controller.epochs.get(1) ?? -1,
      topics: [{ topicId: controller.image.topics.byName('t')?.id ?? '', partitions: [asked([1, 2]), asked([1, 3])] }],
    },
    2,
  )
  assert.deepEqual(
    topics[0]?.partitions.map((one) => errorName(one.errorCode)),
    ['NONE', 'INVALID_REQUEST'],
  )
  assert.equal(shown(controller.partition('t')), '1/0 [1,2] (1,2,3)')
})

test('a leader that recovered says so, and only then does its ISR grow', () => {
  const controller = new TestController().up(1, 2)
  controller.createTopic('t', [[1, 2]], { 'unclean.leader.election.enable': 'true' })
  controller.alterIsr('t', [1])
  fence(controller, 1)
  assert.equal(controller.partition('t').leaderRecoveryState, 1)
  controller.up(1)
  assert.equal(errorName(controller.alterIsr('t', [2, 1], { recovery: 1 }).errorCode ?? 0), 'INVALID_REQUEST')
  assert.equal(controller.alterIsr('t', [2, 1], { recovery: 0 }).errorCode, 0)
  assert.equal(controller.partition('t').leaderRecoveryState, 0)
})

test('the preferred leader is put back when somebody asks for it', () => {
  const controller = new TestController().up(1, 2, 3)
  controller.createTopic('t', [
    [1, 2],
    [2, 1],
  ])
  fence(controller, 1)
  controller.up(1)
  const elect = (partitions: readonly number[] | null, type = 0) =>
    controller
      .call('electLeaders', { electionType: type, topicPartitions: partitions === null ? null : [{ topic: 't', partitions }] })
      .replicaElectionResults.flatMap((topic) => topic.partitionResult.map((one) => [one.partitionId, errorName(one.errorCode)]))
  assert.deepEqual(elect([0, 1, 2]), [
    [0, 'PREFERRED_LEADER_NOT_AVAILABLE'],
    [1, 'ELECTION_NOT_NEEDED'],
    [2, 'UNKNOWN_TOPIC_OR_PARTITION'],
  ])
  controller.alterIsr('t', [2, 1])
  assert.deepEqual(elect(null), [[0, 'NONE']])
  assert.equal(shown(controller.partition('t')), '1/2 [2,1] (1,2)')
  assert.deepEqual(elect([0], 1), [[0, 'ELECTION_NOT_NEEDED']])
  const wrong = controller.call('electLeaders', { electionType: 7, topicPartitions: [] })
  assert.equal(wrong.errorCode, ErrorCode.INVALID_REQUEST)
})

test('an unclean election happens where somebody asks for it, whatever the topic says', () => {
  const controller = new TestController().up(1, 2)
  controller.createTopic('t', [[1, 2]])
  controller.alterIsr('t', [1])
  fence(controller, 1)
  assert.equal(shown(controller.partition('t')), '-1/1 [1] (1,2)')
  const { replicaElectionResults } = controller.call('electLeaders', {
    electionType: 1,
    topicPartitions: [{ topic: 't', partitions: [0] }],
  })
  assert.equal(replicaElectionResults[0]?.partitionResult[0]?.errorCode, 0)
  assert.equal(shown(controller.partition('t')), '2/2 [2] (1,2)')
})

test('preferred leaders come back by themselves in time, where that is switched on', () => {
  for (const leaderRebalanceEnable of [true, false]) {
    const controller = new TestController({ settings: { leaderRebalanceEnable, leaderRebalanceIntervalMs: 10_000 } }).up(1, 2)
    controller.createTopic('t', [[1, 2]])
    fence(controller, 1)
    controller.up(1)
    controller.alterIsr('t', [2, 1])
    for (let second = 0; second < 11; second += 1) {
      controller.pass(1000)
      controller.heartbeat(1)
      controller.heartbeat(2)
    }
    assert.equal(controller.partition('t').leader, leaderRebalanceEnable ? 1 : 2)
  }
})

test('partitions without a leader get an unclean one in time, when their topic is told to allow it', () => {
  const controller = new TestController({ settings: { uncleanElectionIntervalMs: 5000 } }).up(1, 2)
  controller.createTopic('t', [[1, 2]])
  controller.alterIsr('t', [1])
  fence(controller, 1)
  controller.call('incrementalAlterConfigs', {
    resources: [
      { resourceType: 2, resourceName: 't', configs: [{ name: 'unclean.leader.election.enable', configOperation: 0, value: 'true' }] },
    ],
    validateOnly: false,
  })
  assert.equal(controller.partition('t').leader, -1)
  for (let second = 0; second < 6; second += 1) {
    controller.pass(1000)
    controller.heartbeat(2)
  }
  assert.equal(shown(controller.partition('t')), '2/2 [2] (1,2)')
})

test('a partition moves: new replicas are added, come in sync, and then the old ones go', () => {
  const controller = new TestController().up(1, 2, 3, 4)
  controller.createTopic('t', [[1, 2]])
  assert.equal(reassign(controller, [3, 4]), 'NONE')
  assert.equal(shown(controller.partition('t')), '1/0 [1,2] (3,4,1,2) +3,4 -1,2')
  assert.deepEqual(controller.call('listPartitionReassignments', { topics: null }).topics, [
    { name: 't', partitions: [{ partitionIndex: 0, replicas: [3, 4, 1, 2], addingReplicas: [3, 4], removingReplicas: [1, 2] }] },
  ])
  controller.alterIsr('t', [1, 2, 3])
  assert.equal(shown(controller.partition('t')), '1/0 [1,2,3] (3,4,1,2) +3,4 -1,2', 'not before all of them are in sync')
  assert.equal(errorName(controller.alterIsr('t', [1, 2, 3, 4]).errorCode ?? 0), 'NEW_LEADER_ELECTED')
  assert.equal(shown(controller.partition('t')), '3/1 [3,4] (3,4)')
  assert.deepEqual(controller.call('listPartitionReassignments', { topics: null }).topics, [])
  assert.equal(controller.partition('t').directories.length, 2)
})

test('a replica that is only taken away goes at once, and whoever still follows as that replica is fenced by the epoch', () => {
  const controller = new TestController().up(1, 2, 3)
  controller.createTopic('t', [[1, 2, 3]])
  assert.equal(reassign(controller, [1, 2]), 'NONE')
  assert.equal(shown(controller.partition('t')), '1/1 [1,2] (1,2)')
})

test('a move that was never finished can be undone', () => {
  const controller = new TestController().up(1, 2, 3)
  controller.createTopic('t', [[1, 2]])
  assert.equal(reassign(controller, null), 'NO_REASSIGNMENT_IN_PROGRESS')
  reassign(controller, [2, 3])
  assert.equal(shown(controller.partition('t')), '1/0 [1,2] (2,3,1) +3 -1')
  assert.equal(reassign(controller, null), 'NONE')
  assert.equal(shown(controller.partition('t')), '1/1 [1,2] (2,1)')
})

test('replicas that are still being added keep being so when the goal changes (acknowledged records stay on enough replicas)', () => {
  const controller = new TestController().up(1, 2, 3, 4, 5)
  controller.createTopic('t', [[1, 2]], { 'min.insync.replicas': '2' })
  reassign(controller, [3, 4])
  reassign(controller, [3, 4, 5])
  assert.equal(shown(controller.partition('t')), '1/0 [1,2] (3,4,5,1,2) +3,4,5 -1,2')
  reassign(controller, [3, 4])
  assert.equal(shown(controller.partition('t')), '1/1 [1,2] (3,4,1,2) +3,4 -1,2')
  controller.alterIsr('t', [1, 2, 3])
  assert.equal(shown(controller.partition('t')), '1/1 [1,2,3] (3,4,1,2) +3,4 -1,2')
})

test('replicas go only when enough others are in sync', () => {
  const controller = new TestController().up(1, 2, 3, 4)
  controller.createTopic('t', [[1, 2, 3, 4]], { 'min.insync.replicas': '2' })
  controller.alterIsr('t', [1, 2, 3])
  reassign(controller, [3, 4])
  assert.equal(shown(controller.partition('t')), '1/0 [1,2,3] (3,4,1,2) + -1,2', 'one replica would hold all that was acknowledged')
  controller.alterIsr('t', [1, 2, 3, 4])
  assert.equal(shown(controller.partition('t')), '3/1 [3,4] (3,4)')
})

test('moves that make no sense are refused', () => {
  const controller = new TestController().up(1, 2)
  controller.createTopic('t', [[1, 2]])
  assert.equal(reassign(controller, []), 'INVALID_REPLICA_ASSIGNMENT')
  assert.equal(reassign(controller, [1, 9]), 'INVALID_REPLICA_ASSIGNMENT')
  assert.equal(reassign(controller, [1, 1]), 'INVALID_REPLICA_ASSIGNMENT')
  assert.equal(reassign(controller, [1], { keepFactor: true }), 'INVALID_REPLICATION_FACTOR')
  assert.equal(reassign(controller, [1], { topic: 'x' }), 'UNKNOWN_TOPIC_OR_PARTITION')
  assert.equal(shown(controller.partition('t')), '1/0 [1,2] (1,2)')
})

test('a leader that is fenced in the middle of a move is followed by one in sync, old or new', () => {
  const controller = new TestController().up(1, 2, 3, 4)
  controller.createTopic('t', [[1, 2]])
  reassign(controller, [3, 4])
  controller.alterIsr('t', [1, 2, 3])
  fence(controller, 1)
  assert.equal(shown(controller.partition('t')), '3/1 [2,3] (3,4,1,2) +3,4 -1,2')
  controller.alterIsr('t', [2, 3, 4])
  assert.equal(shown(controller.partition('t')), '3/2 [3,4] (3,4)')
})
