import type { Clock, Connection, Listener, Network } from '../../base/ports.ts'
import type { Millis } from '../../base/units.ts'
import type { Request } from '../../zookeeper/wire/requests.ts'
import { worldAll } from '../../zookeeper/wire/records.ts'
import type { Channel } from './channel.ts'
import { ModelConnection, type ServerSide } from './model-connection.ts'
import type { Identity } from './rights.ts'
import type { Origin, Transaction } from './transaction.ts'
import { Tree } from './tree.ts'

/** What a server asks of the one it follows, which may be itself. */
export interface Leading {
  propose(from: ModelMember, origin: Origin, session: bigint, identities: readonly Identity[], request: Request): void
  createSession(from: ModelMember, origin: Origin, timeoutMs: Millis): void
  revalidate(from: ModelMember, session: bigint, password: Buffer): Millis
  touch(sessions: readonly bigint[]): void
  passwordOf(session: bigint): Buffer
  grant(timeoutMs: Millis): Millis
}

export interface MemberPlace {
  readonly at: number
  readonly place: string
  readonly host: string
  readonly port: number
}

/** One server of the model: its own copy of the nodes, which may lag, and the clients that are connected to it. */
export class ModelMember implements ServerSide {
  readonly where: MemberPlace
  role: 'down' | 'looking' | 'following' | 'leading' = 'down'
  isPaused = false
  /** Of the leader that it follows, or is. */
  epoch = 0
  /** Transactions that are on its disk, and that it has carried out. */
  logged = 0
  applied = 0
  lastZxid = 0n
  /** When its leader was last there; a leader keeps it for its followers. */
  heardAt: Millis = 0
  lookingSince: Millis = 0
  /** Grows with each death: timers of an earlier life end. */
  life = 0
  toLeader: Channel | null = null
  fromLeader: Channel | null = null
  readonly tree = new Tree([worldAll])
  private readonly leading: Leading
  private readonly connections = new Set<ModelConnection>()
  private touched = new Set<bigint>()
  private listener: Listener | null = null
  private readonly delay: () => Millis

  /** `delay`: of a message to or from the leader. */
  constructor(where: MemberPlace, leading: Leading, delay: () => Millis) {
    this.where = where
    this.leading = leading
    this.delay = delay
  }

  get isUp(): boolean {
    return this.role !== 'down' && !this.isPaused
  }

  get isServing(): boolean {
    return this.role === 'following' || this.role === 'leading'
  }

  async listen(network: Network): Promise<void> {
    const { host, port } = this.where
    const { life } = this
    const listener = await network.listen(host, port, (connection) => this.take(connection))
    if (this.life === life) this.listener = listener
    else await listener.close()
  }

  die(): void {
    this.life += 1
    this.stopServing()
    this.role = 'down'
    this.isPaused = false
    void this.listener?.close()
    this.listener = null
  }

  /** Its leader is lost, or its followers: nobody is served until there is one again. */
  look(clock: Clock): void {
    this.stopServing()
    this.role = 'looking'
    this.lookingSince = clock.mono()
  }

  private stopServing(): void {
    this.toLeader?.close()
    this.fromLeader?.close()
    this.toLeader = null
    this.fromLeader = null
    this.touched.clear()
    for (const connection of [...this.connections]) connection.drop()
  }

  /** Carries out what is in the order up to `end`. */
  carryOut(order: readonly Transaction[], end: number): void {
    this.logged = Math.max(this.logged, end)
    for (let next = order[this.applied]; next !== undefined && this.applied < end; next = order[this.applied]) {
      this.applied += 1
      this.carryOutOne(next)
    }
  }

  private carryOutOne(transaction: Transaction): void {
    this.lastZxid = transaction.zxid
    for (const effect of transaction.effects) {
      for (const event of this.tree.apply(effect, transaction.zxid, transaction.time))
        for (const connection of this.connections) connection.tell(event)
    }
    for (const connection of [...this.connections]) {
      if (connection === transaction.origin) connection.onCarriedOut(transaction)
      if (transaction.kind === 'closeSession' && connection.session === transaction.session) connection.onSessionClosed()
    }
  }

  /** What its clients were heard of since the last time goes to the leader. */
  relayTouches(): void {
    const sessions = [...this.touched]
    this.touched.clear()
    if (sessions.length > 0) this.toLeader?.send(this.delay(), () => this.leading.touch(sessions))
  }

  private take(connection: Connection): void {
    if (!this.isServing) {
      connection.start({ onData: () => {}, onDrain: () => {}, onClose: () => {} })
      return connection.destroy()
    }
    this.connections.add(new ModelConnection(this, connection))
  }

  propose(origin: Origin, session: bigint, identities: readonly Identity[], request: Request): void {
    this.toLeader?.send(this.delay(), () => this.leading.propose(this, origin, session, identities, request))
  }

  createSession(origin: Origin, timeoutMs: Millis): void {
    this.toLeader?.send(this.delay(), () => this.leading.createSession(this, origin, timeoutMs))
  }

  revalidate(session: bigint, password: Buffer, done: (timeoutMs: Millis) => void): void {
    const { fromLeader } = this
    this.toLeader?.send(this.delay(), () => {
      const timeoutMs = this.leading.revalidate(this, session, password)
      fromLeader?.send(this.delay(), () => done(timeoutMs))
    })
  }

  sync(done: () => void): void {
    const { fromLeader } = this
    this.toLeader?.send(this.delay(), () => fromLeader?.send(this.delay(), done))
  }

  onHeard(session: bigint): void {
    if (this.role === 'leading') this.leading.touch([session])
    else this.touched.add(session)
  }

  passwordOf(session: bigint): Buffer {
    return this.leading.passwordOf(session)
  }

  grant(timeoutMs: Millis): Millis {
    return this.leading.grant(timeoutMs)
  }

  displace(session: bigint): void {
    for (const connection of [...this.connections]) if (connection.session === session) connection.drop()
  }

  forget(connection: ModelConnection): void {
    this.connections.delete(connection)
  }
}
