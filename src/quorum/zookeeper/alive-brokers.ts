import type { Clock, Timer } from '../../base/ports.ts'
import type { Millis, NodeId } from '../../base/units.ts'
import { paths } from '../../znodes/paths.ts'
import { type ZooKeeper, ZooKeeperError } from '../../zookeeper/zookeeper.ts'

/**
 * Which brokers have a session with the ensemble, as the active controller sees it in `/brokers/ids`.
 *
 * A broker is lost when its znode was there and is gone, or when it was in service at the election and its znode has not come within a session's time:
 * after an outage of the whole ensemble all brokers come back at about the same time as the controller does.
 */
export class AliveBrokers {
  private readonly clock: Clock
  private readonly onLost: (broker: NodeId) => void
  private zk: ZooKeeper | null = null
  private present: ReadonlySet<NodeId> = new Set()
  private readonly lost = new Set<NodeId>()
  private timer: Timer | null = null
  private reading = false
  private again = false

  constructor(clock: Clock, onLost: (broker: NodeId) => void) {
    this.clock = clock
    this.onLost = onLost
  }

  isLost(broker: NodeId): boolean {
    return this.lost.has(broker)
  }

  start(zk: ZooKeeper, inService: readonly NodeId[], graceMs: Millis): void {
    this.stop()
    this.zk = zk
    this.timer = this.clock.after(graceMs, () => {
      for (const id of inService) if (!this.present.has(id)) this.lose(id)
    })
    this.look()
  }

  stop(): void {
    this.timer?.cancel()
    this.zk = null
    this.present = new Set()
    this.lost.clear()
  }

  /** Something below `/brokers/ids` has changed, or may have. */
  look(): void {
    const { zk } = this
    if (zk === null) return
    if (this.reading) {
      this.again = true
      return
    }
    this.reading = true
    zk.children(paths.brokerIds).then(
      (names) => this.onRead(zk, names),
      (error: unknown) => {
        if (!(error instanceof ZooKeeperError)) throw error
        this.onRead(zk, null)
      },
    )
  }

  /** Null: the connection was lost, and the next one looks again. */
  private onRead(zk: ZooKeeper, names: readonly string[] | null): void {
    this.reading = false
    const again = this.again || zk !== this.zk
    this.again = false
    if (zk === this.zk && names !== null) this.compare(new Set(names.map(Number)))
    if (again) this.look()
  }

  private compare(present: ReadonlySet<NodeId>): void {
    const before = this.present
    this.present = present
    for (const id of present) this.lost.delete(id)
    for (const id of before) if (!present.has(id)) this.lose(id)
  }

  private lose(broker: NodeId): void {
    this.lost.add(broker)
    this.onLost(broker)
  }
}
