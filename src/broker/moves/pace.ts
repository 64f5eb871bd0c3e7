import type { Clock } from '../../base/ports.ts'
import type { Millis } from '../../base/units.ts'

/** A single wait is no longer than this, so that what ends meanwhile need not wait for it. */
const waitMsMax: Millis = 200

export interface PaceSettings {
  /** `num.replica.alter.log.dirs.threads`: so many read and write at once. */
  readonly atOnce: number
  /** `replica.alter.log.dirs.io.max.bytes.per.second`, of all together. */
  readonly bytesPerSecond: number
}

/** How fast the copies of a broker are made, all together. Settings are asked for each time. */
export class Pace {
  private readonly clock: Clock
  private readonly settings: () => PaceSettings
  private readonly waiting: (() => void)[] = []
  private running = 0
  /** What may be copied by then has been copied. */
  private freeAt: Millis = 0

  constructor(clock: Clock, settings: () => PaceSettings) {
    this.clock = clock
    this.settings = settings
  }

  /** Runs a step of a copy when it is its turn, first come first served; it says how many bytes it copied. */
  async inTurn(step: () => Promise<number>): Promise<number> {
    if (this.running >= this.settings().atOnce) await new Promise<void>((resolve) => void this.waiting.push(resolve))
    else this.running += 1
    try {
      const bytes = await step()
      this.freeAt = Math.max(this.freeAt, this.clock.mono()) + (bytes * 1000) / this.settings().bytesPerSecond
      return bytes
    } finally {
      const next = this.waiting.shift()
      if (next === undefined) this.running -= 1
      else next()
    }
  }

  /** Until what was copied is within the limit. */
  async rest(isEnded: () => boolean): Promise<void> {
    do {
      await this.pause(Math.min(waitMsMax, Math.max(0, this.freeAt - this.clock.mono())))
    } while (!isEnded() && this.freeAt > this.clock.mono())
  }

  pause(ms: Millis): Promise<void> {
    return new Promise((resolve) => void this.clock.after(ms, resolve))
  }
}
