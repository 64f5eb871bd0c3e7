import type { Clock, Entropy, Network } from '../../base/ports.ts'
import type { Millis } from '../../base/units.ts'
import { ZooKeeperClient, type ZooKeeperOptions } from '../../zookeeper/client.ts'
import type { WatchEvent } from '../../zookeeper/wire/answers.ts'
import type { SessionState } from '../../zookeeper/zookeeper.ts'
import { BreakableNetwork } from './breakable-network.ts'

/** An ensemble for trials, the model or a real one. */
export interface Ensemble {
  /** For `zookeeper.connect`. */
  readonly connect: string
  readonly ports: { readonly clock: Clock; readonly entropy: Entropy; readonly network: Network }
  /** Of sessions of trials; the ensemble grants it. */
  readonly sessionTimeoutMs: Millis
  wait(ms: Millis): Promise<void>
  /** The place of the server that leads; -1 when none does. */
  leader(): Promise<number>
  /** `kill -9`. */
  kill(at: number): Promise<void>
  launch(at: number): void
  /** Until all that were started serve. */
  serve(): Promise<void>
  clientPort(at: number): number
}

/** A client with all it was told. */
export interface Witness {
  readonly zk: ZooKeeperClient
  readonly network: BreakableNetwork
  readonly states: SessionState[]
  /** `type path`, in the order in which they came. */
  readonly events: string[]
}

/** What one trial works with: clients below a chroot of its own, all closed at its end. */
export class Stand {
  readonly ensemble: Ensemble
  private readonly chroot: string
  private readonly witnesses: Witness[] = []

  constructor(ensemble: Ensemble, chroot: string) {
    this.ensemble = ensemble
    this.chroot = chroot
  }

  get sessionTimeoutMs(): Millis {
    return this.ensemble.sessionTimeoutMs
  }

  now(): Millis {
    return this.ensemble.ports.clock.mono()
  }

  /** A client that has been started. `onEvent` is called as the client tells it. */
  client(options: Partial<ZooKeeperOptions> = {}, onEvent: (event: WatchEvent) => void = () => {}): Witness {
    const network = new BreakableNetwork(this.ensemble.ports.network)
    const connect = `${this.ensemble.connect}${this.chroot}`
    const zk = new ZooKeeperClient({ ...this.ensemble.ports, network }, { connect, sessionTimeoutMs: this.sessionTimeoutMs, ...options })
    const witness: Witness = { zk, network, states: [], events: [] }
    this.witnesses.push(witness)
    zk.start({
      onSession: (state) => void witness.states.push(state),
      onWatch: (event) => {
        witness.events.push(`${event.type} ${event.path}`)
        onEvent(event)
      },
    })
    return witness
  }

  /** Every client there was. */
  get all(): readonly Witness[] {
    return this.witnesses
  }

  wait(ms: Millis): Promise<void> {
    return this.ensemble.wait(ms)
  }

  /** Until it is so; rejects when it is not in time. */
  async until(what: string, isSo: () => boolean | Promise<boolean>, timeoutMs: Millis = 30_000): Promise<void> {
    for (const deadline = this.now() + timeoutMs; !(await isSo()); await this.wait(10)) {
      if (this.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    }
  }

  async end(): Promise<void> {
    for (const { network } of this.witnesses) network.mend()
    await Promise.all(this.witnesses.map((it) => it.zk.close()))
  }
}
