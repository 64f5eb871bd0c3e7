import { assert } from '../base/assert.ts'
import type { Entropy, Log, LogLevel, Ports } from '../base/ports.ts'
import { Prng } from '../base/prng.ts'
import type { Millis, NodeId, Offset } from '../base/units.ts'
import { BrokerNode } from '../broker/broker-node.ts'
import { ClusterClient, type Endpoint } from '../client/cluster-client.ts'
import { Peer } from '../client/peer.ts'
import { configRules } from '../config/config-rules.ts'
import { parseServerConfig } from '../config/parse-server-config.ts'
import type { ServerConfig } from '../config/server-config.ts'
import { formatMetaProperties } from '../log/checkpoints.ts'
import type { ClusterImage } from '../metadata/image.ts'
import { bootstrapRecords } from '../metadata/bootstrap-records.ts'
import { METADATA_VERSION_LATEST } from '../metadata/metadata-version.ts'
import type { PartitionImage } from '../metadata/partition-image.ts'
import { batchHeaders } from '../protocol/records/batch-header.ts'
import { type DecodedRecord, decodeRecords } from '../protocol/records/records.ts'
import { writeBootstrap } from '../quorum/bootstrap.ts'
import { ControllerNode } from '../quorum/controller-node.ts'
import { observerFor, quorumFor } from '../quorum/zookeeper/for-node.ts'
import { ManualClock } from './manual-clock.ts'
import { MemoryDisk } from './memory-disk.ts'
import { MemoryNetwork, type MemoryNetworkOptions } from './memory-network.ts'
import type { Place } from './network-links.ts'
import { SimulatedProcess } from './simulated-process.ts'
import { SkewedClock } from './skewed-clock.ts'
import { ModelEnsemble } from './zookeeper/model-ensemble.ts'

const host = '127.0.0.1'
const brokerPort = 9_000
const controllerPort = 9_100
const clusterId = 'simulated-cluster'
const step: Millis = 1
const zookeeperSessionMs: Millis = 1_500
const linesKept = 60
/** A simulated node's metadata log is small. */
const ballastBytes = 128 * 1024

/** One life of a node's process. */
export interface NodeLife {
  readonly process: SimulatedProcess
  readonly broker: BrokerNode
  readonly controller: ControllerNode
  /** Both roles serve. */
  started: boolean
  /** Why it could not start or go on. */
  failure: string | null
}

export interface WorldNode {
  readonly id: NodeId
  readonly disk: MemoryDisk
  readonly config: ServerConfig
  /** The machine's own, through all lives of its process. */
  readonly clock: SkewedClock
  /** How long a call takes that the disk answers later. */
  diskDelayMs: () => Millis
  life: NodeLife | null
}

export interface LogLine {
  readonly at: Millis
  readonly node: NodeId
  readonly level: LogLevel
  readonly event: string
  readonly message: string
}

export interface WorldSurroundings {
  readonly network?: MemoryNetworkOptions
  /** Milliseconds of a node's clock for each of the world's. */
  readonly rateOf?: (id: NodeId) => number
  /** Told of every line in a node's log. */
  readonly onLine?: (line: LogLine) => void
  /** A node's program may throw, and is dead then (`life.failure`), as it would be in production; otherwise that ends the simulation. */
  readonly survivesCrashes?: boolean
  /** What the nodes agree through; without it what ODRADEK_QUORUM says, `kraft` when it says nothing. */
  readonly quorum?: 'kraft' | 'zookeeper'
}

/** Where a node stands on the network. */
export function placeOf(id: NodeId): Place {
  return `node ${id}`
}

/** Whole nodes, each broker and controller in one, on one simulated network, each with a disk of its own. */
export class ClusterWorld {
  readonly clock = new ManualClock()
  readonly network: MemoryNetwork
  readonly prng: Prng
  readonly nodes = new Map<NodeId, WorldNode>()
  readonly lines: string[] = []
  /** Null with KRaft. */
  readonly ensemble: ModelEnsemble | null
  private readonly surroundings: WorldSurroundings

  /** `properties` are laid over those that every node has; `%id` in them stands for the node's id. */
  constructor(count: number, seed: number, properties: Readonly<Record<string, string>> = {}, surroundings: WorldSurroundings = {}) {
    this.surroundings = surroundings
    this.network = new MemoryNetwork(this.clock, surroundings.network ?? { latencyMs: 1 })
    this.prng = new Prng(seed)
    const ids = Array.from({ length: count }, (_unused, at) => at + 1)
    const quorum = surroundings.quorum ?? (process.env['ODRADEK_QUORUM'] === 'zookeeper' ? 'zookeeper' : 'kraft')
    this.ensemble = quorum === 'kraft' ? null : this.makeEnsemble(seed)
    const voters = ids.map((id) => `${id}@${host}:${controllerPort + id}`).join(',')
    const agreed = {
      ...(this.ensemble === null
        ? { 'process.roles': 'broker,controller', 'controller.quorum.voters': voters }
        : { 'zookeeper.connect': `${this.ensemble.connect}/kafka`, 'zookeeper.session.timeout.ms': String(zookeeperSessionMs) }),
    }
    for (const id of ids) {
      const config = configOf(id, { ...agreed, ...properties })
      const disk = new MemoryDisk()
      this.format(disk, config)
      const clock = new SkewedClock(this.clock, surroundings.rateOf?.(id) ?? 1)
      this.nodes.set(id, { id, disk, config, clock, diskDelayMs: () => 0, life: null })
    }
  }

  private makeEnsemble(seed: number): ModelEnsemble {
    const ensemble = new ModelEnsemble(this.network, this.clock, { tickMs: zookeeperSessionMs / 6, seed })
    ensemble.launchAll()
    return ensemble
  }

  private format(disk: MemoryDisk, config: ServerConfig): void {
    for (const directory of new Set([config.metadataLogDir, ...config.logDirs])) this.formatDirectory(disk, config, directory)
    writeBootstrap(disk, config.metadataLogDir, bootstrapRecords(METADATA_VERSION_LATEST), this.clock.wall())
    for (const directory of new Set([config.metadataLogDir, ...config.logDirs].flatMap(withParents))) disk.syncDirectoryNow(directory)
  }

  private formatDirectory(disk: MemoryDisk, config: ServerConfig, directory: string): void {
    disk.makeDirectory(directory)
    const identity = { clusterId, nodeId: config.nodeId, directoryId: this.prng.uuid() }
    disk.replaceSmallSync(`${directory}/meta.properties`, formatMetaProperties(identity))
  }

  /** The disks under a node's log directories are new, and formatted; the metadata log is where it was, which needs a directory of its own. */
  replaceLogDisks(id: NodeId): void {
    const { disk, config, life } = this.node(id)
    assert(life === null && !config.logDirs.includes(config.metadataLogDir), 'disks are replaced under a node that is down')
    // What was wrong with the old ones is gone with them, for as long as it takes to put in the new ones
    const { fault, spaceBytes } = disk
    disk.fault = () => null
    disk.spaceBytes = Infinity
    for (const directory of config.logDirs) {
      disk.removeTree(directory)
      this.formatDirectory(disk, config, directory)
      for (const path of withParents(directory)) disk.syncDirectoryNow(path)
    }
    disk.fault = fault
    disk.spaceBytes = spaceBytes
  }

  node(id: NodeId): WorldNode {
    const found = this.nodes.get(id)
    if (found === undefined) throw new RangeError(`no node ${id}`)
    return found
  }

  /** Starts a node's process (again, on the disk of its earlier life); `life.started` says when it serves. */
  start(id: NodeId): NodeLife {
    const node = this.node(id)
    assert(node.life === null, `node ${id} runs already`)
    const process: SimulatedProcess = new SimulatedProcess(
      { clock: node.clock, network: this.network.from(placeOf(id)) },
      this.surroundings.survivesCrashes === true ? (error) => (life.failure ??= reasonOf(error)) : null,
    )
    node.disk.settle = () => {
      const delay = node.diskDelayMs()
      return delay === 0 ? Promise.resolve() : new Promise((resolve) => void process.after(delay, resolve))
    }
    const ports = process.ports({ disk: node.disk, entropy: this.entropy(), log: this.logOf(id) })
    const { zookeeper } = node.config
    const life: NodeLife = {
      process,
      controller: new ControllerNode(ports, {
        config: node.config,
        identity: this.identityOf(node),
        rules: configRules(node.config.given),
        ...(zookeeper === null ? {} : { quorum: quorumFor(ports, node.config, zookeeper, clusterId) }),
      }),
      broker: new BrokerNode(ports, node.config, {
        onFatal: (reason) => (life.failure ??= reason),
        ...(zookeeper === null ? {} : { observe: (cluster) => observerFor(ports, node.config, zookeeper, cluster) }),
      }),
      started: false,
      failure: null,
    }
    node.life = life
    Promise.all([life.controller.start(), life.broker.start()]).then(
      () => (life.started = true),
      (error: unknown) => (life.failure ??= reasonOf(error)),
    )
    return life
  }

  private identityOf({ disk, config }: WorldNode) {
    const directoryId = /directory\.id=(\S+)/.exec(disk.readSmall(`${config.metadataLogDir}/meta.properties`).toString())?.[1]
    assert(directoryId !== undefined, 'the directory is formatted')
    return { clusterId, nodeId: config.nodeId, directoryId }
  }

  /** All nodes, until they serve. */
  async startAll(limitMs: Millis = 10_000): Promise<void> {
    for (const id of this.nodes.keys()) this.start(id)
    await this.untilAllServe(limitMs)
  }

  async untilAllServe(limitMs: Millis = 10_000): Promise<Millis> {
    return this.until(() => [...this.nodes.values()].every((it) => it.life?.started === true), limitMs)
  }

  /** As kill -9; with `power` the machine's power goes: what was not synced may be lost. */
  kill(id: NodeId, power = false): void {
    const node = this.node(id)
    node.life?.process.kill()
    node.life = null
    if (power) node.disk.crash(this.prng)
    else node.disk.kill()
  }

  /** As SIGSTOP. */
  freeze(id: NodeId): void {
    this.node(id).life?.process.freeze()
  }

  thaw(id: NodeId): void {
    this.node(id).life?.process.thaw()
  }

  /** As SIGTERM: resolves when the process has ended by itself. */
  async stop(id: NodeId, limitMs: Millis = 15_000): Promise<void> {
    const { life, disk } = this.node(id)
    if (life === null) return
    await this.run(
      life.broker.stop().then(() => life.controller.stop()),
      limitMs,
    )
    life.process.kill()
    this.node(id).life = null
    disk.kill()
  }

  endpoint(id: NodeId): Endpoint {
    return { host, port: brokerPort + id }
  }

  controllerEndpoint(id: NodeId): Endpoint {
    return { host, port: controllerPort + id }
  }

  /** Of somebody who stands at a place of the network. */
  clientPorts(place: Place = ''): Pick<Ports, 'clock' | 'entropy' | 'network'> {
    return { clock: this.clock, network: this.network.from(place), entropy: this.entropy() }
  }

  client(clientId = 'client', place: Place = ''): ClusterClient {
    return new ClusterClient(this.clientPorts(place), { bootstrap: [...this.nodes.keys()].map((id) => this.endpoint(id)), clientId })
  }

  /** A bare connection to one broker. */
  peer(id: NodeId, clientId = 'peer'): Peer {
    return new Peer(this.clientPorts(), { ...this.endpoint(id), clientId })
  }

  /** As `peer`, to the controller of a node. */
  controllerPeer(id: NodeId, clientId = 'peer'): Peer {
    return new Peer(this.clientPorts(), { ...this.controllerEndpoint(id), clientId })
  }

  private entropy(): Entropy {
    const prng = new Prng(this.prng.uint32())
    return { uint32: () => prng.uint32(), uuid: () => prng.uuid() }
  }

  private logOf(id: NodeId): Log {
    return {
      write: (level, event, message) => {
        this.lines.push(`${this.clock.mono().toFixed(0)} node ${id} ${level} ${event}: ${message}`)
        this.surroundings.onLine?.({ at: this.clock.mono(), node: id, level, event, message })
      },
    }
  }

  /** The id of the active controller; null while there is none that could act. */
  activeController(): NodeId | null {
    for (const { id, life } of this.nodes.values()) if (life !== null && !life.process.isStopped && life.controller.isActive) return id
    return null
  }

  /** What the active controller, or else any that runs, has been told of the cluster. */
  image(): ClusterImage {
    const id = this.activeController()
    const life = id === null ? [...this.nodes.values()].find((it) => it.life !== null)?.life : this.node(id).life
    assert(life !== null && life !== undefined, 'somebody runs')
    return life.controller.image
  }

  partition(topic: string, partition: number): PartitionImage | undefined {
    return this.image().topics.byName(topic)?.partitions[partition]
  }

  leaderOf(topic: string, partition: number): NodeId {
    return this.partition(topic, partition)?.leader ?? -1
  }

  /** The bytes of a replica as its disk has them, before `end`. */
  bytesOf(id: NodeId, topic: string, partition: number, end: Offset = Infinity): Buffer {
    const all = this.wholeLog(id, topic, partition)
    const kept = [...batchHeaders(all)].filter(({ header }) => header.lastOffset < end)
    const last = kept.at(-1)
    return last === undefined ? Buffer.alloc(0) : all.subarray(0, last.at + last.header.sizeBytes)
  }

  recordsOf(id: NodeId, topic: string, partition: number): readonly DecodedRecord[] {
    const bytes = this.wholeLog(id, topic, partition)
    return [...batchHeaders(bytes)].flatMap(({ at }) => decodeRecords(bytes, at))
  }

  private wholeLog(id: NodeId, topic: string, partition: number): Buffer {
    const { disk, config } = this.node(id)
    const folder = config.logDirs.map((it) => `${it}/${topic}-${partition}`).find((it) => disk.exists(it))
    if (folder === undefined) return Buffer.alloc(0)
    const segments = disk.list(folder).filter((name) => name.endsWith('.log'))
    return Buffer.concat(segments.map((name) => disk.readSmall(`${folder}/${name}`)))
  }

  /** Lets time pass until `done`; returns how long it took. */
  async until(done: () => boolean, limitMs: Millis): Promise<Millis> {
    const start = this.clock.mono()
    while (!done()) {
      if (this.clock.mono() - start > limitMs) throw new Error(`not within ${limitMs} ms\n${this.describe()}`)
      await this.clock.advance(step)
    }
    return this.clock.mono() - start
  }

  /** Lets time pass until `work` has come to its end. */
  async run<T>(work: Promise<T>, limitMs: Millis = 30_000): Promise<T> {
    let settled = false
    const settle = (): void => {
      settled = true
    }
    work.then(settle, settle)
    await this.until(() => settled, limitMs)
    return work
  }

  describe(): string {
    const lives = [...this.nodes.values()].map(({ id, life }) => `node ${id}: ${life === null ? 'down' : (life.failure ?? 'up')}`)
    return [...this.lines.slice(-linesKept), ...lives].join('\n')
  }
}

function withParents(path: string): readonly string[] {
  const names = path.split('/').filter((name) => name !== '')
  return names.map((_unused, at) => `/${names.slice(0, at).join('/')}`).concat(path)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function configOf(id: NodeId, properties: Readonly<Record<string, string>>): ServerConfig {
  const own = {
    'node.id': String(id),
    listeners: `PLAINTEXT://${host}:${brokerPort + id},CONTROLLER://${host}:${controllerPort + id}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': `/data/${id}`,
    'odradek.metadata.ballast.bytes': String(ballastBytes),
    'odradek.log.dir.low.space.bytes': String(2 * ballastBytes),
    ...properties,
  }
  const lines = Object.entries(own).map(([name, value]) => ({ name, value: value.replaceAll('%id', String(id)), line: 0 }))
  const parsed = parseServerConfig(lines)
  if ('config' in parsed) return parsed.config
  throw new Error(parsed.problems.map((it) => `${it.name} ${it.message}`).join('; '))
}
