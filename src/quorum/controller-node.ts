import { AssertionError } from '../base/assert.ts'
import type { DiskError, Ports, Timer } from '../base/ports.ts'
import { type Epoch, NEVER, type NodeId, type Offset } from '../base/units.ts'
import type { ServerConfig } from '../config/server-config.ts'
import type { ConfigRules } from '../controller/configs/config-rules.ts'
import type { SilentNode } from '../controller/brokers/sessions.ts'
import type { ControllerCommand, ControllerReply } from '../controller/commands.ts'
import { ControllerLedger } from '../controller/controller-ledger.ts'
import { notController } from '../controller/replies.ts'
import { defaultControllerSettings } from '../controller/settings.ts'
import { LedgerHost } from '../ledger/ledger-host.ts'
import { Ballast } from '../log/ballast/ballast.ts'
import { BallastedDisk } from '../log/ballast/ballasted-disk.ts'
import type { DirectoryIdentity } from '../log/checkpoints.ts'
import type { ClusterImage } from '../metadata/image.ts'
import { decodeRecord, encodeRecord } from '../metadata/record-frame.ts'
import type { MetadataRecord } from '../metadata/record-types.ts'
import { type Server, serve } from '../server/serve.ts'
import { readBootstrap } from './bootstrap.ts'
import { BrokerWatch, type WatchedBroker } from './broker-watch.ts'
import { controllerHandlers } from './controller-handlers.ts'
import { ControllerRegistration } from './controller-registration.ts'
import { ControllerStory } from './controller-story.ts'
import type { ControllerQuorum } from './metadata-log-server.ts'
import type { CommittedBatch, MetadataSnapshot, QuorumLeader } from './metadata-quorum.ts'
import { RaftNode } from './raft-node.ts'

export interface ControllerNodeOptions {
  readonly config: ServerConfig
  /** Of the metadata log directory's meta.properties. */
  readonly identity: DirectoryIdentity
  readonly rules: ConfigRules
  /** What the controllers agree through; without it the KRaft quorum of the configuration. */
  readonly quorum?: ControllerQuorum
}

/** Records in one batch of a snapshot. */
const snapshotBatchRecords = 1024
const stopGraceMs = 1_000

/**
 * One controller: a voter of the quorum, the controller ledger over its log, and a listener. Every controller folds the committed log; the one
 * that leads the quorum decides.
 */
export class ControllerNode {
  private readonly ports: Ports
  private readonly options: ControllerNodeOptions
  private readonly ballast: Ballast
  private readonly quorum: ControllerQuorum
  private readonly host: LedgerHost<ControllerCommand, MetadataRecord, ControllerReply>
  private readonly watch: BrokerWatch
  private readonly story: ControllerStory
  private readonly registration: ControllerRegistration
  private servers: readonly Server[] = []
  private timer: Timer | null = null
  private timerAt = NEVER
  private epoch: Epoch = -1
  /** The other node that was last seen to lead. */
  private ledBefore: NodeId = -1
  private snapshotting = false
  private stopped = false

  constructor(ports: Ports, options: ControllerNodeOptions) {
    this.ports = ports
    this.options = options
    const { config, identity, rules } = options
    this.ballast = new Ballast(ports, config.metadataLogDir, config.metadataBallastBytes)
    this.quorum = options.quorum ?? this.makeRaftNode()
    this.quorum.brokerSessions?.onLost((broker) => this.fenceLost(broker))
    const settings = {
      ...defaultControllerSettings,
      nodeId: config.nodeId,
      clusterId: identity.clusterId,
      sessionTimeoutMs: config.brokerSessionTimeoutMs,
      heartbeatIntervalMs: config.brokerHeartbeatIntervalMs,
      defaultReplicationFactor: config.defaultReplicationFactor,
      defaultPartitions: config.numPartitions,
      deleteTopicEnable: config.deleteTopicEnable,
      leaderRebalanceEnable: config.autoLeaderRebalanceEnable,
      leaderRebalanceIntervalMs: config.leaderImbalanceCheckIntervalSeconds * 1000,
      uncleanElectionIntervalMs: config.uncleanLeaderElectionIntervalMs,
    }
    this.host = new LedgerHost<ControllerCommand, MetadataRecord, ControllerReply>({
      make: () => new ControllerLedger(settings, rules, ports.entropy),
      refuse: notController,
    })
    this.watch = new BrokerWatch(ports, (id) => this.watchedBroker(id), {
      onGone: (broker, silentForMs) => this.fence(broker, silentForMs),
      onConnectionLost: (broker) => this.submit({ api: 'brokerConnectionLost', brokerId: broker.id, brokerEpoch: broker.epoch }, () => {}),
    })
    this.story = new ControllerStory(ports)
    this.registration = new ControllerRegistration(ports, config, {
      leader: () => this.quorum.leader,
      image: () => this.image,
    })
  }

  private makeRaftNode(): RaftNode {
    const { config, identity } = this.options
    const ballasted = { ...this.ports, disk: new BallastedDisk(this.ports.disk, this.ballast, 'all') }
    return new RaftNode(ballasted, {
      nodeId: config.nodeId,
      clusterId: identity.clusterId,
      directoryId: identity.directoryId,
      voters: config.controllerQuorumVoters,
      directory: config.metadataLogDir,
      listenerName: config.controllerListenerNames[0] ?? 'CONTROLLER',
      fetchTimeoutMs: config.controllerQuorumFetchTimeoutMs,
      electionTimeoutMs: config.controllerQuorumElectionTimeoutMs,
      electionBackoffMaxMs: config.controllerQuorumElectionBackoffMaxMs,
      requestTimeoutMs: config.controllerQuorumRequestTimeoutMs,
      segmentBytes: config.metadataLogSegmentBytes,
      onFailure: (error) => this.failAlone(error),
    })
  }

  get image(): ClusterImage {
    return (this.host.ledger as ControllerLedger).image
  }

  get isActive(): boolean {
    return this.host.isActive
  }

  /** Where this voter stands, for whoever looks on from outside. Throws before the log is open. */
  get standing(): { readonly epoch: Epoch; readonly highWatermark: Offset; readonly logEndOffset: Offset } {
    const { epoch, highWatermark, logEndOffset } = this.quorum
    return { epoch, highWatermark, logEndOffset }
  }

  /** Rejects with NetworkError when a listener cannot be opened, with DiskError when the log cannot be read. */
  async start(): Promise<void> {
    const handlers = controllerHandlers({
      quorum: this.quorum,
      clusterId: this.options.identity.clusterId,
      config: this.options.config,
      image: () => this.image,
      activeEpoch: () => (this.host.isActive ? this.epoch : null),
      submit: (command, answer) => this.submit(command, answer),
      onHeartbeat: (id, connection) => {
        this.story.onHeartbeat(id)
        this.watch.onHeartbeat(id, connection)
      },
    })
    const { listeners, controllerListenerNames } = this.options.config
    const own = listeners.filter((it) => controllerListenerNames.includes(it.name))
    this.servers = await Promise.all(
      own.map((it) => serve(this.ports, { host: it.host, port: it.port, listenerName: it.name, listenerKind: 'controller' }, handlers)),
    )
    await this.quorum.start({
      onCommitted: (batch) => this.onCommitted(batch),
      onSnapshot: (snapshot) => this.onSnapshot(snapshot),
      onLeader: (epoch) => this.onLeader(epoch),
      onResigned: () => this.onResigned(),
      onLeaderChange: (leader) => this.onLeaderChange(leader),
    })
    this.registration.start()
    this.ballast.start()
  }

  /** Hands leadership over, then closes. Idempotent. */
  async stop(): Promise<void> {
    if (this.stopped) return
    this.stopped = true
    this.registration.stop()
    this.ballast.stop()
    this.watch.deactivate()
    await this.quorum.stop()
    this.timer?.cancel()
    await Promise.all(this.servers.map((server) => server.close({ graceMs: stopGraceMs })))
  }

  /**
   * A controller without its log is of no use, and in the way: the process must end. Thrown in a turn of its own, where no connection whose request led
   * to the write can take it for its own fault.
   */
  private failAlone(error: DiskError): void {
    this.ports.clock.after(0, () => {
      throw error
    })
  }

  private submit(command: ControllerCommand, answer: (reply: ControllerReply) => void): void {
    // Not every answer needs a record that would be refused: whoever may have been replaced says nothing as a leader
    if (this.host.isActive && !this.quorum.leads(this.epoch)) return answer(notController(command))
    this.host.submit(this.ports.clock.mono(), command, answer)
    this.armTimer()
  }

  private onCommitted(batch: CommittedBatch): void {
    this.host.onCommitted(batch.baseOffset, batch.lastOffset, () => batch.values.map(decodeRecord))
    this.story.onCommitted(batch.lastOffset)
    this.armTimer()
    this.snapshotIfDue(batch.lastOffset + 1)
  }

  private onSnapshot(snapshot: MetadataSnapshot): void {
    this.host.onSnapshot(snapshot.endOffset, recordsOf(snapshot))
  }

  private onLeader(epoch: Epoch): void {
    this.epoch = epoch
    this.host.lead({ nextOffset: () => this.quorum.logEndOffset, append: (facts) => this.append(epoch, facts) })
    this.ports.log.write('info', 'controller-elected', `node ${this.options.config.nodeId} is the active controller (epoch ${epoch})`, {
      nodeId: this.options.config.nodeId,
      epoch,
    })
    const bootstrap = readBootstrap(this.ports.disk, this.options.config.metadataLogDir)
    const records = bootstrap === null ? null : bootstrap.map(decodeRecord)
    this.submit({ api: 'activate', bootstrap: records, silent: this.silentNode() }, () => {})
    const alive = [...this.image.brokers.all()].filter((it) => !it.fenced).map((it) => it.id)
    this.story.onElected()
    this.watch.activate(alive)
  }

  /** Who led before and did not hand over has not been heard for the quorum's fetch timeout. */
  private silentNode(): SilentNode | null {
    const { nodeId, controllerQuorumFetchTimeoutMs } = this.options.config
    return this.ledBefore === nodeId || this.ledBefore < 0 ? null : { id: this.ledBefore, forMs: controllerQuorumFetchTimeoutMs }
  }

  /** Encoding throws before anything is appended. */
  private append(epoch: Epoch, facts: readonly MetadataRecord[]): Offset | null {
    const values = facts.map(encodeRecord)
    const last = this.quorum.append(epoch, values)
    if (last !== null) this.story.onAppended(facts, this.image, last)
    return last
  }

  private onResigned(): void {
    this.ledBefore = -1
    this.watch.deactivate()
    this.story.onResigned()
    this.epoch = -1
    if (this.host.resign().mustRefold) this.quorum.redeliver()
  }

  private onLeaderChange(leader: QuorumLeader): void {
    this.registration.onLeaderChange(leader)
    if (leader.id >= 0 && leader.id !== this.options.config.nodeId) this.ledBefore = leader.id
  }

  private armTimer(): void {
    const at = this.host.wakeAt()
    if (at >= this.timerAt && this.timer !== null) return
    this.timer?.cancel()
    this.timer = null
    this.timerAt = at
    if (at === NEVER || this.stopped) return
    this.timer = this.ports.clock.after(Math.max(0, at - this.ports.clock.mono()), () => {
      this.timer = null
      this.timerAt = NEVER
      this.host.wake(this.ports.clock.mono())
      this.armTimer()
    })
  }

  private watchedBroker(id: number): WatchedBroker | undefined {
    const broker = this.image.brokers.byId(id)
    const endpoint = broker?.endpoints[0]
    if (broker === undefined || endpoint === undefined) return undefined
    return { id, epoch: broker.epoch, host: endpoint.host, port: endpoint.port, fenced: broker.fenced }
  }

  private fence(broker: WatchedBroker, silentForMs: number): void {
    const why = `its connection closed ${silentForMs.toFixed(0)} ms ago and its listener refuses`
    this.story.onGone(broker.id, silentForMs)
    this.submit({ api: 'fence', brokerId: broker.id, brokerEpoch: broker.epoch, why }, () => {})
  }

  /** Its session with whoever watches over the brokers is over. */
  private fenceLost(id: NodeId): void {
    const broker = this.image.brokers.byId(id)
    if (broker === undefined || broker.fenced) return
    this.submit({ api: 'fence', brokerId: id, brokerEpoch: broker.epoch, why: 'its session with ZooKeeper is over' }, () => {})
  }

  /**
   * The image is that of the log's committed end only while nothing uncommitted has been replayed, and nothing that is committed has yet to be
   * delivered: a leader has replayed all batches of its log when the first of several that are committed together comes.
   */
  private snapshotIfDue(delivered: Offset): void {
    const due = this.quorum.bytesSinceSnapshot >= this.options.config.metadataLogMaxRecordBytesBetweenSnapshots
    const { appliedOffset } = this.host
    if (!due || this.snapshotting || appliedOffset !== delivered || delivered !== this.quorum.highWatermark || this.image.inTransaction)
      return
    this.snapshotting = true
    const batches = [...snapshotBatches(this.image)]
    this.quorum.writeSnapshot(appliedOffset, batches).then(
      () => {
        this.snapshotting = false
        this.ports.log.write('info', 'metadata-snapshot', `metadata snapshot at offset ${appliedOffset}`)
      },
      (error: unknown) => {
        this.snapshotting = false
        if (error instanceof AssertionError) throw error
        this.ports.log.write('error', 'metadata-snapshot-failed', `no snapshot at offset ${appliedOffset}: ${String(error)}`)
      },
    )
  }
}

function* recordsOf(snapshot: MetadataSnapshot): Iterable<MetadataRecord> {
  for (const values of snapshot.batches()) for (const value of values) yield decodeRecord(value)
}

function* snapshotBatches(image: ClusterImage): Iterable<readonly Buffer[]> {
  let batch: Buffer[] = []
  for (const record of image.toRecords()) {
    batch.push(encodeRecord(record))
    if (batch.length === snapshotBatchRecords) {
      yield batch
      batch = []
    }
  }
  if (batch.length > 0) yield batch
}
