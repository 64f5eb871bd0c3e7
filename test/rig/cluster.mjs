// The cluster under test: real processes on 127.0.0.1, each both broker and controller, configured by a server.properties as an operator would
// write it. CLUSTER=odradek (the default) runs this project's build, CLUSTER=kafka runs Apache Kafka from its jars: the tests are the same for
// both, which is how we know that it is not the test that is wrong.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dist } from './build.mjs'
import { jarsFolder, log4j } from './peers.mjs'
import { freePorts, removeFolder, spawnBound, temporaryFolder, until } from './processes.mjs'
import { ask, connect } from './wire.mjs'

export { freePorts, temporaryFolder, until }

export const underTest = process.env.CLUSTER === 'kafka' ? 'kafka' : 'odradek'
const clusterId = 'b2RyYWRlazEyMzQ1Njc4OQ'
const startTimeoutMs = 60_000
const stopTimeoutMs = 20_000
const stopGraceMs = underTest === 'kafka' ? 100 : 3000

/** How each kind of cluster is run: the arguments after the program name. */
const programs = {
  odradek: {
    server: (file) => [process.execPath, join(dist, 'cli', 'main.js'), 'server', file],
    format: (file) => [process.execPath, join(dist, 'cli', 'main.js'), 'storage', 'format', '-t', clusterId, '-c', file],
  },
  kafka: {
    server: (file) => [...java(process.env.KAFKA_SERVER_HEAP ?? '1g', 'log4j2-server.yaml'), 'kafka.Kafka', file],
    format: (file) => [...java('128m', 'log4j2.yaml'), 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', file],
  },
}

function java(heap, logging) {
  const collector = ['-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20']
  return [
    'java',
    `-Xmx${heap}`,
    `-Xms${heap}`,
    ...collector,
    `-Dlog4j2.configurationFile=${log4j(logging)}`,
    '-cp',
    join(jarsFolder(), '*'),
  ]
}

/** For sorting numbers. @param {number} a @param {number} b */
export const ascending = (a, b) => a - b

/** One process of the cluster. */
class Node {
  /** @param {{ kind: keyof typeof programs, id: number, port: number, controllerPort: number, folder: string, properties: Record<string, string | number> }} options */
  constructor({ kind, id, port, controllerPort, folder, properties }) {
    this.kind = kind
    this.id = id
    this.port = port
    this.controllerPort = controllerPort
    this.folder = folder
    this.file = join(folder, `server-${id}.properties`)
    this.logFile = join(folder, `server-${id}.log`)
    /** @type {import('node:child_process').ChildProcess | undefined} */
    this.child = undefined
    this.down = Promise.resolve()
    /** @type {{ code: number | null, signal: string | null } | undefined} how the last run ended */
    this.ended = undefined
    /** @type {Record<string, string>} of the runs to come, on top of ours */
    this.environment = {}
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}`)
    writeFileSync(this.file, `${lines.join('\n')}\n`)
  }

  get pid() {
    return this.child?.pid ?? 0
  }

  get isUp() {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null
  }

  /** Runs a program of this node's with its output appended to the node's log. @param {string[]} argv */
  run(argv) {
    const log = openSync(this.logFile, 'a')
    const child = spawnBound(argv, { stdio: ['ignore', log, log], cwd: this.folder, env: { ...process.env, ...this.environment } })
    closeSync(log)
    /** @type {Promise<void>} */
    const gone = new Promise((resolve) => {
      child.once('error', () => resolve())
      child.once('exit', (code, signal) => {
        this.ended = { code, signal }
        resolve()
      })
    })
    return { child, gone }
  }

  async format() {
    const { child, gone } = this.run(programs[this.kind].format(this.file))
    await gone
    if (child.exitCode !== 0) throw new Error(`storage format of node ${this.id} failed:\n${this.logTail()}`)
  }

  /** Spawns the process; does not wait for anything. */
  spawn() {
    const { child, gone } = this.run(programs[this.kind].server(this.file))
    this.child = child
    this.down = gone
  }

  /** @param {NodeJS.Signals} [signal] */
  kill(signal = 'SIGKILL') {
    if (this.isUp) process.kill(this.pid, signal)
  }

  /** Waits for the end of the process. */
  async waitDown(timeoutMs = stopTimeoutMs) {
    const timeout = new AbortController()
    try {
      await Promise.race([
        this.down,
        sleep(timeoutMs, undefined, { signal: timeout.signal }).then(() => {
          throw new Error(`node ${this.id} still runs after ${timeoutMs} ms`)
        }),
      ])
    } finally {
      timeout.abort()
    }
  }

  /** Starts the process again on the same data, and waits until it listens. */
  async restart() {
    if (this.isUp) throw new Error(`node ${this.id} is still running`)
    this.spawn()
    await this.waitListening()
  }

  async waitListening() {
    await until(
      `node ${this.id} listens on port ${this.port}`,
      async () => {
        if (!this.isUp) return true
        const wire = await connect(this.port)
        wire.close()
        return true
      },
      { timeoutMs: startTimeoutMs, everyMs: 10 },
    )
    if (!this.isUp) throw new Error(`node ${this.id} ended while starting:\n${this.logTail()}`)
  }

  logTail(bytes = 3000) {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8').slice(-bytes) : '(no log)'
  }

  /** Resident memory in MiB (Linux). */
  rssMiB() {
    const line = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))
    return Number(line?.[1] ?? NaN) / 1024
  }
}

/** @typedef {{ partition: number, leader: number, epoch: number, replicas: number[], isr: number[] }} Partition */

class Cluster {
  /** @param {Node[]} nodes @param {string} folder @param {boolean} ownsFolder */
  constructor(nodes, folder, ownsFolder) {
    this.nodes = nodes
    this.folder = folder
    this.ownsFolder = ownsFolder
    this.bootstrap = nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')
    this.bootstrapList = this.bootstrap.split(',')
    this.clusterId = clusterId
    /** @type {Set<Node>} stopped by SIGSTOP: up, but not to be asked */
    this.paused = new Set()
  }

  /** @param {number} id */
  node(id) {
    const found = this.nodes.find((node) => node.id === id)
    if (found === undefined) throw new Error(`no node ${id}`)
    return found
  }

  /** Sends a signal and remembers who is stopped. @param {Node} node @param {NodeJS.Signals} signal */
  signal(node, signal) {
    if (signal === 'SIGSTOP') this.paused.add(node)
    if (signal === 'SIGCONT' || signal === 'SIGKILL') this.paused.delete(node)
    node.kill(signal)
  }

  get answering() {
    return this.nodes.filter((node) => node.isUp && !this.paused.has(node))
  }

  /**
   * Asks the nodes in turn until one answers.
   * @param {import('./wire.mjs').ApiName} name @param {number} version @param {object} body
   */
  async ask(name, version, body) {
    /** @type {unknown} */
    let failure = new Error('no node is up')
    for (const node of this.answering) {
      try {
        return await ask(node.port, name, version, body)
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  /** @param {string} topic @param {Node} [node] whose view; any when absent @returns {Promise<Partition[]>} */
  async partitions(topic, node) {
    const body = { topics: [{ name: topic }], allowAutoTopicCreation: false }
    const answer = await (node === undefined ? this.ask('metadata', 12, body) : ask(node.port, 'metadata', 12, body))
    const found = answer.topics[0]
    if (found.errorCode !== 0) throw new Error(`metadata of ${topic}: error ${found.errorCode}`)
    return found.partitions
      .map((it) => ({
        partition: it.partitionIndex,
        leader: it.leaderId,
        epoch: it.leaderEpoch,
        replicas: [...it.replicaNodes],
        isr: [...it.isrNodes],
      }))
      .sort((a, b) => a.partition - b.partition)
  }

  /** The node that leads a partition. @param {string} topic @param {number} [partition] */
  leaderOf(topic, partition = 0) {
    return until(`${topic}-${partition} has a leader`, async () => {
      const leader = (await this.partitions(topic))[partition]?.leader ?? -1
      return leader >= 0 && this.node(leader)
    })
  }

  /** The node that leads the metadata quorum. */
  activeController() {
    return until('the quorum has a leader', async () => {
      const body = { topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] }
      const leader = (await this.ask('describeQuorum', 1, body)).topics[0]?.partitions[0]?.leaderId ?? -1
      return leader >= 0 && this.node(leader)
    })
  }

  /** Waits until every replica of every partition of the topics is in sync, in the eyes of all nodes that are up. @param {...string} topics */
  async waitInSync(...topics) {
    await until(
      `all replicas of ${topics.join(', ')} are in sync`,
      async () => {
        for (const node of this.answering) {
          for (const topic of topics) {
            const partitions = await this.partitions(topic, node)
            if (partitions.length === 0 || partitions.some(({ leader, isr, replicas }) => leader < 0 || isr.length < replicas.length))
              return false
          }
        }
        return true
      },
      { timeoutMs: 60_000, everyMs: 50 },
    )
  }

  /** Waits until every node knows of every other as a live broker and the quorum has a leader. */
  async waitReady() {
    const ids = this.nodes
      .map(({ id }) => id)
      .sort(ascending)
      .join()
    await until(
      'every node knows every broker',
      async () => {
        for (const node of this.nodes) {
          if (!node.isUp) throw new Error(`node ${node.id} is not running`)
          const { brokers, controllerId } = await ask(node.port, 'metadata', 12, { topics: [] })
          if (
            controllerId < 0 ||
            brokers
              .map(({ nodeId }) => nodeId)
              .sort(ascending)
              .join() !== ids
          )
            return false
        }
        return true
      },
      { timeoutMs: startTimeoutMs },
    )
    await this.activeController()
  }

  /** Resident memory of all nodes together, in MiB. */
  rssMiB() {
    return this.nodes.reduce((sum, node) => sum + node.rssMiB(), 0)
  }

  /** Ends all nodes (in order, then by force) and removes their data. Safe to call twice. */
  async stop() {
    for (const node of this.paused) node.kill('SIGCONT')
    for (const node of this.nodes) node.kill('SIGTERM')
    // a cluster that is to be thrown away need not wait for its nodes to say goodbye to one another, which takes Kafka long
    await Promise.all(this.nodes.map((node) => node.waitDown(stopGraceMs).catch(() => node.kill('SIGKILL'))))
    await Promise.all(this.nodes.map((node) => node.waitDown()))
    if (this.ownsFolder) removeFolder(this.folder)
  }

  logTails() {
    return this.nodes.map((node) => `── node ${node.id}\n${node.logTail()}`).join('\n')
  }
}

/** @typedef {{ id: number, port: number, controllerPort: number }} Address */

/**
 * Formats and starts a cluster and waits until it is ready.
 * @param {object} [options]
 * @param {number} [options.nodes]
 * @param {string} [options.dir] where the data lie; a temporary folder, removed at the end, when absent
 * @param {Record<string, string | number>} [options.properties] further lines of every server.properties
 * @param {(addresses: readonly Address[], folder: string) => Promise<readonly Record<string, string | number>[]>} [options.perNode] further lines of each one
 * @param {keyof typeof programs} [options.kind] in place of the one under test
 * @param {boolean} [options.start] false: only formatted, `node.spawn()` is the caller's
 */
export async function startCluster({ nodes: count = 3, dir, properties = {}, perNode, start = true, kind = underTest } = {}) {
  if (kind === 'odradek' && !existsSync(join(dist, 'cli', 'main.js'))) {
    throw new Error('the project is not compiled: npm run build')
  }
  const folder = dir ?? temporaryFolder('cluster')
  const ports = await freePorts(count * 2)
  const ids = Array.from({ length: count }, (_, index) => index + 1)
  const voters = ids.map((id) => `${id}@127.0.0.1:${ports[count + id - 1]}`).join(',')
  const addresses = ids.map((id) => ({ id, port: ports[id - 1] ?? 0, controllerPort: ports[count + id - 1] ?? 0 }))
  const own = (await perNode?.(addresses, folder)) ?? []
  const replicas = Math.min(3, count)
  const nodes = ids.map((id) => {
    mkdirSync(join(folder, `data-${id}`), { recursive: true })
    const agreed = 'zookeeper.connect' in properties ? {} : { 'process.roles': 'broker,controller', 'controller.quorum.voters': voters }
    const common = {
      ...agreed,
      'node.id': id,
      listeners: `PLAINTEXT://127.0.0.1:${ports[id - 1]},CONTROLLER://127.0.0.1:${ports[count + id - 1]}`,
      'controller.listener.names': 'CONTROLLER',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'log.dirs': join(folder, `data-${id}`),
      'num.partitions': 1,
      'default.replication.factor': replicas,
      'offsets.topic.replication.factor': replicas,
      'min.insync.replicas': Math.min(2, count),
    }
    return new Node({
      kind,
      id,
      port: ports[id - 1] ?? 0,
      controllerPort: ports[count + id - 1] ?? 0,
      folder,
      properties: { ...common, ...properties, ...own[id - 1] },
    })
  })
  const cluster = new Cluster(nodes, folder, dir === undefined)
  try {
    await Promise.all(nodes.map((node) => node.format()))
    if (!start) return cluster
    for (const node of nodes) node.spawn()
    await Promise.all(nodes.map((node) => node.waitListening()))
    await cluster.waitReady()
    return cluster
  } catch (error) {
    const logs = cluster.logTails()
    await cluster.stop()
    throw new Error(`the cluster did not start: ${error instanceof Error ? error.message : String(error)}\n${logs}`, { cause: error })
  }
}
