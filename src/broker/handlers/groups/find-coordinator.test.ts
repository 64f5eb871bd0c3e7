import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apis } from '../../../protocol/apis.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { RequestOf } from '../../../server/handlers.ts'
import { addBroker, addTopic, contextOf, FakeBroker, fakeConfig, sent } from '../../../sim/broker/fake-broker.ts'
import { ManualClock } from '../../../sim/manual-clock.ts'
import { TopicMaker } from '../auto-topics.ts'
import { findCoordinatorHandler } from './find-coordinator.ts'

const offsetsTopic = '__consumer_offsets'
const settled = () => new Promise((done) => setImmediate(done))

function setUp() {
  const clock = new ManualClock()
  const broker = new FakeBroker(clock)
  const handler = findCoordinatorHandler(broker, new TopicMaker(broker))
  const ask = (version: number, key: string, keyType = 0, listener?: string) =>
    sent(apis.findCoordinator, version, handler({ key, keyType, coordinatorKeys: [] }, contextOf(version, listener)))
  const askAll = (version: number, coordinatorKeys: readonly string[], keyType = 0) =>
    sent(apis.findCoordinator, version, handler({ key: '', keyType, coordinatorKeys }, contextOf(version))).coordinators
  return { clock, broker, ask, askAll }
}

describe('FindCoordinator', () => {
  test('every version is told the leader of the partition that the group falls on', () => {
    const { broker, ask, askAll } = setUp()
    addTopic(broker.image, offsetsTopic, { partitions: 4, leader: 2 })
    for (let version = 0; version <= 3; version += 1) {
      const answer = ask(version, 'g')
      assert.deepEqual([answer.errorCode, answer.nodeId, answer.host, answer.port], [ErrorCode.NONE, 2, 'host-2', 9092])
    }
    for (let version = 4; version <= 6; version += 1) {
      assert.deepEqual(
        askAll(version, ['g', '', 'g']).map((it) => [it.key, it.errorCode, it.nodeId, it.host, it.port]),
        [
          ['g', 0, 2, 'host-2', 9092],
          ['', 0, 2, 'host-2', 9092],
          ['g', 0, 2, 'host-2', 9092],
        ],
      )
    }
  })

  test('until there is a leader that the client can reach, it is told to ask again', () => {
    const { broker, ask, askAll } = setUp()
    addTopic(broker.image, offsetsTopic, { partitions: 4, leader: 2 })
    assert.deepEqual(
      [ask(0, 'g', 0, 'OTHER')].map((it) => [it.errorCode, it.nodeId, it.host, it.port]),
      [[ErrorCode.COORDINATOR_NOT_AVAILABLE, -1, '', -1]],
    )
    addBroker(broker.image, 2, { fenced: true })
    assert.equal(askAll(4, ['g'])[0]?.errorCode, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    broker.groups.partitionCount = 50
    assert.equal(askAll(4, ['longer'])[0]?.errorCode, ErrorCode.COORDINATOR_NOT_AVAILABLE)
  })

  test('the topic is made when the first asks, once, as Kafka makes it', async () => {
    const { broker, ask } = setUp()
    broker.config = fakeConfig({ 'offsets.topic.num.partitions': '7', 'offsets.topic.replication.factor': '2' })
    broker.stub = () => ({ topics: [{ name: offsetsTopic, errorCode: 0, errorMessage: null }] })
    assert.equal(ask(3, 'a').errorCode, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    assert.equal(ask(3, 'b').errorCode, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    await settled()
    assert.equal(broker.seen.length, 1)
    const made = broker.seen[0]?.request as RequestOf<'createTopics'> | undefined
    const configs = [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'compression.type', value: 'producer' },
      { name: 'segment.bytes', value: '8388608' },
    ]
    assert.deepEqual(made?.topics, [{ name: offsetsTopic, numPartitions: 7, replicationFactor: 2, assignments: [], configs }])
  })

  test('too few brokers: said once with what to do, and tried again after a while', async () => {
    const { broker, clock, ask } = setUp()
    broker.stub = () => ({
      topics: [{ name: offsetsTopic, errorCode: ErrorCode.INVALID_REPLICATION_FACTOR, errorMessage: 'only 1 broker' }],
    })
    ask(3, 'a')
    await settled()
    ask(3, 'a')
    await settled()
    assert.equal(broker.seen.length, 1)
    await clock.advance(250)
    ask(3, 'a')
    await settled()
    assert.equal(broker.seen.length, 2)
    assert.equal(broker.lines.length, 1)
    assert.match(broker.lines[0] ?? '', /only 1 broker.*before 3 brokers run, or offsets.topic.replication.factor is lower/)
    await clock.advance(30_000)
    ask(3, 'a')
    await settled()
    assert.equal(broker.lines.length, 2)
  })

  test('there is nobody for transactions and share groups, and that is said at once', () => {
    const { ask, askAll } = setUp()
    const transaction = askAll(4, ['tx'], 1)[0]
    assert.equal(transaction?.errorCode, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    assert.match(transaction?.errorMessage ?? '', /does not serve transactions/)
    assert.equal(ask(1, 'tx', 1).errorCode, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    assert.equal(askAll(6, ['g:AAAAAAAAAAAAAAAAAAAAAA:0'], 2)[0]?.errorCode, ErrorCode.INVALID_REQUEST)
    assert.equal(askAll(6, ['x'], 9)[0]?.errorCode, ErrorCode.INVALID_REQUEST)
  })
})
