// A cluster that is measured, ours or Kafka's: the same three brokers, the same settings, and what the work needs of it.
import { setTimeout as sleep } from 'node:timers/promises'
import { startCluster } from '../test/rig/cluster.mjs'
import { until } from '../test/rig/processes.mjs'
import { ask } from '../test/rig/wire.mjs'

/** @typedef {'odradek' | 'kafka'} System */
/** @typedef {import('./generator/plan.mjs').Led} Led */

/** For both the same; a topic that is removed gives its room back at once. */
export const properties = { 'num.partitions': 6, 'log.segment.delete.delay.ms': 500 }
export const replicas = 3
export const minInsync = 2
/** Of one of Kafka's brokers. */
export const kafkaHeap = process.env.KAFKA_SERVER_HEAP ?? '1g'
const topicTimeoutMs = 60_000
const alreadyExists = 36
const stopMs = 90_000

export class Subject {
  /** @param {System} system @param {Awaited<ReturnType<typeof startCluster>>} cluster */
  constructor(system, cluster) {
    this.system = system
    this.cluster = cluster
    this.bootstrap = cluster.bootstrap
    this.count = 0
  }

  /** @param {System} system @param {string} [dir] where its data lie */
  static async start(system, dir) {
    return new Subject(system, await startCluster({ kind: system, properties, ...(dir === undefined ? {} : { dir }) }))
  }

  get pids() {
    return this.cluster.nodes.filter(({ isUp }) => isUp).map(({ pid }) => pid)
  }

  /** A new topic, all of whose replicas are in sync. @param {number} partitions @param {string} [name] */
  async topic(partitions, name = `bench-${(this.count += 1)}`) {
    const topics = [{ name, numPartitions: partitions, replicationFactor: replicas, assignments: [], configs: [] }]
    const answer = await this.controllerCall('createTopics', 7, { topics, timeoutMs: topicTimeoutMs, validateOnly: false })
    const { errorCode, errorMessage } = answer.topics[0]
    // the names are ours alone: a broker that had to ask the controller twice hears that the topic is there
    if (errorCode !== 0 && errorCode !== alreadyExists) throw new Error(`topic ${name}: error ${errorCode} ${errorMessage}`)
    await until(`${name} is known`, async () => (await this.cluster.partitions(name)).length === partitions)
    await this.cluster.waitInSync(name)
    await until(`${name} is served`, () => this.isServed(name), { timeoutMs: topicTimeoutMs, everyMs: 100 })
    return name
  }

  /** Whether the leaders have taken their partitions over: Kafka's metadata is ahead of that. @param {string} topic */
  async isServed(topic) {
    const led = await this.led(topic)
    for (const port of new Set(led.map((it) => it.port))) {
      const partitions = led.filter((it) => it.port === port).map(({ partition }) => ({ partitionIndex: partition, timestamp: -1 }))
      const body = { replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions }] }
      const { topics } = await ask(port, 'listOffsets', 2, body, topicTimeoutMs)
      if (topics[0].partitions.some((/** @type {{ errorCode: number }} */ it) => it.errorCode !== 0)) return false
    }
    return true
  }

  /** @param {string} name */
  async remove(name) {
    await this.controllerCall('deleteTopics', 5, { topicNames: [name], timeoutMs: topicTimeoutMs })
    await sleep(1500)
  }

  /** Any broker hands on to the controller what is its business; asked once, and with patience. @param {string} api @param {number} version @param {object} body */
  controllerCall(api, version, body) {
    const [node] = this.cluster.answering
    if (node === undefined) throw new Error('no node is up')
    return ask(node.port, api, version, body, topicTimeoutMs)
  }

  /** @param {string} topic @returns {Promise<Led[]>} */
  async led(topic) {
    const partitions = await this.cluster.partitions(topic)
    return partitions.map(({ partition, leader }) => ({ partition, port: this.cluster.node(leader).port }))
  }

  /**
   * Stops all nodes in order and starts them on their data.
   * @param {string} topic
   * @returns {Promise<{ stopSeconds: number, startSeconds: number }>} until every node says that every partition of the topic has a leader
   */
  async restart(topic) {
    const stopping = performance.now()
    for (const node of this.cluster.nodes) node.kill('SIGTERM')
    await Promise.all(this.cluster.nodes.map((node) => node.waitDown(stopMs)))
    const starting = performance.now()
    for (const node of this.cluster.nodes) node.spawn()
    await until(`${topic} has leaders`, () => this.hasLeaders(topic), { timeoutMs: stopMs, everyMs: 20 })
    return { stopSeconds: (starting - stopping) / 1000, startSeconds: (performance.now() - starting) / 1000 }
  }

  /** @param {string} topic */
  async hasLeaders(topic) {
    for (const node of this.cluster.nodes) {
      const partitions = await this.cluster.partitions(topic, node)
      if (partitions.length === 0 || partitions.some(({ leader }) => leader < 0)) return false
    }
    return true
  }

  stop() {
    return this.cluster.stop()
  }
}
