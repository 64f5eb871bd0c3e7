import { type Clock, type Connection, type Listener, type Network, NetworkError, type Timer } from '../base/ports.ts'
import { Prng } from '../base/prng.ts'
import type { Millis } from '../base/units.ts'
import { connectedPair, type MemoryConnection } from './memory-connection.ts'
import { type LinkState, NetworkLinks, type Place } from './network-links.ts'

export interface MemoryNetworkOptions {
  /** One way; 0 when left out (delivered in a later turn all the same). */
  readonly latencyMs?: Millis
  /** Longest piece in which bytes arrive; 65,536 when left out. */
  readonly pieceBytesMax?: number
  /** Bytes under way on one connection from which `write` says false; 65,536 when left out. */
  readonly windowBytes?: number
  /** Of jitter and of TCP's patience; 1 when left out. */
  readonly seed?: number
}

type Taker = (connection: Connection) => void

interface Bound {
  readonly place: Place
  readonly take: Taker
}

/** When TCP asks again for a connection, since the first time. */
const dialRetriesMs: readonly Millis[] = [0, 1_000, 3_000, 7_000, 15_000]

/**
 * A network in memory, under a clock's control: what is written arrives in order, in pieces, after the latency. Seen `from` a place, what passes between
 * two places is subject to the way between them (`change`): cut, slow, narrow.
 */
export class MemoryNetwork implements Network {
  readonly latencyMs: Millis
  readonly pieceBytesMax: number
  readonly windowBytes: number
  readonly clock: Clock
  readonly links: NetworkLinks
  /** Told of all that arrives. */
  onDelivered: ((from: Place, to: Place, bytes: Buffer) => void) | null = null
  private readonly listeners = new Map<string, Bound>()
  /** Also of those that do not listen any more: a machine is where it is. */
  private readonly places = new Map<string, Place>()
  private readonly frozen = new Set<string>()
  private readonly open = new Set<MemoryConnection>()
  private nextPort = 40_000

  constructor(clock: Clock, options: MemoryNetworkOptions = {}) {
    this.clock = clock
    this.latencyMs = options.latencyMs ?? 0
    this.pieceBytesMax = options.pieceBytesMax ?? 65_536
    this.windowBytes = options.windowBytes ?? 65_536
    this.links = new NetworkLinks(new Prng(options.seed ?? 1))
  }

  /** The network as it is seen there. */
  from(place: Place): Network {
    return {
      dial: (host, port, options) => this.dialFrom(place, host, port, options.timeoutMs),
      listen: (host, port, onConnection) => this.listenAt(place, host, port, onConnection),
    }
  }

  dial(host: string, port: number, options: { readonly timeoutMs: Millis }): Promise<Connection> {
    return this.dialFrom('', host, port, options.timeoutMs)
  }

  listen(host: string, port: number, onConnection: Taker): Promise<Listener> {
    return this.listenAt('', host, port, onConnection)
  }

  private dialFrom(from: Place, host: string, port: number, timeoutMs: Millis): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const timers: Timer[] = []
      const attempt = (): void => {
        if (!this.isReachable(from, host, port)) return
        for (const timer of timers) timer.cancel()
        this.connect(from, host, port).then(resolve, reject)
      }
      const giveUp = (): void => {
        for (const timer of timers) timer.cancel()
        reject(new NetworkError('ETIMEDOUT', `dial ${host}:${port}: no answer`))
      }
      for (const delay of dialRetriesMs) if (delay < timeoutMs) timers.push(this.clock.after(delay, attempt))
      timers.push(this.clock.after(timeoutMs, giveUp))
    })
  }

  private isReachable(from: Place, host: string, port: number): boolean {
    const to = this.places.get(`${host}:${port}`) ?? ''
    const now = this.clock.mono()
    if (this.frozen.has(`${host}:${port}`) || this.links.isQuiet(from, to, now) || this.links.isQuiet(to, from, now)) return false
    return !this.links.stateOf(from, to).refusesNew
  }

  private connect(from: Place, host: string, port: number): Promise<Connection> {
    const to = this.places.get(`${host}:${port}`) ?? ''
    return new Promise((resolve, reject) => {
      this.clock.after(this.delayOf(from, to, 0), () => {
        const bound = this.listeners.get(`${host}:${port}`)
        if (bound === undefined) return reject(new NetworkError('ECONNREFUSED', `dial ${host}:${port}: refused`))
        const own = { place: from, host: '127.0.0.1', port: (this.nextPort += 1) }
        const [near, far] = connectedPair(this, { place: bound.place, host, port }, own)
        this.open.add(near).add(far)
        bound.take(far)
        resolve(near)
      })
    })
  }

  private listenAt(place: Place, host: string, port: number, onConnection: Taker): Promise<Listener> {
    const own = port === 0 ? (this.nextPort += 1) : port
    const key = `${host}:${own}`
    if (this.listeners.has(key)) return Promise.reject(new NetworkError('EADDRINUSE', `listen ${key}: in use`))
    const bound: Bound = { place, take: onConnection }
    this.listeners.set(key, bound)
    this.places.set(key, place)
    const close = (): Promise<void> => {
      if (this.listeners.get(key) === bound) this.listeners.delete(key)
      return Promise.resolve()
    }
    return Promise.resolve({ host, port: own, close })
  }

  /** Changes the way from one place to another; the way back is another. */
  change(from: Place, to: Place, change: Partial<LinkState>): void {
    this.releaseAfter(from, to, this.links.change(from, to, change, this.clock.mono()))
  }

  /** All ways are as they were at the beginning. */
  mendAll(): void {
    const now = this.clock.mono()
    for (const [from, to] of this.links.mendAll(now)) this.releaseAfter(from, to, this.links.change(from, to, {}, now))
  }

  /** Resets the connections between two places, as many as chance has it. Returns how many. */
  reset(one: Place, other: Place, isHit: () => boolean): number {
    const between = [...this.open].filter((it) => it.place === one && it.remotePlace === other && isHit())
    for (const connection of between) connection.reset()
    return between.length
  }

  private releaseAfter(from: Place, to: Place, delay: Millis): void {
    for (const connection of this.open) if (connection.remotePlace === from && connection.place === to) connection.deliverAfter(delay)
  }

  delayOf(from: Place, to: Place, bytes: number): Millis {
    return this.latencyMs + this.links.delayOf(from, to, bytes)
  }

  /** As `kill -9` of the process behind an address: nothing listens, its connections are reset. */
  kill(host: string, port: number): void {
    this.listeners.delete(`${host}:${port}`)
    for (const connection of this.open) if (connection.serverPort === port) connection.destroy()
  }

  /** As SIGSTOP of the process behind an address: nothing it is sent arrives, nobody is refused. */
  freeze(host: string, port: number): void {
    this.frozen.add(`${host}:${port}`)
  }

  thaw(host: string, port: number): void {
    this.frozen.delete(`${host}:${port}`)
    for (const connection of this.open) connection.deliver()
  }

  /** What is on its way to this end does not arrive now. */
  isHeldUp(connection: MemoryConnection): boolean {
    if (this.frozen.size > 0 && [...this.frozen].some((key) => key.endsWith(`:${connection.serverPort}`))) return true
    return this.links.isQuiet(connection.remotePlace, connection.place, this.clock.mono() + timeGrain)
  }

  forget(connection: MemoryConnection): void {
    this.open.delete(connection)
  }
}

/** Times are sums of fractions: so much before is not before. */
const timeGrain: Millis = 1e-6
