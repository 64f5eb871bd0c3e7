import { type Clock, DiskError, type Log, type Timer } from '../../base/ports.ts'
import type { Millis } from '../../base/units.ts'
import type { ScrubbingMeans } from '../../log/scrubbing.ts'
import type { HostedPartition } from '../hosted-partition.ts'
import type { HostedPartitions } from '../hosted-partitions.ts'

export interface ScrubberOptions {
  /** `odradek.log.scrub.bytes.per.second`; 0: never. */
  readonly bytesPerSecond: number
  /** `odradek.log.scrub.interval.ms`: between the beginnings of two rounds, unless a round takes longer. */
  readonly intervalMs: Millis
}

/** A single wait is no longer than this, so that a stop need not wait for it. */
const waitMsMax: Millis = 200

/**
 * Looks for rot where nobody reads: every log of this broker, segment by segment, over and over, at a limited rate and in slices. A replica with rot
 * goes into quarantine while its peers still have what it had.
 */
export class Scrubber {
  private readonly clock: Clock
  private readonly log: Log
  private readonly hosted: Pick<HostedPartitions, 'all'>
  private readonly options: ScrubberOptions
  private timer: Timer | null = null
  private stopped = false
  /** What may be read by then has been read. */
  private freeAt: Millis = 0

  constructor(ports: { readonly clock: Clock; readonly log: Log }, hosted: Pick<HostedPartitions, 'all'>, options: ScrubberOptions) {
    this.clock = ports.clock
    this.log = ports.log
    this.hosted = hosted
    this.options = options
  }

  start(): void {
    if (this.options.bytesPerSecond > 0) this.beginAfter(this.options.intervalMs)
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
    this.timer = null
  }

  private beginAfter(pause: Millis): void {
    if (this.stopped) return
    this.timer = this.clock.after(pause, () => {
      this.timer = null
      void this.round()
    })
  }

  private async round(): Promise<void> {
    const began = this.clock.mono()
    let [bytes, logs, rotten] = [0, 0, 0]
    for (const partition of [...this.hosted.all()]) {
      if (this.stopped) return
      if (partition.directory.failure !== null) continue
      const found = await this.scrub(partition)
      bytes += found.bytes
      logs += 1
      if (found.isRotten) rotten += 1
    }
    const ms = Math.round(this.clock.mono() - began)
    this.log.write(rotten === 0 ? 'debug' : 'warn', 'logs-scrubbed', `${logs} logs, ${bytes} bytes, read in ${ms} ms: rot in ${rotten}`, {
      logs,
      bytes,
      ms,
      rotten,
    })
    this.beginAfter(Math.max(waitMsMax, this.options.intervalMs - ms))
  }

  private async scrub(partition: HostedPartition): Promise<{ readonly bytes: number; readonly isRotten: boolean }> {
    const means: ScrubbingMeans = { pause: (bytes) => this.pause(bytes), isStopped: () => this.stopped }
    try {
      const { bytes, rot } = await partition.log.scrub(means)
      return { bytes, isRotten: rot !== null }
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.log.write('warn', 'scrub-failed', `${partition.name}: ${error.message}`)
      return { bytes: 0, isRotten: false }
    }
  }

  private async pause(bytes: number): Promise<void> {
    this.freeAt = Math.max(this.freeAt, this.clock.mono()) + (bytes * 1000) / this.options.bytesPerSecond
    do {
      const left = Math.min(waitMsMax, Math.max(0, this.freeAt - this.clock.mono()))
      await new Promise<void>((resolve) => void this.clock.after(left, resolve))
    } while (!this.stopped && this.freeAt > this.clock.mono())
  }
}
