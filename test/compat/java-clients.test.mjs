// Apache Kafka's own Java clients, unmodified and with stock settings: AdminClient, KafkaProducer, KafkaConsumer by assign.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ascending, startCluster, until } from '../rig/cluster.mjs'
import { Java } from '../rig/java.mjs'
import { without } from '../rig/peers.mjs'

describe('Java clients', { skip: without('java') }, () => {
  /** @type {Awaited<ReturnType<typeof startCluster>>} */
  let cluster
  /** @type {Java} */
  let java
  /** @param {string} what @param {object} options */
  const run = (what, options) => java.run(what, { bootstrap: cluster.bootstrap, ...options })

  before(async () => {
    cluster = await startCluster()
    java = new Java()
  })
  after(async () => {
    await java?.stop()
    await cluster?.stop()
  })

  test('AdminClient describes the cluster with its id and all brokers', async () => {
    const it = await run('describeCluster', {})
    assert.equal(it.clusterId, cluster.clusterId)
    assert.deepEqual(
      it.nodes,
      cluster.nodes.map(({ id, port }) => `${id}@127.0.0.1:${port}`),
    )
    assert.ok(cluster.nodes.some(({ id }) => id === it.controller))
  })

  test('createTopics makes a topic of 3 partitions with 3 replicas, spread and in sync', async () => {
    const made = await run('createTopic', { topic: 'orders', partitions: 3, replicationFactor: 3 })
    assert.equal(made.partitions, 3)
    assert.equal(made.replicationFactor, 3)
    await cluster.waitInSync('orders')
    const it = await run('describeTopic', { topic: 'orders' })
    assert.equal(it.topicId, made.topicId)
    assert.equal(it.internal, false)
    assert.deepEqual(it.partitions.map(({ leader }) => leader).sort(ascending), [1, 2, 3], 'each broker leads one partition')
    for (const { replicas, isr, leader } of it.partitions) {
      assert.equal(replicas[0], leader)
      assert.deepEqual([...replicas].sort(ascending), [1, 2, 3])
      assert.deepEqual([...isr].sort(ascending), [1, 2, 3])
    }
    assert.ok((await run('listTopics', {})).includes('orders'))
  })

  test('createTopics refuses what cannot be, with the exception a user expects', async () => {
    await assert.rejects(run('createTopic', { topic: 'orders' }), /TopicExistsException/)
    await assert.rejects(run('createTopic', { topic: 'a/b' }), /InvalidTopicException/)
    await assert.rejects(run('createTopic', { topic: 'too-many', replicationFactor: 4 }), /InvalidReplicationFactorException/)
    await assert.rejects(run('createTopic', { topic: 'none', partitions: 0 }), /InvalidPartitionsException/)
    await assert.rejects(run('createTopic', { topic: 'odd', configs: { 'retention.ms': 'soon' } }), /InvalidConfigurationException/)
    await assert.rejects(run('createTopic', { topic: 'odd', configs: { 'no.such.config': '1' } }), /InvalidConfigurationException/)
    await assert.rejects(run('describeTopic', { topic: 'nowhere' }), /UnknownTopicOrPartitionException/)
  })

  test('a record comes back as it was sent: key, value, headers, timestamp, nulls', async () => {
    const records = [
      {
        partition: 0,
        key: 'k',
        value: 'v',
        timestamp: 1_700_000_000_000,
        headers: [
          ['trace', 'abc'],
          ['trace', 'def'],
          ['empty', ''],
          ['none', null],
        ],
      },
      { partition: 0, key: null, value: 'no key' },
      { partition: 0, key: 'gone', value: null },
      { partition: 0, key: '', value: '' },
      { partition: 0, key: 'ü', value: '漢字 🙂' },
    ]
    const acks = await run('produce', { topic: 'orders', records })
    assert.deepEqual(
      acks.map(({ offset }) => offset),
      [0, 1, 2, 3, 4],
    )
    assert.equal(acks[0].timestamp, 1_700_000_000_000)
    const read = await run('read', { topic: 'orders', partition: 0 })
    assert.deepEqual(
      read.map(({ offset }) => offset),
      [0, 1, 2, 3, 4],
    )
    assert.deepEqual(
      read.map(({ key, value }) => [key, value]),
      records.map(({ key, value }) => [key, value]),
    )
    assert.deepEqual(read[0].headers, records[0]?.headers)
    assert.deepEqual(read[1].headers, [])
    assert.equal(read[0].timestamp, 1_700_000_000_000)
    assert.equal(read[0].timestampType, 'CREATE_TIME')
    assert.ok(read.every(({ leaderEpoch }) => leaderEpoch === 0))
  })

  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    test(`KafkaProducer with compression ${codec}: many records, in order, each once`, async () => {
      const topic = `many-${codec}`
      await run('createTopic', { topic, partitions: 1 })
      const props = { 'compression.type': codec, 'linger.ms': '5' }
      const made = await run('produceMany', { topic, count: 5000, size: 200, partition: 0, props })
      assert.equal(made.lastOffset, 4999)
      const summary = await run('readSummary', { topic })
      assert.deepEqual(
        { records: summary.records, gaps: summary.gaps, distinct: summary.distinct },
        { records: 5000, gaps: 0, distinct: 5000 },
      )
    })
  }

  test('acks 0 and 1 and a producer without idempotence are served too', async () => {
    await run('createTopic', { topic: 'acks', partitions: 1 })
    await run('produceMany', { topic: 'acks', count: 100, props: { acks: '1', 'enable.idempotence': 'false' } })
    await run('produceMany', { topic: 'acks', count: 100, props: { acks: '0', 'enable.idempotence': 'false' } })
    await until('all records are there', async () => (await run('offsets', { topic: 'acks' })).end['0'] === 200)
    assert.equal((await run('readSummary', { topic: 'acks' })).records, 200)
  })

  test('a keyed record goes to the same partition for every client: hash of the key', async () => {
    await run('createTopic', { topic: 'keyed', partitions: 3 })
    const records = Array.from({ length: 30 }, (_, i) => ({ key: `key-${i % 5}`, value: String(i) }))
    const acks = await run('produce', { topic: 'keyed', records })
    for (let i = 5; i < 30; i += 1) assert.equal(acks[i].partition, acks[i % 5].partition)
  })

  test('seek, beginningOffsets, endOffsets and offsetsForTimes point into the log', async () => {
    await run('createTopic', { topic: 'times', partitions: 1 })
    const records = Array.from({ length: 10 }, (_, i) => ({ partition: 0, value: `v${i}`, timestamp: 1_700_000_000_000 + i * 1000 }))
    await run('produce', { topic: 'times', records })
    const offsets = await run('offsets', { topic: 'times', timestamp: 1_700_000_004_500 })
    assert.deepEqual([offsets.beginning['0'], offsets.end['0'], offsets.forTimestamp['0']], [0, 10, 5])
    assert.equal((await run('offsets', { topic: 'times', timestamp: 1_800_000_000_000 })).forTimestamp['0'], null)
    const tail = await run('read', { topic: 'times', partition: 0, from: 7 })
    assert.deepEqual(
      tail.map(({ value }) => value),
      ['v7', 'v8', 'v9'],
    )
    await assert.rejects(run('read', { topic: 'times', partition: 0, from: 11 }), /OffsetOutOfRangeException/)
  })

  test('small fetches and fetch sessions bring everything', async () => {
    const props = { 'max.partition.fetch.bytes': '2000', 'fetch.max.bytes': '3000', 'max.poll.records': '50' }
    assert.equal((await run('readSummary', { topic: 'many-none', props })).distinct, 5000)
    assert.equal((await run('readSummary', { topic: 'many-zstd', props: { 'isolation.level': 'read_committed' } })).distinct, 5000)
  })

  test('topic configuration: created, described with its source, altered, removed', async () => {
    await run('createTopic', { topic: 'configured', configs: { 'retention.ms': '60000', 'cleanup.policy': 'compact' } })
    const describeIt = () => run('describeConfigs', { type: 'TOPIC', name: 'configured' })
    const first = await describeIt()
    assert.deepEqual([first['retention.ms'].value, first['retention.ms'].source], ['60000', 'DYNAMIC_TOPIC_CONFIG'])
    assert.equal(first['cleanup.policy'].value, 'compact')
    assert.equal(first['segment.bytes'].value, '1073741824')
    assert.equal(first['min.insync.replicas'].value, '2', 'the broker says two')
    await run('alterConfigs', {
      type: 'TOPIC',
      name: 'configured',
      set: { 'retention.ms': '120000' },
      append: { 'cleanup.policy': 'delete' },
    })
    await until('the change is seen', async () => (await describeIt())['retention.ms'].value === '120000')
    assert.deepEqual((await describeIt())['cleanup.policy'].value.split(',').sort(), ['compact', 'delete'])
    await run('alterConfigs', { type: 'TOPIC', name: 'configured', unset: ['retention.ms'] })
    await until('the default is back', async () => (await describeIt())['retention.ms'].value === '604800000')
    assert.equal((await describeIt())['retention.ms'].source, 'DEFAULT_CONFIG')
    await assert.rejects(
      run('alterConfigs', { type: 'TOPIC', name: 'configured', set: { 'retention.ms': 'soon' } }),
      /InvalidConfigurationException|InvalidRequestException/,
    )
  })

  test('a topic setting takes effect: max.message.bytes refuses a record that is too large', async () => {
    await run('createTopic', { topic: 'narrow', partitions: 1, configs: { 'max.message.bytes': '1000' } })
    await run('produceMany', { topic: 'narrow', count: 1, size: 500 })
    await assert.rejects(run('produceMany', { topic: 'narrow', count: 1, size: 5000 }), /RecordTooLargeException/)
    await run('alterConfigs', { type: 'TOPIC', name: 'narrow', set: { 'max.message.bytes': '10000' } })
    await until('the larger record is accepted', () => run('produceMany', { topic: 'narrow', count: 1, size: 5000 }))
  })

  test('broker configuration is described, and a dynamic one is changed on a running broker', async () => {
    const describeIt = () => run('describeConfigs', { type: 'BROKER', name: '1' })
    const first = await describeIt()
    assert.equal(first['node.id'].value, '1')
    assert.equal(first['node.id'].readOnly, true)
    assert.equal(first['min.insync.replicas'].value, '2')
    await run('alterConfigs', { type: 'BROKER', name: '1', set: { 'message.max.bytes': '2000000' } })
    await until('the change is seen', async () => (await describeIt())['message.max.bytes'].source === 'DYNAMIC_BROKER_CONFIG')
    await run('alterConfigs', { type: 'BROKER', name: '1', unset: ['message.max.bytes'] })
    await assert.rejects(
      run('alterConfigs', { type: 'BROKER', name: '1', set: { 'node.id': '9' } }),
      /InvalidRequestException|InvalidConfigurationException/,
    )
  })

  test('createPartitions grows a topic; fewer are refused', async () => {
    await run('createTopic', { topic: 'growing', partitions: 1 })
    await run('createPartitions', { topic: 'growing', total: 4 })
    await cluster.waitInSync('growing')
    assert.equal((await run('describeTopic', { topic: 'growing' })).partitions.length, 4)
    await run('produce', { topic: 'growing', records: [{ partition: 3, value: 'there' }] })
    assert.deepEqual(
      (await run('read', { topic: 'growing', partition: 3 })).map(({ value }) => value),
      ['there'],
    )
    await assert.rejects(run('createPartitions', { topic: 'growing', total: 2 }), /InvalidPartitionsException/)
  })

  test('deleteRecords moves the beginning; what is before it is out of range', async () => {
    assert.equal((await run('deleteRecords', { topic: 'times', partition: 0, before: 4 })).lowWatermark, 4)
    const offsets = await run('offsets', { topic: 'times', timestamp: 1 })
    assert.deepEqual([offsets.beginning['0'], offsets.end['0'], offsets.forTimestamp['0']], [4, 10, 4])
    assert.deepEqual(
      (await run('read', { topic: 'times', partition: 0 })).map(({ value }) => value),
      ['v4', 'v5', 'v6', 'v7', 'v8', 'v9'],
    )
    await assert.rejects(run('read', { topic: 'times', partition: 0, from: 0 }), /OffsetOutOfRangeException/)
    await assert.rejects(run('deleteRecords', { topic: 'times', partition: 0, before: 99 }), /OffsetOutOfRangeException/)
  })

  test('deleteTopics removes it, and one of the same name begins empty with another id', async () => {
    const first = (await run('describeTopic', { topic: 'keyed' })).topicId
    await run('deleteTopic', { topic: 'keyed' })
    await until('it is gone', async () => !(await run('listTopics', {})).includes('keyed'))
    await assert.rejects(run('deleteTopic', { topic: 'keyed' }), /UnknownTopicOrPartitionException/)
    await run('createTopic', { topic: 'keyed', partitions: 1 })
    await cluster.waitInSync('keyed')
    assert.notEqual((await run('describeTopic', { topic: 'keyed' })).topicId, first)
    assert.equal((await run('offsets', { topic: 'keyed' })).end['0'], 0)
  })

  test('describeProducers shows the idempotent producer of a partition', async () => {
    const producers = await run('describeProducers', { topic: 'many-none', partition: 0 })
    assert.equal(producers.length, 1)
    assert.equal(producers[0].lastSequence, 4999)
  })

  test('describeMetadataQuorum names the leader and all voters', async () => {
    const quorum = await run('quorum', {})
    assert.equal(quorum.leader, (await cluster.activeController()).id)
    assert.deepEqual(quorum.voters, [1, 2, 3])
    assert.ok(quorum.highWatermark > 0)
  })
})
