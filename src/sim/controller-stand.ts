import { assert } from '../base/assert.ts'
import type { Log, Ports } from '../base/ports.ts'
import { Prng } from '../base/prng.ts'
import type { Millis } from '../base/units.ts'
import type { QuorumLeader } from '../quorum/metadata-quorum.ts'
import { type Handlers, handlerTable } from '../server/handlers.ts'
import { type Server, serve } from '../server/serve.ts'
import { ManualClock } from './manual-clock.ts'
import { MemoryDisk } from './memory-disk.ts'
import { MemoryNetwork } from './memory-network.ts'

export const standHost = '127.0.0.1'

/** Listeners that answer like controllers, by a script, and what the tested side is told of the quorum's leader. */
export class ControllerStand {
  readonly clock = new ManualClock()
  readonly network = new MemoryNetwork(this.clock, { latencyMs: 1 })
  readonly ports: Ports
  readonly lines: string[] = []
  leader: QuorumLeader = { id: -1, epoch: 0, endpoint: null }

  constructor(seed = 1) {
    const prng = new Prng(seed)
    const log: Log = { write: (level, event, message) => void this.lines.push(`${level} ${event}: ${message}`) }
    const entropy = { uint32: () => prng.uint32(), uuid: () => prng.uuid() }
    this.ports = { clock: this.clock, network: this.network, disk: new MemoryDisk(), entropy, log }
  }

  listen(port: number, handlers: Handlers): Promise<Server> {
    return serve(this.ports, { host: standHost, port, listenerName: 'CONTROLLER', listenerKind: 'controller' }, handlerTable(handlers))
  }

  leads(port: number): void {
    this.leader = { id: port, epoch: this.leader.epoch + 1, endpoint: { host: standHost, port } }
  }

  nobodyLeads(): void {
    this.leader = { id: -1, epoch: this.leader.epoch + 1, endpoint: null }
  }

  /** Lets time pass until `work` has come to its end. */
  async run<T>(work: Promise<T>, limitMs: Millis = 20_000): Promise<T> {
    let settled = false
    const settle = (): void => {
      settled = true
    }
    work.then(settle, settle)
    for (const start = this.clock.mono(); !settled; await this.clock.advance(1)) {
      assert(this.clock.mono() - start <= limitMs, `not within ${limitMs} ms: ${this.lines.join('\n')}`)
    }
    return work
  }
}
