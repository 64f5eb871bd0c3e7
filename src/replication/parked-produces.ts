import { assert } from '../base/assert.ts'
import type { Ticket } from '../base/machine.ts'
import { NEVER, type Millis, type Offset } from '../base/units.ts'

interface Parked {
  readonly ticket: Ticket
  /** Committed once the high watermark is here. */
  readonly requiredOffset: Offset
  readonly deadline: Millis
}

/**
 * Produces with acks=all that wait for the high watermark, in order of the offset they need. A produce nearly always goes to the end;
 * only the repetition of one that is still waiting (an idempotent producer's retry) goes in between.
 */
export class ParkedProduces {
  private queue: Parked[] = []
  private head = 0
  /** No deadline is before this one; it may be earlier than the earliest, for produces that are done leave it as it is. */
  private noDeadlineBefore: Millis = NEVER

  get size(): number {
    return this.queue.length - this.head
  }

  get nextDeadline(): Millis {
    return this.noDeadlineBefore
  }

  park(ticket: Ticket, requiredOffset: Offset, deadline: Millis): void {
    const queue = this.queue
    let at = queue.length
    while (at > this.head && this.at(at - 1).requiredOffset > requiredOffset) at -= 1
    if (at === queue.length) queue.push({ ticket, requiredOffset, deadline })
    else queue.splice(at, 0, { ticket, requiredOffset, deadline })
    if (deadline < this.noDeadlineBefore) this.noDeadlineBefore = deadline
  }

  /** Hands out, in order, those that need no more than `highWatermark`. */
  reach(highWatermark: Offset, done: (ticket: Ticket) => void): void {
    while (this.head < this.queue.length && this.at(this.head).requiredOffset <= highWatermark) {
      const { ticket } = this.at(this.head)
      this.head += 1
      done(ticket)
    }
    this.dropHanded()
  }

  /** Hands out those whose deadline has come. */
  expire(now: Millis, done: (ticket: Ticket) => void): void {
    if (now < this.noDeadlineBefore) return
    const waiting = this.queue.slice(this.head)
    this.queue = waiting.filter((parked) => parked.deadline > now)
    this.head = 0
    this.noDeadlineBefore = this.queue.reduce((least, parked) => Math.min(least, parked.deadline), NEVER)
    for (const parked of waiting) if (parked.deadline <= now) done(parked.ticket)
  }

  /** Hands out all. */
  drain(done: (ticket: Ticket) => void): void {
    this.reach(Infinity, done)
  }

  private at(index: number): Parked {
    const parked = this.queue[index]
    assert(parked !== undefined, 'a parked produce is missing')
    return parked
  }

  private dropHanded(): void {
    if (this.head === this.queue.length) {
      if (this.head > 0) this.queue = []
      this.head = 0
      this.noDeadlineBefore = NEVER
    } else if (this.head > 64 && this.head * 2 > this.queue.length) {
      this.queue.splice(0, this.head)
      this.head = 0
    }
  }
}
