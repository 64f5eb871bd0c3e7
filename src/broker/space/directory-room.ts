import type { Millis } from '../../base/units.ts'

export interface DiskSpace {
  readonly free: number
  readonly total: number
}

/** What is to be done with a directory: nothing, or it is now full, or it may have room again and a trial write is to show it. */
export type RoomVerdict = 'as before' | 'full' | 'try'

const shareOfDisk = 1 / 20
const lowBytesMax = 1024 ** 3
/** Room is believed in only well above where it ended, or a directory would be full and not full by turns. */
const resumeFactor = 1.5
/** After a write that found no room although there seemed to be some (quotas, no more names), nothing is tried for so long. */
const pauseAfterRefusalMs: Millis = 4_000

/** Free bytes below which a directory counts as full. `configured` -1: by the size of the disk, so that a small one can be used too. */
export function lowWatermark(configured: number, total: number): number {
  return configured >= 0 ? configured : Math.min(total * shareOfDisk, lowBytesMax)
}

/**
 * Whether one log directory has room for records.
 *
 *   room --free < low, or a write found no room--> full
 *   full --free ≥ 1.5 low, some time after the last refusal, and a trial write succeeds--> room
 *
 *  1. It is full at the latest when a write has found no room: what is refused is never tried at a client's expense twice.
 *  2. The ballast (log/ballast/ballast.ts) is at most half of `low` (where that is a share of the disk): giving it up makes no directory have room.
 */
export class DirectoryRoom {
  isFull = false
  private readonly configuredLow: number
  private refusedAt: Millis = -Infinity

  /** `configuredLow`: `odradek.log.dir.low.space.bytes`. */
  constructor(configuredLow: number) {
    this.configuredLow = configuredLow
  }

  measured(now: Millis, { free, total }: DiskSpace): RoomVerdict {
    const low = lowWatermark(this.configuredLow, total)
    if (!this.isFull) {
      if (free >= low) return 'as before'
      this.isFull = true
      return 'full'
    }
    return free >= low * resumeFactor && now >= this.refusedAt + pauseAfterRefusalMs ? 'try' : 'as before'
  }

  /** A write found no room. */
  refused(now: Millis): RoomVerdict {
    this.refusedAt = now
    if (this.isFull) return 'as before'
    this.isFull = true
    return 'full'
  }

  /** The trial write that `measured` asked for. */
  tried(now: Millis, succeeded: boolean): void {
    if (succeeded) this.isFull = false
    else this.refusedAt = now
  }
}
