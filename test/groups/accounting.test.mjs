// A live producer, and members that consume and commit while others join, leave, are killed and are stopped for longer than their session,
// and while the coordinator is killed: every record is delivered at least once and in order, no partition has two owners at once, and no
// committed offset is lost or moved back. Both protocols, each member a stock Java consumer in a process of its own.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, test } from 'node:test'
import { startCluster, until } from '../rig/cluster.mjs'
import { Java } from '../rig/java.mjs'
import { without } from '../rig/peers.mjs'
import { Account } from './account.mjs'
import { coordinatorOf, readOffsets } from '../rig/raw-groups.mjs'
import { briskBroker, MemberProcess, nowMicros, protocols } from './workload.mjs'

const partitions = [0, 1, 2, 3, 4, 5]
const intervalMs = 10
const sessionMs = 3000
const watchEveryMs = 100
/** What a fault takes away is somebody's again within the session, the time of a rebalance and some patience (G-6). */
const settleTimeoutMs = 25_000

/** One run of the workload with one protocol. */
class Workload {
  /** @param {Awaited<ReturnType<typeof startCluster>>} cluster @param {Java} java @param {'classic' | 'consumer'} protocol */
  constructor(cluster, java, protocol) {
    this.cluster = cluster
    this.java = java
    this.protocol = protocol
    this.topic = `accounted-${protocol}`
    this.group = `accounting-${protocol}`
    this.account = new Account()
    /** @type {Map<string, MemberProcess>} */
    this.processes = new Map()
    this.watching = Promise.resolve()
    this.stopped = false
  }

  async start() {
    const { bootstrap } = this.cluster
    await this.java.run('createTopic', { bootstrap, topic: this.topic, partitions: partitions.length })
    await this.cluster.waitInSync(this.topic)
    await this.java.run('loadStart', { bootstrap, topic: this.topic, partitions, intervalMs, props: {} })
  }

  /** @param {...string} names */
  join(...names) {
    for (const name of names) {
      const process = new MemberProcess(this.account)
      this.processes.set(name, process)
      process.open(name, {
        group: this.group,
        bootstrap: this.cluster.bootstrap,
        topic: this.topic,
        props: protocols[this.protocol],
        commitEveryMs: 20,
      })
    }
  }

  /** @param {string} name */
  process(name) {
    const found = this.processes.get(name)
    if (found === undefined) throw new Error(`no member ${name}`)
    return found
  }

  /** Waits until these members share all partitions and commit in each of them. @param {...string} names */
  async shared(...names) {
    const began = nowMicros()
    await until(
      `${names.join(', ')} share the partitions of ${this.topic} and commit (now ${JSON.stringify([...this.account.holding(this.group)])})`,
      () => {
        const holding = this.account.holding(this.group)
        const all = [...holding.values()].flat()
        if (all.length !== partitions.length || new Set(all).size !== all.length) return false
        if ([...holding.keys()].some((name) => !names.includes(name)) || holding.size !== names.length) return false
        return names.every((name) => this.account.hasCommittedSince(name, began))
      },
      { timeoutMs: settleTimeoutMs },
    )
  }

  /** Reads what is committed again and again, beside the members. */
  watch() {
    this.account.open('watch', this.group)
    this.watching = (async () => {
      while (!this.stopped) {
        await readOffsets(this.cluster, this.group, this.topic, partitions).then(
          (read) => this.account.take({ event: 'read', member: 'watch', ...read }),
          () => {},
        )
        await sleep(watchEveryMs)
      }
    })()
  }

  /** Ends the load and waits until everything is consumed and committed. @returns {Promise<Record<number, number>>} records by partition */
  async drain() {
    const { sent, acknowledged, errors } = await this.java.run('loadStop')
    assert.deepEqual(errors, {})
    assert.equal(acknowledged, sent)
    const produced = Object.fromEntries(partitions.map((partition) => [partition, sent / partitions.length]))
    await until(
      'all is consumed and committed',
      () => partitions.every((partition) => this.account.highestCommitted(this.group, partition) === produced[partition]),
      { timeoutMs: settleTimeoutMs },
    )
    return produced
  }

  async stop() {
    this.stopped = true
    await this.watching
    await Promise.all([...this.processes.values()].map((process) => process.end()))
  }
}

describe('a consume-and-commit workload is accounted for', { skip: without('java') }, () => {
  /** @type {Awaited<ReturnType<typeof startCluster>>} */
  let cluster
  /** @type {Java} */
  let java
  before(async () => {
    cluster = await startCluster({ properties: { ...briskBroker, 'offsets.topic.num.partitions': 5 } })
    java = new Java()
  })
  after(async () => {
    await java?.stop()
    await cluster?.stop()
  })

  for (const protocol of /** @type {const} */ (['classic', 'consumer'])) {
    test(`members of the ${protocol} protocol join, leave, are killed and are stopped`, async (t) => {
      const load = new Workload(cluster, java, protocol)
      try {
        await load.start()
        load.join('anna', 'bert', 'carl')
        load.watch()
        await load.shared('anna', 'bert', 'carl')
        load.join('dora')
        await load.shared('anna', 'bert', 'carl', 'dora')
        await load.process('anna').close()
        await load.shared('bert', 'carl', 'dora')
        await load.process('bert').kill()
        load.join('emil')
        await load.shared('carl', 'dora', 'emil')
        load.process('carl').pause()
        await load.shared('dora', 'emil')
        await sleep(sessionMs)
        load.process('carl').resume()
        await load.shared('carl', 'dora', 'emil')
        const coordinator = await coordinatorOf(cluster, load.group)
        cluster.signal(coordinator, 'SIGKILL')
        await coordinator.waitDown()
        await load.shared('carl', 'dora', 'emil')
        await coordinator.restart()
        await load.shared('carl', 'dora', 'emil')
        const produced = await load.drain()
        for (const name of ['carl', 'dora', 'emil']) await load.process(name).close()
        const read = await readOffsets(cluster, load.group, load.topic, partitions)
        load.account.take({ event: 'read', member: 'watch', ...read })
        t.diagnostic(
          `${load.account.deliveries.reduce((sum, { first, last }) => sum + last - first + 1, 0)} deliveries of ${Object.values(produced).reduce((a, b) => a + b)} records (${load.account.repeated(load.group)} again), ${load.account.acknowledged(load.group).length} commits acknowledged`,
        )
        assert.deepEqual(load.account.missing(load.group, produced), [])
        assert.deepEqual(load.account.breaches(load.group, partitions), [])
        assert.deepEqual(read.offsets, produced)
      } catch (error) {
        t.diagnostic(JSON.stringify(load.account.told.slice(-30)))
        t.diagnostic([...load.processes].map(([name, { stderr }]) => `${name}: ${stderr.slice(-800)}`).join('\n'))
        throw error
      } finally {
        await load.stop()
      }
    })
  }
})
