// Groups of the two JavaScript clients: kafkajs (classic) and @platformatic/kafka (both protocols).
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Admin, Consumer, stringDeserializers } from '@platformatic/kafka'
import kafkajs from 'kafkajs'
import { startCluster, until } from '../rig/cluster.mjs'
import { liveThrough, Stage } from '../rig/group-story.mjs'
import { partitionsOf, quickGroups } from '../rig/groups.mjs'

/** @type {Awaited<ReturnType<typeof startCluster>>} */
let cluster
/** @type {Stage} */
let stage
before(async () => {
  cluster = await startCluster({ properties: quickGroups })
  stage = new Stage(cluster)
})
after(async () => {
  await stage?.close()
  await cluster?.stop()
})

describe('groups of kafkajs', () => {
  const { Kafka, logLevel } = kafkajs
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

  const open = async (topic) => {
    const quick = { sessionTimeout: 3000, heartbeatInterval: 200, rebalanceTimeout: 5000, metadataMaxAge: 500 }
    const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 100, ...quick })
    /** @type {import('../rig/group-story.mjs').Teller} */
    const member = {
      name: topic,
      records: [],
      assignment: [],
      async close() {
        member.assignment = []
        await consumer.disconnect()
      },
    }
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      member.assignment = Object.entries(payload.memberAssignment).flatMap(([name, list]) => list.map((it) => `${name}-${it}`))
    })
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) member.error = String(payload.error)
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommitThreshold: 1,
      partitionsConsumedConcurrently: 3,
      async eachMessage({ topic: name, partition, message }) {
        member.records.push([`${name}-${partition}`, Number(message.offset), String(message.value)])
      },
    })
    return member
  }

  test('members share and leave; each record is delivered once, in order', async (t) => {
    await liveThrough(t, { stage, topic: 'kjs', open: () => open('kjs'), crashes: false })
  })

  test('pause, resume and seek; a commit of its own', async (t) => {
    await stage.create('kjs-seek', 1)
    await stage.send('kjs-seek', 1, 10)
    const consumer = kafka.consumer({ groupId: 'kjs-seek', sessionTimeout: 3000, heartbeatInterval: 200, maxWaitTimeInMs: 100 })
    t.after(() => consumer.disconnect())
    await consumer.connect()
    await consumer.subscribe({ topics: ['kjs-seek'], fromBeginning: true })
    /** @type {string[]} */
    const offsets = []
    await consumer.run({ autoCommit: false, eachMessage: async ({ message }) => void offsets.push(message.offset) })
    await until('ten came', () => offsets.length === 10)
    consumer.seek({ topic: 'kjs-seek', partition: 0, offset: '8' })
    await until('two came again', () => offsets.length === 12)
    assert.deepEqual(offsets.slice(10), ['8', '9'])
    consumer.pause([{ topic: 'kjs-seek' }])
    await stage.send('kjs-seek', 1, 1, 10)
    consumer.resume([{ topic: 'kjs-seek' }])
    await until('one more came', () => offsets.length === 13)
    await consumer.commitOffsets([{ topic: 'kjs-seek', partition: 0, offset: '7', metadata: 'mine' }])
    assert.deepEqual(await admin.fetchOffsets({ groupId: 'kjs-seek', topics: ['kjs-seek'] }), [
      { topic: 'kjs-seek', partitions: [{ partition: 0, offset: '7', metadata: 'mine' }] },
    ])
  })

  test('admin lists, describes and deletes groups, and sets their offsets', async () => {
    await stage.create('kjs-admin', 1)
    const member = await open('kjs-admin')
    await until('it is a member', () => member.assignment.length > 0)
    const live = await admin.describeGroups(['kjs-admin'])
    assert.deepEqual(
      live.groups.map(({ state, protocolType, protocol, members }) => [state, protocolType, protocol, members.length]),
      [['Stable', 'consumer', 'RoundRobinAssigner', 1]],
    )
    await assert.rejects(admin.deleteGroups(['kjs-admin']), /DeleteGroups/)
    await member.close()
    await stage.send('kjs-admin', 1, 4)
    await admin.setOffsets({ groupId: 'kjs-admin', topic: 'kjs-admin', partitions: [{ partition: 0, offset: '3' }] })
    assert.deepEqual(await stage.committed('kjs-admin'), { 'kjs-admin-0': 3 })
    assert.ok((await admin.listGroups()).groups.some(({ groupId, protocolType }) => groupId === 'kjs-admin' && protocolType === 'consumer'))
    assert.deepEqual(await admin.deleteGroups(['kjs-admin']), [{ groupId: 'kjs-admin', errorCode: 0 }])
    assert.ok(!(await admin.listGroups()).groups.some(({ groupId }) => groupId === 'kjs-admin'))
  })
})

describe('groups of @platformatic/kafka', () => {
  /** @type {Admin} */
  let admin
  before(() => {
    admin = new Admin({ clientId: 'platformatic-test', bootstrapBrokers: cluster.bootstrapList })
  })
  after(() => admin?.close())

  const quick = { classic: { sessionTimeout: 3000, heartbeatInterval: 200, rebalanceTimeout: 5000 }, consumer: {} }
  const open = async (groupProtocol, topic) => {
    const options = { clientId: 'platformatic-test', bootstrapBrokers: cluster.bootstrapList, maxWaitTime: 100, metadataMaxAge: 500 }
    const consumer = new Consumer({
      ...options,
      groupId: topic,
      groupProtocol,
      deserializers: stringDeserializers,
      ...quick[groupProtocol],
    })
    /** @type {import('../rig/group-story.mjs').Teller} */
    const member = {
      name: topic,
      records: [],
      get assignment() {
        return (consumer.assignments ?? []).flatMap((it) => it.partitions.map((partition) => `${it.topic}-${partition}`))
      },
      async close() {
        if (consumer.closed) return
        await stream.close() // the consumer leaves the timer of its commits running
        await new Promise((resolve) => consumer.close(true, resolve))
      },
    }
    consumer.on('consumer:heartbeat:error', ({ error }) => (member.error = String(error)))
    const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: 100 })
    stream.on('data', ({ topic: name, partition, offset, value }) => {
      member.records.push([`${name}-${partition}`, Number(offset), String(value)])
    })
    stream.on('error', (error) => (member.error = String(error)))
    return member
  }

  for (const protocol of ['classic', 'consumer']) {
    test(`${protocol}: members share and leave; each record is delivered once, in order`, async (t) => {
      await liveThrough(t, {
        stage,
        topic: `plt-${protocol}`,
        open: () => open(protocol, `plt-${protocol}`),
        crashes: false,
        repeats: true,
      })
    })

    test(`admin and a group of the ${protocol} protocol`, async (t) => {
      const topic = `plt-admin-${protocol}`
      await stage.create(topic, 2)
      await stage.send(topic, 2, 10)
      const member = await open(protocol, topic)
      t.after(() => member.close())
      await stage.waitCommitted(topic, topic, 2, 10)
      const listed = await admin.listGroups({ types: [protocol] })
      assert.deepEqual([listed.get(topic)?.state, listed.get(topic)?.groupType.toLowerCase()], ['STABLE', protocol])
      await member.close()
      await until('it is empty', async () => (await admin.listGroups({ states: ['EMPTY'], types: [protocol] })).has(topic))
      const [offsets] = await admin.listConsumerGroupOffsets({ groups: [topic] })
      assert.deepEqual(
        offsets?.topics
          .flatMap(({ name, partitions }) => partitions.map((it) => `${name}-${it.partitionIndex}:${it.committedOffset}`))
          .sort(),
        partitionsOf(topic, 2).map((name) => `${name}:10`),
      )
      await admin.alterConsumerGroupOffsets({ groupId: topic, topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset: 3n }] }] })
      assert.deepEqual(await stage.committed(topic), { [`${topic}-0`]: 3, [`${topic}-1`]: 10 })
      await admin.deleteConsumerGroupOffsets({ groupId: topic, topics: [{ name: topic, partitionIndexes: [1] }] })
      assert.deepEqual(await stage.committed(topic), { [`${topic}-0`]: 3 })
      await admin.deleteGroups({ groups: [topic] })
      assert.ok(!(await admin.listGroups({ types: [protocol] })).has(topic))
    })
  }
})
