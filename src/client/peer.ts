import type { Connection, Ports, Timer } from '../base/ports.ts'
import { NetworkError } from '../base/ports.ts'
import { NEVER, type Millis } from '../base/units.ts'
import type { Api } from '../protocol/apis.ts'
import { readResponse, writeRequest } from '../protocol/frames.ts'
import type { Draft, Message, Schema } from '../protocol/schema.ts'
import { Link, type Outstanding } from './link.ts'
import { PeerError } from './peer-error.ts'

export { PeerError, type PeerErrorCode } from './peer-error.ts'

export type PeerPorts = Pick<Ports, 'clock' | 'entropy' | 'network'>

export interface PeerOptions {
  readonly host: string
  readonly port: number
  /** Sent in each request's header. */
  readonly clientId: string
  /** For a connection to be made (`socket.connection.setup.timeout.ms`); 10,000 when left out. */
  readonly dialTimeoutMs?: Millis
  /** After a failed attempt, the pause before the next; doubles up to the maximum, with a fifth of chance. 10 and 500 when left out. */
  readonly reconnectBackoffMs?: Millis
  readonly reconnectBackoffMaxMs?: Millis
  /** Requests without an answer; 1,000 when left out. */
  readonly requestsWaitingMax?: number
  /** A longer answer counts as malformed; 1 GiB when left out. */
  readonly responseBytesMax?: number
  readonly onConnected?: () => void
  /**
   * An established connection has ended: `code` null for FIN, otherwise the operating system's, or ETIMEDOUT or EMALFORMED when we gave it
   * up. Called before the requests on it are rejected. Not called for `close()`.
   */
  readonly onClosed?: (code: string | null) => void
  /** An attempt to connect has failed; `code` is the operating system's (`ECONNREFUSED`, `ETIMEDOUT`, …). Called before what waited is rejected. */
  readonly onDialFailed?: (code: string) => void
}

export interface RequestOptions {
  /** From now until the answer, dialling included. */
  readonly timeoutMs: Millis
}

const dialTimeoutMs: Millis = 10_000
const reconnectBackoffMs: Millis = 10
const reconnectBackoffMaxMs: Millis = 500
const requestsWaitingMax = 1_000
const responseBytesMax = 1_073_741_824
const correlationIdMax = 0x7fff_ffff

/**
 * One remote node, over one connection that is made when it is needed and made again when it is lost. Requests are pipelined and answered
 * in order: what must not wait behind a long poll needs a Peer of its own. A request that has been sent is never sent a second time: its
 * failure is the caller's to judge.
 *
 * idle → dialling (a request came; after a failure not before the backoff is over) → connected → idle (lost). From all of them → closed.
 * When an attempt to connect fails, all that waits for it is rejected at once; what is asked after that waits for the next attempt.
 */
export class Peer {
  readonly host: string
  readonly port: number
  private readonly ports: PeerPorts
  private readonly options: PeerOptions
  private link: Link | null = null
  private state: 'idle' | 'dialling' | 'connected' | 'closed' = 'idle'
  private queued: Outstanding[] = []
  private readonly connecting: { readonly resolve: () => void; readonly reject: (error: PeerError) => void; readonly deadline: Millis }[] =
    []
  private nextCorrelationId = 0
  /** Attempts in a row that led to no answer. */
  private failures = 0
  private dialNotBefore: Millis = 0
  private dialTimer: Timer | null = null
  private deadlineTimer: Timer | null = null
  private deadlineAt: Millis = NEVER

  constructor(ports: PeerPorts, options: PeerOptions) {
    this.ports = ports
    this.options = options
    this.host = options.host
    this.port = options.port
  }

  get connected(): boolean {
    return this.state === 'connected'
  }

  /** Requests that wait for an answer, those not yet sent included. */
  get waiting(): number {
    return this.queued.length + (this.link?.waiting ?? 0)
  }

  /** Rejects with PeerError. Buffers in the answer are views of the received frame. */
  request<Req extends Schema, Res extends Schema>(
    api: Api<Req, Res>,
    version: number,
    body: Draft<Req>,
    options: RequestOptions,
  ): Promise<Message<Res>> {
    return this.ask(api, version, body, options, true, (frame) => readResponse(api, version, frame).body)
  }

  /** As `request`, but gives the answer's frame as it came, header included, without its size. */
  requestFrame<Req extends Schema>(api: Api<Req>, version: number, body: Draft<Req>, options: RequestOptions): Promise<Buffer> {
    return this.ask(api, version, body, options, true, (frame) => frame)
  }

  /** A request that has no answer (Produce with acks=0). Resolves when it has been handed to the connection. */
  send<Req extends Schema>(api: Api<Req>, version: number, body: Draft<Req>, options: RequestOptions): Promise<void> {
    return this.ask(api, version, body, options, false, () => undefined)
  }

  /** Makes the connection if it is not there. Rejects with PeerError. */
  connect(options: RequestOptions): Promise<void> {
    if (this.state === 'connected') return Promise.resolve()
    if (this.state === 'closed') return Promise.reject(this.error('ESHUTDOWN', 'the peer was closed'))
    return new Promise((resolve, reject) => {
      const deadline = this.ports.clock.mono() + options.timeoutMs
      this.connecting.push({ resolve, reject, deadline })
      this.watchDeadline(deadline)
      this.dialSoon()
    })
  }

  /** Ends the connection now and rejects what waits with ESHUTDOWN. Idempotent. */
  close(): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.dialTimer?.cancel()
    this.deadlineTimer?.cancel()
    const { link } = this
    this.link = null
    link?.close()
    this.rejectWaiting('ESHUTDOWN', 'the peer was closed')
  }

  private ask<Req extends Schema, T>(
    api: Api<Req>,
    version: number,
    body: Draft<Req>,
    options: RequestOptions,
    expectsAnswer: boolean,
    read: (frame: Buffer) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.state === 'closed') throw this.error('ESHUTDOWN', 'the peer was closed')
      if (this.waiting >= (this.options.requestsWaitingMax ?? requestsWaitingMax))
        throw this.error('EBUSY', 'too many requests wait for an answer')
      const correlationId = this.nextCorrelationId
      this.nextCorrelationId = correlationId === correlationIdMax ? 0 : correlationId + 1
      this.submit({
        correlationId,
        frame: writeRequest(api, version, correlationId, this.options.clientId, body),
        deadline: this.ports.clock.mono() + options.timeoutMs,
        expectsAnswer,
        onAnswer: (frame) => resolve(read(frame)),
        onError: (error) => reject(this.error(error.code, `${api.name}: ${error.message}`)),
      })
    })
  }

  private submit(request: Outstanding): void {
    this.watchDeadline(request.deadline)
    if (this.link !== null) {
      this.link.send(request)
    } else {
      this.queued.push(request)
      this.dialSoon()
    }
  }

  private error(code: PeerError['code'], message: string): PeerError {
    return new PeerError(code, `${this.host}:${this.port}: ${message}`)
  }

  private dialSoon(): void {
    if (this.state !== 'idle' || this.dialTimer !== null) return
    const delay = this.dialNotBefore - this.ports.clock.mono()
    if (delay <= 0) return this.dial()
    this.dialTimer = this.ports.clock.after(delay, () => {
      this.dialTimer = null
      if (this.queued.length > 0 || this.connecting.length > 0) this.dial()
    })
  }

  private dial(): void {
    this.state = 'dialling'
    const { network } = this.ports
    network.dial(this.host, this.port, { timeoutMs: this.options.dialTimeoutMs ?? dialTimeoutMs }).then(
      (connection) => this.onDialled(connection),
      (error: unknown) => this.onDialFailed(error),
    )
  }

  private onDialled(connection: Connection): void {
    const link: Link = new Link(this.ports.clock, connection, this.options.responseBytesMax ?? responseBytesMax, {
      onFirstAnswer: () => void (this.failures = 0),
      onLost: (code) => this.onLost(link, code),
    })
    if (this.state === 'closed') return link.close()
    this.state = 'connected'
    this.link = link
    const requests = this.queued
    this.queued = []
    for (const request of requests) link.send(request)
    for (const { resolve } of this.connecting.splice(0)) resolve()
    this.options.onConnected?.()
  }

  private onDialFailed(error: unknown): void {
    if (this.state === 'closed') return
    if (!(error instanceof NetworkError)) throw error
    this.state = 'idle'
    this.backOff()
    this.options.onDialFailed?.(error.code)
    this.rejectWaiting(error.code === 'ECONNREFUSED' ? 'ECONNREFUSED' : 'EUNREACHABLE', error.message)
  }

  private onLost(link: Link, code: string | null): void {
    if (this.link !== link) return
    this.link = null
    this.state = 'idle'
    // A connection that was lost after it had served may be made again at once; one that never gave an answer counts as a failure.
    if (this.failures > 0) this.backOff()
    this.failures = Math.max(1, this.failures)
    this.options.onClosed?.(code)
  }

  private backOff(): void {
    const { reconnectBackoffMs: first = reconnectBackoffMs, reconnectBackoffMaxMs: most = reconnectBackoffMaxMs } = this.options
    const plain = Math.min(most, first * 2 ** Math.min(this.failures, 20))
    const chance = 0.8 + (0.4 * this.ports.entropy.uint32()) / 2 ** 32
    this.failures += 1
    this.dialNotBefore = this.ports.clock.mono() + plain * chance
  }

  private rejectWaiting(code: PeerError['code'], message: string): void {
    const requests = this.queued
    this.queued = []
    for (const request of requests) request.onError(new PeerError(code, message))
    for (const { reject } of this.connecting.splice(0)) reject(this.error(code, message))
  }

  /** One timer for all requests, at the earliest deadline that was ever asked for: it is moved on when it fires, not when requests end. */
  private watchDeadline(deadline: Millis): void {
    if (deadline >= this.deadlineAt) return
    this.deadlineTimer?.cancel()
    this.deadlineAt = deadline
    this.deadlineTimer = this.ports.clock.after(deadline - this.ports.clock.mono(), () => this.checkDeadlines())
  }

  private checkDeadlines(): void {
    this.deadlineAt = NEVER
    const now = this.ports.clock.mono()
    const overdue = this.queued.filter((it) => it.deadline <= now)
    this.queued = this.queued.filter((it) => it.deadline > now)
    for (const request of overdue) request.onError(new PeerError('ETIMEDOUT', 'no connection in time'))
    const late = this.connecting.filter((it) => it.deadline <= now)
    for (const it of late) {
      this.connecting.splice(this.connecting.indexOf(it), 1)
      it.reject(this.error('ETIMEDOUT', 'no connection in time'))
    }
    this.link?.checkDeadlines(now)
    this.watchDeadline(this.earliestDeadline())
  }

  private earliestDeadline(): Millis {
    const own = [...this.queued, ...this.connecting].reduce((least, it) => Math.min(least, it.deadline), NEVER)
    return Math.min(own, this.link?.earliestDeadline ?? NEVER)
  }
}
