import { type Epoch, type Millis, NO_NODE, type NodeId } from '../../base/units.ts'
import { paths } from '../../znodes/paths.ts'
import { activeControllerIn, type AliveBroker, brokerIdPath, brokerIdText } from '../../znodes/registration.ts'
import { ZnodeError } from '../../znodes/json.ts'
import { type ZooKeeper, ZooKeeperError } from '../../zookeeper/zookeeper.ts'
import type { MetadataObserver } from '../metadata-observer.ts'
import type { QuorumLeader, QuorumListener } from '../metadata-quorum.ts'
import { EnsembleSession, type OpenZooKeeper } from './ensemble-session.ts'
import { type FollowerPorts, LogFollower } from './log-follower.ts'
import { getOrNull, textOf } from './znode-load.ts'

export interface ZooKeeperObserverOptions {
  readonly nodeId: NodeId
  readonly clusterId: string
  readonly listenerName: string
  readonly open: OpenZooKeeper
  /** A start that is not connected by then fails. */
  readonly connectionTimeoutMs: Millis
}

/** A node that starts has not reached the ensemble in time. */
export class EnsembleUnreachableError extends Error {
  override readonly name = 'EnsembleUnreachableError'
}

const retryMs: Millis = 100

/**
 * What a broker has of the quorum: it follows the metadata log at whoever `/odradek/controller` names, and says in `/brokers/ids/<id>` that it is alive.
 *
 *  1. Nothing here is needed to go on: without the ensemble the last known controller is followed for as long as it leads, and what the broker hosts is
 *     served under the leader epochs that it knows.
 *  2. The znode is made once the controller has registered the broker, and again in each new session. One that an earlier process of this id has left is
 *     taken over: of two processes the controller's registration has let one in.
 *  3. `sessionUntil` is when the ensemble may first hold this broker for dead, by the own clock; the active controller fences it then.
 */
export class ZooKeeperObserver implements MetadataObserver {
  private readonly ports: FollowerPorts
  private readonly session: EnsembleSession
  private readonly follower: LogFollower
  private readonly nodeId: NodeId
  private listener: QuorumListener | null = null
  private known: QuorumLeader = { id: NO_NODE, epoch: 0, endpoint: null }
  private alive: AliveBroker | null = null
  private looking = false
  private again = false
  private registered = false
  private stopped = false
  private onConnected: () => void = () => {}
  private readonly connectionTimeoutMs: Millis

  constructor(ports: FollowerPorts, options: ZooKeeperObserverOptions) {
    this.ports = ports
    this.nodeId = options.nodeId
    this.connectionTimeoutMs = options.connectionTimeoutMs
    this.session = new EnsembleSession(ports, options.open, [paths.activeController], {
      onConnected: () => {
        this.onConnected()
        this.look()
      },
      onChange: () => this.look(),
      onEnded: () => {
        this.registered = false
      },
    })
    this.follower = new LogFollower(ports, { ...options, endpoint: null }, options.nodeId, {
      onCommitted: (batch) => this.listener?.onCommitted(batch),
      onSnapshot: (snapshot) => this.listener?.onSnapshot(snapshot),
    })
  }

  get leader(): QuorumLeader {
    return this.known
  }

  get sessionUntil(): Millis {
    return this.registered ? this.session.aliveUntil : -Infinity
  }

  /** Rejects with EnsembleUnreachableError. */
  start(listener: QuorumListener): Promise<void> {
    this.listener = listener
    return new Promise((resolve, reject) => {
      const timer = this.ports.clock.after(this.connectionTimeoutMs, () =>
        reject(
          new EnsembleUnreachableError(
            `No ZooKeeper server has answered within ${this.connectionTimeoutMs} ms. Check zookeeper.connect, and whether the ensemble is up`,
          ),
        ),
      )
      this.onConnected = () => {
        timer.cancel()
        resolve()
      }
      this.session.start()
    })
  }

  /** The controller has let this broker in: from now on the ensemble is told that it is alive. */
  onRegistered(broker: AliveBroker): void {
    this.alive = broker
    this.registered = false
    this.look()
  }

  /** Ends the session, with which `/brokers/ids/<id>` goes. */
  async stop(): Promise<void> {
    this.stopped = true
    this.follower.stop()
    await this.session.stop()
  }

  abandon(): void {
    this.stopped = true
    this.follower.stop()
    this.session.abandon()
  }

  /** Who leads, and whether this broker's znode is there. One look at a time. */
  private look(): void {
    const { zk } = this.session
    if (zk === null || this.stopped) return
    if (this.looking) {
      this.again = true
      return
    }
    this.looking = true
    void this.lookOnce(zk).then((done) => {
      this.looking = false
      const again = this.again
      this.again = false
      if (again) this.look()
      else if (!done) this.ports.clock.after(retryMs, () => this.look())
    })
  }

  private async lookOnce(zk: ZooKeeper): Promise<boolean> {
    try {
      const node = await getOrNull(zk, paths.activeController)
      if (zk !== this.session.zk || this.stopped) return true
      if (node !== null) this.onActive(textOf(node))
      if (this.alive !== null && !this.registered) await this.makeZnode(zk, this.alive)
      return true
    } catch (error) {
      if (error instanceof ZnodeError) {
        this.ports.log.write('error', 'znode-unreadable', error.message)
        return false
      }
      if (!(error instanceof ZooKeeperError)) throw error
      return false
    }
  }

  private onActive(text: string): void {
    const { id, epoch, host, port } = activeControllerIn(text)
    if (epoch <= this.known.epoch) return
    this.tell({ id, epoch, endpoint: { host, port } })
  }

  /** An epoch that was heard of is never left for an earlier one (ZK-2). */
  private tell(leader: QuorumLeader & { readonly epoch: Epoch }): void {
    this.known = leader
    this.follower.follow(leader)
    this.listener?.onLeaderChange(leader)
  }

  private async makeZnode(zk: ZooKeeper, broker: AliveBroker): Promise<void> {
    const path = brokerIdPath(this.nodeId)
    const data = Buffer.from(brokerIdText(broker))
    const stat = await zk.exists(path)
    if (stat?.ephemeralOwner === zk.sessionId) await zk.set(path, data, stat.version)
    else {
      const gone = stat === null ? [] : [{ op: 'delete' as const, path, version: stat.version }]
      await zk.multi([...gone, { op: 'create', path, data, mode: 'ephemeral' }])
    }
    if (zk === this.session.zk && broker === this.alive) this.registered = true
  }
}
