import { type DiskError, isOutOfSpace, type Ports } from '../base/ports.ts'
import { NO_UUID, type Offset, type Uuid } from '../base/units.ts'
import type { ServerConfig } from '../config/server-config.ts'
import { OpenFiles } from '../log/open-files.ts'
import type { DirectoryIdentity, LogDirectory } from '../log/log-directory.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { TailBudget } from '../log/tail.ts'
import type { ClusterImage } from '../metadata/image.ts'
import type { MetadataObserver } from '../quorum/metadata-observer.ts'
import type { CommittedBatch, MetadataSnapshot } from '../quorum/metadata-quorum.ts'
import { raftObserver } from '../quorum/raft-observer.ts'
import { FetchSessions } from '../replication/fetch-sessions.ts'
import type { HandlerTable } from '../server/handlers.ts'
import type { Server } from '../server/serve.ts'
import { ControllerChannel } from './controller-channel.ts'
import { GroupCoordinator } from './coordinators/group-coordinator.ts'
import { incarnationFrom, openDirectories } from './directories.ts'
import { openAllLogs } from './log-loading.ts'
import { Gate } from './gate.ts'
import type { HostedPartition, PartitionSurroundings } from './hosted-partition.ts'
import { HostedPartitions } from './hosted-partitions.ts'
import { IsrProposals } from './isr-proposals.ts'
import { IsrStory } from './isr-story.ts'
import { fetchingOptionsOf, LeaderFetching } from './fetching/leader-fetching.ts'
import { brokerTable } from './broker-table.ts'
import { BrokerLifecycle } from './membership/lifecycle.ts'
import { aliveBroker, brokerView, registrationOf } from './membership/self.ts'
import { DirectoryAssignments } from './storage/directory-assignments.ts'
import { DirectoryFailures } from './storage/directory-failures.ts'
import { Quarantine } from './storage/quarantine.ts'
import { Scrubber } from './storage/scrubber.ts'
import { MetadataView } from './metadata-view.ts'
import { servedDirectories } from './served-directories.ts'
import { openListeners } from './listening.ts'
import { SettingsOfTopics } from './topic-settings.ts'
import { makeMoves } from './moves/making-moves.ts'
import type { ReplicaMoves } from './moves/replica-moves.ts'
import { LogCleaner } from './log-cleaner.ts'
import { makeSpaceWatch, type SpaceWatch } from './space/space-watch.ts'
import { Upkeep } from './upkeep.ts'
import { WakeQueue } from './wake-queue.ts'

export interface BrokerNodeOptions {
  /** The broker cannot go on (its last log directory has failed): the process should end. */
  readonly onFatal: (reason: string) => void
  /** How this broker of that cluster follows the metadata; without it as an observer of the KRaft quorum of the configuration. */
  readonly observe?: (clusterId: string) => MetadataObserver
}

/** Bytes of recent batches that all partitions together keep in memory, and one of them alone. */
const tailBytesMax = 32 * 1024 * 1024
const tailBytesPerLogMax = 8 * 1024 * 1024
/** Files of partitions that are open at once. */
const openFilesMax = 512
const isrRetryBackoffMs = 50
const fetchSessionEvictionMs = 120_000
const heartbeatTimeoutMs = 1_000
const leaveTimeoutMs = 10_000
const stopGraceMs = 1_000

/**
 * One broker. Knows the cluster's metadata as an observer of the quorum, hosts partitions as the metadata says, and serves clients.
 *
 * Start: log directories are opened and recovered; listeners open (requests wait); the broker registers; when the metadata up to its
 * registration is here, its partitions are taken up and requests are let through; a heartbeat tells the controller, which unfences it.
 */
export class BrokerNode {
  readonly config: ServerConfig
  private readonly ports: Ports
  private readonly options: BrokerNodeOptions
  private readonly wakeQueue: WakeQueue
  private readonly gate = new Gate()
  private readonly directories: readonly LogDirectory[]
  private readonly identity: DirectoryIdentity
  private readonly quorum: MetadataObserver
  private readonly channel: ControllerChannel
  private readonly lifecycle: BrokerLifecycle
  private readonly settings: SettingsOfTopics
  private readonly quarantine: Quarantine
  private readonly moves: ReplicaMoves
  private readonly hosted: HostedPartitions
  private readonly fetching: LeaderFetching
  private readonly proposals: IsrProposals
  private readonly assignments: DirectoryAssignments
  private readonly directoryFailures: DirectoryFailures
  private readonly sessions: FetchSessions
  private readonly story: IsrStory
  private readonly upkeep: Upkeep
  private readonly space: SpaceWatch
  private readonly cleaner: LogCleaner
  private readonly scrubber: Scrubber
  private readonly groups: GroupCoordinator
  private readonly view: MetadataView
  private hosting: 'not yet' | 'starting' | 'started' = 'not yet'
  private incarnationId: Uuid = NO_UUID
  private servers: readonly Server[] = []
  private stopping: Promise<void> | null = null

  /** Opens and locks the log directories. @throws DirectoryProblem */
  constructor(ports: Ports, config: ServerConfig, options: BrokerNodeOptions) {
    this.ports = ports
    this.config = config
    this.options = options
    this.view = new MetadataView(config)
    this.wakeQueue = new WakeQueue(ports.clock)
    const shared = { files: new OpenFiles(ports.disk, openFilesMax), tail: new TailBudget({ tailBytesMax, tailBytesPerLogMax }) }
    const opened = openDirectories(ports, config, shared, {
      offline: (path, error) => this.directoryFailures.onOffline(path, error),
      rot: (topic, partition, error) => this.hosted.onRot(topic, partition, error),
    })
    this.directories = opened.directories
    this.identity = opened.identity
    this.quorum = options.observe?.(this.identity.clusterId) ?? raftObserver(ports, config, this.identity.clusterId)
    this.channel = new ControllerChannel(ports, `broker-${config.nodeId}`, () => this.quorum.leader)
    this.settings = new SettingsOfTopics(() => this.view.image, config)
    this.story = new IsrStory(ports)
    this.lifecycle = this.makeLifecycle()
    this.proposals = new IsrProposals(ports, this.channel, config.nodeId, () => this.lifecycle.brokerEpoch)
    this.assignments = new DirectoryAssignments(ports, this.channel, config.nodeId, () => this.lifecycle.brokerEpoch)
    this.quarantine = new Quarantine(config.nodeId, this.assignments, ports.log)
    this.moves = this.makeMoves()
    this.hosted = this.makeHosted()
    this.directoryFailures = this.makeDirectoryFailures()
    this.fetching = this.makeFetching()
    this.sessions = new FetchSessions({
      slotsMax: config.maxIncrementalFetchSessionCacheSlots,
      evictionMs: fetchSessionEvictionMs,
      entropy: ports.entropy,
      topics: { topicId: (name) => this.view.image.topics.byName(name)?.id, topicName: (id) => this.view.image.topics.byId(id)?.name },
    })
    this.groups = this.makeGroups()
    this.space = makeSpaceWatch(ports, config, {
      channel: this.channel,
      lifecycle: this.lifecycle,
      view: this.view,
      hosted: this.hosted,
      directories: this.directories,
    })
    this.scrubber = new Scrubber(ports, this.hosted, {
      bytesPerSecond: config.logScrubBytesPerSecond,
      intervalMs: config.logScrubIntervalMs,
    })
    this.cleaner = new LogCleaner(ports, this.hosted, () => this.view.config)
    this.upkeep = new Upkeep(ports, this.hosted, this.directories, {
      checkpointIntervalMs: config.replicaHighWatermarkCheckpointIntervalMs,
      retentionIntervalMs: config.logRetentionCheckIntervalMs,
      producerExpiryIntervalMs: config.producerIdExpirationCheckIntervalMs,
    })
  }

  private makeGroups(): GroupCoordinator {
    const { ports, view, settings, wakeQueue, lifecycle, quorum } = this
    return new GroupCoordinator({
      ...ports,
      get image() {
        return view.image
      },
      get config() {
        return view.config
      },
      settings,
      wakeQueue,
      leaseUntil: () => Math.min(lifecycle.leaseUntil, quorum.sessionUntil),
      onDiskError: (partition, error) => this.onDiskError(partition, error),
    })
  }

  private makeLifecycle(): BrokerLifecycle {
    const { config, ports, identity } = this
    return new BrokerLifecycle(ports, this.channel, {
      brokerId: config.nodeId,
      heartbeatIntervalMs: config.brokerHeartbeatIntervalMs,
      sessionTimeoutMs: config.brokerSessionTimeoutMs,
      requestTimeoutMs: heartbeatTimeoutMs,
      registrationTimeoutMs: config.initialBrokerRegistrationTimeoutMs,
      registration: (previousBrokerEpoch) => ({
        brokerId: config.nodeId,
        clusterId: identity.clusterId,
        incarnationId: this.incarnationId,
        ...registrationOf(config),
        logDirs: [...this.directoryIds()].sort(),
        previousBrokerEpoch,
      }),
      metadataOffset: () => (this.hosting === 'started' ? this.view.appliedOffset : -1),
      offlineLogDirs: () => this.directories.filter((it) => it.failure !== null).map((it) => it.identity?.directoryId ?? NO_UUID),
      onRegistered: () => {
        for (const directory of this.directories) void directory.noteRunning(this.lifecycle.brokerEpoch)
        this.quorum.onRegistered(aliveBroker(config, ports.clock.wall()))
        this.hostIfCaughtUp()
      },
    })
  }

  private *directoryIds(): Iterable<Uuid> {
    for (const directory of this.directories)
      if (directory.failure === null && directory.identity !== null) yield directory.identity.directoryId
  }

  private makeHosted(): HostedPartitions {
    const { config, lifecycle } = this
    const imageNow = (): ClusterImage => this.view.image
    const around: PartitionSurroundings = {
      clock: this.ports.clock,
      wakeQueue: this.wakeQueue,
      proposeIsr: (partition, effect) => this.proposals.propose(partition, effect),
      follow: (partition, leader, epoch) => {
        this.ports.log.write('debug', 'became-follower', `${partition.name}: follows broker ${leader} in epoch ${epoch}`)
        this.fetching.follow(partition, leader, epoch)
      },
      unfollow: (partition) => this.fetching.unfollow(partition),
      isrChanged: (partition, isr) => {
        if (partition.isLeader) this.story.note(partition, isr)
      },
      becameLeader: (partition) =>
        this.ports.log.write('debug', 'became-leader', `${partition.name}: led here in epoch ${partition.replica.leaderEpoch}`),
      touched: (partition, kind) => {
        this.sessions.touch(partition.topicId, partition.partition, kind)
        if (kind !== 'appended') this.groups.onTouched(partition)
      },
    }
    return new HostedPartitions({
      brokerId: config.nodeId,
      replica: {
        brokerId: config.nodeId,
        brokers: brokerView(config.nodeId, imageNow, () => lifecycle.brokerEpoch),
        replicaLagTimeMaxMs: config.replicaLagTimeMaxMs,
        isrRetryBackoffMs,
      },
      get image() {
        return imageNow()
      },
      settings: this.settings,
      directories: this.directories,
      someUnknown: this.directories.length < config.logDirs.length,
      around,
      assignments: this.assignments,
      quarantine: this.quarantine,
      moves: this.moves,
      log: this.ports.log,
      onNoRoom: (directory) => this.space.refused(directory),
    })
  }

  private makeMoves(): ReplicaMoves {
    const { directories, settings, assignments, quarantine } = this
    return makeMoves(this.ports, this.config, {
      directories,
      settings,
      assignments,
      quarantine,
      hosted: () => this.hosted,
      image: () => this.view.image,
      refused: (directory) => this.space.refused(directory),
    })
  }

  private makeDirectoryFailures(): DirectoryFailures {
    const { ports, config, directories, hosted, assignments, lifecycle } = this
    return new DirectoryFailures({
      ...ports,
      directories,
      hosted,
      unfollow: (partition) => this.fetching.unfollow(partition),
      holdsMetadata: (path) => path === config.metadataLogDir && config.processRoles.includes('controller'),
      assignments,
      lifecycle,
      registered: () => this.view.image.brokers.byId(config.nodeId)?.logDirs ?? [],
      timeoutMs: config.logDirFailureTimeoutMs,
      onFatal: this.options.onFatal,
    })
  }

  private makeFetching(): LeaderFetching {
    const { config } = this
    return new LeaderFetching(
      {
        ports: this.ports,
        hosted: this.hosted,
        brokerEpoch: () => this.lifecycle.brokerEpoch,
        endpointOf: (leader) => this.view.image.brokers.byId(leader)?.endpoints.find((it) => it.name === config.interBrokerListenerName),
        onDiskError: (partition, error) => this.onDiskError(partition, error),
      },
      fetchingOptionsOf(config),
    )
  }

  /** Resolves when the broker is in service. Rejects with NetworkError (a listener), RegistrationRefusedError, DiskError. */
  async start(): Promise<void> {
    const { clock, log } = this.ports
    const started = clock.mono()
    this.servers = await openListeners(this.ports, this.config, this.handlers())
    const previousBrokerEpoch = await openAllLogs(this.ports, this.directories, (topic) => this.settings.of(topic).log)
    this.incarnationId = incarnationFrom(this.ports, previousBrokerEpoch)
    this.space.start()
    await this.quorum.start({
      onCommitted: (batch) => this.onCommitted(batch),
      onSnapshot: (snapshot) => this.onSnapshot(snapshot),
      onLeader: () => {},
      onResigned: () => {},
      onLeaderChange: () => this.channel.onLeaderChange(),
    })
    await this.lifecycle.start(previousBrokerEpoch)
    this.upkeep.start()
    this.cleaner.start()
    this.scrubber.start()
    this.groups.start()
    const ms = Math.round(clock.mono() - started)
    log.write('info', 'broker-ready', `broker ${this.config.nodeId} is in service after ${ms} ms`, {
      nodeId: this.config.nodeId,
      ms,
    })
  }

  private handlers(): HandlerTable {
    const { ports, identity, view, settings, hosted, sessions, channel, lifecycle, groups, gate, wakeQueue } = this
    const parts = { ports, identity, view, settings, hosted, sessions, channel, lifecycle, groups, gate, wakeQueue }
    const directories = servedDirectories(ports.disk, this.directories, hosted, this.moves)
    return brokerTable({ ...parts, directories, moves: this.moves, onDiskError: (partition, error) => this.onDiskError(partition, error) })
  }

  private onCommitted(batch: CommittedBatch): void {
    const changes = this.view.apply(batch)
    if (this.hosting !== 'not yet') {
      this.hosted.apply(changes)
      for (const id of changes.brokers.keys()) this.fetching.onBrokerChanged(id)
    }
    this.groups.onMetadata(changes)
    this.hostIfCaughtUp()
    this.lifecycle.onMetadataApplied([...changes.brokers.values()].some(({ after }) => after?.inControlledShutdown === true))
  }

  private onSnapshot(snapshot: MetadataSnapshot): void {
    const namesBefore = [...this.view.image.topics.names()]
    this.view.replaceWith(snapshot)
    this.groups.onMetadataReplaced(namesBefore)
    if (this.hosting !== 'not yet') this.hosted.resync()
    this.hostIfCaughtUp()
    this.lifecycle.onMetadataApplied(false)
  }

  /** Once the metadata holds this broker's own registration, what it says of its partitions is new enough to act on. */
  private hostIfCaughtUp(): void {
    const { brokerEpoch } = this.lifecycle
    if (this.hosting !== 'not yet' || brokerEpoch < 0 || this.view.appliedOffset < brokerEpoch) return
    this.hosting = 'starting'
    void this.startHosting()
  }

  private async startHosting(): Promise<void> {
    await this.hosted.start()
    this.hosting = 'started'
    this.gate.open()
    this.lifecycle.onMetadataApplied(false)
  }

  private onDiskError(partition: HostedPartition, error: DiskError): void {
    if (isOutOfSpace(error)) return this.space.refused(partition.directory)
    this.ports.log.write('error', 'append-failed', `${partition.name}: ${error.message}`)
  }

  /** A controlled shutdown: leadership is handed over, then everything is closed in order. Idempotent. */
  stop(): Promise<void> {
    this.stopping ??= this.stopInOrder()
    return this.stopping
  }

  private async stopInOrder(): Promise<void> {
    if (this.config.controlledShutdownEnable) await this.lifecycle.leave(leaveTimeoutMs)
    this.lifecycle.stop()
    this.upkeep.stop()
    this.space.stop()
    await this.cleaner.stop()
    this.scrubber.stop()
    this.fetching.stop()
    this.assignments.stop()
    this.directoryFailures.stop()
    this.groups.stop()
    const highWatermarks = new Map<PartitionLog, Offset>()
    for (const partition of this.hosted.all()) highWatermarks.set(partition.log, partition.replica.highWatermark)
    this.hosted.stop()
    await Promise.all(this.servers.map((server) => server.close({ graceMs: stopGraceMs })))
    await this.quorum.stop()
    this.channel.close()
    this.wakeQueue.stop()
    for (const directory of this.directories) await this.closeDirectory(directory, highWatermarks)
  }

  private async closeDirectory(directory: LogDirectory, highWatermarks: ReadonlyMap<PartitionLog, Offset>): Promise<void> {
    if (directory.failure !== null || !directory.isOpened) return directory.abandon()
    await directory.closeCleanly((log) => highWatermarks.get(log) ?? null, this.lifecycle.brokerEpoch)
  }

  /** The replicas here, for whoever looks on from outside. */
  get partitions(): Iterable<HostedPartition> {
    return this.hosted.all()
  }

  /** The metadata applied here, up to and with `offset`. */
  get metadata(): { readonly image: ClusterImage; readonly offset: Offset } {
    return { image: this.view.image, offset: this.view.appliedOffset }
  }

  /** How many requests and partitions here wait for a deadline: what is left behind shows as growth. */
  get sleepers(): number {
    return this.wakeQueue.size
  }
}
