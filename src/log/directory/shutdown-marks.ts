import { DiskError } from '../../base/ports.ts'
import { formatCleanShutdown, formatRunning, parseCleanShutdown, parseRunning } from '../checkpoints.ts'
import type { LogPorts } from '../options.ts'

/** What a directory's marks say at the start of a broker. */
export interface EarlierRun {
  /** The last shutdown was clean: the logs need no recovery. */
  readonly clean: boolean
  /** The broker epoch under which all that is here now was here; -1 when something may have been lost since. */
  readonly brokerEpoch: number
}

/**
 * Two marks in a log directory say what it had when its broker was last here, and under which broker epoch.
 *
 *  - `.kafka_cleanshutdown`, Kafka's, is written when all is closed and synced.
 *  - `.odradek_running` is written when the broker has registered. It counts only in the run of the machine in which it was written: then the page cache
 *    has survived the broker, and with it all that it had written. (Kafka takes every end without a clean shutdown for one that may have lost something.)
 *
 * After an I/O error nobody knows what the page cache still has: the second mark is taken away. A full disk is no such error: what could not be written was
 * never there, and what was written is.
 */
export class ShutdownMarks {
  private readonly ports: LogPorts
  private readonly cleanPath: string
  private readonly runningPath: string
  private earlier: EarlierRun = { clean: false, brokerEpoch: -1 }
  private isForgotten = false

  constructor(ports: LogPorts, directory: string) {
    this.ports = ports
    this.cleanPath = `${directory}/.kafka_cleanshutdown`
    this.runningPath = `${directory}/.odradek_running`
  }

  /** As last read. */
  get earlierRun(): EarlierRun {
    return this.earlier
  }

  /** Takes the clean mark away, for it counts once; a sync of the directory makes that last. Rejects with, or throws, DiskError. */
  async take(): Promise<EarlierRun> {
    const { disk } = this.ports
    const clean = disk.exists(this.cleanPath)
    this.earlier = { clean, brokerEpoch: clean ? parseCleanShutdown(disk.readSmall(this.cleanPath).toString()) : this.runningEpoch() }
    // Who dies before it has registered again has lost nothing either
    if (clean) await this.noteRunning(this.earlier.brokerEpoch)
    disk.remove(this.cleanPath)
    return this.earlier
  }

  private runningEpoch(): number {
    const { disk } = this.ports
    const mark = disk.exists(this.runningPath) ? parseRunning(disk.readSmall(this.runningPath).toString()) : null
    return mark !== null && mark.bootId === disk.bootId() ? mark.brokerEpoch : -1
  }

  /** The broker has registered under this epoch, and goes on with what is here. When that cannot be noted its next restart counts as a loss. */
  async noteRunning(brokerEpoch: number): Promise<void> {
    const bootId = this.ports.disk.bootId()
    if (bootId === null || this.isForgotten) return
    try {
      await this.ports.disk.replaceSmall(this.runningPath, formatRunning({ bootId, brokerEpoch }))
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.ports.log.write('warn', 'running-mark-unwritten', `${this.runningPath}: ${error.message}`)
    }
    // The directory may have failed meanwhile
    if (this.isForgotten) this.removeRunning()
  }

  /** All is closed and synced. A broker that never registered (-1) leaves the epoch that it found. Rejects with DiskError. */
  async noteClean(brokerEpoch: number): Promise<void> {
    const epoch = brokerEpoch < 0 ? this.earlier.brokerEpoch : brokerEpoch
    await this.ports.disk.replaceSmall(this.cleanPath, formatCleanShutdown(epoch))
  }

  /** The directory has failed. */
  onFailure({ code }: DiskError): void {
    if (code === 'ENOSPC' || code === 'EDQUOT') return
    this.isForgotten = true
    this.removeRunning()
  }

  private removeRunning(): void {
    try {
      this.ports.disk.remove(this.runningPath)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.ports.log.write('error', 'running-mark-stays', `${this.runningPath}: ${error.message}`)
    }
  }
}
