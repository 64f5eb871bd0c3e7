import { assert } from '../base/assert.ts'
import type { Connection, ConnectionEvents } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'
import type { MemoryNetwork } from './memory-network.ts'
import type { Place } from './network-links.ts'

export interface Address {
  readonly place: Place
  readonly host: string
  readonly port: number
}

/** On its way to an end of a connection: bytes, or the other end's end (`code` null: in order). */
type Arrival = { readonly at: Millis } & ({ readonly bytes: Buffer } | { readonly code: string | null })

/** Times are sums of fractions: so much before is not before. */
const timeGrain: Millis = 1e-6

export function connectedPair(network: MemoryNetwork, server: Address, client: Address): [MemoryConnection, MemoryConnection] {
  const near = new MemoryConnection(network, client, server, server.port)
  const far = new MemoryConnection(network, server, client, server.port)
  near.join(far)
  far.join(near)
  return [near, far]
}

/** One end. What its peer writes waits in `arriving` until it is here and is taken. */
export class MemoryConnection implements Connection {
  readonly place: Place
  readonly remotePlace: Place
  readonly remoteHost: string
  readonly remotePort: number
  readonly localPort: number
  readonly serverPort: number
  private readonly network: MemoryNetwork
  private peer: MemoryConnection | null = null
  private events: ConnectionEvents | null = null
  private arriving: Arrival[] = []
  private arrivingBytes = 0
  private latest: Millis = 0
  private paused = false
  private awaitsDrain = false
  private state: 'open' | 'ending' | 'closed' = 'open'
  private isEnded = false

  constructor(network: MemoryNetwork, own: Address, remote: Address, serverPort: number) {
    this.network = network
    this.place = own.place
    this.remotePlace = remote.place
    this.remoteHost = remote.host
    this.remotePort = remote.port
    this.localPort = own.port
    this.serverPort = serverPort
  }

  join(peer: MemoryConnection): void {
    this.peer = peer
  }

  start(events: ConnectionEvents): void {
    assert(this.events === null, 'a connection is started once')
    this.events = events
    this.deliverAfter(this.network.latencyMs)
  }

  write(buffers: readonly Buffer[]): boolean {
    const peer = this.peer
    if (this.state !== 'open' || peer === null) return true
    for (const buffer of buffers) peer.receive(buffer)
    this.awaitsDrain = peer.arrivingBytes >= this.network.windowBytes
    return !this.awaitsDrain
  }

  pendingBytes(): number {
    return this.peer?.arrivingBytes ?? 0
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    this.deliverAfter(this.network.latencyMs)
  }

  end(): void {
    if (this.state !== 'open') return
    this.state = 'ending'
    this.peer?.finish(null)
    this.network.clock.after(this.network.latencyMs, () => this.close(null))
  }

  destroy(): void {
    if (this.state === 'closed') return
    this.peer?.finish('ECONNRESET')
    this.network.clock.after(0, () => this.close(null))
    this.state = 'ending'
  }

  /** As when something between the two ends resets both. */
  reset(): void {
    this.peer?.finish('ECONNRESET')
    this.network.clock.after(0, () => this.close('ECONNRESET'))
  }

  deliverAfter(delay: Millis): void {
    this.network.clock.after(delay, () => this.deliver())
  }

  /** Hands over what has arrived, and then the end. */
  deliver(): void {
    const { events, network } = this
    if (events === null || this.state === 'closed' || network.isHeldUp(this)) return
    const ready = network.clock.mono() + timeGrain
    const broken = this.arriving.find((it) => it.at <= ready && 'code' in it && it.code !== null)
    if (broken !== undefined && 'code' in broken) return this.close(broken.code)
    for (let next = this.arriving[0]; next !== undefined && next.at <= ready && !this.paused && this.isAlive(); next = this.arriving[0]) {
      this.arriving.shift()
      if ('code' in next) return this.close(next.code)
      this.arrivingBytes -= next.bytes.length
      network.onDelivered?.(this.remotePlace, this.place, next.bytes)
      if (this.state === 'open') events.onData(next.bytes)
      this.peer?.drained(this.arrivingBytes)
    }
  }

  private isAlive(): boolean {
    return this.state !== 'closed'
  }

  private receive(bytes: Buffer): void {
    if (this.state === 'closed') return
    const most = this.network.pieceBytesMax
    const at = this.arrivalOf(bytes.length)
    for (let from = 0; from < bytes.length; from += most) this.arriving.push({ at, bytes: Buffer.from(bytes.subarray(from, from + most)) })
    this.arrivingBytes += bytes.length
    this.deliverAfter(at - this.network.clock.mono())
  }

  /** Nothing arrives before what was sent earlier. */
  private arrivalOf(bytes: number): Millis {
    const delay = this.network.delayOf(this.remotePlace, this.place, bytes)
    this.latest = Math.max(this.latest, this.network.clock.mono() + delay)
    return this.latest
  }

  private drained(left: number): void {
    if (!this.awaitsDrain || left > 0 || this.state !== 'open') return
    this.awaitsDrain = false
    this.events?.onDrain()
  }

  private finish(code: string | null): void {
    if (this.isEnded) return
    this.isEnded = true
    const at = this.arrivalOf(0)
    this.arriving.push({ at, code })
    this.deliverAfter(at - this.network.clock.mono())
  }

  private close(code: string | null): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.arriving = []
    this.network.forget(this)
    this.peer?.finish(null)
    this.events?.onClose(code)
  }
}
