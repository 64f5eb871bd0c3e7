import type { Clock, Log, Timer } from '../../base/ports.ts'
import type { Millis } from '../../base/units.ts'
import { type SessionState, type ZooKeeper, ZooKeeperError } from '../../zookeeper/zookeeper.ts'

/** Makes a client that has not been started. */
export type OpenZooKeeper = () => ZooKeeper

export interface EnsembleSessionEvents {
  /** Connected, for the first time or again: changes may have been missed. */
  onConnected(zk: ZooKeeper): void
  /** A znode that is watched, or one below, has changed. */
  onChange(zk: ZooKeeper, path: string): void
  /** The session is over, and all that hangs on it is gone. A new one is begun. */
  onEnded(): void
}

const reopenAfterMs: Millis = 100
/** Credentials are put right by hand. */
const refusedAfterMs: Millis = 5_000
/** A third of the timeout: as much as a client lets pass between two pings. */
const reserveShare = 3

/** A session with the ensemble, and a new one whenever it is over. */
export class EnsembleSession {
  private readonly clock: Clock
  private readonly log: Log
  private readonly open: OpenZooKeeper
  private readonly watched: readonly string[]
  private readonly events: EnsembleSessionEvents
  private client: ZooKeeper | null = null
  private timer: Timer | null = null
  private closed = false

  constructor(
    ports: { readonly clock: Clock; readonly log: Log },
    open: OpenZooKeeper,
    watched: readonly string[],
    events: EnsembleSessionEvents,
  ) {
    this.clock = ports.clock
    this.log = ports.log
    this.open = open
    this.watched = watched
    this.events = events
  }

  start(): void {
    const zk = this.open()
    this.client = zk
    zk.start({
      onSession: (state) => this.client === zk && this.onSession(zk, state),
      onWatch: ({ path }) => this.client === zk && this.events.onChange(zk, path),
    })
  }

  get zk(): ZooKeeper | null {
    return this.client
  }

  /**
   * Until when the session cannot have expired, by the own clock; long ago when there is none. The leader of the ensemble hears of a server's clients
   * with a delay, and not at all of what a server that dies in between was told: a part of the timeout is left for that.
   */
  get aliveUntil(): Millis {
    const { client } = this
    if (client === null || client.sessionTimeoutMs === 0) return -Infinity
    return client.expiresAt - client.sessionTimeoutMs / reserveShare
  }

  async stop(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.timer?.cancel()
    const { client } = this
    this.client = null
    await client?.close()
  }

  /** Nothing is said any more, the ensemble finds out by itself. */
  abandon(): void {
    this.closed = true
    this.timer?.cancel()
    void this.client?.close()
    this.client = null
  }

  private onSession(zk: ZooKeeper, state: SessionState): void {
    switch (state) {
      case 'connected':
        this.watchAll(zk)
        return this.events.onConnected(zk)
      case 'disconnected':
        return
      case 'expired':
        this.log.write('warn', 'zookeeper-session-expired', 'the session with ZooKeeper has expired: beginning another')
        return this.begin(zk, reopenAfterMs)
      case 'authFailed':
        this.log.write(
          'error',
          'zookeeper-auth-failed',
          'ZooKeeper refuses the credentials. Check odradek.zookeeper.digest.username and its password',
        )
        return this.begin(zk, refusedAfterMs)
    }
  }

  /** Asked for at each connection: the answer to a request that the last one lost is not known. */
  private watchAll(zk: ZooKeeper): void {
    for (const path of this.watched) {
      zk.watch(path).catch((error: unknown) => {
        if (!(error instanceof ZooKeeperError)) throw error
      })
    }
  }

  private begin(old: ZooKeeper, delay: Millis): void {
    this.client = null
    this.events.onEnded()
    void old.close()
    if (this.closed) return
    this.timer = this.clock.after(delay, () => this.start())
  }
}
