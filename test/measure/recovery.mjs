// How long a node takes to come back to what it stores.
//   node test/measure/recovery.mjs --killed [--mib 1024]                       one of three nodes with a partition of that size is killed (-9)
//   node test/measure/recovery.mjs --stopped [--partitions 1000] [--mib 10240] a node alone with so many partitions is stopped in order
// From spawn to: it listens; the partition is in sync again, or all partitions have a leader. What was written is in the page cache, as after the
// death of a process; --cold asks the system to drop what it has of the files first (Linux, as root). CLUSTER=kafka measures Apache Kafka.
// Needs room for the data (three times for --killed) in the folder for temporary files, and removes it.
import { statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { startCluster, underTest } from '../rig/cluster.mjs'
import { buildBatch } from '../rig/build.mjs'
import { connect } from '../rig/wire.mjs'

const { values } = parseArgs({
  options: {
    killed: { type: 'boolean', default: false },
    stopped: { type: 'boolean', default: false },
    cold: { type: 'boolean', default: false },
    partitions: { type: 'string', default: '1000' },
    mib: { type: 'string' },
    runs: { type: 'string', default: '3' },
  },
})
const megabyte = 1 << 20
const topic = 'stored'
const say = (text) => process.stdout.write(`${text}\n`)

/** A little below what a message may have at most by default. */
function batchOf(bytes) {
  const value = Buffer.alloc(1000, 'v')
  return buildBatch(
    { timestamp: Date.now() },
    Array.from({ length: Math.max(1, Math.floor(bytes / 1020)) }, (_, i) => ({ key: Buffer.from(String(i)), value })),
  )
}

/** @typedef {Awaited<ReturnType<typeof startCluster>>} Cluster */

/** @param {Cluster} cluster @param {number} partitions @param {number} mib of all partitions together */
async function fill(cluster, partitions, mib) {
  const leader = await cluster.leaderOf(topic)
  const wire = await connect(leader.port)
  const batch = batchOf(megabyte)
  for (let i = 0; i < mib; i += 1) {
    const topicData = [{ name: topic, partitionData: [{ index: i % partitions, records: Buffer.from(batch) }] }]
    const { responses } = await wire.call('produce', 11, { acks: -1, timeoutMs: 30_000, topicData }, 60_000)
    const { errorCode } = responses[0].partitionResponses[0]
    if (errorCode !== 0) throw new Error(`produce: error ${errorCode}`)
  }
  wire.close()
}

/** @param {Cluster} cluster @param {number} partitions */
async function create(cluster, partitions) {
  const numbers = { numPartitions: partitions, replicationFactor: cluster.nodes.length }
  await cluster.ask('createTopics', 6, { topics: [{ name: topic, ...numbers, assignments: [], configs: [] }], timeoutMs: 10_000 })
  await cluster.waitInSync(topic)
}

/** @param {number} mib */
function checkRoom(mib) {
  const { bavail, bsize } = statfsSync(tmpdir())
  const free = Math.floor((bavail * bsize) / megabyte)
  if (free < mib * 1.2) throw new Error(`${mib} MiB are needed in ${tmpdir()}, ${free} MiB are free`)
}

/** Ends one node, starts it again, and measures until all is in sync in its own eyes. @param {Cluster} cluster @param {NodeJS.Signals} signal */
async function comeBack(cluster, signal) {
  const node = signal === 'SIGKILL' ? await cluster.leaderOf(topic) : cluster.node(1)
  node.kill(signal)
  await node.waitDown(60_000)
  if (values.cold) writeFileSync('/proc/sys/vm/drop_caches', '1')
  const begin = performance.now()
  node.spawn()
  await node.waitListening()
  const listening = performance.now() - begin
  await cluster.waitInSync(topic)
  return { listening, ready: performance.now() - begin }
}

/** @param {{ nodes: number, partitions: number, mib: number, signal: NodeJS.Signals }} options */
async function measure({ nodes, partitions, mib, signal }) {
  checkRoom(mib * nodes)
  const cluster = await startCluster({ nodes })
  try {
    await create(cluster, partitions)
    const begin = performance.now()
    await fill(cluster, partitions, mib)
    say(
      `${underTest}: ${partitions} partitions, ${mib} MiB on each of ${nodes} nodes, written in ${((performance.now() - begin) / 1000).toFixed(1)} s`,
    )
    for (let run = 0; run < Number(values.runs); run += 1) {
      const { listening, ready } = await comeBack(cluster, signal)
      say(`after ${signal}: listens after ${listening.toFixed(0)} ms, all in sync after ${ready.toFixed(0)} ms`)
    }
    for (const line of cluster.logTails().split('\n')) if (/logs-load|in service after/.test(line)) say(`  ${line.slice(26)}`)
  } finally {
    await cluster.stop()
  }
}

if (values.killed) await measure({ nodes: 3, partitions: 1, mib: Number(values.mib ?? 1024), signal: 'SIGKILL' })
if (values.stopped) await measure({ nodes: 1, partitions: Number(values.partitions), mib: Number(values.mib ?? 10_240), signal: 'SIGTERM' })
process.exit(0)
