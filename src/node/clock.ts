import type { Clock, Timer } from '../base/ports.ts'
import type { Millis, Timestamp } from '../base/units.ts'

/** The longest delay that setTimeout takes. */
const delayMax: Millis = 0x7fff_ffff

/**
 * The operating system's clock and the event loop's turns.
 *
 * A turn is one pass of the loop over what the kernel has ready: all sockets that have bytes are read, with the microtasks of each, then the
 * ends of turn run (setImmediate comes right after the kernel's events). What an end of turn sets going by promises is part of the turn too: the
 * queue is looked at again once the microtasks are done, before any more input. A timer's callback is a turn of its own.
 */
export class SystemClock implements Clock {
  private queue: (() => void)[] = []
  private armed = false

  mono(): Millis {
    return performance.now()
  }

  wall(): Timestamp {
    return Date.now()
  }

  after(delay: Millis, run: () => void): Timer {
    const due = performance.now() + delay
    let handle: NodeJS.Timeout
    const arm = (left: Millis): void => {
      handle = setTimeout(fire, Math.min(delayMax, Math.max(0, Math.ceil(left))))
      handle.unref()
    }
    const fire = (): void => {
      // Node's timers go by the start of the loop's turn, and may be up to a millisecond early.
      const left = due - performance.now()
      if (left > 0) return arm(left)
      run()
      this.drainAfterMicrotasks()
    }
    arm(delay)
    return { cancel: () => clearTimeout(handle) }
  }

  endOfTurn(run: () => void): void {
    this.queue.push(run)
    if (this.armed) return
    this.armed = true
    setImmediate(this.onImmediate)
  }

  private readonly onImmediate = (): void => {
    this.drain()
  }

  private readonly drain = (): void => {
    if (this.queue.length === 0) {
      this.armed = false
      return
    }
    // Until the microtasks of this round are done, what is added waits for the next round and not for the next immediate.
    this.armed = true
    const runs = this.queue
    this.queue = []
    for (const run of runs) run()
    this.drainAfterMicrotasks()
  }

  private drainAfterMicrotasks(): void {
    // A tick that is asked for by a microtask comes when all microtasks are done.
    queueMicrotask(() => process.nextTick(this.drain))
  }
}
