// Nodes lose their power under load: brokers on loop-mounted ext4 images (disks.mjs) and producers that keep exact books (books.mjs).
//   node test/storage/power-cut.mjs [--rounds 3] [--all 3] [--mode durable|default|both] [--seconds 2]
// --rounds: rounds in which one node at a time loses its power; --all: rounds in which all three lose it at once.
//
// durable (flush.messages=1): nothing acknowledged is lost, whoever loses power and when. default: the same while one in-sync replica keeps its
// memory; when all lose it at once nothing is promised, and the figure says what went.
import { pathToFileURL } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startCluster } from '../rig/cluster.mjs'
import { temporaryFolder } from '../rig/processes.mjs'
import { Books } from './books.mjs'
import { clusterClient } from './build.mjs'
import { needsLoopDevices, PowerDisks } from './disks.mjs'

const partitions = 6
const topic = 'cut'

const modes = {
  durable: { 'log.flush.interval.messages': 1 },
  default: {},
}

/** A cluster on such disks. */
export class PowerRig {
  /** @param {keyof typeof modes} mode */
  static async start(mode) {
    const disks = new PowerDisks(temporaryFolder('power'))
    try {
      const cluster = await startCluster({
        kind: 'odradek',
        properties: { ...modes[mode], 'controlled.shutdown.enable': 'true' },
        perNode: async (addresses) => addresses.map(({ id }) => ({ 'log.dirs': disks.mount(id) })),
      })
      return new PowerRig(cluster, disks)
    } catch (error) {
      disks.unmount()
      throw error
    }
  }

  constructor(cluster, disks) {
    this.cluster = cluster
    this.disks = disks
    this.topics = 0
  }

  /**
   * One round: load, the power of some goes, it comes back, and all is counted.
   * @param {number} seconds of load before @param {(id: number) => boolean} hits
   */
  async round(seconds, hits) {
    const { cluster, disks } = this
    this.topics += 1
    const name = `${topic}-${this.topics}`
    await this.createTopic(name)
    const books = new Books(cluster.nodes, name, partitions)
    books.start()
    await sleep(seconds * 1000)
    const nodes = cluster.nodes.filter(({ id }) => hits(id))
    const ids = nodes.map(({ id }) => id)
    const begin = performance.now()
    // They stop at one moment, and nothing that they say afterwards comes from a disk that is copied later
    for (const node of nodes) node.kill('SIGSTOP')
    disks.cut(ids)
    for (const node of nodes) node.kill('SIGKILL')
    await Promise.all(nodes.map((node) => node.waitDown()))
    disks.restore(ids)
    await Promise.all(nodes.map((node) => node.restart()))
    await cluster.waitInSync(name)
    const healedMs = performance.now() - begin
    await sleep(500)
    await books.stop()
    const sum = await books.audit()
    return { ...sum, unknown: books.unknown, healedMs, errors: books.errors }
  }

  async createTopic(name) {
    const client = clusterClient(this.cluster.nodes)
    const limit = { timeoutMs: 30_000 }
    await client.createTopics([{ name, partitions, replicationFactor: 3 }], limit)
    client.close()
    await this.cluster.waitInSync(name)
  }

  async stop() {
    await this.cluster.stop()
    this.disks.unmount()
  }
}

const line = (name, it) =>
  `${name}: ${it.acknowledged} acknowledged, ${it.lost} lost, ${it.doubled} doubled, ${it.moved} elsewhere, ${it.unknown} unknown; in sync after ${(it.healedMs / 1000).toFixed(1)} s\n`

/** What the disks have room for. */
const roundsPerCluster = 30

/** @param {keyof typeof modes} mode @param {number} ones @param {number} alls @param {number} seconds */
export async function rounds(mode, ones, alls, seconds, tell = (/** @type {string} */ _text) => {}) {
  const results = { one: [], all: [] }
  for (let done = 0; done < ones; done += roundsPerCluster)
    await someRounds(mode, { ones: Math.min(roundsPerCluster, ones - done), alls: 0, seconds, results, tell })
  for (let done = 0; done < alls; done += roundsPerCluster)
    await someRounds(mode, { ones: 0, alls: Math.min(roundsPerCluster, alls - done), seconds, results, tell })
  return results
}

/** Of one cluster. */
async function someRounds(mode, { ones, alls, seconds, results, tell }) {
  const rig = await PowerRig.start(mode)
  try {
    for (let i = 0; i < ones; i += 1) {
      const id = 1 + (i % 3)
      // Not always after the same time: a sync, a roll or an election may be under way
      results.one.push(await rig.round(seconds * (0.6 + 0.8 * Math.random()), (it) => it === id))
      tell(line(`${mode}, node ${id} (${i + 1} of ${ones})`, results.one.at(-1)))
    }
    for (let i = 0; i < alls; i += 1) {
      results.all.push(await rig.round(seconds * (0.6 + 0.8 * Math.random()), () => true))
      tell(line(`${mode}, all at once (${i + 1} of ${alls})`, results.all.at(-1)))
    }
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.stack : String(error)}\n${rig.cluster.logTails()}`, { cause: error })
  } finally {
    await rig.stop()
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      all: { type: 'string', default: '3' },
      mode: { type: 'string', default: 'both' },
      seconds: { type: 'string', default: '2' },
    },
  })
  const reason = needsLoopDevices()
  if (reason !== undefined) {
    process.stderr.write(`${reason}\n`)
    return 69
  }
  let lost = 0
  for (const mode of values.mode === 'both' ? ['durable', 'default'] : [values.mode]) {
    const found = await rounds(mode, Number(values.rounds), Number(values.all), Number(values.seconds), (text) =>
      process.stdout.write(text),
    )
    for (const kind of ['one', 'all']) {
      const of = found[kind]
      if (of.length === 0) continue
      const sum = (name) => of.reduce((all, it) => all + it[name], 0)
      const share = ((100 * sum('lost')) / Math.max(1, sum('acknowledged'))).toFixed(3)
      process.stdout.write(
        `${mode}, ${kind}: ${of.length} rounds, ${sum('acknowledged')} acknowledged, ${sum('lost')} lost (${share} %), ` +
          `${sum('doubled')} doubled, ${sum('moved')} elsewhere\n`,
      )
      if (mode === 'durable' || kind === 'one') lost += sum('lost') + sum('moved') + sum('doubled')
    }
  }
  return lost === 0 ? 0 : 1
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exit(await main())
