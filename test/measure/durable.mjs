// What a sync before each acknowledgement costs: acks=all on one cluster of three, topics with and without flush.messages=1, by turns.
//   node test/measure/durable.mjs [--seconds 3] [--turns 3] [--dir FOLDER]     --dir: on which disk
// Latency: one producer, one record at a time. Many: 64 producers, one record each at a time, all to one partition (what group commit is for).
// Bulk: 12 partitions, each with a batch of 100 records of 1,000 bytes under way. The producers are ours, in this process: it shares the machine.
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ascending, startCluster } from '../rig/cluster.mjs'
import { clusterClient } from '../storage/build.mjs'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '3' }, turns: { type: 'string', default: '3' }, dir: { type: 'string' } },
})
const seconds = Number(values.seconds)
const limit = { timeoutMs: 30_000 }
const bulkPartitions = 12
const modes = ['default', 'durable']

/** @typedef {{ producers: number, partitions: number, records: number, bytes: number }} Load */

/** @type {Record<string, Load>} */
const loads = {
  latency: { producers: 1, partitions: 1, records: 1, bytes: 100 },
  many: { producers: 64, partitions: 1, records: 1, bytes: 100 },
  bulk: { producers: bulkPartitions, partitions: bulkPartitions, records: 100, bytes: 1000 },
}

/** @param {any} cluster @param {string} topic @param {Load} load */
async function run(cluster, topic, { producers, partitions, records, bytes }) {
  const batch = Array.from({ length: records }, () => ({ value: Buffer.alloc(bytes, 0x61) }))
  const clients = Array.from({ length: producers }, () => clusterClient(cluster.nodes, 'measure'))
  const partitionOf = (at) => ({ topic, partition: at % partitions })
  await Promise.all(clients.map((client, at) => client.produce(partitionOf(at), batch, limit)))
  /** @type {number[]} */
  const times = []
  const begin = performance.now()
  const end = begin + seconds * 1000
  await Promise.all(
    clients.map(async (client, at) => {
      for (let from = performance.now(); from < end; from = performance.now()) {
        await client.produce(partitionOf(at), batch, limit)
        times.push(performance.now() - from)
      }
    }),
  )
  const ms = performance.now() - begin
  for (const client of clients) client.close()
  return { times, perSecond: (times.length * records * 1000) / ms, megabytes: (times.length * records * bytes) / 1000 / ms }
}

const folder = values.dir === undefined ? undefined : mkdtempSync(join(values.dir, 'odradek-durable-'))
const cluster = await startCluster({ kind: 'odradek', ...(folder === undefined ? {} : { dir: folder }) })
try {
  const client = clusterClient(cluster.nodes)
  for (const mode of modes) {
    const configs = new Map(mode === 'durable' ? [['flush.messages', '1']] : [])
    for (const [name, { partitions }] of Object.entries(loads))
      await client.createTopics([{ name: `${name}-${mode}`, partitions, replicationFactor: 3, configs }], limit)
  }
  client.close()
  for (const name of Object.keys(loads)) await cluster.waitInSync(...modes.map((mode) => `${name}-${mode}`))
  process.stdout.write('               ms to the answer: p50      p99      max     records/s     MB/s\n')
  for (const [name, load] of Object.entries(loads)) {
    const found = new Map(modes.map((mode) => [mode, { times: /** @type {number[]} */ ([]), perSecond: 0, megabytes: 0 }]))
    for (let turn = 0; turn < Number(values.turns); turn += 1)
      for (const [mode, sum] of found) {
        const one = await run(cluster, `${name}-${mode}`, load)
        sum.times.push(...one.times)
        sum.perSecond += one.perSecond / Number(values.turns)
        sum.megabytes += one.megabytes / Number(values.turns)
      }
    for (const [mode, { times, perSecond, megabytes }] of found) {
      times.sort(ascending)
      const at = (share) => (times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? NaN).toFixed(2).padStart(9)
      const rate = `${perSecond.toFixed(0).padStart(14)}${megabytes.toFixed(1).padStart(9)}`
      process.stdout.write(`${name.padEnd(10)}${mode.padEnd(14)}${at(0.5).padStart(13)}${at(0.99)}${at(1)}${rate}\n`)
    }
  }
} finally {
  await cluster.stop()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
}
process.exit(0)
