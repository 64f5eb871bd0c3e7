// How large the cluster is: resident memory of its three nodes when idle and with 1,000 partitions of 3 replicas, and how long those take to make.
//   node test/measure/size.mjs [--partitions 1000] [--settle 10]
// CLUSTER=kafka measures Apache Kafka (KAFKA_SERVER_HEAP as its own start script has it: 1g).
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startCluster, underTest } from '../rig/cluster.mjs'
import { Java } from '../rig/java.mjs'

const { values } = parseArgs({ options: { partitions: { type: 'string', default: '1000' }, settle: { type: 'string', default: '10' } } })
const count = Number(values.partitions)
const settleMs = Number(values.settle) * 1000
const cluster = await startCluster()
const java = new Java()
const rss = () => `${cluster.rssMiB().toFixed(0)} MiB (${cluster.nodes.map((node) => node.rssMiB().toFixed(0)).join(' + ')})`
try {
  await java.run('describeCluster', { bootstrap: cluster.bootstrap }) // loads the client's classes
  await sleep(settleMs)
  process.stdout.write(`${underTest}, three nodes\nidle: ${rss()}\n`)
  const started = performance.now()
  await java.run('createTopic', { bootstrap: cluster.bootstrap, topic: 'many', partitions: count, replicationFactor: 3 })
  const created = performance.now() - started
  await cluster.waitInSync('many')
  const ready = performance.now() - started
  process.stdout.write(
    `${count} partitions of 3 replicas: createTopics ${created.toFixed(0)} ms, every node sees all in sync after ${ready.toFixed(0)} ms\n`,
  )
  await sleep(settleMs)
  process.stdout.write(`with ${count} partitions: ${rss()}\n`)
  await java.run('produceMany', { bootstrap: cluster.bootstrap, topic: 'many', count: count * 10, size: 100 })
  await sleep(settleMs)
  process.stdout.write(`after ${count * 10} records over all of them: ${rss()}\n`)
} finally {
  await java.stop()
  await cluster.stop()
}
process.exit(0)
