import { type Connection, type ConnectionEvents, type Listener, type Network, NetworkError } from '../../base/ports.ts'
import type { Millis } from '../../base/units.ts'

/** A network whose dialled connections can be broken from here: for one client, over any network, simulated or real. */
export class BreakableNetwork implements Network {
  private readonly network: Network
  private readonly open = new Set<BreakableConnection>()
  /** Where connections are refused, by port. */
  readonly refused = new Set<number>()
  private isSilent = false
  dials = 0

  constructor(network: Network) {
    this.network = network
  }

  async dial(host: string, port: number, options: { readonly timeoutMs: Millis }): Promise<Connection> {
    this.dials += 1
    if (this.refused.has(port)) throw new NetworkError('ECONNREFUSED', `dial ${host}:${port}: refused`)
    const connection = await this.network.dial(host, port, options)
    const breakable: BreakableConnection = new BreakableConnection(connection, () => this.open.delete(breakable))
    breakable.isSilent = this.isSilent
    this.open.add(breakable)
    return breakable
  }

  listen(): Promise<Listener> {
    return Promise.reject(new NetworkError('EACCES', 'nobody listens here'))
  }

  /** The port at the other end of what is connected now; 0 for nothing. */
  get connectedTo(): number {
    return [...this.open].find((it) => !it.isDeaf)?.remotePort ?? 0
  }

  /** All connections end, as if reset. */
  drop(): void {
    for (const it of this.open) it.breakNow()
  }

  /** Nothing comes through in either direction, and nobody is told; new connections come about and are as silent. */
  silence(): void {
    this.isSilent = true
    for (const it of this.open) it.isSilent = true
  }

  /** What was written on connections that still are there goes out; new ones are as they should be. */
  mend(): void {
    this.isSilent = false
    for (const it of this.open) it.release()
  }

  /** What is connected now says nothing more until `mend`, even when it was given up meanwhile; new connections live. */
  hold(): void {
    for (const it of this.open) {
      it.isSilent = true
      it.outlivesItsUser = true
    }
  }
}

class BreakableConnection implements Connection {
  isSilent = false
  outlivesItsUser = false
  /** Its user has given it up. */
  isDeaf = false
  private readonly connection: Connection
  private readonly onGone: () => void
  private events: ConnectionEvents | null = null
  private isClosed = false
  private heldOut: Buffer[] = []
  private heldIn: Buffer[] = []

  constructor(connection: Connection, onGone: () => void) {
    this.connection = connection
    this.onGone = onGone
  }

  get remoteHost(): string {
    return this.connection.remoteHost
  }

  get remotePort(): number {
    return this.connection.remotePort
  }

  get localPort(): number {
    return this.connection.localPort
  }

  start(events: ConnectionEvents): void {
    this.events = events
    this.connection.start({
      onData: (bytes) => {
        if (this.isSilent) this.heldIn.push(bytes)
        else if (!this.isDeaf) events.onData(bytes)
      },
      onDrain: () => events.onDrain(),
      onClose: (code) => {
        if (!this.isSilent || this.isDeaf) this.close(code)
      },
    })
  }

  write(buffers: readonly Buffer[]): boolean {
    if (!this.isSilent) return this.connection.write(buffers)
    this.heldOut.push(...buffers)
    return true
  }

  pendingBytes(): number {
    return this.connection.pendingBytes()
  }

  pause(): void {
    this.connection.pause()
  }

  resume(): void {
    this.connection.resume()
  }

  end(): void {
    this.connection.end()
  }

  destroy(): void {
    this.isDeaf = true
    if (this.outlivesItsUser) return this.close(null)
    this.connection.destroy()
    this.close(null)
  }

  breakNow(): void {
    this.connection.destroy()
    this.close('ECONNRESET')
  }

  release(): void {
    this.isSilent = false
    if (this.heldOut.length > 0) this.connection.write(this.heldOut.splice(0))
    for (const bytes of this.heldIn.splice(0)) if (!this.isDeaf) this.events?.onData(bytes)
    if (this.isDeaf) this.connection.end()
  }

  private close(code: string | null): void {
    if (this.isClosed) return
    this.isClosed = true
    if (!this.outlivesItsUser) this.onGone()
    this.events?.onClose(code)
  }
}
