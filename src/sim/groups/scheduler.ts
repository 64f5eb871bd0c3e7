import { Heap } from '../../base/heap.ts'
import { Prng } from '../../base/prng.ts'
import type { Millis } from '../../base/units.ts'

interface Event {
  readonly at: Millis
  readonly order: number
  readonly actor: Actor | null
  readonly life: number
  readonly run: () => void
}

/** Whatever can be killed or stand still. What was to happen to it dies with it, or waits until it moves again. */
export class Actor {
  readonly name: string
  /** Another one after every death: what was under way for an earlier life never happens. */
  life = 0
  isUp = true
  pausedUntil: Millis = 0

  constructor(name: string) {
    this.name = name
  }

  die(): void {
    this.isUp = false
    this.life += 1
    this.pausedUntil = 0
  }

  rise(): void {
    this.isUp = true
  }
}

const storyLinesMax = 400
const hashPrime = 0x01000193
const hashStart = 0x811c9dc5

/** One queue of events and one generator of chance: the seed says all that happens, in which order. */
export class Scheduler {
  now: Millis = 0
  readonly random: Prng
  /** Of everything noted so far. */
  digest = hashStart
  events = 0
  private readonly queue = new Heap<Event>((a, b) => a.at - b.at || a.order - b.order)
  private order = 0
  private lines: string[] = []

  constructor(seed: number) {
    this.random = new Prng(seed)
  }

  after(delay: Millis, run: () => void): void {
    this.enter(this.now + Math.max(0, delay), null, run)
  }

  /** Happens only if the actor still lives the same life, and not while it stands still. */
  afterFor(actor: Actor, delay: Millis, run: () => void): void {
    this.enter(this.now + Math.max(0, delay), actor, run)
  }

  private enter(at: Millis, actor: Actor | null, run: () => void): void {
    this.order += 1
    this.queue.push({ at, order: this.order, actor, life: actor?.life ?? 0, run })
  }

  /** Carries out what is due until then. `check` is called after every event. */
  runUntil(until: Millis, check: () => void): void {
    for (let event = this.queue.peek(); event !== undefined && event.at <= until; event = this.queue.peek()) {
      this.queue.pop()
      this.now = event.at
      const { actor } = event
      if (actor !== null && (actor.life !== event.life || !actor.isUp)) continue
      if (actor !== null && actor.pausedUntil > this.now) {
        this.enter(actor.pausedUntil, actor, event.run)
        continue
      }
      this.events += 1
      event.run()
      check()
    }
    this.now = until
  }

  /** Between `low` and `high`, with a fraction. */
  between(low: Millis, high: Millis): Millis {
    return low + this.random.fraction() * (high - low)
  }

  note(text: string): void {
    let hash = this.digest ^ Math.floor(this.now * 16)
    for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), hashPrime)
    this.digest = hash >>> 0
  }

  /** A line of the story, and part of the digest. */
  tell(line: string): void {
    this.note(line)
    this.lines.push(`${this.now.toFixed(0).padStart(7)}  ${line}`)
    if (this.lines.length > 2 * storyLinesMax) this.lines = this.lines.slice(-storyLinesMax)
  }

  /** The last lines that `wanted` takes. */
  story(linesMax: number, wanted: (line: string) => boolean): string {
    return this.lines.filter(wanted).slice(-linesMax).join('\n')
  }
}
