import { Heap } from '../base/heap.ts'
import type { Clock, Timer } from '../base/ports.ts'
import { type Millis, NEVER } from '../base/units.ts'

/** Something with deadlines: it says when it next wants to be woken and is told when the time has come. */
export interface Sleeper {
  wakeAt(): Millis
  wake(now: Millis): void
}

/** Who is woken and wants to be woken again at once waits for so long, so that the loop of the wakes comes to its end. */
const rewakePauseMs: Millis = 1

interface Entry {
  readonly at: Millis
  readonly order: number
  /** Null: forgotten, or entered anew for an earlier time. What comes up later keeps nothing alive until then. */
  sleeper: Sleeper | null
}

/**
 * One timer for any number of sleepers. `look` is cheap enough for hot paths: a sleeper is entered only when it wants to wake earlier than
 * it is already entered for; an entry that has become too early finds that out when it comes up, and is entered anew.
 */
export class WakeQueue {
  private readonly clock: Clock
  private readonly heap = new Heap<Entry>((a, b) => a.at - b.at || a.order - b.order)
  private readonly entered = new Map<Sleeper, Entry>()
  private timer: Timer | null = null
  private timerAt: Millis = NEVER
  private order = 0
  private stopped = false

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Who waits to be woken. */
  get size(): number {
    return this.entered.size
  }

  /** To be called whenever the sleeper's `wakeAt` may have come nearer. */
  look(sleeper: Sleeper): void {
    this.enter(sleeper, sleeper.wakeAt())
  }

  private enter(sleeper: Sleeper, at: Millis): void {
    const before = this.entered.get(sleeper)
    if (at === NEVER || at >= (before?.at ?? NEVER)) return
    if (before !== undefined) before.sleeper = null
    this.order += 1
    const entry: Entry = { at, order: this.order, sleeper }
    this.entered.set(sleeper, entry)
    this.heap.push(entry)
    this.arm()
  }

  /** It is not woken any more (until the next `look`). */
  forget(sleeper: Sleeper): void {
    const entry = this.entered.get(sleeper)
    if (entry === undefined) return
    entry.sleeper = null
    this.entered.delete(sleeper)
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
    this.entered.clear()
  }

  private arm(): void {
    const next = this.heap.peek()
    if (this.stopped || next === undefined || next.at >= this.timerAt) return
    this.timer?.cancel()
    this.timerAt = next.at
    this.timer = this.clock.after(Math.max(0, next.at - this.clock.mono()), () => this.ring())
  }

  private ring(): void {
    this.timer = null
    this.timerAt = NEVER
    const now = this.clock.mono()
    for (let due = this.heap.peek(); due !== undefined && due.at <= now; due = this.heap.peek()) {
      this.heap.pop()
      this.rouse(due, now)
    }
    this.arm()
  }

  private rouse(entry: Entry, now: Millis): void {
    const { sleeper } = entry
    if (sleeper === null) return
    this.entered.delete(sleeper)
    if (sleeper.wakeAt() <= now) sleeper.wake(now)
    this.enter(sleeper, Math.max(sleeper.wakeAt(), now + rewakePauseMs))
  }
}
