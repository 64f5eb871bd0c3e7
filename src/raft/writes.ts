import { assert } from '../base/assert.ts'
import type { Offset } from '../base/units.ts'
import type { WriteId } from './messages.ts'

/**
 * Which of the writes asked for are durable. Writes become durable in order, so one number says it for all of them; a log that was
 * truncated and written again cannot be taken for durable by a late word about the first writing.
 */
export class Writes {
  private last: WriteId = 0
  private durable: WriteId = 0
  /** The last write of epoch or vote: nothing may be said before it is durable. */
  private lastState: WriteId = 0
  private persistedEnd: Offset
  private pending: { readonly write: WriteId; endOffset: Offset }[] = []

  constructor(endOffset: Offset) {
    this.persistedEnd = endOffset
  }

  /** All log records below it are durable. */
  get persistedOffset(): Offset {
    return this.persistedEnd
  }

  get stateIsDurable(): boolean {
    return this.durable >= this.lastState
  }

  get lastStateWrite(): WriteId {
    return this.lastState
  }

  isDurable(write: WriteId): boolean {
    return write <= this.durable
  }

  get allDurable(): boolean {
    return this.durable === this.last
  }

  state(): WriteId {
    this.last += 1
    this.lastState = this.last
    return this.last
  }

  append(endOffset: Offset): WriteId {
    this.last += 1
    this.pending.push({ write: this.last, endOffset })
    return this.last
  }

  truncate(endOffset: Offset): WriteId {
    this.persistedEnd = Math.min(this.persistedEnd, endOffset)
    for (const entry of this.pending) entry.endOffset = Math.min(entry.endOffset, endOffset)
    return this.append(endOffset)
  }

  /** A snapshot in place of the log: nothing of what was there counts. */
  replace(endOffset: Offset): WriteId {
    this.persistedEnd = 0
    this.pending = []
    return this.append(endOffset)
  }

  onPersisted(write: WriteId): void {
    assert(write <= this.last, `write ${write} was asked for`)
    this.durable = Math.max(this.durable, write)
    while (this.pending[0] !== undefined && this.pending[0].write <= this.durable) {
      this.persistedEnd = Math.max(this.persistedEnd, this.pending[0].endOffset)
      this.pending.shift()
    }
  }
}
