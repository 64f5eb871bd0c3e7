import { type Connection, NetworkError, type Timer } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'
import { type ConnectString } from './connect-string.ts'
import { answerBytesMax, requestBytesMax, requestsWaitingMax, type ZooKeeperOptions, type ZooKeeperPorts } from './options.ts'
import { ServerList } from './server-list.ts'
import { type Outstanding, ServerLink, type ServerLinkEvents } from './server-link.ts'
import { Watched } from './watched.ts'
import type { Answer, WatchEvent } from './wire/answers.ts'
import { type ConnectResponse, passwordBytes } from './wire/handshake.ts'
import { type Request, writeRequest, xids } from './wire/requests.ts'
import type { SessionState, ZooKeeperErrorCode } from './zookeeper.ts'

export interface SessionEvents {
  onSession(state: SessionState): void
  onWatch(event: WatchEvent): void
  /** Asked of each server that takes the session, before anything that waits is sent, until `ready` was called once. */
  prepare(ready: () => void): void
}

type Ask = Pick<Outstanding, 'onAnswer' | 'onError'>

const xidMax = 0x7fff_ffff
const closeMsMax: Millis = 1_000

/**
 * A session over one connection after another.
 *
 * new → connecting (a server is dialled, then asked for the session) → preparing (the first time) → connected → connecting (lost) …
 * From all of them → ended: closed, expired (a server said so), or not let in. What is asked while it is not connected waits; what was sent and not answered
 * when a connection is lost is rejected with `connectionLoss`, and is not sent again. A write of a lost connection is never carried out after
 * one of the next: a server that the session was moved away from has its writes refused (org.apache.zookeeper.server.SessionTracker).
 */
export class Session {
  sessionId = 0n
  timeoutMs: Millis = 0
  /** When what was last known to have been received was sent. */
  private provedAt: Millis = 0
  private password: Buffer = Buffer.alloc(passwordBytes)
  private lastZxid = 0n
  private readonly ports: ZooKeeperPorts
  private readonly options: ZooKeeperOptions
  private readonly events: SessionEvents
  private readonly servers: ServerList
  private readonly watched = new Watched()
  private state: 'new' | 'connecting' | 'preparing' | 'connected' | 'ended' = 'new'
  private isPrepared = false
  private endedBy: ZooKeeperErrorCode = 'sessionExpired'
  private link: ServerLink | null = null
  private queued: Outstanding[] = []
  private nextXid = 1
  private pause: Timer | null = null
  private closing: Promise<void> | null = null

  constructor(ports: ZooKeeperPorts, options: ZooKeeperOptions, servers: ConnectString['servers'], events: SessionEvents) {
    this.ports = ports
    this.options = options
    this.events = events
    this.servers = new ServerList(servers, ports.entropy)
  }

  get expiresAt(): Millis {
    return this.timeoutMs === 0 ? 0 : this.provedAt + this.timeoutMs
  }

  start(): void {
    if (this.state !== 'new') return
    this.state = 'connecting'
    this.dial()
  }

  /** In the order of the calls; `onAnswer` and `onError` are called in that order too, and in the turn in which the answer is taken. */
  ask(request: Request, { onAnswer, onError }: Ask): void {
    if (this.state === 'ended' || this.closing !== null) return onError(this.endedBy)
    if (this.queued.length + (this.link?.waiting ?? 0) >= (this.options.requestsWaitingMax ?? requestsWaitingMax))
      return onError('systemError')
    const what = this.outstanding(request, { onAnswer, onError })
    if (what.frame.length - 4 > (this.options.requestBytesMax ?? requestBytesMax)) return onError('badArguments')
    if (this.state === 'connected') this.link?.send(what)
    else this.queued.push(what)
  }

  /** Past what waits: for whoever prepares. */
  askFirst(request: Request, ask: Ask): void {
    if (this.link === null) ask.onError('connectionLoss')
    else this.link.send(this.outstanding(request, ask))
  }

  close(): Promise<void> {
    this.closing ??= this.state === 'connected' ? this.sayGoodbye() : Promise.resolve(this.end('sessionExpired'))
    return this.closing
  }

  private outstanding(request: Request, { onAnswer, onError }: Ask): Outstanding {
    const xid = this.nextXid
    this.nextXid = xid === xidMax ? 1 : xid + 1
    return { xid, request, frame: writeRequest(xid, request), onAnswer, onError }
  }

  private sayGoodbye(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel()
        this.end('sessionExpired')
        resolve()
      }
      const timer = this.ports.clock.after(Math.min(closeMsMax, this.timeoutMs / 3), done)
      this.link?.send(this.outstanding({ op: 'closeSession' }, { onAnswer: done, onError: done }))
    })
  }

  private end(code: ZooKeeperErrorCode): void {
    if (this.state === 'ended') return
    this.state = 'ended'
    this.endedBy = code
    this.pause?.cancel()
    const { link, queued } = this
    this.link = null
    this.queued = []
    link?.destroy()
    for (const { onError } of queued) onError(code)
  }

  private dial(): void {
    const { server, attemptMs } = this.servers.next(this.timeoutMs === 0 ? this.options.sessionTimeoutMs : this.timeoutMs)
    const deadline = this.ports.clock.mono() + attemptMs
    this.ports.network.dial(server.host, server.port, { timeoutMs: attemptMs }).then(
      (connection) => this.onDialled(connection, Math.max(1, deadline - this.ports.clock.mono())),
      (error: unknown) => {
        if (!(error instanceof NetworkError)) throw error
        this.dialAgain()
      },
    )
  }

  private dialAgain(): void {
    if (this.state === 'ended') return
    this.state = 'connecting'
    this.pause = this.ports.clock.after(this.servers.pauseMs(), () => {
      if (this.state === 'connecting') this.dial()
    })
  }

  private onDialled(connection: Connection, handshakeMs: Millis): void {
    if (this.state === 'ended') {
      connection.start({ onData: () => {}, onDrain: () => {}, onClose: () => {} })
      return connection.destroy()
    }
    const handshake = {
      lastZxidSeen: this.lastZxid,
      timeoutMs: Math.round(this.options.sessionTimeoutMs),
      sessionId: this.sessionId,
      password: this.password,
      readOnly: false,
    }
    const options = { handshake, handshakeMs, answerBytesMax: this.options.answerBytesMax ?? answerBytesMax }
    const link: ServerLink = new ServerLink(
      this.ports.clock,
      connection,
      options,
      this.linkEvents(() => link),
    )
    this.link = link
  }

  private linkEvents(link: () => ServerLink): ServerLinkEvents {
    return {
      onHandshake: (response, sentAt) => this.onHandshake(link(), response, sentAt),
      onProof: (sentAt) => void (this.provedAt = Math.max(this.provedAt, sentAt)),
      onAnswered: (request, zxid, result) => this.onAnswered(request, zxid, result),
      onEvent: (event) => this.onEvent(event),
      onAuthFailed: () => this.endBy('authFailed', 'authFailed'),
      onLost: (unsent) => this.onLost(unsent),
    }
  }

  private onHandshake(link: ServerLink, response: ConnectResponse, sentAt: Millis): void {
    if (response.timeoutMs <= 0) return this.endBy('expired', 'sessionExpired')
    this.servers.onConnected()
    this.sessionId = response.sessionId
    this.password = Buffer.from(response.password)
    this.timeoutMs = response.timeoutMs
    this.provedAt = Math.max(this.provedAt, sentAt)
    link.open(response.timeoutMs)
    this.rearm(link)
    if (this.isPrepared) return this.onReady(link)
    this.state = 'preparing'
    this.events.prepare(() => {
      this.isPrepared = true
      this.onReady(link)
    })
  }

  /** Who we are, and what is watched: before anything else, so that what was missed is told before it is read. */
  private rearm(link: ServerLink): void {
    const { digest } = this.options
    if (digest !== undefined) link.tell(xids.auth, { op: 'auth', scheme: 'digest', auth: Buffer.from(digest) })
    for (const watches of this.watched.toSet(this.lastZxid)) link.tell(xids.setWatches, { op: 'setWatches', watches })
  }

  private onReady(link: ServerLink): void {
    if (this.link !== link || this.state === 'ended') return
    this.state = 'connected'
    const { queued } = this
    this.queued = []
    for (const what of queued) link.send(what)
    this.events.onSession('connected')
  }

  private onAnswered(request: Request, zxid: bigint, result: Answer | ZooKeeperErrorCode): void {
    if (zxid > this.lastZxid) this.lastZxid = zxid
    if (result === 'noNode') this.watched.onMissing(request)
    else if (typeof result !== 'string') this.watched.onAnswer(request, result)
  }

  private onEvent(event: WatchEvent): void {
    if (this.state === 'ended') return
    this.watched.onEvent(event)
    this.events.onWatch(event)
  }

  private onLost(unsent: readonly Outstanding[]): void {
    this.link = null
    if (this.state === 'ended') return rejectAll(unsent, this.endedBy)
    const wasConnected = this.state === 'connected'
    // What was being prepared begins anew; it is not what anybody waits for.
    if (wasConnected) this.queued = [...unsent, ...this.queued]
    else rejectAll(unsent, 'connectionLoss')
    this.dialAgain()
    if (wasConnected) this.events.onSession('disconnected')
  }

  private endBy(state: SessionState, code: ZooKeeperErrorCode): void {
    if (this.state === 'ended') return
    this.end(code)
    this.events.onSession(state)
  }
}

function rejectAll(outstanding: readonly Outstanding[], code: ZooKeeperErrorCode): void {
  for (const { onError } of outstanding) onError(code)
}
