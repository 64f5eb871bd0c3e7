import { type Clock, DiskError } from '../base/ports.ts'
import type { Offset } from '../base/units.ts'

/** What has to be known of a log. */
export interface SettlingLog {
  readonly logEndOffset: Offset
  readonly flushedOffset: Offset
  readonly config: { readonly flushMessages: number }
  flush(): Promise<void>
}

/** True: the log counts up to the offset that was waited for. False: it will not, or not here. */
export type Settled = (counts: boolean) => void

interface Waiting {
  readonly offset: Offset
  readonly done: Settled
}

/**
 * How far a replica's log counts: for acks=1 and the high watermark where it leads, for what its fetches claim where it follows. With `flush.messages`
 * = N that is where fewer than N messages are not synced (Kafka syncs within the append that brings the Nth: UnifiedLog.append), and with N = 1 what
 * is on stable storage, nothing else.
 *
 * Here no append waits for the disk. A flush begins at the end of the turn in which one is due, and covers all that was appended until then; what
 * comes while it runs is covered by the next one. So the slower the disk, the more a sync is worth.
 *
 *   settled --an append leaves N or more unsynced--> due --end of turn--> flushing --done, fewer than N unsynced--> settled
 *                                                     ^-----------------------'--done, more came meanwhile
 *   any --the flush fails: the directory is lost--> failed: nothing counts any more, nothing is tried again
 *
 * Invariants:
 * 1. `offset` ≤ the end of the log, and never falls but by a truncation.
 * 2. While no flush is due or under way, `offset` is the end of the log.
 * 3. With N = 1 from the beginning: `offset` ≤ flushedOffset.
 */
export class Settling {
  offset: Offset
  private log: SettlingLog
  private readonly clock: Clock
  private readonly onRise: () => void
  private state: 'settled' | 'flushing' | 'failed' = 'settled'
  private waiting: Waiting[] = []
  private isHeld = false

  /** `onRise` is told of what a flush has brought; a rise by an append is the appender's to see. */
  constructor(log: SettlingLog, clock: Clock, onRise: () => void) {
    this.log = log
    this.clock = clock
    this.onRise = onRise
    this.offset = log.flushedOffset
    this.look()
  }

  /** All of the log counts. */
  get isSettled(): boolean {
    return this.offset === this.log.logEndOffset
  }

  /** To be called after everything that changes the log's end or its configuration. */
  look(): void {
    if (this.state === 'failed') return
    this.rise()
    if (this.state === 'flushing' || this.isHeld || !this.isDue) return
    this.state = 'flushing'
    this.clock.endOfTurn(() => void this.flush())
  }

  /** Flushes now, whatever is due, for a topic's `flush.ms`. Rejects with DiskError. */
  async flushNow(): Promise<void> {
    await this.log.flush()
    this.flushed()
  }

  /** Calls `done` once the log counts up to `offset`: at once when it does. */
  await(offset: Offset, done: Settled): void {
    if (this.offset >= offset) done(true)
    else if (this.state === 'failed') done(false)
    else this.waiting.push({ offset, done })
  }

  /** While held no flush begins: what waits for one waits a little longer. */
  hold(isHeld: boolean): void {
    this.isHeld = isHeld
    if (!isHeld) this.lookAnew()
  }

  /** Another log has taken the place of this one, with all that it had, and as much of it durably. */
  goOnIn(log: SettlingLog): void {
    this.log = log
    this.lookAnew()
  }

  /** A flush may have been over that nobody was told of. */
  private lookAnew(): void {
    this.flushed()
    this.look()
  }

  /** Whoever waits has to look elsewhere. */
  giveUp(): void {
    const { waiting } = this
    this.waiting = []
    for (const { done } of waiting) done(false)
  }

  /** The replica leaves this broker. */
  stop(): void {
    this.state = 'failed'
    this.giveUp()
  }

  /** Fewer than `flush.messages` are not synced, or they have to be. */
  private get isDue(): boolean {
    return this.log.logEndOffset - this.log.flushedOffset >= this.log.config.flushMessages
  }

  private rise(): void {
    const { logEndOffset, flushedOffset } = this.log
    this.offset = this.isDue ? Math.max(Math.min(this.offset, logEndOffset), flushedOffset) : logEndOffset
  }

  private async flush(): Promise<void> {
    while (this.state === 'flushing' && this.isDue && !this.isHeld) {
      const { log } = this
      try {
        await log.flush()
        this.flushed()
      } catch (error) {
        // It is the directory's to report; or the log was closed, and nobody waits any longer; or another has taken its place.
        if (!(error instanceof DiskError)) throw error
        if (log === this.log) this.stop()
      }
    }
    if (this.state !== 'flushing') return
    this.state = 'settled'
    // Somebody else may have flushed all that was due
    this.flushed()
  }

  private flushed(): void {
    if (this.state === 'failed') return
    const before = this.offset
    this.rise()
    if (this.offset > before) this.onRise()
    const reached = this.waiting.filter((it) => it.offset <= this.offset)
    if (reached.length === 0) return
    this.waiting = this.waiting.filter((it) => it.offset > this.offset)
    for (const { done } of reached) done(true)
  }
}
