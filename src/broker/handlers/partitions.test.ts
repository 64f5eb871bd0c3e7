import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apis } from '../../protocol/apis.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { ManualClock } from '../../sim/manual-clock.ts'
import { deleteRecordsHandler } from './delete-records.ts'
import { describeLogDirsHandler } from './describe-log-dirs.ts'
import { describeProducersHandler } from './describe-producers.ts'
import { addTopic, contextOf, FakeBroker, FakePartition, type FakePartitionOptions, sent } from '../../sim/broker/fake-broker.ts'
import { listOffsetsHandler } from './list-offsets.ts'
import { offsetForLeaderEpochHandler } from './offset-for-leader-epoch.ts'

function setUp(options: FakePartitionOptions = {}) {
  const clock = new ManualClock()
  const broker = new FakeBroker(clock)
  addTopic(broker.image, 't', { partitions: 2 })
  const partition = new FakePartition(options)
  broker.partitions.push(partition)
  return { clock, broker, partition }
}

async function offsetOf(broker: FakeBroker, timestamp: number, version = 11, replicaId = -1, index = 0, currentLeaderEpoch = -1) {
  const topics = [{ name: 't', partitions: [{ partitionIndex: index, currentLeaderEpoch, timestamp }] }]
  const answer = await listOffsetsHandler(broker)({ replicaId, isolationLevel: 0, topics, timeoutMs: 0 }, contextOf(version))
  const it = sent(apis.listOffsets, version, answer).topics[0]?.partitions[0]
  return [it?.errorCode, it?.timestamp, it?.offset, it?.leaderEpoch]
}

describe('ListOffsets', () => {
  test('the latest offset is the high watermark for consumers, the end of the log for replicas', async () => {
    const { broker } = setUp()
    for (let version = 1; version <= 11; version += 1)
      assert.deepEqual(await offsetOf(broker, -1, version), [0, -1, 8, version >= 4 ? 7 : -1])
    assert.deepEqual(await offsetOf(broker, -1, 11, 2), [0, -1, 10, 7])
  })

  test('earliest, by time, and the greatest timestamp, none of them beyond the high watermark', async () => {
    const { broker } = setUp({ logStartOffset: 2 })
    assert.deepEqual(await offsetOf(broker, -2), [0, -1, 2, 7])
    assert.deepEqual(await offsetOf(broker, -4), [0, -1, 2, 7])
    assert.deepEqual(await offsetOf(broker, 35), [0, 40, 4, 7])
    assert.deepEqual(await offsetOf(broker, 85), [0, -1, -1, -1])
    assert.deepEqual(await offsetOf(broker, 1000), [0, -1, -1, -1])
    assert.deepEqual(await offsetOf(broker, -3), [0, -1, -1, -1])
    assert.deepEqual(await offsetOf(broker, -3, 11, -2), [0, 90, 9, 7])
    assert.deepEqual(await offsetOf(broker, -5), [0, -1, -1, -1])
  })

  test('a new leader that does not know its high watermark yet says so', async () => {
    const { broker } = setUp({ epochStartOffset: 9 })
    assert.equal((await offsetOf(broker, -1, 5))[0], ErrorCode.OFFSET_NOT_AVAILABLE)
    assert.equal((await offsetOf(broker, -1, 4))[0], ErrorCode.LEADER_NOT_AVAILABLE)
    assert.equal((await offsetOf(broker, 85))[0], ErrorCode.OFFSET_NOT_AVAILABLE)
    assert.deepEqual(await offsetOf(broker, 35), [0, 40, 4, 7])
    assert.deepEqual(await offsetOf(broker, -2), [0, -1, 0, 7])
  })

  test('what this version cannot ask, another epoch, another broker, no such partition, twice the same', async () => {
    const { broker } = setUp()
    assert.equal((await offsetOf(broker, -3, 6))[0], ErrorCode.UNSUPPORTED_VERSION)
    assert.equal((await offsetOf(broker, -99))[0], ErrorCode.UNSUPPORTED_VERSION)
    assert.equal((await offsetOf(broker, -1, 11, -1, 0, 6))[0], ErrorCode.FENCED_LEADER_EPOCH)
    assert.equal((await offsetOf(broker, -1, 11, -1, 0, 8))[0], ErrorCode.UNKNOWN_LEADER_EPOCH)
    assert.equal((await offsetOf(broker, -1, 11, -1, 1))[0], ErrorCode.NOT_LEADER_OR_FOLLOWER)
    assert.equal((await offsetOf(broker, -1, 11, -1, 2))[0], ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    const twice = { partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 }
    const request = { replicaId: -1, isolationLevel: 0, topics: [{ name: 't', partitions: [twice, twice] }], timeoutMs: 0 }
    const answer = sent(apis.listOffsets, 11, await listOffsetsHandler(broker)(request, contextOf(11)))
    assert.deepEqual(
      answer.topics[0]?.partitions.map((it) => it.errorCode),
      [ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_REQUEST],
    )
  })
})

describe('OffsetForLeaderEpoch', () => {
  test('the end of an epoch, or (-1, -1)', () => {
    const { broker } = setUp()
    const ask = (leaderEpoch: number, currentLeaderEpoch: number) => {
      const topics = [{ topic: 't', partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }] }]
      const it = sent(apis.offsetForLeaderEpoch, 4, offsetForLeaderEpochHandler(broker)({ replicaId: -1, topics }, contextOf(4))).topics[0]
        ?.partitions[0]
      return [it?.errorCode, it?.leaderEpoch, it?.endOffset]
    }
    assert.deepEqual(ask(7, 7), [0, 7, 10])
    assert.deepEqual(ask(3, -1), [0, -1, -1])
    assert.deepEqual(ask(7, 3), [ErrorCode.FENCED_LEADER_EPOCH, -1, -1])
  })
})

describe('DeleteRecords', () => {
  const ask = (broker: FakeBroker, offset: number, name = 't', timeoutMs = 1000) => {
    const request = { topics: [{ name, partitions: [{ partitionIndex: 0, offset }] }], timeoutMs }
    const answer = Promise.resolve(deleteRecordsHandler(broker)(request, contextOf(2)))
    return answer.then((whole) => {
      const it = sent(apis.deleteRecords, 2, whole).topics[0]?.partitions[0]
      return [it?.errorCode, it?.lowWatermark]
    })
  }

  test('the answer waits until the live replicas have followed', async () => {
    const { clock, broker, partition } = setUp()
    const answer = ask(broker, 5)
    await clock.advance(10)
    assert.equal(partition.log.logStartOffset, 5)
    partition.lowWatermarkIs(4)
    partition.lowWatermarkIs(6)
    assert.deepEqual(await answer, [0, 6])
    assert.equal(partition.watchers.size, 0)
  })

  test('-1 means all that is committed; nothing above it can go', async () => {
    const { broker, partition } = setUp()
    const all = ask(broker, -1)
    partition.lowWatermarkIs(8)
    assert.deepEqual(await all, [0, 8])
    assert.deepEqual(await ask(broker, 9), [ErrorCode.OFFSET_OUT_OF_RANGE, -1])
    assert.deepEqual(await ask(broker, -2), [ErrorCode.OFFSET_OUT_OF_RANGE, -1])
  })

  test('a timeout, and a leader that is none any more, end the wait', async () => {
    const { clock, broker, partition } = setUp()
    const late = ask(broker, 5, 't', 100)
    await clock.advance(100)
    assert.deepEqual(await late, [ErrorCode.REQUEST_TIMED_OUT, 0])
    const deposed = ask(broker, 5)
    partition.isLeader = false
    for (const look of partition.watchers) look()
    assert.deepEqual(await deposed, [ErrorCode.NOT_LEADER_OR_FOLLOWER, -1])
    assert.equal(partition.watchers.size, 0)
  })

  test('a compacted topic keeps its records, and internal topics are not touched', async () => {
    assert.equal((await ask(setUp({ cleanup: ['compact'] }).broker, 5))[0], ErrorCode.POLICY_VIOLATION)
    assert.equal((await ask(setUp().broker, 5, '__consumer_offsets'))[0], ErrorCode.INVALID_TOPIC_EXCEPTION)
    assert.equal((await ask(setUp().broker, 5, 'nope'))[0], ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })
})

describe('DescribeProducers', () => {
  test('tells the producers of a replica that is here', () => {
    const { broker } = setUp({ isLeader: false })
    const request = { topics: [{ name: 't', partitionIndexes: [0, 1, 2] }] }
    const answer = sent(apis.describeProducers, 0, describeProducersHandler(broker)(request, contextOf(0)))
    const told = answer.topics[0]?.partitions.map((it) => [it.errorCode, it.activeProducers.map((producer) => producer.producerId)])
    assert.deepEqual(told, [
      [0, [5]],
      [ErrorCode.NOT_LEADER_OR_FOLLOWER, []],
      [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, []],
    ])
  })
})

describe('DescribeLogDirs', () => {
  test('sizes by directory, those that were asked for; a failed directory has an error', () => {
    const { broker, partition } = setUp()
    const future = { topic: 't', partition: 7, sizeBytes: 99, lag: 5 }
    const good = {
      path: '/a',
      id: null,
      offline: false,
      partitions: [partition],
      futures: () => [future],
      space: () => ({ free: 5, total: 9 }),
    }
    const bad = { path: '/b', id: null, offline: true, partitions: [], futures: () => [], space: () => null }
    const handler = describeLogDirsHandler(Object.assign(broker, { directories: [good, bad] }))
    for (let version = 1; version <= 5; version += 1) {
      const answer = sent(apis.describeLogDirs, version, handler({ topics: null }, contextOf(version)))
      assert.deepEqual(
        answer.results.map((it) => [it.logDir, it.errorCode]),
        [
          ['/a', 0],
          ['/b', ErrorCode.KAFKA_STORAGE_ERROR],
        ],
      )
      assert.deepEqual(
        answer.results[0]?.topics[0]?.partitions.map((it) => [it.partitionIndex, it.partitionSize, it.offsetLag, it.isFutureKey]),
        [
          [0, 1234, 0, false],
          [7, 99, 5, true],
        ],
      )
      assert.equal(answer.results[0]?.usableBytes, version >= 4 ? 5 : -1)
    }
    const others = sent(apis.describeLogDirs, 5, handler({ topics: [{ topic: 't', partitions: [1] }] }, contextOf(5)))
    assert.deepEqual(others.results[0]?.topics, [])
  })
})
