import { Heap } from '../base/heap.ts'
import type { Clock, Timer } from '../base/ports.ts'
import type { Millis, Timestamp } from '../base/units.ts'

interface Entry {
  readonly at: Millis
  readonly order: number
  run: (() => void) | null
}

/** A clock that stands still until it is told to move. Each event is followed by all that it set going: microtasks and ends of turns. */
export class ManualClock implements Clock {
  private now: Millis
  private readonly wallOffset: number
  private readonly timers = new Heap<Entry>((a, b) => a.at - b.at || a.order - b.order)
  private turnEnd: (() => void)[] = []
  private order = 0
  /** Carried out so far. */
  events = 0

  constructor(now: Millis = 1_000, wallStart: Timestamp = 1_700_000_000_000) {
    this.now = now
    this.wallOffset = wallStart - now
  }

  mono(): Millis {
    return this.now
  }

  wall(): Timestamp {
    return Math.floor(this.now + this.wallOffset)
  }

  after(delay: Millis, run: () => void): Timer {
    const entry: Entry = { at: this.now + Math.max(0, delay), order: (this.order += 1), run }
    this.timers.push(entry)
    return { cancel: () => void (entry.run = null) }
  }

  endOfTurn(run: () => void): void {
    this.turnEnd.push(run)
  }

  /** Carries out all that is due now. */
  async settle(): Promise<void> {
    await this.advance(0)
  }

  /** Moves time on by `delay`, event by event. */
  async advance(delay: Millis): Promise<void> {
    const end = this.now + delay
    await this.finishTurn()
    for (let next = this.timers.peek(); next !== undefined && next.at <= end; next = this.timers.peek()) {
      this.timers.pop()
      if (next.run === null) continue
      this.now = Math.max(this.now, next.at)
      this.events += 1
      next.run()
      await this.finishTurn()
    }
    this.now = end
    // Rejections that nobody handles are told only when no tick is waiting
    await new Promise((resolve) => void setImmediate(resolve))
  }

  private async finishTurn(): Promise<void> {
    for (;;) {
      // A tick that is asked for in a microtask comes when there are no more microtasks; it is far cheaper than an immediate
      await new Promise((resolve) => process.nextTick(resolve))
      if (this.turnEnd.length === 0) return
      const runs = this.turnEnd
      this.turnEnd = []
      for (const run of runs) run()
    }
  }
}
