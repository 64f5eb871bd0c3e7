import type { Clock } from '../../base/ports.ts'
import type { Millis } from '../../base/units.ts'
import type { LogState } from '../log-state.ts'
import { CorruptLogError } from '../outcomes.ts'
import type { Scan, ScanEnd } from '../segments/scan.ts'
import type { Segment } from '../segments/segment.ts'

/** The log was truncated, trimmed or closed while it was being cleaned, or whoever asked for it wants no more: nothing has been lost, try again later. */
export class CleaningAborted extends Error {
  override readonly name = 'CleaningAborted'
}

/** How long the work of a cleaning keeps the event loop at most, but for a single compressed batch. */
const sliceMs: Millis = 3
/** How long the throttle waits before it looks whether the cleaning is to end. */
const pauseMaxMs: Millis = 200
/** The throttle lets this much run up before it makes somebody wait. */
const throttleGrainMs: Millis = 20

/** `log.cleaner.io.max.bytes.per.second`, for all cleanings of a broker together: bytes read and written. */
export class CleanerThrottle {
  private readonly clock: Clock
  private freeAt: Millis = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** How long to wait after `bytes` more. */
  spend(bytes: number, bytesPerSecondMax: number): Millis {
    const now = this.clock.mono()
    this.freeAt = Math.max(this.freeAt, now) + (bytes * 1000) / bytesPerSecondMax
    return this.freeAt - now < throttleGrainMs ? 0 : this.freeAt - now
  }
}

/** What a cleaning may use. */
export interface CleaningMeans {
  /** `log.cleaner.dedupe.buffer.size`, the share of this cleaning. */
  readonly dedupeBytesMax: number
  /** `log.cleaner.io.buffer.load.factor` */
  readonly loadFactor: number
  /** `log.cleaner.io.buffer.size`, the share of this cleaning. */
  readonly ioBufferBytes: number
  readonly throttle: CleanerThrottle
  /** `log.cleaner.io.max.bytes.per.second` */
  readonly bytesPerSecondMax: number
  /** 16 secret bytes. */
  readonly hashSecret: Buffer
  /** True: end it. */
  readonly isStopped: () => boolean
}

/** What all steps of one cleaning share: pauses, the throttle, and the question whether to go on at all. */
export class CleaningRun {
  readonly log: LogState
  readonly means: CleaningMeans
  bytesRead = 0
  private readonly clock: Clock
  private generation: number
  private sliceEnds: Millis
  private window: Buffer = Buffer.alloc(0)

  constructor(log: LogState, means: CleaningMeans) {
    this.log = log
    this.means = means
    this.clock = log.ports.clock
    this.generation = log.generation
    this.sliceEnds = this.clock.mono() + sliceMs
  }

  /** The log is not what it was when the cleaning last looked. */
  get isDisturbed(): boolean {
    const { log } = this
    return log.closed || log.failure !== null || log.generation !== this.generation || this.means.isStopped()
  }

  /** Call it in the turn in which a file is opened by its name, and before anything of the log is changed. @throws CleaningAborted */
  check(): void {
    if (this.isDisturbed) throw new CleaningAborted('the log was truncated, trimmed or closed')
  }

  /** The cleaning itself has replaced segments: that is no reason to end it. */
  goOn(): void {
    this.generation = this.log.generation
  }

  get isDue(): boolean {
    return this.clock.mono() >= this.sliceEnds
  }

  /** Lets everybody else have a turn. @throws CleaningAborted */
  async breathe(): Promise<void> {
    await this.pause(0)
  }

  /** Bytes read or written: waits as the throttle says. @throws CleaningAborted */
  async spend(bytes: number): Promise<void> {
    const wait = this.means.throttle.spend(bytes, this.means.bytesPerSecondMax)
    if (wait > 0 || this.isDue) await this.pause(wait)
  }

  /**
   * Bytes of a segment from `position` on: a buffer full, or `atLeast` if that is more. They are valid until the next call.
   * Rejects with DiskError, CorruptLogError, CleaningAborted.
   */
  async read(segment: Segment, position: number, atLeast: number): Promise<Buffer> {
    this.check()
    const wanted = Math.min(Math.max(this.means.ioBufferBytes, atLeast), segment.size - position)
    if (this.window.length < wanted) this.window = Buffer.allocUnsafe(wanted)
    const window = this.window.subarray(0, wanted)
    const read = await this.log.options.shared.files.pinned(segment.logPath, (file) => file.readAsync(position, window))
    this.sliceEnds = this.clock.mono() + sliceMs
    this.check()
    if (read < wanted) throw new CorruptLogError(segment.logPath, position + read, segment.baseOffset, 'the file is shorter than the log')
    this.bytesRead += read
    await this.spend(read)
    return window
  }

  /** Walks the headers of a segment. Rejects with DiskError, CleaningAborted. */
  async scan(segment: Segment, scan: Scan): Promise<ScanEnd> {
    this.check()
    return this.log.options.shared.files.pinned(segment.logPath, async (file) => {
      let step = scan.next()
      while (step.done !== true) {
        const read = await file.readAsync(step.value.position, step.value.into)
        this.check()
        await this.spend(read)
        step = scan.next(read)
      }
      return step.value
    })
  }

  private async pause(wait: Millis): Promise<void> {
    const until = this.clock.mono() + wait
    do {
      const next = Math.min(pauseMaxMs, Math.max(0, until - this.clock.mono()))
      await new Promise<void>((resolve) => void this.clock.after(next, resolve))
      this.check()
    } while (this.clock.mono() < until)
    this.sliceEnds = this.clock.mono() + sliceMs
  }
}
