import type { Millis } from '../../base/units.ts'

/** What a register holds: here an offset, or null for none. */
export type RegisterValue = number | null

/** An operation on one register, as a client saw it. */
export interface RegisterOp {
  readonly kind: 'read' | 'write'
  readonly value: RegisterValue
  /** When it was asked for; it cannot have taken effect before. */
  readonly start: Millis
  /** When its success was known; it cannot have taken effect after. Infinity: nobody knows whether it has taken effect, or ever will. */
  readonly end: Millis
}

/** A search that takes more steps than this is given up: a history that nobody can judge is a fault of the simulation. */
const stepsMax = 2_000_000

/**
 * Whether one order of the operations explains all reads (Wing and Gong's search, with Lowe's memory of what has been tried). Writes that may or may
 * not have happened are tried both ways, but for those that nobody has read: leaving them out harms no order. Returns null, or the operation that no
 * order gets past.
 */
export function whyNotLinearizable(history: readonly RegisterOp[], initial: RegisterValue): RegisterOp | null {
  const read = new Set(history.filter(({ kind }) => kind === 'read').map(({ value }) => value))
  const ops = history
    .filter((op) => op.end !== Infinity || (op.kind === 'write' && read.has(op.value)))
    .sort((a, b) => a.start - b.start || a.end - b.end)
  return new Search(ops, read).run(initial)
}

interface Frame {
  /** Of `ops`: the next candidate to try from here. */
  next: number
  /** What was taken to get from here to the next frame. */
  taken: number
  readonly value: RegisterValue
  /** What was taken has no alternative. */
  isForced: boolean
  hasTriedUnread: boolean
}

function newFrame(value: RegisterValue): Frame {
  return { next: 0, taken: -1, value, isForced: false, hasTriedUnread: false }
}

class Search {
  private readonly ops: readonly RegisterOp[]
  /** Values that somebody has read. */
  private readonly read: ReadonlySet<RegisterValue>
  private readonly done: boolean[]
  private readonly tried = new Set<string>()
  /** All before it are done. */
  private first = 0
  private farthest = 0
  private steps = 0

  constructor(ops: readonly RegisterOp[], read: ReadonlySet<RegisterValue>) {
    this.ops = ops
    this.read = read
    this.done = ops.map(() => false)
  }

  run(initial: RegisterValue): RegisterOp | null {
    const frames: Frame[] = [newFrame(initial)]
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      if (this.isComplete()) return null
      if (this.isNew(frame) && this.advance(frame, frames)) continue
      frames.pop()
      this.undo(frames.at(-1))
    }
    return this.stuckAt()
  }

  /** What remains may be left undone. */
  private isComplete(): boolean {
    while (this.first < this.ops.length && this.done[this.first] === true) this.first += 1
    for (let at = this.first; at < this.ops.length; at += 1) if (this.done[at] !== true && this.ops[at]?.end !== Infinity) return false
    return true
  }

  private isNew(frame: Frame): boolean {
    if (frame.next > 0) return true
    frame.next = this.first
    const open = this.ops.slice(this.first).findLastIndex((_, at) => this.done[this.first + at] === true)
    const pattern = this.done
      .slice(this.first, this.first + open + 1)
      .map((isDone) => (isDone ? '1' : '0'))
      .join('')
    const key = `${this.first}/${pattern}/${frame.value}`
    if (this.tried.has(key)) return false
    this.tried.add(key)
    return true
  }

  /**
   * Takes the next operation that may come first among those that remain and that the value allows. A read of what is there is taken at once, and
   * needs no second try; so does a write that nobody reads after another such, for all that can follow either is a write.
   */
  private advance(frame: Frame, frames: Frame[]): boolean {
    if (frame.isForced) return false
    const horizon = this.horizon()
    const free = frame.next === this.first ? this.freeAt(frame.value, horizon) : -1
    frame.isForced = free >= 0
    for (let at = Math.max(free, frame.next); at < this.ops.length; at += 1) {
      const op = this.ops[at]
      if (op === undefined || op.start > horizon) break
      if (this.done[at] === true || (free < 0 && !this.isChoice(op, frame))) continue
      this.take(at, op, frame, frames)
      return true
    }
    return false
  }

  private take(at: number, op: RegisterOp, frame: Frame, frames: Frame[]): void {
    this.steps += 1
    if (this.steps > stepsMax) throw new RangeError(`a history of ${this.ops.length} operations is too wide to be judged`)
    if (op.kind === 'write' && !this.read.has(op.value)) frame.hasTriedUnread = true
    frame.next = at + 1
    frame.taken = at
    this.done[at] = true
    this.farthest = Math.max(this.farthest, at)
    frames.push(newFrame(op.value))
  }

  private freeAt(value: RegisterValue, horizon: Millis): number {
    const isUnread = !this.read.has(value)
    for (let at = this.first; at < this.ops.length; at += 1) {
      const op = this.ops[at]
      if (op === undefined || op.start > horizon) break
      if (this.done[at] === true) continue
      if (op.kind === 'read' ? op.value === value : isUnread && !this.read.has(op.value)) return at
    }
    return -1
  }

  private isChoice(op: RegisterOp, frame: Frame): boolean {
    return op.kind === 'write' && (this.read.has(op.value) || !frame.hasTriedUnread)
  }

  /** Nothing that begins after this can come next: an operation that has ended by then has not been taken yet. */
  private horizon(): Millis {
    let end = Infinity
    for (let at = this.first; at < this.ops.length; at += 1) {
      const op = this.ops[at]
      if (op === undefined || op.start > end) break
      if (this.done[at] !== true) end = Math.min(end, op.end)
    }
    return end
  }

  private undo(frame: Frame | undefined): void {
    if (frame === undefined || frame.taken === -1) return
    this.done[frame.taken] = false
    this.first = Math.min(this.first, frame.taken)
    frame.taken = -1
  }

  private stuckAt(): RegisterOp | null {
    return this.ops[Math.min(this.farthest + 1, this.ops.length - 1)] ?? null
  }
}
