import type { LogPorts } from '../options.ts'
import { type Offset, partitionName } from '../../base/units.ts'
import { CheckpointError, type CheckpointedOffset, formatOffsets, parseOffsets } from '../checkpoints.ts'

const fileName = 'cleaner-offset-checkpoint'

/**
 * Up to where each log of a directory is clean (LogCleanerManager's allCleanerCheckpoints). An entry must never be too high: a range that is taken for
 * clean and is not would let a tombstone go before the value that it deletes. So it is lowered, durably, before a truncation, and dropped
 * before another log gets the name; it is raised only when the cleaned segments are durable.
 */
export class CleanerCheckpoint {
  private readonly ports: LogPorts
  private readonly path: string
  private readonly isLive: (name: string) => boolean
  private readonly entries = new Map<string, CheckpointedOffset>()
  private writing: Promise<void> = Promise.resolve()
  private changes = 0

  /** `isLive`: there is a log of that name; others are left out when the file is written. */
  constructor(ports: LogPorts, directory: string, isLive: (name: string) => boolean) {
    this.ports = ports
    this.isLive = isLive
    this.path = `${directory}/${fileName}`
  }

  /** At the start of the directory. Throws DiskError. */
  load(): void {
    const { disk, log } = this.ports
    this.entries.clear()
    if (!disk.exists(this.path)) return
    try {
      for (const entry of parseOffsets(disk.readSmall(this.path).toString()))
        this.entries.set(partitionName(entry.topic, entry.partition), entry)
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error
      log.write('warn', 'checkpoint-unreadable', `${this.path}: ${error.message}; every log in it is taken for dirty`)
    }
  }

  /** Null: nothing is known to be clean. */
  offsetOf(name: string): Offset | null {
    return this.entries.get(name)?.offset ?? null
  }

  /** After a cleaning. Durable when it resolves; rejects with DiskError. */
  raise(entry: CheckpointedOffset): Promise<void> {
    this.entries.set(partitionName(entry.topic, entry.partition), entry)
    const written = this.writing.then(() => this.write())
    this.writing = written.catch(() => undefined)
    return written
  }

  /** Before a truncation. Throws DiskError. */
  lower(name: string, offset: Offset): void {
    const known = this.entries.get(name)
    if (known === undefined || known.offset <= offset) return
    this.entries.set(name, { ...known, offset })
    this.writeNow()
  }

  /** Before another log gets the name. Throws DiskError. */
  drop(name: string): void {
    if (this.entries.delete(name)) this.writeNow()
  }

  private async write(): Promise<void> {
    const { changes } = this
    await this.ports.disk.replaceSmall(this.path, this.text())
    // What was lowered meanwhile may have been written over.
    if (this.changes !== changes) this.writeNow()
  }

  private writeNow(): void {
    this.changes += 1
    this.ports.disk.replaceSmallSync(this.path, this.text())
  }

  private text(): string {
    return formatOffsets([...this.entries].filter(([name]) => this.isLive(name)).map(([, entry]) => entry))
  }
}
