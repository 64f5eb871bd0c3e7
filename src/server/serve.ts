import type { Connection, Listener, LogLevel, Ports, Timer } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'
import type { ListenerKind } from '../protocol/apis.ts'
import { type ConnectionHost, ServerConnection } from './connection.ts'
import type { HandlerTable } from './handlers.ts'
import { defaultLimits, type ServerLimits } from './limits.ts'
import { MemoryBudget } from './memory-budget.ts'
import { RequestMetrics } from './request-metrics.ts'

export type ServerPorts = Pick<Ports, 'clock' | 'network' | 'log'>

export interface ServeOptions {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  readonly listenerName: string
  readonly listenerKind: ListenerKind
  readonly limits?: Partial<ServerLimits>
  /** Shared by the listeners of a process; one of its own when left out. */
  readonly memory?: MemoryBudget
  readonly metrics?: RequestMetrics
}

/** One open listener. */
export interface Server {
  readonly listenerName: string
  readonly host: string
  readonly port: number
  /** Connections now open. */
  readonly connectionCount: number
  /**
   * Takes no more connections or requests, lets the answers of requests in work leave, then closes what is still open after `graceMs`.
   * Idempotent.
   */
  close(options: { readonly graceMs: Millis }): Promise<void>
}

/** Opens a listener. Rejects with NetworkError when the address cannot be had. */
export async function serve(ports: ServerPorts, options: ServeOptions, handlers: HandlerTable): Promise<Server> {
  const server = new ListeningServer(ports, options, handlers)
  await server.open()
  return server
}

/** Lines about connections in one second; more are counted, so that nobody fills the disk by sending garbage. */
const reportsPerCheckMax = 20
const checkEveryMsMax: Millis = 1_000
const checkEveryMsMin: Millis = 10

class ListeningServer implements Server, ConnectionHost {
  readonly listenerName: string
  readonly listenerKind: ListenerKind
  readonly limits: ServerLimits
  readonly handlers: HandlerTable
  readonly memory: MemoryBudget
  readonly metrics: RequestMetrics
  private readonly ports: ServerPorts
  private readonly address: { readonly host: string; readonly port: number }
  private listener: Listener | null = null
  private readonly connections = new Set<ServerConnection>()
  private readonly perIp = new Map<string, number>()
  private nextId = 1
  private due: ServerConnection[] = []
  private checkTimer: Timer | null = null
  private reports = 0
  private closing: Promise<void> | null = null
  private onEmpty: (() => void) | null = null

  constructor(ports: ServerPorts, options: ServeOptions, handlers: HandlerTable) {
    this.ports = ports
    this.address = { host: options.host, port: options.port }
    this.listenerName = options.listenerName
    this.listenerKind = options.listenerKind
    this.limits = { ...defaultLimits, ...options.limits }
    this.handlers = handlers
    this.memory = options.memory ?? new MemoryBudget()
    this.metrics = options.metrics ?? new RequestMetrics()
  }

  get host(): string {
    return this.listener?.host ?? this.address.host
  }

  get port(): number {
    return this.listener?.port ?? this.address.port
  }

  get connectionCount(): number {
    return this.connections.size
  }

  async open(): Promise<void> {
    this.listener = await this.ports.network.listen(this.address.host, this.address.port, (connection) => this.take(connection))
    this.checkLater()
  }

  now(): Millis {
    return this.ports.clock.mono()
  }

  private take(connection: Connection): void {
    const refusal = this.refusal(connection.remoteHost)
    if (refusal !== null) {
      this.metrics.connectionsRefused += 1
      this.report(
        'warn',
        'connection-refused',
        `Closed a new connection from ${connection.remoteHost} on ${this.listenerName}: ${refusal}.`,
      )
      connection.start({ onData: () => {}, onDrain: () => {}, onClose: () => {} })
      connection.destroy()
      return
    }
    this.metrics.connectionsOpened += 1
    this.perIp.set(connection.remoteHost, (this.perIp.get(connection.remoteHost) ?? 0) + 1)
    this.connections.add(new ServerConnection(this, connection, this.nextId))
    this.nextId += 1
  }

  private refusal(remoteHost: string): string | null {
    const { connectionsMax, connectionsPerIpMax, connectionsPerIpOverrides } = this.limits
    if (this.closing !== null) return 'the listener is closing'
    if (this.connections.size >= connectionsMax) return `${connectionsMax} are open (max.connections)`
    const fromThere = connectionsPerIpOverrides.get(remoteHost) ?? connectionsPerIpMax
    return (this.perIp.get(remoteHost) ?? 0) >= fromThere ? `${fromThere} are open from there (max.connections.per.ip)` : null
  }

  onClosed(connection: ServerConnection): void {
    if (!this.connections.delete(connection)) return
    const left = (this.perIp.get(connection.clientHost) ?? 1) - 1
    if (left === 0) this.perIp.delete(connection.clientHost)
    else this.perIp.set(connection.clientHost, left)
    if (this.connections.size === 0) this.onEmpty?.()
  }

  flushLater(connection: ServerConnection): void {
    this.due.push(connection)
    if (this.due.length === 1) this.ports.clock.endOfTurn(() => this.flushDue())
  }

  private flushDue(): void {
    const due = this.due
    this.due = []
    for (const connection of due) connection.flush()
  }

  report(level: LogLevel, event: string, message: string): void {
    this.reports += 1
    // A bug of ours is always told.
    if (this.reports > reportsPerCheckMax && level !== 'error') return
    this.ports.log.write(level, event, message, { listener: this.listenerName })
  }

  private checkLater(): void {
    const { idleMsMax, incompleteFrameMsMax, stalledReaderMsMax } = this.limits
    const finest = Math.min(idleMsMax < 0 ? Infinity : idleMsMax, incompleteFrameMsMax, stalledReaderMsMax) / 4
    const every = Math.max(checkEveryMsMin, Math.min(checkEveryMsMax, finest))
    this.checkTimer = this.ports.clock.after(every, () => {
      this.check()
      this.checkLater()
    })
  }

  private check(): void {
    const now = this.now()
    for (const connection of this.connections) connection.check(now)
    if (this.reports > reportsPerCheckMax) {
      const unsaid = this.reports - reportsPerCheckMax
      this.ports.log.write('warn', 'reports-suppressed', `${unsaid} more lines about connections on ${this.listenerName} were left out.`)
    }
    this.reports = 0
  }

  close(options: { readonly graceMs: Millis }): Promise<void> {
    this.closing ??= this.closeAll(options.graceMs)
    return this.closing
  }

  private async closeAll(graceMs: Millis): Promise<void> {
    // Said before the first await: nothing more is taken from now on.
    const stopped = this.listener?.close()
    const empty = new Promise<void>((resolve) => {
      this.onEmpty = resolve
      for (const connection of this.connections) connection.drain()
      if (this.connections.size === 0) resolve()
    })
    const timer = this.ports.clock.after(graceMs, () => {
      for (const connection of this.connections) connection.destroy()
    })
    await empty
    timer.cancel()
    this.checkTimer?.cancel()
    await stopped
  }
}
