import type { Clock, Timer } from '../base/ports.ts'
import type { Millis, Timestamp } from '../base/units.ts'

/** Timers are never early, whatever the sums of fractions say. */
const timerGrain: Millis = 0.01

/** A machine's own clocks over the world's: one that runs a little fast or slow, and a wall clock that somebody may set. */
export class SkewedClock implements Clock {
  /** The wall clock is so much ahead. */
  wallShiftMs: Millis = 0
  private readonly world: Clock
  private readonly rate: number

  /** `rate`: milliseconds here for each of the world's. */
  constructor(world: Clock, rate: number) {
    this.world = world
    this.rate = rate
  }

  mono(): Millis {
    return this.world.mono() * this.rate
  }

  wall(): Timestamp {
    return this.world.wall() + this.wallShiftMs
  }

  after(delay: Millis, run: () => void): Timer {
    return this.world.after(this.rate === 1 ? delay : (delay + timerGrain) / this.rate, run)
  }

  endOfTurn(run: () => void): void {
    this.world.endOfTurn(run)
  }
}
