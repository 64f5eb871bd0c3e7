// From starting the cluster to the first acknowledgement: spawns the nodes (formatted before), and a Java client that is already up waits for a
// listener, creates a topic with 3 replicas and sends one record with acks=all.
//   node test/measure/start.mjs [--runs 5] [--npm-start]     --npm-start: spawns `npm start` on free ports and an empty folder instead
// CLUSTER=kafka measures Apache Kafka.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startCluster, underTest } from '../rig/cluster.mjs'
import { Java } from '../rig/java.mjs'
import { root } from '../rig/peers.mjs'
import { spawnBound, temporaryFolder } from '../rig/processes.mjs'

const { values } = parseArgs({ options: { runs: { type: 'string', default: '5' }, 'npm-start': { type: 'boolean', default: false } } })
const nowMicros = () => Number(process.hrtime.bigint() / 1000n)
const java = new Java()
await java.run('firstAckPrepare')

/** @param {string} bootstrap @param {number} begin */
async function firstAck(bootstrap, begin) {
  const it = await java.run('firstAck', { bootstrap, topic: 'first' })
  return [it.listeningMicros, it.createdMicros, it.ackMicros].map((at) => (at - begin) / 1000)
}

async function ofNodes() {
  const cluster = await startCluster({ start: false })
  const begin = nowMicros()
  for (const node of cluster.nodes) node.spawn()
  try {
    return await firstAck(cluster.bootstrap, begin)
  } finally {
    await cluster.stop()
  }
}

async function ofNpmStart() {
  // Three nodes take three neighbouring ports from this one on, and their controllers three more a thousand above: below the ports that
  // systems give out by themselves.
  const port = 20_000 + 10 * Math.floor(Math.random() * 1_000)
  const argv = ['npm', 'start', '--', '--port', String(port), '--data', temporaryFolder('start')]
  const begin = nowMicros()
  const child = spawnBound(argv, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  try {
    return await firstAck([port, port + 1, port + 2].map((it) => `127.0.0.1:${it}`).join(), begin)
  } finally {
    child.kill('SIGTERM')
    await new Promise((resolve) => child.once('close', resolve))
  }
}

const totals = []
process.stdout.write(
  `${values['npm-start'] ? join('npm start') : underTest}: ms from spawn to a listener, to the topic, to the first ack\n`,
)
for (let i = 0; i < Number(values.runs); i += 1) {
  const figures = await (values['npm-start'] ? ofNpmStart() : ofNodes())
  totals.push(figures[2] ?? NaN)
  process.stdout.write(`${figures.map((it) => it.toFixed(0).padStart(8)).join('')}\n`)
}
totals.sort((a, b) => a - b)
process.stdout.write(`first ack: median ${totals[Math.floor(totals.length / 2)]?.toFixed(0)} ms, worst ${totals.at(-1)?.toFixed(0)} ms\n`)
await java.stop()
process.exit(0)
