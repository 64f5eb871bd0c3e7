import { assert } from '../base/assert.ts'
import { type Clock, type Connection, type ConnectionEvents, type Listener, type Network, NetworkError } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'

export interface MemoryNetworkOptions {
  /** One way; 0 when left out (delivered in a later turn all the same). */
  readonly latencyMs?: Millis
  /** Longest piece in which bytes arrive; 65,536 when left out. */
  readonly pieceBytesMax?: number
  /** Bytes under way on one connection from which `write` says false; 65,536 when left out. */
  readonly windowBytes?: number
}

type Taker = (connection: Connection) => void

/** A network in memory, under a clock's control: what is written arrives in order, in pieces, after the latency. */
export class MemoryNetwork implements Network {
  readonly latencyMs: Millis
  readonly pieceBytesMax: number
  readonly windowBytes: number
  readonly clock: Clock
  private readonly listeners = new Map<string, Taker>()
  private readonly frozen = new Set<string>()
  private readonly open = new Set<MemoryConnection>()
  private nextPort = 40_000

  constructor(clock: Clock, options: MemoryNetworkOptions = {}) {
    this.clock = clock
    this.latencyMs = options.latencyMs ?? 0
    this.pieceBytesMax = options.pieceBytesMax ?? 65_536
    this.windowBytes = options.windowBytes ?? 65_536
  }

  dial(host: string, port: number, options: { readonly timeoutMs: Millis }): Promise<Connection> {
    return new Promise((resolve, reject) => {
      if (this.frozen.has(`${host}:${port}`)) {
        this.clock.after(options.timeoutMs, () => reject(new NetworkError('ETIMEDOUT', `dial ${host}:${port}: no answer`)))
        return
      }
      this.clock.after(this.latencyMs, () => {
        const taker = this.listeners.get(`${host}:${port}`)
        if (taker === undefined) return reject(new NetworkError('ECONNREFUSED', `dial ${host}:${port}: refused`))
        const ownPort = (this.nextPort += 1)
        const [near, far] = connectedPair(this, { host, port }, { host: '127.0.0.1', port: ownPort })
        this.open.add(near).add(far)
        taker(far)
        resolve(near)
      })
    })
  }

  listen(host: string, port: number, onConnection: Taker): Promise<Listener> {
    const own = port === 0 ? (this.nextPort += 1) : port
    const key = `${host}:${own}`
    if (this.listeners.has(key)) return Promise.reject(new NetworkError('EADDRINUSE', `listen ${key}: in use`))
    this.listeners.set(key, onConnection)
    const close = (): Promise<void> => {
      if (this.listeners.get(key) === onConnection) this.listeners.delete(key)
      return Promise.resolve()
    }
    return Promise.resolve({ host, port: own, close })
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

  isFrozen(port: number): boolean {
    return [...this.frozen].some((key) => key.endsWith(`:${port}`))
  }

  forget(connection: MemoryConnection): void {
    this.open.delete(connection)
  }
}

interface Address {
  readonly host: string
  readonly port: number
}

function connectedPair(network: MemoryNetwork, server: Address, client: Address): [MemoryConnection, MemoryConnection] {
  const near = new MemoryConnection(network, server, client.port, server.port)
  const far = new MemoryConnection(network, client, server.port, server.port)
  near.join(far)
  far.join(near)
  return [near, far]
}

/** One end. What its peer writes waits in `arriving` until it is taken. */
class MemoryConnection implements Connection {
  readonly remoteHost: string
  readonly remotePort: number
  readonly localPort: number
  readonly serverPort: number
  private readonly network: MemoryNetwork
  private peer: MemoryConnection | null = null
  private events: ConnectionEvents | null = null
  private arriving: Buffer[] = []
  private arrivingBytes = 0
  private paused = false
  private awaitsDrain = false
  private state: 'open' | 'ending' | 'closed' = 'open'
  private ended: { readonly code: string | null } | null = null

  constructor(network: MemoryNetwork, remote: Address, localPort: number, serverPort: number) {
    this.network = network
    this.remoteHost = remote.host
    this.remotePort = remote.port
    this.localPort = localPort
    this.serverPort = serverPort
  }

  join(peer: MemoryConnection): void {
    this.peer = peer
  }

  start(events: ConnectionEvents): void {
    assert(this.events === null, 'a connection is started once')
    this.events = events
    this.later()
  }

  write(buffers: readonly Buffer[]): boolean {
    const peer = this.peer
    if (this.state !== 'open' || peer === null) return true
    for (const buffer of buffers) peer.receive(buffer)
    peer.later()
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
    this.later()
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

  /** Hands over what has arrived, and then the end. */
  deliver(): void {
    if (this.events === null || this.network.isFrozen(this.serverPort)) return
    if (this.ended !== null && this.ended.code !== null) return this.close(this.ended.code)
    for (let piece = this.arriving[0]; piece !== undefined && !this.paused && this.state !== 'closed'; piece = this.arriving[0]) {
      this.arriving.shift()
      this.arrivingBytes -= piece.length
      if (this.state === 'open') this.events.onData(piece)
      this.peer?.drained(this.arrivingBytes)
    }
    if (this.ended !== null && this.arriving.length === 0) this.close(this.ended.code)
  }

  private receive(bytes: Buffer): void {
    const most = this.network.pieceBytesMax
    for (let from = 0; from < bytes.length; from += most) this.arriving.push(Buffer.from(bytes.subarray(from, from + most)))
    this.arrivingBytes += bytes.length
  }

  private later(): void {
    this.network.clock.after(this.network.latencyMs, () => this.deliver())
  }

  private drained(left: number): void {
    if (!this.awaitsDrain || left > 0 || this.state !== 'open') return
    this.awaitsDrain = false
    this.events?.onDrain()
  }

  private finish(code: string | null): void {
    this.ended ??= { code }
    this.later()
  }

  private close(code: string | null): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.network.forget(this)
    this.peer?.finish(null)
    this.events?.onClose(code)
  }
}
