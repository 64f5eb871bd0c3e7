// Kafka's own dump-log over every file of a cluster that was busy: producers in all codecs, groups, compaction, retention and DeleteRecords while
// it ran, killed at the end. And a node that may open fewer files than it has segments. The first needs Kafka's jars and Java.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startCluster, until } from '../rig/cluster.mjs'
import { buildBatch } from '../rig/build.mjs'
import { Java } from '../rig/java.mjs'
import { jarsFolder, log4j, onPath, without } from '../rig/peers.mjs'
import { connect } from '../rig/wire.mjs'
import { Story, storyProperties } from './story.mjs'

const complaints = /exception|corrupt|mismatch|out of order|isvalid: false|Found timestamp|not found|failed|Could not/gi

/** @param {...string} args */
function dumpLog(...args) {
  const jvm = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Dlog4j2.configurationFile=${log4j('log4j2.yaml')}`]
  const command = [...jvm, '-cp', join(jarsFolder(), '*'), 'org.apache.kafka.tools.DumpLogSegments', ...args]
  const { status, stdout, stderr } = spawnSync('java', command, { encoding: 'utf8', maxBuffer: 1 << 29 })
  assert.equal(status, 0, stderr)
  // what clients wrote is not ours to judge
  const text = stdout.replace(/ payload: .*$/gm, '')
  assert.deepEqual(
    text.match(complaints),
    null,
    text.split('\n').find((line) => line.match(complaints) !== null),
  )
  return stdout
}

/** Files of all partitions whose folder the pattern takes. @param {string} data @param {RegExp} folders @param {string} suffix */
function filesOf(data, folders, suffix) {
  return readdirSync(data, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && folders.test(entry.name))
    .flatMap((entry) => readdirSync(join(data, entry.name)).map((name) => join(data, entry.name, name)))
    .filter((path) => path.endsWith(suffix))
}

test("Kafka's dump-log finds nothing wrong in any file of a busy cluster", { skip: without('java') }, async () => {
  const properties = { ...storyProperties, 'log.retention.check.interval.ms': 200 }
  const cluster = await startCluster({ kind: 'odradek', nodes: 1, properties })
  const java = new Java()
  try {
    const story = new Story(cluster, java)
    await story.makeTopics()
    await story.write()
    await story.run('alterConfigs', { type: 'TOPIC', name: 'segments', set: { 'retention.bytes': 1 << 20 } })
    await until('retention has been at work', async () => (await story.run('offsets', { topic: 'segments' })).beginning['0'] > 0)
    await story.write()
    const [node] = cluster.nodes
    node?.kill('SIGKILL')
    await node?.waitDown()
    const data = join(cluster.folder, 'data-1')
    const everything = /^(?!__cluster_metadata).*-\d+$/
    const logs = filesOf(data, everything, '.log')
    assert.ok(logs.length > 20, `${logs.length} segments`)
    const dumped = dumpLog('--deep-iteration', '--print-data-log', '--files', logs.join(','))
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) assert.ok(dumped.includes(`compresscodec: ${codec}`), codec)
    const indexes = [...filesOf(data, everything, '.index'), ...filesOf(data, everything, '.timeindex')]
    for (const flag of ['--index-sanity-check', '--verify-index-only']) dumpLog(flag, '--files', indexes.join(','))
    const snapshots = filesOf(data, everything, '.snapshot')
    assert.match(dumpLog('--files', snapshots.join(',')), /producerId: /)
    const offsets = dumpLog('--offsets-decoder', '--files', filesOf(data, /^__consumer_offsets-/, '0.log').join(','))
    assert.match(offsets, /"group":"readers"/)
    const metadata = dumpLog('--cluster-metadata-decoder', '--files', filesOf(data, /^__cluster_metadata-0$/, '.log').join(','))
    assert.match(metadata, /"type":"TOPIC_RECORD".*"name":"compacted"/)
  } finally {
    await java.kill()
    await cluster.stop()
  }
})

test(
  'a node with more segments than it may open files serves all of them, and starts again',
  { skip: onPath('prlimit') === undefined && 'needs prlimit' },
  async () => {
    const partitions = 300
    const cluster = await startCluster({ kind: 'odradek', nodes: 1, start: false })
    const [node] = cluster.nodes
    assert.ok(node !== undefined)
    const limited = async () => {
      node.spawn()
      const { status } = spawnSync('prlimit', ['--pid', String(node.pid), '--nofile=700:700'])
      assert.equal(status, 0)
      await node.waitListening()
      await cluster.waitReady()
    }
    try {
      await limited()
      const configs = [{ name: 'segment.bytes', value: String(1 << 20) }]
      const topic = { name: 'many', numPartitions: partitions, replicationFactor: 1, assignments: [], configs }
      await cluster.ask('createTopics', 6, { topics: [topic], timeoutMs: 10_000 })
      await cluster.waitInSync('many')
      // two batches that do not fit into one segment together
      const value = Buffer.alloc(600_000, 'v')
      const wire = await connect(node.port)
      for (let i = 0; i < partitions * 2; i += 1) {
        const records = buildBatch({ timestamp: Date.now() }, [{ key: Buffer.from(String(i)), value }])
        const topicData = [{ name: 'many', partitionData: [{ index: i % partitions, records }] }]
        const { responses } = await wire.call('produce', 11, { acks: -1, timeoutMs: 5000, topicData })
        assert.equal(responses[0].partitionResponses[0].errorCode, 0)
      }
      wire.close()
      for (const signal of /** @type {const} */ (['SIGKILL', 'SIGTERM'])) {
        const open = readdirSync(`/proc/${node.pid}/fd`).length
        assert.ok(open < 700, `${open} files are open`)
        node.kill(signal)
        await node.waitDown()
        assert.doesNotMatch(readFileSync(node.logFile, 'utf8'), /EMFILE/)
        await limited()
        await cluster.waitInSync('many')
        await readEverything(node.port, partitions)
      }
      assert.equal(filesOf(join(cluster.folder, 'data-1'), /^many-/, '.log').length, partitions * 2)
    } finally {
      await cluster.stop()
    }
  },
)

/** @param {number} port @param {number} partitions each of them has two records */
async function readEverything(port, partitions) {
  const wire = await connect(port)
  for (let partition = 0; partition < partitions; partition += 1) {
    for (const fetchOffset of [0, 1]) {
      const topics = [{ topic: 'many', partitions: [{ partition, fetchOffset, partitionMaxBytes: 1 }] }]
      const { responses } = await wire.call('fetch', 12, { maxWaitMs: 0, minBytes: 1, maxBytes: 1 << 20, topics })
      assert.ok((responses[0].partitions[0].records?.length ?? 0) > 600_000, `many-${partition} at ${fetchOffset}`)
    }
  }
  wire.close()
}
