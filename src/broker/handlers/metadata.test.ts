import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NO_UUID } from '../../base/units.ts'
import { apis } from '../../protocol/apis.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { ManualClock } from '../../sim/manual-clock.ts'
import type { RequestOf } from '../../server/handlers.ts'
import { TopicMaker } from './auto-topics.ts'
import { describeClusterHandler } from './describe-cluster.ts'
import { describeTopicPartitionsHandler } from './describe-topic-partitions.ts'
import { addBroker, addTopic, contextOf, FakeBroker, fakeConfig, sent, topicId } from '../../sim/broker/fake-broker.ts'
import { metadataHandler } from './metadata.ts'
import { clusterOperations, operationsNotAsked, topicOperations } from './topic-entries.ts'

const other = 'b3RoZXItdG9waWMtaWQtMQ'

function setUp() {
  const clock = new ManualClock()
  const broker = new FakeBroker(clock)
  addTopic(broker.image, 't', { partitions: 2 })
  const handler = metadataHandler(broker, new TopicMaker(broker))
  const ask = (version: number, request: Partial<RequestOf<'metadata'>>, listener?: string) => {
    const whole = {
      topics: null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
      ...request,
    }
    return sent(apis.metadata, version, handler(whole, contextOf(version, listener)))
  }
  return { clock, broker, ask }
}

const named = (...names: readonly string[]) => names.map((name) => ({ name, topicId: NO_UUID }))

describe('Metadata', () => {
  test('every version tells brokers, a controller that is one of them, and the partitions', () => {
    const { ask } = setUp()
    for (let version = 0; version <= 13; version += 1) {
      const answer = ask(version, { topics: named('t') })
      assert.deepEqual(
        answer.brokers.map((it) => [it.nodeId, it.host, it.port]),
        [
          [1, 'host-1', 9091],
          [2, 'host-2', 9092],
        ],
      )
      assert.equal(answer.controllerId, version === 0 ? -1 : 2)
      const partition = answer.topics[0]?.partitions[1]
      assert.deepEqual([partition?.errorCode, partition?.leaderId, partition?.replicaNodes, partition?.isrNodes], [0, 1, [1, 2], [1, 2]])
      assert.equal(partition?.leaderEpoch, version >= 7 ? 7 : -1)
    }
  })

  test('all topics: an empty list in version 0, null later', () => {
    const { ask } = setUp()
    assert.deepEqual(
      ask(0, { topics: [] }).topics.map((it) => it.name),
      ['t'],
    )
    assert.deepEqual(ask(1, { topics: [] }).topics, [])
    assert.deepEqual(
      ask(1, { topics: null }).topics.map((it) => it.name),
      ['t'],
    )
  })

  test('a fenced broker is not told, and its replicas are offline', () => {
    const { broker, ask } = setUp()
    addBroker(broker.image, 2, { fenced: true })
    const answer = ask(9, { topics: named('t') })
    assert.deepEqual(
      answer.brokers.map((it) => it.nodeId),
      [1],
    )
    assert.deepEqual(answer.topics[0]?.partitions[0]?.offlineReplicas, [2])
  })

  test('a leader without the listener of the client is named by its absence', () => {
    const { ask } = setUp()
    const partitionOf = (version: number) => ask(version, { topics: named('t') }, 'OTHER').topics[0]?.partitions[0]
    assert.deepEqual([partitionOf(6)?.errorCode, partitionOf(6)?.leaderId], [ErrorCode.LISTENER_NOT_FOUND, -1])
    assert.equal(partitionOf(5)?.errorCode, ErrorCode.LEADER_NOT_AVAILABLE)
    assert.deepEqual(partitionOf(0)?.replicaNodes, [])
  })

  test('topics are found by id from version 12; an unknown id is UNKNOWN_TOPIC_ID', () => {
    const { ask } = setUp()
    const answer = ask(12, {
      topics: [
        { name: null, topicId },
        { name: null, topicId: other },
      ],
    })
    assert.deepEqual(
      answer.topics.map((it) => [it.name, it.errorCode]),
      [
        ['t', 0],
        [null, ErrorCode.UNKNOWN_TOPIC_ID],
      ],
    )
    assert.equal(ask(10, { topics: [{ name: 't', topicId }] }).topics[0]?.errorCode, ErrorCode.INVALID_REQUEST)
  })

  test('a topic that is not there, and a name that none can have', () => {
    const { ask } = setUp()
    const answer = ask(9, { topics: named('absent', '../x', '__proto__', 'constructor', '') })
    const invalid = ErrorCode.INVALID_TOPIC_EXCEPTION
    const absent = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert.deepEqual(
      answer.topics.map((it) => it.errorCode),
      [absent, invalid, absent, absent, invalid],
    )
  })

  test('what may be done is told when asked for', () => {
    const { ask } = setUp()
    const asked = ask(8, { topics: named('t'), includeTopicAuthorizedOperations: true, includeClusterAuthorizedOperations: true })
    assert.deepEqual([asked.topics[0]?.topicAuthorizedOperations, asked.clusterAuthorizedOperations], [topicOperations, clusterOperations])
    assert.equal(ask(8, { topics: named('t') }).topics[0]?.topicAuthorizedOperations, operationsNotAsked)
    assert.deepEqual([topicOperations, clusterOperations], [3576, 8096])
  })

  test('an absent topic is made once, by the controller, while clients are told to ask again', async () => {
    const { clock, broker, ask } = setUp()
    broker.config = fakeConfig({ 'num.partitions': '3', 'default.replication.factor': '2' })
    broker.stub = () => ({ topics: [{ name: 'new', errorCode: 0, errorMessage: null }] })
    const names = ['new', '__consumer_offsets', '__transaction_state', '../x']
    for (let i = 0; i < 2; i += 1) {
      const answer = ask(9, { topics: named(...names), allowAutoTopicCreation: true })
      assert.equal(answer.topics[0]?.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    }
    await clock.settle()
    assert.equal(broker.seen.length, 1)
    const made = broker.seen[0]?.request as RequestOf<'createTopics'>
    assert.deepEqual(
      made.topics.map((it) => [it.name, it.numPartitions, it.replicationFactor]),
      [
        ['new', 3, 2],
        ['__consumer_offsets', 50, 3],
      ],
    )
    ask(9, { topics: named('new'), allowAutoTopicCreation: true })
    await clock.settle()
    assert.equal(broker.seen.length, 2)
    broker.config = fakeConfig({ 'auto.create.topics.enable': 'false' })
    ask(9, { topics: named('newer'), allowAutoTopicCreation: true })
    await clock.settle()
    assert.equal(broker.seen.length, 2)
  })
})

describe('DescribeCluster', () => {
  test('fenced brokers are told from version 2, when asked for', () => {
    const { broker } = setUp()
    addBroker(broker.image, 2, { fenced: true })
    const handler = describeClusterHandler(broker)
    const ask = (version: number, includeFencedBrokers: boolean, endpointType = 1) =>
      sent(
        apis.describeCluster,
        version,
        handler({ includeClusterAuthorizedOperations: true, endpointType, includeFencedBrokers }, contextOf(version)),
      )
    assert.deepEqual(
      ask(0, false).brokers.map((it) => it.brokerId),
      [1],
    )
    assert.deepEqual(
      ask(2, true).brokers.map((it) => [it.brokerId, it.isFenced]),
      [
        [1, false],
        [2, true],
      ],
    )
    assert.deepEqual([ask(1, false).clusterId, ask(1, false).clusterAuthorizedOperations], ['fake-cluster', clusterOperations])
    assert.equal(ask(1, false, 2).errorCode, ErrorCode.MISMATCHED_ENDPOINT_TYPE)
    assert.equal(ask(1, false, 3).errorCode, ErrorCode.UNSUPPORTED_ENDPOINT_TYPE)
  })
})

describe('DescribeTopicPartitions', () => {
  const page = (broker: FakeBroker, topics: readonly string[], limit: number, cursor: readonly [string, number] | null = null) => {
    const request = {
      topics: topics.map((name) => ({ name })),
      responsePartitionLimit: limit,
      cursor: cursor === null ? null : { topicName: cursor[0], partitionIndex: cursor[1] },
    }
    const answer = sent(apis.describeTopicPartitions, 0, describeTopicPartitionsHandler(broker)(request, contextOf(0)))
    const topicsTold = answer.topics.map((it) => [it.name, it.errorCode, it.partitions.map((partition) => partition.partitionIndex)])
    return { topics: topicsTold, next: answer.nextCursor === null ? null : [answer.nextCursor.topicName, answer.nextCursor.partitionIndex] }
  }

  test('goes through all topics by name, a page at a time', () => {
    const { broker } = setUp()
    addTopic(broker.image, 'a', { id: other, partitions: 3 })
    assert.deepEqual(page(broker, [], 2), { topics: [['a', 0, [0, 1]]], next: ['a', 2] })
    assert.deepEqual(page(broker, [], 2, ['a', 2]), {
      topics: [
        ['a', 0, [2]],
        ['t', 0, [0]],
      ],
      next: ['t', 1],
    })
    assert.deepEqual(page(broker, [], 2, ['t', 1]), { topics: [['t', 0, [1]]], next: null })
    assert.deepEqual(page(broker, [], 3), { topics: [['a', 0, [0, 1, 2]]], next: ['t', 0] })
    assert.deepEqual(page(broker, [], 0), { topics: [['a', 0, [0]]], next: ['a', 1] })
  })

  test('a topic that was asked for and is not there has an error; a cursor beside the list is refused', () => {
    const { broker } = setUp()
    assert.deepEqual(page(broker, ['nope', 't'], 10), {
      topics: [
        ['nope', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, []],
        ['t', 0, [0, 1]],
      ],
      next: null,
    })
    assert.deepEqual(page(broker, ['t'], 10, ['u', 0]).topics, [['t', ErrorCode.INVALID_REQUEST, []]])
    assert.deepEqual(page(broker, ['t'], 10, ['t', -1]).topics, [['t', ErrorCode.INVALID_REQUEST, []]])
    assert.deepEqual(page(broker, ['t'], 10, ['t', 99]), { topics: [['t', 0, []]], next: null })
  })
})
