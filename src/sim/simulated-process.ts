import type { Clock, Connection, ConnectionEvents, Disk, Entropy, Listener, Log, Network, Ports, Timer } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'

export interface SimulatedWorld {
  readonly clock: Clock
  readonly network: Network
}

/**
 * A process of the simulation: gives its program ports, and does to it what kill -9, SIGSTOP and SIGCONT do. All that the program hears of the world
 * (timers, connections, bytes, answers to dials) comes through `hear`: a dead process hears nothing, a frozen one hears it when it is thawed, while its
 * kernel goes on taking connections and bytes for it.
 */
export class SimulatedProcess implements Clock, Network {
  private readonly world: SimulatedWorld
  /** Given what its program threw, after which it is dead; without it that is thrown on. */
  private readonly onCrash: ((error: unknown) => void) | null
  private state: 'running' | 'frozen' | 'dead' = 'running'
  private held: (() => void)[] = []
  private readonly connections = new Set<Connection>()
  private readonly listeners = new Set<Listener>()

  constructor(world: SimulatedWorld, onCrash: ((error: unknown) => void) | null = null) {
    this.world = world
    this.onCrash = onCrash
  }

  get isDead(): boolean {
    return this.state === 'dead'
  }

  /** Frozen or dead: its program does nothing now. */
  get isStopped(): boolean {
    return this.state !== 'running'
  }

  ports(own: { readonly disk: Disk; readonly entropy: Entropy; readonly log: Log }): Ports {
    return { ...own, clock: this, network: this }
  }

  kill(): void {
    this.state = 'dead'
    this.held = []
    for (const listener of this.listeners) void listener.close()
    for (const connection of this.connections) connection.destroy()
  }

  freeze(): void {
    if (this.state === 'running') this.state = 'frozen'
  }

  /** What was held comes in its order, each in an event of its own. */
  thaw(): void {
    if (this.state !== 'frozen') return
    this.state = 'running'
    for (const run of this.held) this.world.clock.after(0, () => this.hear(run))
    this.held = []
  }

  hear(run: () => void): void {
    if (this.state === 'frozen') this.held.push(run)
    else if (this.state === 'running') this.carryOut(run)
  }

  private carryOut(run: () => void): void {
    if (this.onCrash === null) return run()
    try {
      run()
    } catch (error) {
      this.kill()
      this.onCrash(error)
    }
  }

  mono(): Millis {
    return this.world.clock.mono()
  }

  wall(): number {
    return this.world.clock.wall()
  }

  after(delay: Millis, run: () => void): Timer {
    let cancelled = false
    const timer = this.world.clock.after(delay, () =>
      this.hear(() => {
        if (!cancelled) run()
      }),
    )
    const cancel = (): void => {
      cancelled = true
      timer.cancel()
    }
    return { cancel }
  }

  endOfTurn(run: () => void): void {
    this.world.clock.endOfTurn(() => this.hear(run))
  }

  dial(host: string, port: number, options: { readonly timeoutMs: Millis }): Promise<Connection> {
    return new Promise((resolve, reject) => {
      this.world.network.dial(host, port, options).then(
        (connection) => this.take(connection, resolve),
        (error: Error) => this.hear(() => reject(error)),
      )
    })
  }

  async listen(host: string, port: number, onConnection: (connection: Connection) => void): Promise<Listener> {
    const inner = await this.world.network.listen(host, port, (connection) => this.take(connection, onConnection))
    const listener: Listener = {
      host: inner.host,
      port: inner.port,
      close: () => {
        this.listeners.delete(listener)
        return inner.close()
      },
    }
    if (this.isDead) await inner.close()
    else this.listeners.add(listener)
    return listener
  }

  private take(connection: Connection, give: (connection: Connection) => void): void {
    if (this.isDead) return connection.destroy()
    this.connections.add(connection)
    const seen = new HeardConnection(connection, this, () => void this.connections.delete(connection))
    this.hear(() => give(seen))
  }
}

/** A connection whose events reach the program through its process. */
class HeardConnection implements Connection {
  readonly remoteHost: string
  readonly remotePort: number
  readonly localPort: number
  private readonly inner: Connection
  private readonly process: SimulatedProcess
  private readonly onGone: () => void
  private isGivenUp = false

  constructor(inner: Connection, process: SimulatedProcess, onGone: () => void) {
    this.remoteHost = inner.remoteHost
    this.remotePort = inner.remotePort
    this.localPort = inner.localPort
    this.inner = inner
    this.process = process
    this.onGone = onGone
  }

  start(events: ConnectionEvents): void {
    const hear = (run: () => void): void => this.process.hear(run)
    this.inner.start({
      onData: (bytes) => hear(() => (this.isGivenUp ? undefined : events.onData(bytes))),
      onDrain: () => hear(() => (this.isGivenUp ? undefined : events.onDrain())),
      onClose: (code) => {
        this.onGone()
        hear(() => events.onClose(code))
      },
    })
  }

  write(buffers: readonly Buffer[]): boolean {
    return this.inner.write(buffers)
  }

  pendingBytes(): number {
    return this.inner.pendingBytes()
  }

  pause(): void {
    this.inner.pause()
  }

  resume(): void {
    this.inner.resume()
  }

  end(): void {
    this.isGivenUp = true
    this.inner.end()
  }

  destroy(): void {
    this.isGivenUp = true
    this.inner.destroy()
  }
}
