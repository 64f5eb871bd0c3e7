import type { Timer } from '../../../base/ports.ts'
import type { Millis } from '../../../base/units.ts'
import {
  type CreateMode,
  type SessionState,
  type ZNode,
  type ZNodeStat,
  type ZooKeeper,
  ZooKeeperError,
  type ZooKeeperListener,
  type ZooKeeperOperation,
  type ZooKeeperResult,
} from '../../../zookeeper/zookeeper.ts'
import type { EnsembleClient, MemoryEnsemble, WatchEvent } from './ensemble.ts'

/** Bytes of one request; a server cuts the connection of who sends more. */
const requestBytesMax = 1024 * 1024
const jitterMs = 5

interface Request {
  readonly run: () => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: ZooKeeperError) => void
  readonly bytes: number
}

/**
 * One client of the ensemble in memory. Its connection is cut (`cut`), or falls silent without a word (`stall`), when whoever tests says so; requests that
 * were under way then may have been carried out, the first of them sooner than the later ones.
 */
export class MemoryZooKeeper implements ZooKeeper, EnsembleClient {
  sessionId = 0n
  sessionTimeoutMs = 0
  private readonly ensemble: MemoryEnsemble
  private listener: ZooKeeperListener | null = null
  private state: 'connecting' | 'connected' | 'disconnected' | 'closed' = 'connecting'
  private stalled = false
  /** Of the last word that was answered. */
  private provenAt: Millis = -Infinity
  /** When the ensemble heard last. */
  private heardAt: Millis = -Infinity
  private connectedAt: Millis = 0
  private readonly waiting: Request[] = []
  private underWay: Request[] = []
  /** Carried out, not told. */
  private untold: { readonly tell: () => void; readonly request: Request | null }[] = []
  private readonly watched: string[] = []
  private timer: Timer | null = null
  private link = 0

  constructor(ensemble: MemoryEnsemble) {
    this.ensemble = ensemble
    ensemble.clients.add(this)
  }

  start(listener: ZooKeeperListener): void {
    this.listener = listener
    this.connectLater()
  }

  get isConnected(): boolean {
    return this.state === 'connected'
  }

  get expiresAt(): Millis {
    this.beat()
    return this.provenAt + this.sessionTimeoutMs
  }

  close(): Promise<void> {
    if (this.state === 'closed') return Promise.resolve()
    const session = this.sessionId
    const connected = this.state === 'connected' && !this.stalled && this.ensemble.up
    this.fail('connectionLoss')
    this.end()
    if (connected) this.ensemble.endSession(session)
    else if (session !== 0n) this.ensemble.clock.after(this.sessionTimeoutMs, () => this.ensemble.endSession(session))
    return Promise.resolve()
  }

  /** As kill -9: nobody says goodbye. */
  die(): void {
    if (this.state === 'closed') return
    this.beat()
    if (this.state === 'connected') this.expireLater(this.sessionId, this.heardAt)
    this.fail('connectionLoss')
    this.end()
  }

  /** The connection breaks; another one is made after `pauseMs`. */
  cut(pauseMs: Millis): void {
    if (this.state !== 'connected') return
    this.beat()
    this.state = 'disconnected'
    this.stalled = false
    this.timer?.cancel()
    const done = this.ensemble.prng.below(this.underWay.length + 1)
    if (this.ensemble.isAlive(this.sessionId)) for (const request of this.underWay.slice(0, done)) this.carryOut(request)
    this.fail('connectionLoss')
    this.expireLater(this.sessionId, this.heardAt)
    this.listener?.onSession('disconnected')
    this.connectLater(pauseMs)
  }

  /** An ensemble that was not there has not counted the time. */
  private expireLater(session: bigint, heardAt: Millis): void {
    const { ensemble } = this
    ensemble.clock.after(Math.max(1, heardAt + this.sessionTimeoutMs - ensemble.clock.mono()), () => {
      if (this.heardAt > heardAt) return
      if (ensemble.up) ensemble.endSession(session)
      else ensemble.clock.after(this.sessionTimeoutMs, () => this.expireLater(session, heardAt))
    })
  }

  /** Nothing comes through any more, and nobody is told. The client notices after two thirds of its timeout. */
  stall(pauseMs: Millis = this.ensemble.prng.below(100)): void {
    if (this.state !== 'connected' || this.stalled) return
    this.beat()
    this.stalled = true
    this.timer = this.ensemble.clock.after((this.sessionTimeoutMs * 2) / 3, () => this.cut(pauseMs))
  }

  multi(operations: readonly ZooKeeperOperation[]): Promise<readonly ZooKeeperResult[]> {
    const bytes = operations.reduce((sum, it) => sum + it.path.length + ('data' in it ? it.data.length : 0) + 60, 0)
    return this.request(() => this.ensemble.carryOut(this.sessionId, operations), bytes)
  }

  create(path: string, data: Buffer, mode: CreateMode): Promise<string> {
    return this.request(() => {
      this.ensemble.carryOut(this.sessionId, [{ op: 'create', path, data, mode }])
      return path
    }, data.length)
  }

  set(path: string, data: Buffer, version: number): Promise<ZNodeStat> {
    return this.request(() => {
      this.ensemble.carryOut(this.sessionId, [{ op: 'set', path, data, version }])
      return this.ensemble.get(path).stat
    }, data.length)
  }

  delete(path: string, version: number): Promise<void> {
    return this.request(() => void this.ensemble.carryOut(this.sessionId, [{ op: 'delete', path, version }]))
  }

  get(path: string): Promise<ZNode> {
    return this.request(() => this.ensemble.get(path))
  }

  exists(path: string): Promise<ZNodeStat | null> {
    return this.request(() => this.ensemble.exists(path))
  }

  children(path: string): Promise<readonly string[]> {
    return this.request(() => this.ensemble.children(path))
  }

  sync(): Promise<void> {
    return this.request(() => {})
  }

  watch(path: string): Promise<void> {
    return this.request(() => void this.watched.push(path))
  }

  /** A persistent watch tells nothing of what happened while there was no connection. */
  onChanged(event: WatchEvent): void {
    if (this.state !== 'connected' || this.stalled) return
    if (!this.watched.some((path) => event.path === path || event.path.startsWith(`${path}/`))) return
    this.tellLater(() => this.listener?.onWatch(event), null)
  }

  /** Pings, as far as they would have been answered. */
  private beat(): void {
    if (this.state !== 'connected' || this.stalled || !this.ensemble.up) return
    const now = this.ensemble.clock.mono()
    const pingEvery = this.sessionTimeoutMs / 3
    this.heardAt = now
    this.provenAt = Math.max(this.provenAt, this.connectedAt + Math.floor((now - this.connectedAt) / pingEvery) * pingEvery)
  }

  private request<T>(run: () => T, bytes = 0): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      const request: Request = { run, resolve, reject, bytes }
      if (this.state === 'closed') reject(new ZooKeeperError('sessionExpired', ''))
      else if (this.state === 'connected') this.send(request)
      else this.waiting.push(request)
    }) as Promise<T>
  }

  private delay(): Millis {
    return (this.ensemble.options.latencyMs * this.ensemble.prng.below(100)) / 100
  }

  private send(request: Request): void {
    this.underWay.push(request)
    const { link } = this
    this.ensemble.clock.after(this.delay(), () => {
      if (this.link !== link || this.stalled || !this.ensemble.up) return
      if (request.bytes > requestBytesMax) this.cut(jitterMs)
      else this.carryOutUpTo(request)
    })
  }

  /** In order, whichever arrives first. */
  private carryOutUpTo(request: Request): void {
    const upTo = this.underWay.indexOf(request)
    for (const each of this.underWay.splice(0, upTo + 1)) this.carryOut(each)
  }

  private carryOut(request: Request): void {
    const settle = outcomeOf(request)
    this.tellLater(settle, request)
  }

  private tellLater(tell: () => void, request: Request | null): void {
    const entry = { tell, request }
    this.untold.push(entry)
    const { link } = this
    this.ensemble.clock.after(this.delay(), () => {
      if (this.link !== link || this.stalled) return
      const upTo = this.untold.indexOf(entry)
      for (const each of this.untold.splice(0, upTo + 1)) each.tell()
    })
  }

  private fail(code: 'connectionLoss' | 'sessionExpired'): void {
    this.link += 1
    const lost = [...this.untold.flatMap((it) => (it.request === null ? [] : [it.request])), ...this.underWay]
    this.untold = []
    this.underWay = []
    for (const request of lost) request.reject(new ZooKeeperError(code, ''))
  }

  private end(): void {
    this.state = 'closed'
    this.timer?.cancel()
    this.ensemble.clients.delete(this)
    for (const request of this.waiting.splice(0)) request.reject(new ZooKeeperError('sessionExpired', ''))
  }

  private connectLater(pauseMs: Millis = 0): void {
    this.ensemble.clock.after(pauseMs + this.delay(), () => this.connect())
  }

  private connect(): void {
    if (this.state === 'closed') return
    const { ensemble } = this
    if (!ensemble.up) return this.connectLater(50)
    if (this.sessionId !== 0n && !ensemble.isAlive(this.sessionId)) {
      this.end()
      return this.tell('expired')
    }
    if (this.sessionId === 0n) this.sessionId = ensemble.beginSession()
    this.sessionTimeoutMs = ensemble.options.sessionTimeoutMs
    this.state = 'connected'
    this.connectedAt = ensemble.clock.mono()
    this.provenAt = this.connectedAt
    this.heardAt = this.connectedAt
    this.tell('connected')
    for (const request of this.waiting.splice(0)) this.send(request)
  }

  private tell(state: SessionState): void {
    this.listener?.onSession(state)
  }
}

/** Carried out now, told later. */
function outcomeOf(request: Request): () => void {
  try {
    const value = request.run()
    return () => request.resolve(value)
  } catch (error) {
    if (!(error instanceof ZooKeeperError)) throw error
    return () => request.reject(error)
  }
}
