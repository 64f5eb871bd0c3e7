// What a data directory can hold, written through clients, and everything that clients can be told of it afterwards.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../rig/cluster.mjs'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const hour = 3_600_000
/** Recent: producers that were silent for a day are forgotten. */
const start = Date.now() - 10 * hour

/** Each topic with what is asked for when it is made. */
const topics = {
  ...Object.fromEntries(codecs.map((codec) => [`codec-${codec}`, {}])),
  recompressed: { 'compression.type': 'lz4' },
  segments: { 'segment.bytes': 1 << 20, 'index.interval.bytes': 1000, 'retention.ms': -1 },
  compacted: { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': 0.01, 'segment.ms': 400, 'delete.retention.ms': hour },
  deleted: { 'segment.bytes': 1 << 20, 'retention.ms': -1 },
  stamped: { 'message.timestamp.type': 'LogAppendTime' },
  odd: { 'retention.ms': -1 },
  empty: { 'max.message.bytes': 4711 },
}
export const storyTopics = Object.keys(topics)

/** How often it is noted where logs start: what DeleteRecords did before that is forgotten by a process that dies, Kafka's as ours. */
const checkpointMs = 400

/** Settings of the nodes: a cleaner that does not keep a test waiting, and what only Kafka wants of a small cluster. */
export const storyProperties = {
  'log.cleaner.backoff.ms': 200,
  'log.flush.start.offset.checkpoint.interval.ms': checkpointMs,
  'log.initial.task.delay.ms': 500,
  'group.initial.rebalance.delay.ms': 0,
  'offsets.topic.num.partitions': 3,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
}

/**
 * What Kafka finalises by default and Odradek has not: its data directories are taken over after these have been lowered, with Kafka's own tool.
 * @param {import('../rig/java.mjs').Java} java @param {string} bootstrap
 */
export async function lowerFeatures(java, bootstrap) {
  const names = ['transaction.version', 'share.version', 'streams.version', 'eligible.leader.replicas.version']
  const features = names.flatMap((name) => ['--feature', `${name}=0`])
  const { status, out, err } = await java.tool('features', '--bootstrap-server', bootstrap, 'downgrade', ...features)
  assert.equal(status, 0, out + err)
}

/** One cluster under the story, whoever runs it at the moment. */
export class Story {
  /** @param {Awaited<ReturnType<typeof import('../rig/cluster.mjs').startCluster>>} cluster @param {import('../rig/java.mjs').Java} java */
  constructor(cluster, java) {
    this.cluster = cluster
    this.java = java
    this.round = 0
  }

  /** @param {string} what @param {object} options @returns {Promise<any>} */
  run(what, options) {
    return this.java.run(what, { bootstrap: this.cluster.bootstrap, ...options })
  }

  async makeTopics() {
    const replicationFactor = this.cluster.nodes.length
    for (const [topic, configs] of Object.entries(topics))
      await this.run('createTopic', { topic, partitions: 2, replicationFactor, configs })
    await this.cluster.waitInSync(...storyTopics)
  }

  /** Records of every kind; each round adds others. */
  async write() {
    this.round += 1
    for (const codec of codecs) await this.produceMany(`codec-${codec}`, 300, { 'compression.type': codec, 'linger.ms': '5' })
    await this.produceMany('recompressed', 300, { 'compression.type': 'gzip', 'linger.ms': '5' })
    await this.run('produceMany', { topic: 'segments', partition: 0, count: 3000, size: 1000 })
    await this.run('produceMany', { topic: 'deleted', partition: 0, count: 2500, size: 1000 })
    const { lowWatermark } = await this.run('deleteRecords', { topic: 'deleted', partition: 0, before: this.round * 2000 + 7 })
    assert.equal(lowWatermark, this.round * 2000 + 7)
    await this.produceMany('stamped', 50, {})
    await this.run('produce', { topic: 'odd', records: oddRecords(this.round) })
    await this.compact()
    const at = { offset: 10 * this.round, leaderEpoch: 0, metadata: `round ${this.round}` }
    const offsets = { 'codec-none-0': at, 'segments-0': 10 * this.round + 1 }
    for (const group of [`readers-${this.round}`, 'readers']) {
      assert.deepEqual(await this.run('alterGroupOffsets', { group, offsets }), { 'codec-none-0': 'ok', 'segments-0': 'ok' })
    }
    await this.run('alterConfigs', { type: 'TOPIC', name: 'empty', set: { 'max.message.bytes': 4711 + this.round } })
    await sleep(3 * checkpointMs)
  }

  /** @param {string} topic @param {number} count @param {Record<string, string>} props */
  produceMany(topic, count, props) {
    return this.run('produceMany', { topic, count, size: 40, props })
  }

  /** Until the cleaner has been over what this round wrote. */
  async compact() {
    const records = Array.from({ length: 400 }, (_, i) => ({
      partition: 0,
      key: `k${i % 20}`,
      value: i % 20 === 3 && i >= 300 ? null : `${this.round}-${i}`,
    }))
    await this.run('produce', { topic: 'compacted', records })
    await sleep(500)
    await until(
      'the log is cleaned',
      async () => {
        await this.run('produce', { topic: 'compacted', records: [{ partition: 0, key: 'roll', value: 'the segment is old enough' }] })
        return (await this.run('read', { topic: 'compacted', partition: 0 })).length < 60
      },
      { timeoutMs: 30_000, everyMs: 500 },
    )
  }

  /** All that can be known from outside, but for where it is served. */
  async tell() {
    // Kafka looks into segments below the log start too, until they are removed, and then finds nothing for a timestamp.
    const asked = storyTopics.map((topic) => (topic === 'deleted' ? { topic } : { topic, timestamp: start }))
    const told = await this.run('tellTopics', { topics: asked })
    for (const topic of storyTopics) told[topic].records.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
    // It may be cleaned once more at any time: what holds is the last record of each key.
    const { compacted } = told
    compacted.records = Object.fromEntries(compacted.records.map((record) => [record.key, record]))
    told.clusterId = (await this.run('describeCluster', {})).clusterId
    const groups = ['readers', ...Array.from({ length: this.round }, (_, i) => `readers-${i + 1}`)]
    told.groups = await this.run('groupOffsets', { groups })
    assert.equal(Object.keys(told.groups.readers).length, 2)
    return told
  }
}

/** No keys, no values, no headers, all of them, twice the same header, text beyond ASCII, timestamps that go back. @param {number} round */
function oddRecords(round) {
  const headers = [
    ['a', 'b'],
    ['a', null],
    ['ü', 'ß€'],
    ['', ''],
  ]
  return Array.from({ length: 60 }, (_, i) => ({
    partition: i % 2,
    key: i % 3 === 0 ? null : `schlüssel-${round}-${i}`,
    value: i % 5 === 0 ? null : 'wert '.repeat(i * 7),
    timestamp: start + round * hour - i * 1000,
    ...(i % 4 === 0 ? { headers: headers.slice(0, (i / 4) % 5) } : {}),
  }))
}

/** Deep equality whose failure can be read. @param {any} found @param {any} expected @param {string} what */
export function sameTold(found, expected, what) {
  for (const [name, part] of Object.entries(expected)) {
    if (!Array.isArray(part?.records)) {
      assert.deepEqual(found[name], part, `${what}: ${name}`)
      continue
    }
    const { records: a, ...restOfA } = found[name]
    const { records: b, ...restOfB } = part
    assert.deepEqual(restOfA, restOfB, `${what}: ${name}`)
    const at = b.findIndex((record, i) => JSON.stringify(record) !== JSON.stringify(a[i]))
    if (at >= 0) assert.deepEqual(a[at], b[at], `${what}: ${name}: record ${at} of ${b.length}`)
    assert.equal(a.length, b.length, `${what}: ${name}: records`)
  }
}
