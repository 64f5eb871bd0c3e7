import { Heap } from './heap.ts'
import { type Millis, NEVER } from './units.ts'

interface Entry {
  readonly key: string
  readonly at: Millis
  readonly order: number
}

interface Deadline<T> {
  at: Millis
  /** When the one heap entry that counts for this key comes up: not later than `at`. */
  enteredAt: Millis
  due: T
}

/**
 * Deadlines by key, for a core that is woken by whoever drives it: `wakeAt` says when, `take` gives what is due. Moving a deadline further away,
 * which is what every heartbeat does, costs one assignment: the heap learns of it when the earlier time comes up.
 */
export class Deadlines<T> {
  private readonly byKey = new Map<string, Deadline<T>>()
  private readonly heap = new Heap<Entry>((a, b) => a.at - b.at || a.order - b.order)
  private order = 0

  get size(): number {
    return this.byKey.size
  }

  /** In place of the deadline that `key` had, if any. */
  set(key: string, at: Millis, due: T): void {
    const before = this.byKey.get(key)
    if (before === undefined) {
      this.byKey.set(key, { at, enteredAt: NEVER, due })
      this.enter(key, at)
      return
    }
    before.at = at
    before.due = due
    if (at < before.enteredAt) this.enter(key, at)
  }

  /** Null when there is none. */
  at(key: string): Millis | null {
    return this.byKey.get(key)?.at ?? null
  }

  cancel(key: string): void {
    this.byKey.delete(key)
    if (this.byKey.size === 0) while (this.heap.pop() !== undefined);
  }

  private enter(key: string, at: Millis): void {
    const deadline = this.byKey.get(key)
    if (deadline === undefined || at === NEVER) return
    deadline.enteredAt = at
    this.order += 1
    this.heap.push({ key, at, order: this.order })
  }

  wakeAt(): Millis {
    this.settle()
    return this.heap.peek()?.at ?? NEVER
  }

  /** What is due, the earliest first; it is a deadline no more. */
  take(now: Millis): T | null {
    this.settle()
    const next = this.heap.peek()
    if (next === undefined || next.at > now) return null
    this.heap.pop()
    const due = this.byKey.get(next.key)?.due ?? null
    this.byKey.delete(next.key)
    return due
  }

  /** All deadlines come later by so much: after a standstill in which nobody could be heard. */
  postpone(by: Millis): void {
    while (this.heap.pop() !== undefined);
    for (const [key, deadline] of this.byKey) {
      deadline.at += by
      this.enter(key, deadline.at)
    }
  }

  /** Takes off the top what has been cancelled, and enters anew what has moved away. */
  private settle(): void {
    for (let top = this.heap.peek(); top !== undefined; top = this.heap.peek()) {
      const deadline = this.byKey.get(top.key)
      if (deadline !== undefined && deadline.enteredAt === top.at && deadline.at === top.at) return
      this.heap.pop()
      if (deadline !== undefined && deadline.enteredAt === top.at) this.enter(top.key, deadline.at)
    }
  }
}
