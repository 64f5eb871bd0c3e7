import type { Prng } from '../base/prng.ts'
import type { Millis } from '../base/units.ts'

/** Where something stands on the simulated network: a machine's name. What stands nowhere in particular is at ''. */
export type Place = string

/** What a way from one place to another does to what is sent on it. */
export interface LinkState {
  /** Nothing arrives. What was sent waits, as TCP sends it again, and arrives some time after the way is mended. */
  readonly cut: boolean
  /** New connections do not come about; those that are there live on. */
  readonly refusesNew: boolean
  /** Added to the latency of the network, one way. */
  readonly delayMs: Millis
  /** Added to that, from nothing up to this, by chance for each write. */
  readonly jitterMs: Millis
  /** Bytes that arrive in a millisecond; Infinity when all arrive at once. */
  readonly bytesPerMs: number
}

export const plainLink: LinkState = { cut: false, refusesNew: false, delayMs: 0, jitterMs: 0, bytesPerMs: Infinity }

interface Link {
  state: LinkState
  cutAt: Millis
  /** Until then TCP has not tried again since the way was mended. */
  quietUntil: Millis
}

/** However long a way was cut, TCP tries again within this of its being mended. */
const retryMsMax: Millis = 3_000

/** The state of every way from one place to another. Ways that were never touched are `plain`. */
export class NetworkLinks {
  /** What ways are when nothing else is said of them. */
  plain: LinkState = plainLink
  private readonly links = new Map<string, Link>()
  private readonly prng: Prng

  constructor(prng: Prng) {
    this.prng = prng
  }

  stateOf(from: Place, to: Place): LinkState {
    return this.links.get(keyOf(from, to))?.state ?? this.plain
  }

  /** Nothing gets through from one to the other now: it is cut, or was cut and TCP has not tried again. */
  isQuiet(from: Place, to: Place, now: Millis): boolean {
    const link = this.links.get(keyOf(from, to))
    return link !== undefined && (link.state.cut || link.quietUntil > now)
  }

  /** Returns how long it takes after a way is mended until what waits on it goes on. */
  change(from: Place, to: Place, change: Partial<LinkState>, now: Millis): Millis {
    const key = keyOf(from, to)
    let link = this.links.get(key)
    if (link === undefined) this.links.set(key, (link = { state: this.plain, cutAt: now, quietUntil: 0 }))
    const wasCut = link.state.cut
    link.state = { ...link.state, ...change }
    if (link.state.cut && !wasCut) link.cutAt = now
    // TCP waits about as long until it tries again as it has been trying
    if (wasCut && !link.state.cut) link.quietUntil = now + Math.min(now - link.cutAt, this.prng.fraction() * retryMsMax)
    return Math.max(0, link.quietUntil - now)
  }

  /** All ways are as they were at the beginning. Returns those that were touched. */
  mendAll(now: Millis): readonly (readonly [Place, Place])[] {
    const touched = [...this.links.keys()].map((key) => key.split('→') as [Place, Place])
    for (const [from, to] of touched) this.change(from, to, this.plain, now)
    return touched
  }

  /** How long `bytes` are under way, beyond the latency. */
  delayOf(from: Place, to: Place, bytes: number): Millis {
    const { delayMs, jitterMs, bytesPerMs } = this.stateOf(from, to)
    const jitter = jitterMs === 0 ? 0 : this.prng.fraction() * jitterMs
    return delayMs + jitter + bytes / bytesPerMs
  }
}

function keyOf(from: Place, to: Place): string {
  return `${from}→${to}`
}
