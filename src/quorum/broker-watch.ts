import type { Clock, Network } from '../base/ports.ts'
import type { Millis, NodeId } from '../base/units.ts'
import { probe, type Probe } from '../client/probe.ts'
import type { ConnectionContext } from '../server/handlers.ts'

/** A broker's listener is dialled at these times after its heartbeat connection has closed; the last pause repeats. */
const probeTimesMs: readonly Millis[] = [0, 15, 40]
const probeTimeoutMs: Millis = 200
/** So many refusals in a row, from the peer's own kernel, are proof that its process is gone. */
const refusalsNeeded = 2

export interface WatchedBroker {
  readonly id: NodeId
  readonly epoch: number
  readonly host: string
  readonly port: number
  readonly fenced: boolean
}

export interface WatchOutcome {
  /** The broker's process is gone: refused twice in a row. `silentForMs`: since its connection closed. */
  onGone(broker: WatchedBroker, silentForMs: Millis): void
  /** Its heartbeat connection is closed; that alone proves nothing. */
  onConnectionLost(broker: WatchedBroker): void
}

/**
 * Sees a broker's death within milliseconds: its heartbeat connection closes, and its listener refuses. Both are positive proof from the
 * kernel of its host; a broker that is paused, cut off or slow gives no such proof and is left to its session timeout. Fencing a broker that
 * lives would be safe all the same (its acks need the in-sync replicas, which follow the new epoch); it would only cost a failover.
 */
export class BrokerWatch {
  private readonly clock: Clock
  private readonly network: Network
  private readonly outcome: WatchOutcome
  private readonly describe: (id: NodeId) => WatchedBroker | undefined
  /** The connection that a broker's newest heartbeat came over. */
  private readonly connections = new Map<NodeId, number>()
  private active = false

  /** `describe`: a broker that is registered, fenced or not. */
  constructor(
    ports: { readonly clock: Clock; readonly network: Network },
    describe: (id: NodeId) => WatchedBroker | undefined,
    outcome: WatchOutcome,
  ) {
    this.clock = ports.clock
    this.network = ports.network
    this.describe = describe
    this.outcome = outcome
  }

  /**
   * This node is the active controller now. A broker may have died with the one before: whoever is believed alive is dialled once, so
   * that the dead are known without waiting for a session that starts only now.
   */
  activate(believedAlive: readonly NodeId[]): void {
    this.active = true
    for (const id of believedAlive) void this.investigate(id, this.clock.mono())
  }

  deactivate(): void {
    this.active = false
    this.connections.clear()
  }

  onHeartbeat(id: NodeId, connection: ConnectionContext): void {
    if (this.connections.get(id) === connection.id) return
    this.connections.set(id, connection.id)
    connection.onClose(() => this.onClosed(id, connection.id))
  }

  private onClosed(id: NodeId, connectionId: number): void {
    if (!this.active || this.connections.get(id) !== connectionId) return
    this.connections.delete(id)
    const broker = this.describe(id)
    if (broker === undefined) return
    this.outcome.onConnectionLost(broker)
    if (!broker.fenced) void this.investigate(id, this.clock.mono())
  }

  private async investigate(id: NodeId, since: Millis): Promise<void> {
    const broker = this.describe(id)
    if (broker === undefined) return
    let refusals = 0
    let at = 0
    for (const time of [...probeTimesMs, (probeTimesMs.at(-1) ?? 0) * 2]) {
      if (time > at) await new Promise<void>((resolve) => void this.clock.after(time - at, resolve))
      at = time
      const found: Probe = await probe(this.network, broker.host, broker.port, probeTimeoutMs)
      if (!this.active || this.describe(id)?.epoch !== broker.epoch) return
      refusals = found === 'refused' ? refusals + 1 : 0
      if (refusals >= refusalsNeeded) return this.outcome.onGone(broker, this.clock.mono() - since)
      if (found === 'listening' && this.connections.has(id)) return
    }
  }
}
