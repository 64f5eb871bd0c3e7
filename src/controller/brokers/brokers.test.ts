import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '../../protocol/errors.ts'
import { fastFencesMax } from '../settings.ts'
import { DIRECTORY_LOST } from '../../metadata/partition-image.ts'
import { clusterId, directory, shown, TestController } from '../fixture.test.ts'

test('an empty log is bootstrapped with the metadata version, once', () => {
  const controller = new TestController()
  assert.deepEqual(
    controller.log.map((record) => record.type),
    ['featureLevel'],
  )
  assert.equal(controller.image.metadataVersion, 30)
  controller.host.resign()
  controller.lead()
  assert.equal(controller.log.length, 1)
})

test('a broker starts fenced, with the offset of its registration as epoch, and is unfenced when it has seen that', () => {
  const controller = new TestController()
  const { brokerEpoch } = controller.register(1)
  assert.equal(brokerEpoch, 1)
  assert.equal(controller.log[brokerEpoch]?.type, 'registerBroker')
  const behind = controller.heartbeat(1, { offset: 0 })
  assert.deepEqual([behind.isCaughtUp, behind.isFenced], [false, true])
  assert.equal(controller.heartbeat(1, { wantFence: true }).isFenced, true)
  const there = controller.heartbeat(1)
  assert.deepEqual([there.isCaughtUp, there.isFenced], [true, false])
})

test('registrations that cannot stand are refused', () => {
  const controller = new TestController()
  controller.up(2)
  const cases: readonly (readonly [keyof typeof ErrorCode, Parameters<TestController['register']>[1]])[] = [
    ['INCONSISTENT_CLUSTER_ID', { cluster: 'AAAAAAAAAAAAAAAAAAAAeQ' }],
    ['INVALID_REGISTRATION', { dirs: [] }],
    ['INVALID_REGISTRATION', { dirs: ['AAAAAAAAAAAAAAAAAAAAAQ'] }],
    ['INVALID_REGISTRATION', { dirs: [directory(1), directory(1)] }],
    ['INVALID_REGISTRATION', { dirs: [directory(2)] }],
    ['DUPLICATE_BROKER_REGISTRATION', undefined],
  ]
  for (const [error, options] of cases) {
    const id = error === 'DUPLICATE_BROKER_REGISTRATION' ? 2 : 1
    assert.equal(controller.register(id, options).errorCode, ErrorCode[error], error)
  }
  const request = { brokerId: 1, clusterId, incarnationId: controller.prng.uuid(), listeners: [], rack: null, logDirs: [directory(1)] }
  const features = (max: number) => [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: max }]
  assert.equal(controller.call('brokerRegistration', { ...request, features: [] }).errorCode, ErrorCode.INVALID_REGISTRATION)
  assert.equal(controller.call('brokerRegistration', { ...request, features: features(29) }).errorCode, ErrorCode.UNSUPPORTED_VERSION)
  assert.equal(controller.call('brokerRegistration', { ...request, features: features(31) }).errorCode, ErrorCode.NONE)
})

test('the same incarnation may register again and keeps its epoch and its place', () => {
  const controller = new TestController()
  const incarnation = controller.prng.uuid()
  const first = controller.register(1, { incarnation })
  controller.heartbeat(1)
  const again = controller.register(1, { incarnation })
  assert.equal(again.brokerEpoch, first.brokerEpoch)
  assert.equal(controller.image.brokers.byId(1)?.fenced, false)
})

test('a silent broker is fenced when its session ends: out of every ISR, its leaderships to others with a new epoch', () => {
  const controller = new TestController().up(1, 2, 3)
  controller.createTopic('t', [
    [1, 2, 3],
    [2, 3, 1],
    [3, 1, 2],
  ])
  controller.pass(1900)
  controller.heartbeat(2)
  controller.heartbeat(3)
  assert.equal(shown(controller.partition('t', 0)), '1/0 [1,2,3] (1,2,3)')
  controller.pass(101)
  assert.equal(shown(controller.partition('t', 0)), '2/1 [2,3] (1,2,3)')
  assert.equal(shown(controller.partition('t', 1)), '2/0 [2,3] (2,3,1)')
  assert.equal(shown(controller.partition('t', 2)), '3/0 [3,2] (3,1,2)')
  assert.equal(controller.image.brokers.byId(1)?.fenced, true)
  assert.equal(controller.heartbeat(1).isFenced, false, 'it is back, with the same epoch')
  assert.equal(shown(controller.partition('t', 0)), '2/1 [2,3] (1,2,3)', 'and has to earn its place in the ISR')
})

test('the last member of an ISR stays in it, without leading, and leads again when it is back', () => {
  const controller = new TestController().up(1, 2)
  controller.createTopic('t', [[1, 2]])
  const fence = (id: number) =>
    controller.internal({ api: 'fence', brokerId: id, brokerEpoch: controller.epochs.get(id) ?? -1, why: 'gone' })
  assert.equal(fence(1), true)
  assert.equal(fence(2), true)
  assert.equal(shown(controller.partition('t')), '-1/2 [2] (1,2)')
  controller.internal({ api: 'brokerConnectionLost', brokerId: 1, brokerEpoch: controller.epochs.get(1) ?? -1 })
  controller.up(1)
  assert.equal(shown(controller.partition('t')), '-1/2 [2] (1,2)', 'broker 1 was not in sync: no clean leader')
  controller.up(2)
  assert.equal(shown(controller.partition('t')), '2/3 [2] (1,2)')
})

test('a leader that lost data is elected only where the topic says so', () => {
  const controller = new TestController().up(1, 2)
  controller.createTopic('t', [[1, 2]], { 'unclean.leader.election.enable': 'true' })
  assert.equal(controller.alterIsr('t', [1]).errorCode, 0)
  controller.internal({ api: 'fence', brokerId: 1, brokerEpoch: controller.epochs.get(1) ?? -1, why: 'gone' })
  assert.equal(shown(controller.partition('t')), '2/1 [2] (1,2)')
  assert.equal(controller.partition('t').leaderRecoveryState, 1)
})

test('a fast fence hits one epoch only, and a broker only so often', () => {
  const controller = new TestController().up(1, 2)
  const fence = () => controller.internal({ api: 'fence', brokerId: 1, brokerEpoch: controller.epochs.get(1) ?? -1, why: 'gone' })
  const old = controller.epochs.get(1) ?? -1
  for (let round = 0; round < fastFencesMax; round += 1) {
    assert.equal(fence(), true)
    assert.equal(fence(), false, 'it is fenced already')
    controller.up(1)
  }
  assert.equal(controller.internal({ api: 'fence', brokerId: 1, brokerEpoch: old, why: 'late news' }), false)
  assert.equal(fence(), false, 'one more within a minute: only its session counts')
  for (let second = 0; second < 61; second += 1) {
    controller.pass(1000)
    controller.heartbeat(1)
    controller.heartbeat(2)
  }
  assert.equal(fence(), true)
})

test('a broker that was killed and is back does not wait for the session of its old incarnation', () => {
  const controller = new TestController().up(1, 2)
  controller.createTopic('t', [[1, 2]])
  assert.equal(controller.register(1).errorCode, ErrorCode.DUPLICATE_BROKER_REGISTRATION, 'the old one is alive as far as one can see')
  controller.internal({ api: 'brokerConnectionLost', brokerId: 1, brokerEpoch: controller.epochs.get(1) ?? -1 })
  controller.up(1)
  assert.equal(shown(controller.partition('t')), '2/1 [2] (1,2)', 'what the old incarnation held was taken away with the registration')
})

test('an old incarnation that is heard again after its connection broke keeps the id', () => {
  const controller = new TestController().up(1)
  controller.internal({ api: 'brokerConnectionLost', brokerId: 1, brokerEpoch: controller.epochs.get(1) ?? -1 })
  controller.heartbeat(1)
  assert.equal(controller.register(1).errorCode, ErrorCode.DUPLICATE_BROKER_REGISTRATION)
})

test('silence for a few heartbeats is enough for a new incarnation', () => {
  const controller = new TestController().up(1)
  controller.pass(749)
  assert.equal(controller.register(1).errorCode, ErrorCode.DUPLICATE_BROKER_REGISTRATION)
  controller.pass(1)
  assert.equal(controller.register(1).errorCode, ErrorCode.NONE)
})

test('heartbeats of another incarnation are stale', () => {
  const controller = new TestController().up(1)
  assert.equal(controller.heartbeat(1, { epoch: 0 }).errorCode, ErrorCode.STALE_BROKER_EPOCH)
  assert.equal(controller.heartbeat(9).errorCode, ErrorCode.STALE_BROKER_EPOCH)
})

test('a broker that shuts down hands its leaderships over, and may stop when the others have seen it', () => {
  const controller = new TestController().up(1, 2, 3)
  controller.createTopic('t', [[1, 2, 3]])
  const asked = controller.heartbeat(1, { wantShutDown: true })
  assert.deepEqual([asked.isFenced, asked.shouldShutDown], [false, false])
  assert.equal(shown(controller.partition('t')), '2/1 [2,3] (1,2,3)')
  assert.equal(controller.image.brokers.byId(1)?.inControlledShutdown, true)
  assert.equal(controller.alterIsr('t', [2, 3, 1]).errorCode, ErrorCode.INELIGIBLE_REPLICA, 'it does not come back in (KIP-841)')
  assert.equal(controller.heartbeat(1, { wantShutDown: true }).shouldShutDown, false)
  controller.heartbeat(2)
  assert.equal(controller.heartbeat(1, { wantShutDown: true }).shouldShutDown, false, 'broker 3 may not have seen it')
  controller.heartbeat(3)
  const granted = controller.heartbeat(1, { wantShutDown: true })
  assert.deepEqual([granted.isFenced, granted.shouldShutDown], [true, true])
  assert.equal(controller.register(1).errorCode, ErrorCode.NONE, 'its next incarnation is welcome at once')
})

test('a broker without a place in any ISR, or a fenced one, may stop at once', () => {
  const controller = new TestController().up(1)
  assert.equal(controller.heartbeat(1, { wantShutDown: true }).shouldShutDown, true)
  controller.register(2)
  assert.equal(controller.heartbeat(2, { wantShutDown: true }).shouldShutDown, true)
})

test('a controlled shutdown goes on under the next controller', () => {
  const controller = new TestController().up(1, 2)
  controller.createTopic('t', [[1, 2]])
  controller.heartbeat(1, { wantShutDown: true })
  controller.host.resign()
  controller.lead()
  assert.equal(controller.heartbeat(1, { wantShutDown: true }).shouldShutDown, false)
  controller.heartbeat(2)
  assert.equal(controller.heartbeat(1, { wantShutDown: true }).shouldShutDown, true)
})

test('a new controller gives everybody a whole session before it fences', () => {
  const controller = new TestController().up(1, 2)
  controller.now += 60_000
  controller.host.resign()
  controller.lead()
  controller.pass(1999)
  assert.equal(controller.image.brokers.byId(1)?.fenced, false)
  controller.pass(1)
  assert.equal(controller.image.brokers.byId(1)?.fenced, true)
  assert.equal(controller.image.brokers.byId(2)?.fenced, true)
})

test('a controller that was asleep itself does not hold the silence against the brokers', () => {
  const controller = new TestController().up(1)
  controller.now += 5000
  controller.host.wake(controller.now)
  assert.equal(controller.image.brokers.byId(1)?.fenced, false)
  controller.heartbeat(1)
  controller.pass(1999)
  assert.equal(controller.image.brokers.byId(1)?.fenced, false)
  controller.pass(2)
  assert.equal(controller.image.brokers.byId(1)?.fenced, true)
})

test('a log directory that failed loses its place in ISRs, the others keep theirs', () => {
  const controller = new TestController().up(2, 3)
  const dirs = [directory(1), directory(1, 1)]
  controller.register(1, { dirs })
  controller.heartbeat(1)
  controller.createTopic('t', [[1, 2, 3]])
  assert.deepEqual(controller.partition('t').directories, ['AAAAAAAAAAAAAAAAAAAAAQ', directory(2), directory(3)])
  controller.heartbeat(1, { offlineLogDirs: [directory(1)] })
  assert.deepEqual(controller.image.brokers.byId(1)?.logDirs, [directory(1, 1)])
  assert.equal(shown(controller.partition('t')), '1/0 [1,2,3] (1,2,3)', 'nobody knows which directory it is in')
  controller.up(5)
  controller.createTopic('u', [[5, 2]])
  assert.deepEqual(controller.partition('u').directories, [directory(5), directory(2)])
  assert.deepEqual(assignTo(controller, 1, directory(1), 't'), [0, [0]])
  assert.equal(shown(controller.partition('t')), '2/1 [2,3] (1,2,3)', 'it is in the one that has failed')
})

function assignTo(controller: TestController, brokerId: number, id: string, ...topics: readonly string[]) {
  const response = controller.call('assignReplicasToDirs', {
    brokerId,
    brokerEpoch: controller.epochs.get(brokerId) ?? -1,
    directories: [
      {
        id,
        topics: topics.map((name) => ({
          topicId: controller.image.topics.byName(name)?.id ?? directory(99),
          partitions: [{ partitionIndex: 0 }],
        })),
      },
    ],
  })
  return [response.errorCode, response.directories.flatMap((it) => it.topics.flatMap((topic) => topic.partitions.map((p) => p.errorCode)))]
}

test('a broker says where its replicas are, and that changes nothing else', () => {
  const controller = new TestController().up(2, 3)
  controller.register(1, { dirs: [directory(1), directory(1, 1)] })
  controller.heartbeat(1)
  controller.createTopic('t', [[1, 2, 3]])
  controller.createTopic('u', [[2, 3]])
  assert.deepEqual(assignTo(controller, 1, directory(1, 1), 't', 'none', 'u', 't'), [
    0,
    [0, ErrorCode.UNKNOWN_TOPIC_ID, ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.INVALID_REQUEST],
  ])
  assert.deepEqual(controller.partition('t').directories, [directory(1, 1), directory(2), directory(3)])
  assert.equal(shown(controller.partition('t')), '1/0 [1,2,3] (1,2,3)')
  const written = controller.log.length
  assert.deepEqual(assignTo(controller, 1, directory(1, 1), 't'), [0, [0]])
  assert.equal(controller.log.length, written, 'what is known is not written again')
  controller.epochs.set(1, 0)
  assert.deepEqual(assignTo(controller, 1, directory(1), 't'), [ErrorCode.STALE_BROKER_EPOCH, []])
  assert.deepEqual(assignTo(controller, 9, directory(1), 't'), [ErrorCode.BROKER_ID_NOT_REGISTERED, []])
})

test('a replica that is told to be lost leaves the ISR and leads no more; the last one keeps its place until it is somewhere again', () => {
  const controller = new TestController().up(1, 2, 3)
  controller.createTopic('t', [[1, 2, 3]])
  assert.deepEqual(assignTo(controller, 1, DIRECTORY_LOST, 't'), [0, [0]])
  assert.equal(shown(controller.partition('t')), '2/1 [2,3] (1,2,3)')
  assert.deepEqual(controller.partition('t').directories, [DIRECTORY_LOST, directory(2), directory(3)])
  controller.call('electLeaders', { electionType: 0, topicPartitions: [{ topic: 't', partitions: [0] }] })
  assert.equal(controller.partition('t').leader, 2, 'the preferred replica is not in sync')
  assert.equal(controller.alterIsr('t', [2, 3, 1]).errorCode, 0)
  assert.deepEqual(controller.partition('t').directories, [directory(1), directory(2), directory(3)], 'it has fetched everything again')
  for (const id of [1, 3]) controller.internal({ api: 'fence', brokerId: id, brokerEpoch: controller.epochs.get(id) ?? -1, why: 'gone' })
  assert.deepEqual(assignTo(controller, 2, DIRECTORY_LOST, 't'), [0, [0]])
  assert.match(shown(controller.partition('t')), /^-1.* \[2\] /)
  assert.deepEqual(assignTo(controller, 2, directory(2), 't'), [0, [0]])
  assert.match(shown(controller.partition('t')), /^2.* \[2\] /)
})

test('brokers whose directories are all cordoned are given no replicas', () => {
  const controller = new TestController().up(1, 2)
  controller.heartbeat(1, { cordonedLogDirs: [directory(1)] })
  const asked = { name: 't', numPartitions: 4, replicationFactor: 1, assignments: [], configs: [] }
  assert.equal(controller.call('createTopics', { topics: [asked] }).topics[0]?.errorCode, 0)
  for (let at = 0; at < 4; at += 1) assert.deepEqual(controller.partition('t', at).replicas, [2])
  const tooMany = controller.call('createTopics', { topics: [{ ...asked, name: 'u', replicationFactor: 2 }] }).topics[0]
  assert.equal(tooMany?.errorCode, ErrorCode.INVALID_REPLICATION_FACTOR)
})

test('an unregistered broker leaves the ISRs and is forgotten', () => {
  const controller = new TestController().up(1, 2)
  controller.createTopic('t', [[1, 2]])
  assert.equal(controller.call('unregisterBroker', { brokerId: 1 }).errorCode, 0)
  assert.equal(shown(controller.partition('t')), '2/1 [2] (1,2)')
  assert.equal(controller.image.brokers.byId(1), undefined)
  const again = controller.call('unregisterBroker', { brokerId: 1 })
  assert.deepEqual([again.errorCode, again.errorMessage], [ErrorCode.BROKER_ID_NOT_REGISTERED, 'Broker ID 1 is not currently registered'])
})

test('a broker that is back with another disk does not lead what it lost, and learns its place again when it has fetched it', () => {
  const controller = new TestController().up(1, 2)
  controller.createTopic('alone', [[1]])
  controller.createTopic('t', [[1, 2]])
  controller.internal({ api: 'fence', brokerId: 1, brokerEpoch: controller.epochs.get(1) ?? -1, why: 'gone' })
  controller.register(1, { dirs: [directory(1, 7)] })
  controller.heartbeat(1)
  assert.equal(shown(controller.partition('alone')), '-1/1 [1] (1)', 'nothing acknowledged is given up without somebody saying so')
  assert.equal(controller.alterIsr('t', [2, 1]).errorCode, 0)
  assert.deepEqual(controller.partition('t').directories, [directory(1, 7), directory(2)])
  controller.call('electLeaders', { electionType: 0, topicPartitions: [{ topic: 't', partitions: [0] }] })
  assert.equal(shown(controller.partition('t')), '1/2 [2,1] (1,2)')
  controller.call('electLeaders', { electionType: 1, topicPartitions: [{ topic: 'alone', partitions: [0] }] })
  assert.equal(shown(controller.partition('alone')), '1/2 [1] (1)')
  assert.deepEqual(controller.partition('alone').directories, [directory(1, 7)])
})
