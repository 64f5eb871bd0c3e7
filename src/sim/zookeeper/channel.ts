import type { Clock } from '../../base/ports.ts'
import type { Millis } from '../../base/units.ts'

/** How soon TCP tries again. */
const retryMs: Millis = 20

/** One way between two servers of the ensemble: in order, and what cannot come through now waits, until the channel is closed. */
export class Channel {
  private readonly clock: Clock
  private readonly isOpen: () => boolean
  private readonly queue: { readonly at: Millis; readonly run: () => void }[] = []
  private latest: Millis = 0
  private isWaiting = false
  private isClosed = false

  /** `isOpen`: whether something comes through now. */
  constructor(clock: Clock, isOpen: () => boolean) {
    this.clock = clock
    this.isOpen = isOpen
  }

  send(delay: Millis, run: () => void): void {
    this.latest = Math.max(this.latest, this.clock.mono() + delay)
    this.queue.push({ at: this.latest, run })
    if (!this.isWaiting) this.waitFor(this.latest)
  }

  close(): void {
    this.isClosed = true
    this.queue.length = 0
  }

  private waitFor(at: Millis): void {
    this.isWaiting = true
    this.clock.after(at - this.clock.mono(), () => this.pump())
  }

  private pump(): void {
    this.isWaiting = false
    while (!this.isClosed) {
      const next = this.queue[0]
      if (next === undefined) return
      const now = this.clock.mono()
      if (!this.isOpen()) return this.waitFor(now + retryMs)
      if (next.at > now + 1e-6) return this.waitFor(next.at)
      this.queue.shift()
      next.run()
    }
  }
}
