import { assert } from '../../base/assert.ts'
import type { Timer } from '../../base/ports.ts'
import { type Epoch, type Millis, NO_NODE, type NodeId, type Offset } from '../../base/units.ts'
import { decodeRecord, encodeRecord } from '../../metadata/record-frame.ts'
import type { RaftRequest } from '../../raft/messages.ts'
import { ImageInZnodes } from '../../znodes/image-in-znodes.ts'
import { ZnodeError } from '../../znodes/json.ts'
import { paths } from '../../znodes/paths.ts'
import { type ActiveController, activeControllerIn } from '../../znodes/registration.ts'
import { bytesOf } from '../../znodes/stored-log.ts'
import { type ZooKeeper, ZooKeeperError } from '../../zookeeper/zookeeper.ts'
import type { BrokerSessions, ControllerQuorum } from '../metadata-log-server.ts'
import type { MetadataSnapshot, QuorumEndpoint, QuorumLeader, QuorumListener } from '../metadata-quorum.ts'
import type { QuorumDescription, RaftOutcome, RaftVoter } from '../raft-node-options.ts'
import { AliveBrokers } from './alive-brokers.ts'
import { type Elected, ForeignEnsembleError, prepareEnsemble, stepDown, tryElection } from './election.ts'
import { EnsembleSession, type OpenZooKeeper } from './ensemble-session.ts'
import { FeedServer } from './feed-server.ts'
import { type FollowerPorts, LogFollower } from './log-follower.ts'
import { MetadataFeed } from './metadata-feed.ts'
import { getOrNull, type LoadedZnodes, loadZnodes, textOf } from './znode-load.ts'
import { znodeBytesMax, ZnodeWriter } from './znode-writer.ts'

export interface ZooKeeperQuorumOptions {
  readonly nodeId: NodeId
  readonly clusterId: string
  readonly listenerName: string
  /** Of this node's controller listener, as others reach it. */
  readonly endpoint: QuorumEndpoint
  readonly open: OpenZooKeeper
  /** The ensemble is not of this cluster: this node must not go on. */
  readonly onForeign: (error: ForeignEnsembleError) => void
}

/** Of batches that are not known to be committed. */
const uncommittedBytesMax = 64 * 1024 * 1024
const retryMs: Millis = 100
/** Who gives leadership up lets others have it for so long. */
const standBackMs: Millis = 1_000
const snapshotBatchRecords = 1024

/** What a leader holds; thrown away when it leads no more. */
interface Reign {
  readonly epoch: Epoch
  readonly zk: ZooKeeper
  readonly image: ImageInZnodes
  readonly writer: ZnodeWriter
  /** Exclusive end of what was appended, committed or not. */
  end: Offset
  uncommittedBytes: number
}

/**
 * `MetadataQuorum` over a ZooKeeper ensemble: it elects, the znodes are the metadata, and whoever is elected serves the log of it to all others.
 *
 *   standby ──/controller is free──► electing ──one multi──► loading ──all znodes read──► leading ──┐
 *      ▲                                │ another was faster   │ znodes cannot be read              │ session may have expired, or is over;
 *      └────────────────────────────────┴──────────────────────┴────────────────────────────────────┘ refused by the guard; resign; stop
 *
 * A standby (and every broker) follows the log at the leader that `/odradek/controller` names.
 *
 *  1. An epoch has one owner: `/controller` is made and `/controller_epoch` raised by one in the same multi (ZK-1).
 *  2. Every batch is one multi that checks the version of `/controller_epoch`, or a journal that is committed by one (ZnodeWriter). So no batch of an epoch
 *     is committed after a later epoch began, and batches are committed in the order in which they were appended.
 *  3. A batch is told to the listener, and shown to those who follow, when it is committed: when its multi was answered, or was found to be carried out.
 *  4. What a new leader reads holds all that earlier epochs committed: it reads after its election, with which all earlier epochs ended.
 *  5. Offsets go on from epoch to epoch (`/odradek/log`): a position that was committed in one is a position of all later ones.
 *  6. A leader holds itself for one (`leads`) only until its session may have expired by its own clock, counted from when its last answered word was sent, less a
 *     reserve for what the servers among themselves may be late;
 *     the ensemble lets nobody else be elected before the session is over, or `/controller` was deleted by its owner, who had stopped leading.
 *  7. Nothing is fenced by a session alone: `leads` decides about answers that need no record, the guard of rule 2 about all others.
 */
export class ZooKeeperQuorum implements ControllerQuorum {
  readonly votes = false
  readonly brokerSessions: BrokerSessions
  private readonly ports: FollowerPorts
  private readonly options: ZooKeeperQuorumOptions
  private readonly session: EnsembleSession
  private readonly follower: LogFollower
  private readonly server: FeedServer
  private readonly alive: AliveBrokers
  private listener: QuorumListener | null = null
  private known: QuorumLeader = { id: NO_NODE, epoch: 0, endpoint: null }
  private reign: Reign | null = null
  /** What was last delivered as a leader: it is what `redeliver` gives. */
  private feed: MetadataFeed | null = null
  private brokerLost: (broker: NodeId) => void = () => {}
  private looking = false
  private again = false
  private standBackUntil: Millis = -Infinity
  private deadline: Timer | null = null
  private retry: Timer | null = null
  private status: 'new' | 'running' | 'stopped' = 'new'

  constructor(ports: FollowerPorts, options: ZooKeeperQuorumOptions) {
    this.ports = ports
    this.options = options
    this.session = new EnsembleSession(ports, options.open, [paths.controller, paths.activeController, paths.brokerIds], {
      onConnected: () => {
        this.look()
        this.alive.look()
      },
      onChange: (_, path) => {
        if (path.startsWith(paths.brokerIds)) this.alive.look()
        else this.look()
      },
      onEnded: () => this.endReign('its session is over'),
    })
    this.follower = new LogFollower(ports, { ...options, endpoint: null }, options.nodeId, {
      onCommitted: (batch) => this.listener?.onCommitted(batch),
      onSnapshot: (snapshot) => this.listener?.onSnapshot(snapshot),
    })
    this.server = new FeedServer(ports.clock, () => ({
      leader: this.known,
      feed: this.reign === null || !this.leads(this.reign.epoch) ? null : this.feed,
    }))
    this.alive = new AliveBrokers(ports.clock, (broker) => this.brokerLost(broker))
    this.brokerSessions = {
      isLost: (broker) => this.alive.isLost(broker),
      onLost: (listener) => {
        this.brokerLost = listener
      },
    }
  }

  get clusterId(): string {
    return this.options.clusterId
  }

  get listenerName(): string {
    return this.options.listenerName
  }

  /** The leader alone: the ensemble is who votes. */
  get voters(): readonly RaftVoter[] {
    const { id, endpoint } = this.known
    return endpoint === null ? [] : [{ id, ...endpoint }]
  }

  get leader(): QuorumLeader {
    return this.known
  }

  get epoch(): Epoch {
    return this.status === 'new' ? -1 : this.known.epoch
  }

  get highWatermark(): Offset {
    return this.reign === null ? this.follower.highWatermark : (this.feed?.endOffset ?? 0)
  }

  get logEndOffset(): Offset {
    return this.reign?.end ?? this.follower.endOffset
  }

  get bytesSinceSnapshot(): number {
    return this.reign === null ? 0 : (this.feed?.bytesSinceSnapshot ?? 0)
  }

  /** Does not wait for the ensemble. */
  start(listener: QuorumListener): Promise<void> {
    assert(this.status === 'new', 'a node starts once')
    this.listener = listener
    this.status = 'running'
    this.session.start()
    return Promise.resolve()
  }

  async stop(): Promise<void> {
    if (this.status === 'stopped') return
    this.abandonTimers()
    this.endReign('it stops')
    this.status = 'stopped'
    this.follower.stop()
    await this.session.stop()
  }

  /** As if the process had died. */
  abandon(): void {
    this.abandonTimers()
    this.status = 'stopped'
    this.reign?.writer.stop()
    this.reign = null
    this.follower.stop()
    this.alive.stop()
    this.session.abandon()
  }

  private abandonTimers(): void {
    this.deadline?.cancel()
    this.retry?.cancel()
  }

  leads(epoch: Epoch): boolean {
    return this.reign?.epoch === epoch && this.ports.clock.mono() < this.session.aliveUntil
  }

  // --- what a leader does ---

  append(epoch: Epoch, values: readonly Buffer[]): Offset | null {
    assert(values.length > 0, 'an append has records')
    const { reign } = this
    if (reign === null || !this.leads(epoch) || reign.uncommittedBytes > uncommittedBytesMax) return null
    const changes = reign.image.apply(values.map(decodeRecord), epoch)
    const large = changes.find((it) => bytesOf(it) > znodeBytesMax)
    if (large !== undefined) {
      this.ports.log.write('error', 'znode-too-large', `${large.path} would be larger than ZooKeeper takes: what was asked for is not done`)
      this.ports.clock.after(0, () => this.resign(epoch))
      return null
    }
    const bytes = values.reduce((sum, value) => sum + value.length, 0)
    const now = this.ports.clock.wall()
    reign.end += values.length
    reign.uncommittedBytes += bytes
    reign.writer.write(changes, { endOffset: reign.end, epoch, timestamp: now, journal: 0 }, () => {
      reign.uncommittedBytes -= bytes
      if (this.reign === reign) this.onCommitted(reign.epoch, now, values)
    })
    return reign.end - 1
  }

  private onCommitted(epoch: Epoch, appendTime: number, values: readonly Buffer[]): void {
    const batches = this.feed?.append(epoch, appendTime, values) ?? []
    for (const batch of batches) this.listener?.onCommitted(batch)
    this.server.onChange()
  }

  resign(epoch: Epoch): void {
    if (this.reign?.epoch !== epoch) return
    this.standBackUntil = this.ports.clock.mono() + standBackMs
    this.endReign('it was told to')
    this.look()
  }

  /** The snapshot is for those who follow: the znodes need none. */
  writeSnapshot(endOffset: Offset, batches: Iterable<readonly Buffer[]>): Promise<void> {
    if (this.reign !== null) this.feed?.putSnapshot(endOffset, batches)
    return Promise.resolve()
  }

  redeliver(): void {
    const { feed, listener } = this
    if (listener === null) return
    if (feed === null) {
      this.follower.goOnFrom({ offset: 0, epoch: 0 })
      listener.onSnapshot(emptySnapshot)
      return
    }
    listener.onSnapshot(feed.latestSnapshot)
    for (const batch of feed.sinceSnapshot()) listener.onCommitted(batch)
  }

  ask(request: RaftRequest, maxBytes: number): Promise<RaftOutcome> {
    return this.server.ask(request, maxBytes)
  }

  endpointOf(id: NodeId): QuorumEndpoint | null {
    return id === this.known.id ? this.known.endpoint : null
  }

  describeQuorum(): QuorumDescription | null {
    if (this.reign === null || this.feed === null || !this.leads(this.reign.epoch)) return null
    const [leader, ...observers] = this.server.describe(this.options.nodeId)
    return { leader: this.known, highWatermark: this.feed.endOffset, voters: leader === undefined ? [] : [leader], observers }
  }

  // --- who leads ---

  /** Looks who is the active controller, and takes it on if nobody is. One look at a time. */
  private look(): void {
    if (this.status !== 'running') return
    if (this.looking) {
      this.again = true
      return
    }
    const { zk } = this.session
    if (zk === null) return
    this.looking = true
    void this.lookOnce(zk).then((soon) => {
      this.looking = false
      const again = this.again
      this.again = false
      if (again) this.look()
      else if (soon) this.lookLater(retryMs)
    })
  }

  private lookLater(delay: Millis): void {
    this.retry?.cancel()
    this.retry = this.ports.clock.after(delay, () => this.look())
  }

  /** True: it did not come to an end, and is to be tried again. */
  private async lookOnce(zk: ZooKeeper): Promise<boolean> {
    try {
      const [election, node] = await Promise.all([zk.exists(paths.controller), getOrNull(zk, paths.activeController)])
      if (!this.isCurrent(zk)) return false
      const own = (owner: bigint | undefined): boolean => owner === zk.sessionId
      const active = node === null ? null : activeControllerIn(textOf(node))
      if (own(election?.ephemeralOwner) || own(node?.stat.ephemeralOwner)) {
        if (this.reign !== null && this.reign.epoch === active?.epoch && own(election?.ephemeralOwner)) return false
        this.endReign(`${paths.controller} is not what it made`)
        await stepDown(zk)
        return true
      }
      this.endReign('another node was elected')
      this.onActive(active)
      return election === null && node === null ? await this.campaign(zk) : active === null
    } catch (error) {
      return this.onLookFailed(error)
    }
  }

  private onLookFailed(error: unknown): boolean {
    if (error instanceof ForeignEnsembleError) {
      this.abandon()
      this.options.onForeign(error)
      return false
    }
    if (error instanceof ZnodeError) {
      this.ports.log.write(
        'error',
        'znode-unreadable',
        `the metadata in ZooKeeper cannot be read: ${error.message}. Nobody can lead until it is put right`,
      )
      return true
    }
    if (!(error instanceof ZooKeeperError)) throw error
    return true
  }

  private isCurrent(zk: ZooKeeper): boolean {
    return this.status === 'running' && this.session.zk === zk
  }

  private onActive(active: ActiveController | null): void {
    const { known } = this
    if (active === null) {
      // The epoch has ended and nobody has begun the next: its log may still be read where it was
      if (known.id !== NO_NODE) this.tellLeader({ id: NO_NODE, epoch: known.epoch, endpoint: null })
      return
    }
    const { id, epoch, host, port } = active
    if (epoch < known.epoch || (epoch === known.epoch && known.id === id)) return
    this.tellLeader({ id, epoch, endpoint: { host, port } })
    if (id !== this.options.nodeId) this.follower.follow(this.known)
  }

  private tellLeader(leader: QuorumLeader): void {
    this.known = leader
    const text = leader.id === NO_NODE ? 'no controller is elected' : `node ${leader.id} is elected (epoch ${leader.epoch})`
    this.ports.log.write('info', 'quorum-leader', text, { nodeId: this.options.nodeId, leader: leader.id, epoch: leader.epoch })
    this.listener?.onLeaderChange(leader)
  }

  /** True: to be tried again. */
  private async campaign(zk: ZooKeeper): Promise<boolean> {
    const wait = this.standBackUntil - this.ports.clock.mono()
    if (wait > 0) {
      this.lookLater(wait)
      return false
    }
    await prepareEnsemble(zk, this.options.clusterId)
    const elected = await tryElection(zk, this.options.nodeId, this.options.endpoint, this.ports.clock.wall())
    if (elected === null || !this.isCurrent(zk)) return true
    const loaded = await this.load(zk)
    if (!this.isCurrent(zk)) return false
    this.beginReign(zk, elected, loaded)
    return false
  }

  /** What cannot be read is given up: another one may be able to. */
  private async load(zk: ZooKeeper): Promise<LoadedZnodes & { readonly image: ImageInZnodes }> {
    try {
      const loaded = await loadZnodes(zk)
      return { ...loaded, image: new ImageInZnodes(loaded.tree) }
    } catch (error) {
      this.standBackUntil = this.ports.clock.mono() + standBackMs
      throw error
    }
  }

  private beginReign(zk: ZooKeeper, { epoch, epochVersion }: Elected, loaded: LoadedZnodes & { readonly image: ImageInZnodes }): void {
    const { image, stored, logVersion } = loaded
    this.follower.stop()
    const id = { offset: stored.endOffset, epoch: stored.epoch }
    this.feed = new MetadataFeed(id, stored.timestamp, cutIntoSnapshotBatches(image))
    this.follower.goOnFrom(id)
    const writer = new ZnodeWriter(zk, this.ports.clock, { epochVersion, logVersion, stored }, (why) => this.onDeposed(epoch, why))
    this.reign = { epoch, zk, image, writer, end: stored.endOffset, uncommittedBytes: 0 }
    if (loaded.journal.length > 0) writer.finishJournal(loaded.redo, loaded.journal)
    this.armDeadline()
    this.tellLeader({ id: this.options.nodeId, epoch, endpoint: this.options.endpoint })
    this.listener?.onSnapshot(this.feed.latestSnapshot)
    this.alive.start(zk, [...image.activeBrokers()], zk.sessionTimeoutMs)
    if (this.leads(epoch)) this.listener?.onLeader(epoch)
    else this.endReign('its session may have expired')
  }

  private onDeposed(epoch: Epoch, why: string): void {
    if (this.reign?.epoch !== epoch) return
    this.ports.log.write('warn', 'controller-deposed', `ZooKeeper refuses what the controller of epoch ${epoch} writes: ${why}`)
    this.endReign('it was refused')
    this.look()
  }

  /** What was committed stays delivered; the follower goes on from there. */
  private endReign(why: string): void {
    const { reign, feed } = this
    if (reign === null) return
    this.deadline?.cancel()
    reign.writer.stop()
    this.alive.stop()
    this.reign = null
    if (feed !== null) this.follower.goOnFrom({ offset: feed.endOffset, epoch: feed.endEpoch })
    this.server.onChange()
    this.ports.log.write(
      'info',
      'controller-resigned',
      `node ${this.options.nodeId} is no longer the controller of epoch ${reign.epoch}: ${why}`,
    )
    this.listener?.onResigned(reign.epoch)
    this.tellLeader({ id: NO_NODE, epoch: reign.epoch, endpoint: null })
  }

  /** Rule 6: when the session may have expired, whatever the ensemble will say. */
  private armDeadline(): void {
    const wait = this.session.aliveUntil - this.ports.clock.mono()
    this.deadline = this.ports.clock.after(Math.max(0, wait), () => {
      if (this.reign === null) return
      if (this.session.aliveUntil > this.ports.clock.mono()) return this.armDeadline()
      this.endReign('its session may have expired')
      this.look()
    })
  }
}

const emptySnapshot: MetadataSnapshot = { endOffset: 0, epoch: 0, lastContainedTimestamp: -1, batches: () => [] }

function* cutIntoSnapshotBatches(image: ImageInZnodes): Iterable<readonly Buffer[]> {
  const values = image.toRecords().map(encodeRecord)
  for (let at = 0; at < values.length; at += snapshotBatchRecords) yield values.slice(at, at + snapshotBatchRecords)
}
