import type { MemoryNetwork } from '../memory-network.ts'
import { type LinkState, type Place, plainLink } from '../network-links.ts'

/** One way, and what is wrong with it. */
export interface WayFault extends Partial<LinkState> {
  readonly from: Place
  readonly to: Place
}

/** What all faults that are under way make of the network together: a way is cut as long as one of them cuts it. */
export class Weather {
  private readonly network: MemoryNetwork
  private readonly plain: LinkState
  private readonly faults = new Set<readonly WayFault[]>()

  constructor(network: MemoryNetwork, plain: LinkState = plainLink) {
    this.network = network
    this.plain = plain
    network.links.plain = plain
  }

  /** Some way is cut. */
  get isCut(): boolean {
    return [...this.faults].some((ways) => ways.some((way) => way.cut === true))
  }

  /** Returns what ends it; more than once does nothing more. */
  begin(ways: readonly WayFault[]): () => void {
    this.faults.add(ways)
    this.apply(ways)
    return () => {
      if (this.faults.delete(ways)) this.apply(ways)
    }
  }

  private apply(ways: readonly WayFault[]): void {
    for (const { from, to } of ways) this.network.change(from, to, this.stateOf(from, to))
  }

  private stateOf(from: Place, to: Place): LinkState {
    let { cut, refusesNew, delayMs, jitterMs, bytesPerMs } = this.plain
    for (const way of [...this.faults].flat()) {
      if (way.from !== from || way.to !== to) continue
      cut ||= way.cut === true
      refusesNew ||= way.refusesNew === true
      delayMs += way.delayMs ?? 0
      jitterMs += way.jitterMs ?? 0
      bytesPerMs = Math.min(bytesPerMs, way.bytesPerMs ?? Infinity)
    }
    return { cut, refusesNew, delayMs, jitterMs, bytesPerMs }
  }
}

/** Both ways between each of one side and each of the other. */
export function between(one: readonly Place[], other: readonly Place[], state: Partial<LinkState>): readonly WayFault[] {
  return [...oneWay(one, other, state), ...oneWay(other, one, state)]
}

export function oneWay(from: readonly Place[], to: readonly Place[], state: Partial<LinkState>): readonly WayFault[] {
  return from.flatMap((a) => to.filter((b) => a !== b).map((b) => ({ from: a, to: b, ...state })))
}
