import type { Millis } from '../../base/units.ts'
import type { ApiCommand } from '../../groups/commands.ts'
import type { SimulatedBroker } from './broker.ts'
import type { ServedReply } from './coordinator.ts'
import type { GroupsOptions } from './options.ts'
import type { Actor, Scheduler } from './scheduler.ts'

/** What comes of a request, as its sender sees it. `copy` says which of its copies was answered. */
export type Outcome = { readonly kind: 'answer'; readonly served: ServedReply; readonly copy: number } | { readonly kind: 'lost' }

export interface Call {
  readonly from: Actor
  readonly to: SimulatedBroker
  readonly partition: number
  readonly command: ApiCommand
  readonly timeoutMs: Millis
  /** For every copy of the request that may arrive. */
  onCopy(copy: number): void
  /** Exactly once, unless the sender dies first. */
  onOutcome(outcome: Outcome): void
}

const stragglerMinMs: Millis = 200
const stragglerMaxMs: Millis = 6_000

/** Carries requests and answers; may delay, lose, double and reorder them as long as there are faults. */
export class Channel {
  isFaulty = true
  private readonly scheduler: Scheduler
  private readonly options: GroupsOptions
  private copies = 0
  /** The last heartbeat of the consumer protocol that has arrived, by sender. */
  private readonly heartbeats = new WeakMap<Actor, number>()

  constructor(scheduler: Scheduler, options: GroupsOptions) {
    this.scheduler = scheduler
    this.options = options
  }

  delay(): Millis {
    const { delayMaxMs, stragglerChance } = this.options
    if (this.isFaulty && this.scheduler.random.chance(stragglerChance)) return this.scheduler.between(stragglerMinMs, stragglerMaxMs)
    return this.scheduler.between(0.05, delayMaxMs)
  }

  private isLost(): boolean {
    return this.isFaulty && this.scheduler.random.chance(this.options.lossChance)
  }

  send(call: Call): void {
    const { scheduler } = this
    let isOver = false
    const over = (outcome: Outcome): void => {
      if (isOver) return
      isOver = true
      call.onOutcome(outcome)
    }
    scheduler.afterFor(call.from, call.timeoutMs, () => over({ kind: 'lost' }))
    const copies = this.isDoubled(call.command) ? 2 : 1
    for (let at = 0; at < copies; at += 1) this.sendCopy(call, over)
  }

  /**
   * A heartbeat of the consumer protocol is not: its answer says what has changed since the last, so one that is dropped unseen must not be. Such
   * requests come twice only when their sender has given up the first, and then it says all of itself again.
   */
  private isDoubled({ api }: ApiCommand): boolean {
    return this.isFaulty && api !== 'consumerGroupHeartbeat' && this.scheduler.random.chance(this.options.duplicateChance)
  }

  private sendCopy(call: Call, over: (outcome: Outcome) => void): void {
    const { scheduler } = this
    const { to } = call
    this.copies += 1
    const copy = this.copies
    call.onCopy(copy)
    if (this.isLost()) return this.maybeNotice(call, over)
    const { life } = to.actor
    scheduler.after(this.delay(), () => {
      if (!to.actor.isUp || to.actor.life !== life) return this.maybeNotice(call, over)
      if (to.actor.pausedUntil <= scheduler.now) return this.arrive(call, copy, over)
      to.unread.add(call.command)
      scheduler.afterFor(to.actor, 0, () => {
        to.unread.delete(call.command)
        this.arrive(call, copy, over)
      })
    })
  }

  /** A connection that breaks is noticed, mostly. */
  private maybeNotice({ from }: Call, over: (outcome: Outcome) => void): void {
    if (this.scheduler.random.chance(0.6)) this.scheduler.afterFor(from, this.delay(), () => over({ kind: 'lost' }))
  }

  /**
   * A sender that has given up a request closes its connection before it asks again on another, and what is left of the old one is not read. The
   * consumer protocol relies on it: a heartbeat that comes after a later one of its member would speak for a member that is somewhere else by now.
   */
  private isOvertaken(call: Call, number: number): boolean {
    if (call.command.api !== 'consumerGroupHeartbeat') return false
    const last = this.heartbeats.get(call.from) ?? 0
    this.heartbeats.set(call.from, Math.max(last, number))
    return number < last
  }

  private arrive(call: Call, copy: number, over: (outcome: Outcome) => void): void {
    const { from, to, partition, command } = call
    if (this.isOvertaken(call, copy)) return
    // Whoever is answered must still be the one who asked
    const { life } = from
    to.submit(partition, command, (served) => {
      this.scheduler.note(`${to.id} answers ${command.api} ${copy}`)
      if (this.isLost()) return this.maybeNotice(call, over)
      this.scheduler.after(this.delay(), () => {
        if (from.isUp && from.life === life) this.scheduler.afterFor(from, 0, () => over({ kind: 'answer', served, copy }))
      })
    })
  }
}
