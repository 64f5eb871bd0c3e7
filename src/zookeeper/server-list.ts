import type { Entropy } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'
import type { ServerAddress } from './connect-string.ts'

const attemptMsMin: Millis = 100
const pauseMsFirst: Millis = 20
const pauseMsMax: Millis = 500

/**
 * The servers of the ensemble in an order of chance, so that clients spread over them. Whoever was lost is tried again last. A whole round that failed is
 * followed by a pause; without one a session of short timeout would be lost while one dead link is waited for.
 */
export class ServerList {
  private readonly servers: readonly ServerAddress[]
  private readonly entropy: Entropy
  private at = 0
  /** Attempts since a connection stood. */
  private tried = 0

  constructor(servers: readonly ServerAddress[], entropy: Entropy) {
    this.servers = shuffled(servers, entropy)
    this.entropy = entropy
  }

  /** The server to try now, and how long: a third of its share of the session at first, up to its share when all have failed. */
  next(sessionTimeoutMs: Millis): { readonly server: ServerAddress; readonly attemptMs: Millis } {
    const server = this.servers[this.at]
    if (server === undefined) throw new RangeError('an ensemble without servers')
    const share = sessionTimeoutMs / this.servers.length
    const attemptMs = Math.max(attemptMsMin, Math.min(share, (share / 3) * 2 ** this.round))
    this.at = (this.at + 1) % this.servers.length
    this.tried += 1
    return { server, attemptMs }
  }

  /** Before the next attempt. */
  pauseMs(): Millis {
    if (this.tried === 0 || this.tried % this.servers.length !== 0) return 0
    const most = Math.min(pauseMsMax, pauseMsFirst * 2 ** Math.min(this.round, 10))
    return most * (0.5 + this.entropy.uint32() / 2 ** 33)
  }

  onConnected(): void {
    this.tried = 0
  }

  private get round(): number {
    return Math.floor(this.tried / this.servers.length)
  }
}

function shuffled<T>(items: readonly T[], entropy: Entropy): T[] {
  const left = [...items]
  const all: T[] = []
  while (left.length > 0) all.push(...left.splice(entropy.uint32() % left.length, 1))
  return all
}
