// The two JavaScript clients: kafkajs and @platformatic/kafka. Both consume in groups only, so what they write is read with the fetch requests
// below their consumers: @platformatic/kafka's Consumer.fetch, and kafkajs's broker object, which has no public door.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  Admin,
  allowedCompressionsAlgorithms,
  compressionsAlgorithms,
  Consumer,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka'
import kafkajs from 'kafkajs'
import { ascending, startCluster, until } from '../rig/cluster.mjs'

/** @type {Awaited<ReturnType<typeof startCluster>>} */
let cluster
before(async () => {
  cluster = await startCluster()
})
after(() => cluster?.stop())

describe('kafkajs', () => {
  const { CompressionTypes, ConfigResourceTypes, Kafka, logLevel, Partitioners } = kafkajs
  /** @type {import('kafkajs').Kafka} */
  let kafka
  /** @type {import('kafkajs').Admin} */
  let admin
  before(async () => {
    kafka = new Kafka({ clientId: 'kafkajs-test', brokers: cluster.bootstrapList, logLevel: logLevel.NOTHING })
    admin = kafka.admin()
    await admin.connect()
  })
  after(() => admin?.disconnect())

  /** Reads a partition with kafkajs's own request and decoder, without a consumer group. */
  const read = async (topic, partition, offset = '0') => {
    const createCluster = Object.getOwnPropertySymbols(kafka).find((it) => it.description === 'private:Kafka:createCluster')
    assert.ok(createCluster !== undefined)
    const brokers = kafka[createCluster]({
      maxInFlightRequests: 5,
      metadataMaxAge: 300_000,
      allowAutoTopicCreation: false,
      isolationLevel: 0,
    })
    await brokers.connect()
    await brokers.addTargetTopic(topic)
    const broker = await brokers.findBroker({ nodeId: (await cluster.leaderOf(topic, partition)).id })
    const messages = []
    for (let at = offset, left = true; left;) {
      const partitions = [{ partition, fetchOffset: at, maxBytes: 100_000 }]
      const { responses } = await broker.fetch({ replicaId: -1, isolationLevel: 0, maxWaitTime: 100, topics: [{ topic, partitions }] })
      const fresh = responses[0].partitions[0].messages.filter((it) => BigInt(it.offset) >= BigInt(at))
      messages.push(...fresh)
      left = fresh.length > 0
      at = String(BigInt(fresh.at(-1)?.offset ?? at) + 1n)
    }
    await brokers.disconnect()
    return messages
  }

  test('admin creates a topic of 3 partitions with 3 replicas, describes and lists it', async () => {
    assert.equal(
      await admin.createTopics({ topics: [{ topic: 'js', numPartitions: 3, replicationFactor: 3 }], waitForLeaders: true }),
      true,
    )
    await cluster.waitInSync('js')
    const { topics } = await admin.fetchTopicMetadata({ topics: ['js'] })
    assert.equal(topics[0]?.partitions.length, 3)
    assert.ok(topics[0]?.partitions.every(({ isr, leader }) => isr.length === 3 && leader > 0))
    assert.ok((await admin.listTopics()).includes('js'))
    const { brokers, clusterId } = await admin.describeCluster()
    assert.deepEqual(brokers.map(({ nodeId }) => nodeId).sort(ascending), [1, 2, 3])
    assert.equal(clusterId, cluster.clusterId)
    assert.equal(await admin.createTopics({ topics: [{ topic: 'js' }] }), false, 'it exists already')
  })

  for (const [name, compression] of Object.entries({ none: CompressionTypes.None, gzip: CompressionTypes.GZIP })) {
    test(`an idempotent producer with ${name}: every message is there once, in order`, async () => {
      const topic = `js-${name}`
      await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 3 }], waitForLeaders: true })
      const producer = kafka.producer({ idempotent: true, createPartitioner: Partitioners.DefaultPartitioner })
      await producer.connect()
      const messages = Array.from({ length: 500 }, (_, i) => ({
        key: `k${i}`,
        value: `value ${i}`,
        partition: 0,
        headers: { n: String(i) },
      }))
      for (let i = 0; i < 500; i += 100) await producer.send({ topic, acks: -1, compression, messages: messages.slice(i, i + 100) })
      await producer.disconnect()
      const offsets = await admin.fetchTopicOffsets(topic)
      assert.deepEqual(offsets, [{ partition: 0, offset: '500', high: '500', low: '0' }])
      const records = await read(topic, 0)
      assert.equal(records.length, 500)
      records.forEach(({ offset, key, value, headers }, i) => {
        assert.deepEqual([offset, String(key), String(value), String(headers.n)], [String(i), `k${i}`, `value ${i}`, String(i)])
      })
    })
  }

  test('admin finds offsets by time, alters configuration, grows, cuts and deletes', async () => {
    assert.equal((await admin.fetchTopicOffsetsByTimestamp('js-none', Date.now() - 600_000))[0]?.offset, '0')
    const resource = { type: ConfigResourceTypes.TOPIC, name: 'js' }
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '70000' }] }],
    })
    await until('described', async () => {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ ...resource, configNames: ['retention.ms'] }],
      })
      return resources[0]?.configEntries[0]?.configValue === '70000'
    })
    await admin.createPartitions({ topicPartitions: [{ topic: 'js', count: 4 }] })
    await until('grown', async () => (await admin.fetchTopicMetadata({ topics: ['js'] })).topics[0]?.partitions.length === 4)
    await admin.fetchTopicOffsets('js-none') // the next call knows only of leaders that an earlier one has looked up
    await admin.deleteTopicRecords({ topic: 'js-none', partitions: [{ partition: 0, offset: '490' }] })
    assert.equal((await admin.fetchTopicOffsets('js-none'))[0]?.low, '490')
    assert.equal((await read('js-none', 0, '490')).length, 10)
    await admin.deleteTopics({ topics: ['js'] })
    await until('deleted', async () => !(await admin.listTopics()).includes('js'))
  })
})

describe('@platformatic/kafka', () => {
  /** @type {Admin} */
  let admin
  before(() => {
    admin = new Admin({ clientId: 'platformatic-test', bootstrapBrokers: cluster.bootstrapList })
  })
  after(() => admin?.close())

  test('admin creates a topic of 3 partitions with 3 replicas and lists it', async () => {
    const [made] = await admin.createTopics({ topics: ['plt'], partitions: 3, replicas: 3 })
    assert.equal(made?.partitions, 3)
    assert.equal(made?.replicas, 3)
    await cluster.waitInSync('plt')
    assert.ok((await admin.listTopics()).includes('plt'))
    const metadata = await admin.metadata({ topics: ['plt'] })
    assert.equal(metadata.id, cluster.clusterId)
    assert.equal(metadata.brokers.size, 3)
    assert.equal(metadata.topics.get('plt')?.partitionsCount, 3)
  })

  // zstd is the client's own only where Node has it
  const codecs = allowedCompressionsAlgorithms.filter((name) => compressionsAlgorithms[name].available)
  for (const compression of codecs) {
    test(`an idempotent producer with ${compression}; Consumer.fetch and listOffsets read it back`, async () => {
      const topic = `plt-${compression}`
      await admin.createTopics({ topics: [topic], partitions: 1, replicas: 3 })
      await cluster.waitInSync(topic)
      const options = { clientId: 'platformatic-test', bootstrapBrokers: cluster.bootstrapList }
      const producer = new Producer({ ...options, serializers: stringSerializers, idempotent: true })
      const messages = Array.from({ length: 300 }, (_, i) => ({
        topic,
        partition: 0,
        key: `k${i}`,
        value: `value ${i}`,
        headers: { n: String(i) },
      }))
      for (let i = 0; i < 300; i += 100) await producer.send({ messages: messages.slice(i, i + 100), acks: -1, compression })
      await producer.close()
      const consumer = new Consumer({ ...options, groupId: 'none', deserializers: stringDeserializers })
      try {
        assert.deepEqual((await consumer.listOffsets({ topics: [topic] })).get(topic), [300n])
        assert.deepEqual((await consumer.listOffsets({ topics: [topic], timestamp: -2n })).get(topic), [0n])
        const node = (await cluster.leaderOf(topic)).id
        const topicId = (await admin.metadata({ topics: [topic] })).topics.get(topic)?.id ?? ''
        const partition = { partition: 0, currentLeaderEpoch: -1, fetchOffset: 0n, lastFetchedEpoch: -1, partitionMaxBytes: 1_000_000 }
        const answer = await consumer.fetch({ node, topics: [{ topicId, partitions: [partition] }] })
        const batches = answer.responses[0]?.partitions[0]?.records ?? []
        const records = batches.flatMap((batch) =>
          batch.records.map((it) => ({ offset: Number(batch.firstOffset) + it.offsetDelta, ...it })),
        )
        assert.equal(records.length, 300)
        records.forEach(({ offset, key, value }, i) => {
          assert.deepEqual([offset, String(key), String(value)], [i, `k${i}`, `value ${i}`])
        })
      } finally {
        await close(consumer)
      }
    })
  }

  test('admin grows, cuts, configures and deletes', async () => {
    await admin.createPartitions({ topics: [{ name: 'plt', count: 5, assignments: null }] })
    await until(
      'grown',
      async () => (await admin.metadata({ topics: ['plt'], forceUpdate: true })).topics.get('plt')?.partitionsCount === 5,
    )
    await admin.deleteRecords({ topics: [{ name: 'plt-none', partitions: [{ partition: 0, offset: 100n }] }] })
    await admin.incrementalAlterConfigs({
      resources: [{ resourceType: 2, resourceName: 'plt', configs: [{ name: 'retention.ms', configOperation: 0, value: '70000' }] }],
    })
    await until('described', async () => {
      const [it] = await admin.describeConfigs({
        resources: [{ resourceType: 2, resourceName: 'plt', configurationKeys: ['retention.ms'] }],
      })
      return it?.configs[0]?.value === '70000'
    })
    await admin.deleteTopics({ topics: ['plt'] })
    await until('deleted', async () => !(await admin.listTopics()).includes('plt'))
  })
})

/** @param {Consumer} consumer @returns {Promise<void>} */
function close(consumer) {
  return new Promise((resolve, reject) => consumer.close(true, (error) => (error ? reject(error) : resolve())))
}
