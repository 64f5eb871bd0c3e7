import { requestMemoryBytesMax, responseMemoryBytesMax } from './limits.ts'

/** Requests up to this size are read whatever the budget says: their number is bounded by connections and requests in flight. */
const tinyRequestBytes = 4_096
/** Requests up to this size may use up the budget twice over: heartbeats, metadata and fetches go on while large produces wait. */
const smallRequestBytes = 65_536

/**
 * Bytes of requests and of unread answers that the connections of a process may hold together (`queued.max.request.bytes`). It counts; the
 * connections ask it before they read on, and are woken when there is room again.
 *
 * Nothing waits for ever: requests in work are answered within their own timeouts; when they leave room, the oldest of the requests that have
 * been received in part is let through whatever the others hold (it has a time limit of its own). So the budget is exceeded by one request at most,
 * and by what small ones may.
 */
export class MemoryBudget {
  readonly requestBytesMax: number
  readonly responseBytesMax: number
  private inWork = 0
  private incompleteBytes = 0
  private responses = 0
  private waking = false
  private readonly waiting = new Map<object, () => void>()
  /** Owners of requests received in part, the oldest first. */
  private readonly incomplete = new Set<object>()

  constructor(requestBytesMax = requestMemoryBytesMax, responseBytesMax = responseMemoryBytesMax) {
    this.requestBytesMax = requestBytesMax
    this.responseBytesMax = responseBytesMax
  }

  get requestBytes(): number {
    return this.inWork + this.incompleteBytes
  }

  get responseBytes(): number {
    return this.responses
  }

  get responsesExceeded(): boolean {
    return this.responses >= this.responseBytesMax
  }

  /** May this connection read on in (or begin) a request that claims so many bytes? */
  admits(owner: object, claimedBytes: number): boolean {
    if (this.responsesExceeded) return false
    if (claimedBytes <= tinyRequestBytes) return true
    const limit = claimedBytes <= smallRequestBytes ? 2 * this.requestBytesMax : this.requestBytesMax
    return this.requestBytes < limit || (this.inWork < limit && this.oldestIncomplete() === owner)
  }

  /** Requests that are whole and not yet answered. */
  addInWork(bytes: number): void {
    this.inWork += bytes
    if (bytes < 0) this.wakeWaiting()
  }

  /** Requests of which more is to come. */
  addIncomplete(bytes: number): void {
    this.incompleteBytes += bytes
    if (bytes < 0) this.wakeWaiting()
  }

  addResponse(bytes: number): void {
    this.responses += bytes
    if (bytes < 0) this.wakeWaiting()
  }

  hasIncomplete(owner: object, has: boolean): void {
    if (has) {
      this.incomplete.add(owner)
    } else if (this.incomplete.delete(owner)) {
      const oldest = this.oldestIncomplete()
      if (oldest !== undefined) this.wake(oldest)
    }
  }

  /** Calls `run` once when it is worth asking again. */
  onRoom(owner: object, run: () => void): void {
    this.waiting.set(owner, run)
  }

  forget(owner: object): void {
    this.waiting.delete(owner)
    this.hasIncomplete(owner, false)
  }

  private oldestIncomplete(): object | undefined {
    for (const owner of this.incomplete) return owner
    return undefined
  }

  /** Whoever is woken may give back in turn: that is left to the round under way. */
  private wakeWaiting(): void {
    if (this.waking || this.waiting.size === 0) return
    this.waking = true
    const round = [...this.waiting.keys()]
    for (const owner of round) {
      if (this.requestBytes >= this.requestBytesMax || this.responsesExceeded) break
      this.wake(owner)
    }
    this.waking = false
  }

  private wake(owner: object): void {
    const run = this.waiting.get(owner)
    this.waiting.delete(owner)
    run?.()
  }
}
