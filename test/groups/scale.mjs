// Groups at the sizes that this machine is to bear: a thousand members in one group, a thousand groups, a hundred members that rebalance.
//   node test/groups/scale.mjs [--members 1000] [--groups 1000] [--rebalancing 100] [--rounds 10]
// CLUSTER=kafka measures Apache Kafka in the same way. What exactly is measured stands at the head of crowd.mjs.
import { parseArgs } from 'node:util'
import { startCluster, underTest } from '../rig/cluster.mjs'
import { ClassicCrowd, ConsumerCrowd, makeTopic, ManyGroups } from './crowd.mjs'

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '1000' },
    groups: { type: 'string', default: '1000' },
    rebalancing: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '10' },
  },
})
const initialDelayMs = 1000
const members = Number(values.members)
const rebalancing = Number(values.rebalancing)
const rounds = Number(values.rounds)

const quantile = (numbers, share) =>
  numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.ceil(share * numbers.length) - 1)] ?? NaN
const say = (text) => process.stdout.write(`${text}\n`)
const spread = (numbers) =>
  `p50 ${quantile(numbers, 0.5).toFixed(1)}, p99 ${quantile(numbers, 0.99).toFixed(1)}, max ${Math.max(...numbers).toFixed(1)} ms`

// a thousand connections take their time, and the first generation is to be one of all members
const cluster = await startCluster({
  properties: {
    'group.initial.rebalance.delay.ms': initialDelayMs,
    'group.consumer.min.heartbeat.interval.ms': 100,
    'group.consumer.assignment.interval.ms': Number(process.env.ASSIGNMENT_INTERVAL_MS ?? 1000),
  },
})
const memory = () => say(`  memory of the brokers: ${cluster.nodes.map((node) => node.rssMiB().toFixed(0)).join(', ')} MiB`)

/** @param {number} size @param {number} times */
async function classic(size, times) {
  const crowd = new ClassicCrowd(cluster, `classic-${size}`, 'crowd', 1000, size)
  const first = await crowd.rebalance()
  say(
    `${size} classic members in one group: first generation, last join to all synced (it waits ${initialDelayMs} ms for more) ${first.lastJoinToSyncedMs.toFixed(0)} ms`,
  )
  const all = []
  for (let i = 0; i < times; i += 1) all.push(await crowd.rebalance())
  say(
    `  rebalances, last join to all synced: ${spread(all.map((it) => it.lastJoinToSyncedMs))}; first join to all synced: ${spread(all.map((it) => it.firstJoinToSyncedMs))}`,
  )
  const began = performance.now()
  await crowd.beat()
  say(`  a heartbeat of each: ${(performance.now() - began).toFixed(0)} ms`)
  crowd.close()
}

/** @param {number} size */
async function consumer(size) {
  const crowd = new ConsumerCrowd(cluster, `consumer-${size}`, 'crowd', 1000, size)
  const { lastJoinToStableMs, joinsMs } = await crowd.grow()
  say(
    `${size} members in one consumer group: last join to stable ${lastJoinToStableMs.toFixed(0)} ms (joins took ${joinsMs.toFixed(0)} ms)`,
  )
  await crowd.leave()
}

/** @param {'classic' | 'consumer'} protocol */
async function many(protocol) {
  const groups = new ManyGroups(cluster, `many-${protocol}`, 'single', Number(values.groups), protocol)
  say(`${values.groups} ${protocol} groups of one member: all live and committed after ${(await groups.start()).toFixed(0)} ms`)
  say(`  a commit in each, ten at a time: ${spread(await groups.commits(2))}`)
  groups.close()
}

try {
  say(underTest)
  await makeTopic(cluster, 'crowd', 1000)
  await makeTopic(cluster, 'single', 1)
  const warm = new ClassicCrowd(cluster, 'warm', 'crowd', 1000, 1)
  await warm.rebalance()
  warm.close()
  await cluster.waitInSync('__consumer_offsets')
  memory()
  await classic(rebalancing, rounds)
  await classic(members, 3)
  memory()
  await consumer(rebalancing)
  await consumer(members)
  memory()
  await many('classic')
  await many('consumer')
  memory()
} finally {
  await cluster.stop()
}
process.exit(0)
