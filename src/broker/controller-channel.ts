import type { Clock, Ports } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'
import { Peer, PeerError, type PeerErrorCode } from '../client/peer.ts'
import type { Api } from '../protocol/apis.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Draft, Message, Schema } from '../protocol/schema.ts'
import type { QuorumEndpoint, QuorumLeader } from '../quorum/metadata-quorum.ts'

/** Pause before a request that found no active controller is tried again, unless word of a new one comes first. */
const retryBackoffMs: Millis = 25

/** Codes of requests that have certainly not reached the controller. */
const neverSent: ReadonlySet<PeerErrorCode> = new Set(['ECONNREFUSED', 'EUNREACHABLE', 'EBUSY'])

export interface ChannelRequest<Res> {
  /** From now until the answer, searching for the active controller included. */
  readonly timeoutMs: Millis
  /** The error code of an answer that concerns the whole request: NOT_CONTROLLER sends it on to the next controller. */
  readonly errorOf: (response: Res) => number
  /** A request that was sent and whose answer was lost is not sent again: who asks must know that its outcome is unknown. */
  readonly once?: boolean
}

/** The time is over, and no active controller has answered. */
export class NoControllerError extends Error {
  override readonly name = 'NoControllerError'
}

/**
 * Requests to whoever is the active controller. Follows it as it moves; a request whose connection breaks is sent again, as in Kafka's
 * NodeToControllerChannelManager: what goes through here can be told apart by the controller when it comes twice.
 */
export class ControllerChannel {
  private readonly ports: Ports
  private readonly clientId: string
  private readonly leaderNow: () => QuorumLeader
  private peer: Peer | null = null
  private endpoint: QuorumEndpoint | null = null
  private readonly waiting = new Set<() => void>()
  private closed = false

  constructor(ports: Ports, clientId: string, leaderNow: () => QuorumLeader) {
    this.ports = ports
    this.clientId = clientId
    this.leaderNow = leaderNow
  }

  /** The quorum has a new leader, or none: requests that wait for one look again, those on their way to another one are given up. */
  onLeaderChange(): void {
    const { endpoint } = this.leaderNow()
    if (endpoint !== null && this.peer !== null && !this.isAt(endpoint)) {
      this.peer.close()
      this.peer = null
    }
    for (const go of [...this.waiting]) go()
  }

  /** @throws NoControllerError when the time is over */
  async request<Req extends Schema, Res extends Schema>(
    api: Api<Req, Res>,
    version: number,
    body: Draft<Req>,
    options: ChannelRequest<Message<Res>>,
  ): Promise<Message<Res>> {
    const { clock } = this.ports
    const deadline = clock.mono() + options.timeoutMs
    let reason = 'no active controller is known'
    for (;;) {
      const left = deadline - clock.mono()
      if (this.closed || left <= 0) throw new NoControllerError(`${api.name}: ${reason}`)
      const peer = this.currentPeer()
      if (peer !== null) {
        try {
          const response = await peer.request(api, version, body, { timeoutMs: left })
          if (options.errorOf(response) !== ErrorCode.NOT_CONTROLLER) return response
          reason = `${peer.host}:${peer.port} is not the active controller`
        } catch (error) {
          if (!(error instanceof PeerError)) throw error
          reason = error.message
          if (options.once === true && !neverSent.has(error.code)) throw new NoControllerError(`${api.name}: ${reason}`)
        }
      }
      await this.wordOfLeader(clock, Math.min(retryBackoffMs, Math.max(0, deadline - clock.mono())))
    }
  }

  close(): void {
    this.closed = true
    this.peer?.close()
    this.peer = null
    this.onLeaderChange()
  }

  private currentPeer(): Peer | null {
    const { endpoint } = this.leaderNow()
    if (endpoint === null) return null
    if (this.peer === null || !this.isAt(endpoint)) {
      this.peer?.close()
      this.endpoint = endpoint
      this.peer = new Peer(this.ports, { host: endpoint.host, port: endpoint.port, clientId: this.clientId })
    }
    return this.peer
  }

  private isAt(endpoint: QuorumEndpoint): boolean {
    return this.endpoint?.host === endpoint.host && this.endpoint.port === endpoint.port
  }

  private wordOfLeader(clock: Clock, atMost: Millis): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        timer.cancel()
        this.waiting.delete(go)
        resolve()
      }
      const timer = clock.after(atMost, go)
      this.waiting.add(go)
    })
  }
}
