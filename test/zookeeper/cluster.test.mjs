// A cluster of real processes that agrees through a real ZooKeeper: what is in the znodes, and that the death of the controller costs no more than its session.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ascending, startCluster, until } from '../rig/cluster.mjs'
import { ports, startEnsemble, withoutZooKeeper, ZooKeeperClient } from './ensemble.mjs'

const sessionTimeoutMs = 3000

describe('a cluster over ZooKeeper', { skip: withoutZooKeeper() }, () => {
  /** @type {Awaited<ReturnType<typeof startEnsemble>>} */
  let ensemble
  /** @type {Awaited<ReturnType<typeof startCluster>>} */
  let cluster
  /** @type {InstanceType<typeof ZooKeeperClient>} */
  let zk

  before(async () => {
    ensemble = await startEnsemble()
    const connect = `${ensemble.connect}/kafka`
    cluster = await startCluster({ properties: { 'zookeeper.connect': connect, 'zookeeper.session.timeout.ms': sessionTimeoutMs } })
    zk = new ZooKeeperClient(ports, { connect, sessionTimeoutMs })
    zk.start({ onSession: () => {}, onWatch: () => {} })
  })
  after(async () => {
    await zk?.close()
    await cluster?.stop()
    await ensemble?.remove()
  })

  /** @param {string} path */
  const json = async (path) => JSON.parse((await zk.get(path)).data.toString())

  test('brokers, topics and their leaders stand where Kafka has them', async () => {
    const topics = [
      { name: 'orders', numPartitions: 3, replicationFactor: 3, assignments: [], configs: [{ name: 'retention.ms', value: '60000' }] },
    ]
    const { topics: made } = await cluster.ask('createTopics', 7, { topics, timeoutMs: 30_000, validateOnly: false })
    assert.equal(made[0]?.errorCode, 0)
    await cluster.waitInSync('orders')
    assert.deepEqual([...(await zk.children('/brokers/ids'))].map(Number).sort(ascending), [1, 2, 3])
    assert.deepEqual((await json('/brokers/ids/1')).endpoints, [`PLAINTEXT://127.0.0.1:${cluster.node(1).port}`])
    const topic = await json('/brokers/topics/orders')
    assert.equal(topic.topic_id, made[0]?.topicId)
    assert.deepEqual(Object.keys(topic.partitions), ['0', '1', '2'])
    for (const { partition, leader, epoch, isr } of await cluster.partitions('orders')) {
      const state = await json(`/brokers/topics/orders/partitions/${partition}/state`)
      assert.deepEqual([state.leader, state.leader_epoch, [...state.isr].sort(ascending)], [leader, epoch, isr.sort(ascending)])
    }
    assert.equal((await json('/config/topics/orders')).config['retention.ms'], '60000')
    assert.equal((await json('/controller')).brokerid, (await cluster.activeController()).id)
  })

  test('when the controller is killed another is elected with the next epoch, and the cluster is whole again when it is back', async () => {
    const epoch = Number((await zk.get('/controller_epoch')).data)
    const controller = await cluster.activeController()
    controller.kill('SIGKILL')
    await controller.waitDown()
    await until(
      'another controller',
      async () => (await zk.exists('/controller')) !== null && (await json('/controller')).brokerid !== controller.id,
      {
        timeoutMs: 60_000,
      },
    )
    assert.equal(Number((await zk.get('/controller_epoch')).data), epoch + 1)
    for (const partition of [0, 1, 2])
      await until('another leader', async () => (await cluster.leaderOf('orders', partition)).id !== controller.id, { timeoutMs: 60_000 })
    controller.spawn()
    await cluster.waitInSync('orders')
  })
})
