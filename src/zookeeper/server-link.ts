import type { Clock, Connection, Timer } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'
import { FrameAssembler } from '../protocol/frame-assembler.ts'
import { MalformedError } from '../protocol/reader.ts'
import { type Answer, readAnswer, readEvent, readReplyHeader, type ReplyHeader, type WatchEvent } from './wire/answers.ts'
import { errorCodeOf } from './wire/errors.ts'
import { type ConnectRequest, type ConnectResponse, readConnectResponse, writeConnectRequest } from './wire/handshake.ts'
import { JuteReader, malformed } from './wire/jute.ts'
import { type Request, writeRequest, xids } from './wire/requests.ts'
import { ZooKeeperError, type ZooKeeperErrorCode } from './zookeeper.ts'

/** A request with whoever waits for its answer. */
export interface Outstanding {
  readonly xid: number
  readonly request: Request
  readonly frame: Buffer
  readonly onAnswer: (answer: Answer) => void
  readonly onError: (code: ZooKeeperErrorCode) => void
}

export interface ServerLinkEvents {
  /** The server has answered the handshake, which was sent at `sentAt`. */
  onHandshake(response: ConnectResponse, sentAt: Millis): void
  /** An answer is being taken, of something that was sent at `sentAt`; before whoever waits for it hears of it. */
  onProof(sentAt: Millis): void
  onAnswered(request: Request, zxid: bigint, result: Answer | ZooKeeperErrorCode): void
  onEvent(event: WatchEvent): void
  onAuthFailed(): void
  /** Once, and last; `unsent` are as if they had never been asked. Those that were sent are rejected after it. */
  onLost(unsent: readonly Outstanding[]): void
}

export interface ServerLinkOptions {
  readonly handshake: ConnectRequest
  /** For the answer to the handshake. */
  readonly handshakeMs: Millis
  readonly answerBytesMax: number
}

interface Sent {
  readonly what: Outstanding
  readonly sentAt: Millis
}

/**
 * One connection to one server: the handshake, then requests out and answers back in their order, with events in between. When nothing was sent for a
 * third of the session's timeout a ping goes out; when nothing was heard for two thirds the link is given up, so that there is a third left to find
 * another server (org.apache.zookeeper.ClientCnxn).
 */
export class ServerLink {
  private readonly clock: Clock
  private readonly connection: Connection
  private readonly events: ServerLinkEvents
  private readonly assembler: FrameAssembler
  private state: 'handshake' | 'open' | 'lost' = 'handshake'
  private readonly handshakeAt: Millis
  private pingAfterMs: Millis = Infinity
  private silenceMsMax: Millis
  private lastSent: Millis
  private lastHeard: Millis
  private timer: Timer | null = null
  private inFlight: Sent[] = []
  private outgoing: Outstanding[] = []
  private pings: Millis[] = []
  private flushDue = false
  private awaitsDrain = false

  constructor(clock: Clock, connection: Connection, options: ServerLinkOptions, events: ServerLinkEvents) {
    this.clock = clock
    this.connection = connection
    this.events = events
    this.assembler = new FrameAssembler(options.answerBytesMax)
    this.silenceMsMax = options.handshakeMs
    this.handshakeAt = this.lastSent = this.lastHeard = clock.mono()
    connection.start({
      onData: (bytes) => this.onData(bytes),
      onDrain: () => this.onDrain(),
      onClose: () => this.lose(),
    })
    connection.write([writeConnectRequest(options.handshake)])
    this.look()
  }

  /** The session is granted: pings go out from now on. */
  open(timeoutMs: Millis): void {
    this.state = 'open'
    this.pingAfterMs = timeoutMs / 3
    this.silenceMsMax = (timeoutMs * 2) / 3
    this.look()
  }

  /** What has no answer that is waited for: authentication, watches that are set again. */
  tell(xid: number, request: Request): void {
    this.connection.write([writeRequest(xid, request)])
    this.lastSent = this.clock.mono()
  }

  send(what: Outstanding): void {
    this.outgoing.push(what)
    if (this.flushDue || this.awaitsDrain) return
    this.flushDue = true
    this.clock.endOfTurn(() => this.flush())
  }

  get waiting(): number {
    return this.inFlight.length + this.outgoing.length
  }

  /** Ends it at once. */
  destroy(): void {
    this.connection.destroy()
    this.lose()
  }

  private flush(): void {
    this.flushDue = false
    if (this.state === 'lost' || this.awaitsDrain || this.outgoing.length === 0) return
    const now = this.clock.mono()
    const sent = this.outgoing
    this.outgoing = []
    for (const what of sent) this.inFlight.push({ what, sentAt: now })
    this.lastSent = now
    this.awaitsDrain = !this.connection.write(sent.map((it) => it.frame))
  }

  private onDrain(): void {
    this.awaitsDrain = false
    this.flush()
  }

  /** Pings when it is time, gives up when it is too long, comes back when one of these is next. */
  private look(): void {
    this.timer?.cancel()
    this.timer = null
    if (this.state === 'lost') return
    const now = this.clock.mono()
    if (now - this.lastHeard >= this.silenceMsMax) return this.destroy()
    if (now - this.lastSent >= this.pingAfterMs) this.ping(now)
    const next = Math.min(this.lastHeard + this.silenceMsMax, this.lastSent + this.pingAfterMs)
    this.timer = this.clock.after(Math.max(0.1, next - now), () => this.look())
  }

  private ping(now: Millis): void {
    this.pings.push(now)
    this.tell(xids.ping, { op: 'ping' })
  }

  private onData(bytes: Buffer): void {
    if (this.state === 'lost') return
    this.lastHeard = this.clock.mono()
    try {
      this.assembler.push(bytes)
      for (let frame = this.assembler.next(); frame !== null && this.isAlive(); frame = this.assembler.next()) this.take(frame)
    } catch (error) {
      if (!(error instanceof ZooKeeperError) && !(error instanceof MalformedError)) throw error
      this.onMalformed()
    }
  }

  private isAlive(): boolean {
    return this.state !== 'lost'
  }

  private take(frame: Buffer): void {
    if (this.state === 'handshake') return this.events.onHandshake(readConnectResponse(frame), this.handshakeAt)
    const reader = new JuteReader(frame)
    const header = readReplyHeader(reader)
    if (header.xid === xids.event) return this.takeEvent(reader)
    if (header.xid === xids.ping) return this.prove(this.pings.shift())
    if (header.xid === xids.auth || header.xid === xids.setWatches) return this.takeControl(header)
    this.takeAnswer(header, reader)
  }

  private takeEvent(reader: JuteReader): void {
    const event = readEvent(reader)
    if (event !== null) this.events.onEvent(event)
  }

  private takeControl(header: ReplyHeader): void {
    if (header.error === 0) return
    if (errorCodeOf(header.error) === 'authFailed') this.events.onAuthFailed()
    else this.destroy()
  }

  private takeAnswer(header: ReplyHeader, reader: JuteReader): void {
    const sent = this.inFlight[0]
    if (sent === undefined || sent.what.xid !== header.xid) throw malformed()
    const { request, onAnswer, onError } = sent.what
    const result = header.error === 0 ? readAnswer(request, reader) : errorCodeOf(header.error)
    this.inFlight.shift()
    this.prove(sent.sentAt)
    this.events.onAnswered(request, header.zxid, result)
    if (typeof result !== 'string') return onAnswer(result)
    onError(result)
    if (result === 'authFailed') this.events.onAuthFailed()
    // Nothing comes of this connection any more: the next one tells how the session stands.
    else if (result === 'sessionExpired' || result === 'sessionMoved') this.destroy()
  }

  private prove(sentAt: Millis | undefined): void {
    if (sentAt !== undefined) this.events.onProof(sentAt)
  }

  /** A read whose answer cannot be read is told so; of a write nobody knows. */
  private onMalformed(): void {
    const first = this.inFlight[0]?.what
    if (first !== undefined && isRead(first.request)) {
      this.inFlight.shift()
      first.onError('marshallingError')
    }
    this.destroy()
  }

  private lose(): void {
    if (this.state === 'lost') return
    this.state = 'lost'
    this.timer?.cancel()
    const { inFlight, outgoing } = this
    this.inFlight = []
    this.outgoing = []
    this.events.onLost(outgoing)
    for (const { what } of inFlight) what.onError('connectionLoss')
  }
}

function isRead(request: Request): boolean {
  return request.op === 'get' || request.op === 'exists' || request.op === 'children'
}
