import assert from 'node:assert/strict'
import { test } from 'node:test'
import { incarnationAfter } from '../../metadata/incarnation.ts'
import { DIRECTORY_LOST } from '../../metadata/partition-image.ts'
import { directory, shown, TestController } from '../fixture.test.ts'

/** Three brokers, one partition on all of them that asks for two in sync; eligible leader replicas are enabled. */
function cluster(options: { readonly minIsr?: string; readonly elr?: boolean; readonly durable?: boolean } = {}): TestController {
  const controller = new TestController({ elr: options.elr ?? true }).up(1, 2, 3)
  controller.createTopic('t', [[1, 2, 3]], {
    'min.insync.replicas': options.minIsr ?? '2',
    ...(options.durable === true ? { 'flush.messages': '1' } : {}),
  })
  return controller
}

function dies(controller: TestController, ...ids: readonly number[]): void {
  for (const brokerId of ids) {
    const brokerEpoch = controller.epochs.get(brokerId) ?? -1
    controller.internal({ api: 'fence', brokerId, brokerEpoch, why: 'gone' })
    controller.internal({ api: 'brokerConnectionLost', brokerId, brokerEpoch })
  }
}

/** Back with all that it had. */
function returns(controller: TestController, id: number): void {
  controller.internal({ api: 'brokerConnectionLost', brokerId: id, brokerEpoch: controller.epochs.get(id) ?? -1 })
  assert.equal(controller.register(id, { previousEpoch: controller.epochs.get(id) ?? -1 }).errorCode, 0)
  assert.equal(controller.heartbeat(id).isFenced, false)
}

/** Back after a loss of power. */
function returnsLossily(controller: TestController, id: number): void {
  controller.internal({ api: 'brokerConnectionLost', brokerId: id, brokerEpoch: controller.epochs.get(id) ?? -1 })
  controller.up(id)
}

const lastKnown = (controller: TestController): readonly number[] => controller.partition('t').lastKnownElr

test('who leaves an ISR that is too small to commit stays eligible, and the ISR may become empty', () => {
  const controller = cluster()
  dies(controller, 1)
  assert.equal(shown(controller.partition('t')), '2/1 [2,3] (1,2,3)', 'two in sync still commit: 1 will miss what they do')
  dies(controller, 2)
  assert.equal(shown(controller.partition('t')), '3/2 [3] {2} (1,2,3)')
  assert.deepEqual(lastKnown(controller), [])
  dies(controller, 3)
  assert.equal(shown(controller.partition('t')), '-1/3 [] {2,3} (1,2,3)')
  assert.deepEqual(lastKnown(controller), [3])
})

test('with an empty ISR the first eligible replica that is back leads, and is the ISR', () => {
  const controller = cluster()
  dies(controller, 1, 2, 3)
  returns(controller, 1)
  assert.equal(shown(controller.partition('t')), '-1/3 [] {2,3} (1,2,3)', '1 was not in sync when the others still committed')
  returns(controller, 2)
  assert.equal(shown(controller.partition('t')), '2/4 [2] {3} (1,2,3)')
  assert.equal(controller.partition('t').leaderRecoveryState, 0, 'a clean election')
  assert.deepEqual(lastKnown(controller), [], 'forgotten as soon as somebody leads')
})

test('an ISR that is large enough again ends the eligibility of the others', () => {
  const controller = cluster()
  dies(controller, 1, 2, 3)
  returns(controller, 2)
  returns(controller, 1)
  assert.equal(controller.alterIsr('t', [2, 1]).errorCode, 0)
  assert.equal(shown(controller.partition('t')), '2/4 [2,1] (1,2,3)')
})

test('a replica that joins the ISR while it is too small is no longer in the other list', () => {
  const controller = cluster({ minIsr: '3' })
  dies(controller, 3)
  dies(controller, 2)
  assert.equal(shown(controller.partition('t')), '1/0 [1] {2,3} (1,2,3)')
  returns(controller, 2)
  assert.equal(controller.alterIsr('t', [1, 2]).errorCode, 0)
  assert.equal(shown(controller.partition('t')), '1/0 [1,2] {3} (1,2,3)')
})

test('more than the replicas there are cannot be asked for', () => {
  const controller = new TestController({ elr: true }).up(1, 2)
  controller.createTopic('t', [[1, 2]], { 'min.insync.replicas': '5' })
  dies(controller, 1)
  assert.equal(shown(controller.partition('t')), '2/1 [2] {1} (1,2)')
  returns(controller, 1)
  assert.equal(controller.alterIsr('t', [2, 1]).errorCode, 0)
  assert.equal(shown(controller.partition('t')), '2/1 [2,1] (1,2)')
})

test('a lossy restart ends eligibility, and the place in the ISR of the last member too', () => {
  const controller = cluster()
  dies(controller, 1, 2)
  returnsLossily(controller, 3)
  assert.equal(shown(controller.partition('t')), '-1/3 [] {2} (1,2,3)', '3 led alone, and may have lost what it had')
  returnsLossily(controller, 2)
  assert.equal(shown(controller.partition('t')), '-1/3 [] (1,2,3)', 'nobody is left who can be trusted')
  assert.deepEqual(lastKnown(controller), [3])
})

test('a durable topic has lost nothing by a loss of power: who comes back from one may lead', () => {
  const controller = cluster({ durable: true })
  dies(controller, 1, 2)
  returnsLossily(controller, 3)
  assert.equal(shown(controller.partition('t')), '3/4 [3] {2} (1,2,3)', 'it led alone, and leads again')
  dies(controller, 3)
  returnsLossily(controller, 2)
  assert.equal(shown(controller.partition('t')), '2/6 [2] {3} (1,2,3)')
})

test('a durable topic has lost what was in a directory that was replaced', () => {
  const controller = cluster({ durable: true })
  dies(controller, 1, 2, 3)
  assert.equal(shown(controller.partition('t')), '-1/3 [] {2,3} (1,2,3)')
  controller.register(3, { dirs: [directory(3, 7)] })
  controller.heartbeat(3)
  assert.equal(shown(controller.partition('t')), '-1/3 [] {2} (1,2,3)', 'that it had synced all says nothing about the new one')
})

test('after the loss of power of one, whatever died beside it, another that has all leads', () => {
  const controller = cluster()
  dies(controller, 2, 1)
  returnsLossily(controller, 3)
  returns(controller, 1)
  assert.equal(shown(controller.partition('t')), '1/3 [1] (1,2,3)')
})

test('a restart is lossy when the broker does not say under which epoch it had all', () => {
  const [old, gone] = [cluster(), cluster()]
  for (const controller of [old, gone]) dies(controller, 1, 2, 3)
  old.register(3, { previousEpoch: (old.epochs.get(3) ?? 0) - 1 })
  assert.deepEqual(old.partition('t').eligibleLeaderReplicas, [2], 'another epoch: it has run in between')
  gone.call('unregisterBroker', { brokerId: 3 })
  assert.deepEqual(gone.partition('t').eligibleLeaderReplicas, [2, 3], 'its data may come back')
  gone.register(3, { previousEpoch: gone.epochs.get(3) ?? -1 })
  assert.deepEqual(gone.partition('t').eligibleLeaderReplicas, [2], 'of an unknown broker nothing is known')
})

test('a broker that never heard of its last registration shows by its lineage that it lost nothing', () => {
  const controller = cluster()
  dies(controller, 1, 2, 3)
  const heard = controller.epochs.get(3) ?? -1
  const again = (boot: string) =>
    controller.register(3, { previousEpoch: heard, incarnation: incarnationAfter(boot, heard, controller.prng.uuid()) })
  const gone = () => controller.internal({ api: 'brokerConnectionLost', brokerId: 3, brokerEpoch: controller.epochs.get(3) ?? -1 })
  for (const _attempt of [1, 2, 3]) {
    assert.equal(again('a').errorCode, 0)
    assert.deepEqual(controller.partition('t').eligibleLeaderReplicas, [2, 3])
    gone()
  }
  again('b')
  assert.deepEqual(controller.partition('t').eligibleLeaderReplicas, [2], 'another run of the machine')
})

test('before version 3 of BrokerRegistration every restart is lossy', () => {
  const controller = cluster()
  dies(controller, 1, 2, 3)
  const features = [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 }].concat(
    ['group.version', 'eligible.leader.replicas.version'].map((name) => ({ name, minSupportedVersion: 0, maxSupportedVersion: 1 })),
  )
  const listeners = [{ name: 'PLAINTEXT', host: 'broker3', port: 9092, securityProtocol: 0 }]
  const clusterId = 'AAAAAAAAAAAAAAAAAAAAeA'
  const incarnationId = controller.prng.uuid()
  const request = {
    brokerId: 3,
    clusterId,
    incarnationId,
    listeners,
    features,
    rack: null,
    logDirs: [directory(3)],
    previousBrokerEpoch: -1,
  }
  assert.equal(controller.call('brokerRegistration', request, 2).errorCode, 0)
  assert.deepEqual(controller.partition('t').eligibleLeaderReplicas, [2])
})

test('the last known leader is elected by the wish of an operator only, and before any other', () => {
  const controller = cluster()
  dies(controller, 1, 2)
  returnsLossily(controller, 3)
  returnsLossily(controller, 2)
  returns(controller, 1)
  assert.equal(controller.partition('t').leader, -1, 'nobody by itself')
  const elect = (electionType: number) =>
    controller.call('electLeaders', { electionType, topicPartitions: [{ topic: 't', partitions: [0] }] }).replicaElectionResults[0]
  assert.equal(elect(0)?.partitionResult[0]?.errorCode, 80, 'PREFERRED_LEADER_NOT_AVAILABLE')
  assert.equal(controller.partition('t').leader, -1)
  assert.equal(elect(1)?.partitionResult[0]?.errorCode, 0)
  assert.equal(shown(controller.partition('t')), '3/4 [3] (1,2,3)')
  assert.equal(controller.partition('t').leaderRecoveryState, 1)
  assert.deepEqual(lastKnown(controller), [])
})

test('a topic that allows unclean elections takes the last known leader by itself', () => {
  const controller = new TestController({ elr: true }).up(1, 2)
  controller.createTopic('t', [[1, 2]], { 'unclean.leader.election.enable': 'true', 'min.insync.replicas': '1' })
  dies(controller, 1)
  controller.internal({ api: 'brokerConnectionLost', brokerId: 2, brokerEpoch: controller.epochs.get(2) ?? -1 })
  controller.register(2)
  assert.equal(shown(controller.partition('t')), '-1/2 [] (1,2)')
  controller.heartbeat(2)
  assert.equal(shown(controller.partition('t')), '2/3 [2] (1,2)')
})

test('the only replica leads again after a lossy restart, marked as recovering, but not with another disk', () => {
  const alone = () => {
    const controller = new TestController({ elr: true }).up(1)
    controller.createTopic('t', [[1]])
    dies(controller, 1)
    assert.equal(shown(controller.partition('t')), '-1/1 [] {1} (1)')
    return controller
  }
  const same = alone()
  returnsLossily(same, 1)
  assert.equal(shown(same.partition('t')), '1/2 [1] (1)')
  assert.equal(same.partition('t').leaderRecoveryState, 1)
  const replaced = alone()
  replaced.register(1, { dirs: [directory(1, 7)] })
  replaced.heartbeat(1)
  assert.equal(shown(replaced.partition('t')), '-1/1 [] (1)')
})

test('a log directory that failed ends eligibility for what is in it', () => {
  const controller = new TestController({ elr: true }).up(1, 2, 3)
  controller.createTopic('t', [[3, 1]], { 'min.insync.replicas': '2' })
  controller.createTopic('u', [[2, 1]], { 'min.insync.replicas': '2' })
  const previousEpoch = controller.epochs.get(3) ?? -1
  dies(controller, 3)
  controller.register(3, { dirs: [directory(3), directory(3, 1)], previousEpoch })
  controller.heartbeat(3)
  assert.equal(shown(controller.partition('t')), '1/1 [1] {3} (3,1)')
  controller.heartbeat(3, { offlineLogDirs: [directory(3)] })
  assert.equal(shown(controller.partition('t')), '1/2 [1] (3,1)', 'and what it had fetched proves nothing any more')
  assert.equal(shown(controller.partition('u')), '2/0 [2,1] (2,1)')
})

test('a replica that is told to be lost is not given up while nobody else has everything', () => {
  const controller = cluster({ minIsr: '1' })
  dies(controller, 1, 2)
  const tell = (id: string): void => {
    const topicId = controller.partition('t').topicId
    const brokerEpoch = controller.epochs.get(3) ?? -1
    const directories = [{ id, topics: [{ topicId, partitions: [{ partitionIndex: 0 }] }] }]
    assert.equal(controller.call('assignReplicasToDirs', { brokerId: 3, brokerEpoch, directories }).errorCode, 0)
  }
  tell(DIRECTORY_LOST)
  assert.equal(shown(controller.partition('t')), '-1/3 [3] (1,2,3)')
  tell(directory(3))
  assert.equal(shown(controller.partition('t')), '3/4 [3] (1,2,3)')
})

test('a controlled shutdown leaves the last replica eligible', () => {
  const controller = cluster()
  dies(controller, 1, 2)
  controller.heartbeat(3, { wantShutDown: true })
  assert.equal(shown(controller.partition('t')), '-1/3 [] {2,3} (1,2,3)')
  returns(controller, 3)
  assert.equal(shown(controller.partition('t')), '3/4 [3] {2} (1,2,3)')
})

test('a reassignment does not end while the acknowledged records hang on a replica that goes', () => {
  const controller = cluster().up(4)
  controller.call('alterPartitionReassignments', { topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas: [1, 2, 4] }] }] })
  dies(controller, 1, 2)
  assert.equal(shown(controller.partition('t')), '3/2 [3] {2} (1,2,4,3) +4 -3')
  assert.equal(controller.alterIsr('t', [3, 4]).errorCode, 0)
  assert.equal(shown(controller.partition('t')), '3/2 [3,4] (1,2,4,3) +4 -3', 'without 3 there would be one copy, and two are asked for')
})

test('a replica that is eligible does not go at once when it is not wanted any more', () => {
  const controller = cluster().up(4)
  dies(controller, 1, 2)
  controller.call('alterPartitionReassignments', { topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas: [1, 3, 4] }] }] })
  assert.equal(shown(controller.partition('t')), '3/2 [3] {2} (1,3,4,2) +4 -2')
})

test('of a partition that is new, and has too few in sync to commit, the others are eligible', () => {
  const controller = new TestController({ elr: true }).up(1, 2, 3)
  dies(controller, 2, 3)
  controller.createTopic('t', [[2, 1, 3]], { 'min.insync.replicas': '2' })
  assert.equal(shown(controller.partition('t')), '1/0 [1] {2,3} (2,1,3)')
  controller.createTopic('u', [[2, 1, 3]], { 'min.insync.replicas': '1' })
  assert.equal(shown(controller.partition('u')), '1/0 [1] (2,1,3)')
  const assignments = [{ brokerIds: [1, 2, 3] }]
  controller.call('createPartitions', { topics: [{ name: 't', count: 2, assignments }], timeoutMs: 1, validateOnly: false })
  assert.equal(shown(controller.partition('t', 1)), '1/0 [1] {2,3} (1,2,3)')
  returnsLossily(controller, 1)
  returns(controller, 3)
  assert.equal(shown(controller.partition('t')), '3/2 [3] {2} (2,1,3)')
})

test('without the feature the last member of an ISR stays in it, and leads again with what it has', () => {
  const controller = cluster({ elr: false })
  dies(controller, 1, 2)
  returnsLossily(controller, 3)
  assert.equal(shown(controller.partition('t')), '3/4 [3] (1,2,3)')
})
