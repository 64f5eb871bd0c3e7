import type { Offset } from '../../base/units.ts'
import { placed, placedIfKnown, readOffsets } from '../checkpointed-offsets.ts'
import { byName, type CheckpointedOffset, formatOffsets } from '../checkpoints.ts'
import type { HighWatermarkOf } from './directory-options.ts'
import type { LogPorts } from '../options.ts'
import type { PartitionLog } from '../partition-log.ts'

const fileNames = {
  recoveryPoints: 'recovery-point-offset-checkpoint',
  logStarts: 'log-start-offset-checkpoint',
  highWatermarks: 'replication-offset-checkpoint',
} as const

export type Checkpoint = keyof typeof fileNames

const all = ['recoveryPoints', 'logStarts', 'highWatermarks'] as const satisfies readonly Checkpoint[]

/**
 * The checkpoint files of one log directory that speak of all its logs, by `topic-partition`.
 *
 * Invariant: a stored recovery point is never above what its log has on stable storage. It is therefore written only after flushes, and
 * lowered before a truncation or a removal takes effect.
 */
export class DirectoryCheckpoints {
  private readonly ports: LogPorts
  private readonly directory: string
  /** What the files say. */
  private stored: Readonly<Record<Checkpoint, Map<string, CheckpointedOffset>>> = {
    recoveryPoints: new Map(),
    logStarts: new Map(),
    highWatermarks: new Map(),
  }
  /** Counts lowered recovery points, so that a write under way notices that it has become wrong. */
  private lowerings = 0

  constructor(ports: LogPorts, directory: string) {
    this.ports = ports
    this.directory = directory
  }

  /** At the start of the directory. Throws DiskError. */
  load(): void {
    this.stored = {
      recoveryPoints: readOffsets(this.ports, this.pathOf('recoveryPoints')),
      logStarts: readOffsets(this.ports, this.pathOf('logStarts')),
      highWatermarks: readOffsets(this.ports, this.pathOf('highWatermarks')),
    }
  }

  offsetOf(checkpoint: Checkpoint, name: string): Offset | undefined {
    return this.stored[checkpoint].get(name)?.offset
  }

  /** All three say what is now, durably. Rejects with DiskError. */
  async write(logs: readonly PartitionLog[], highWatermarkOf: HighWatermarkOf): Promise<void> {
    const { lowerings } = this
    this.stored = {
      recoveryPoints: byName(logs.map((log) => placed(log, log.recoveryPoint))),
      logStarts: byName(logs.map((log) => placed(log, log.logStartOffset))),
      highWatermarks: byName(logs.flatMap((log) => placedIfKnown(log, highWatermarkOf(log)))),
    }
    for (const checkpoint of all) await this.ports.disk.replaceSmall(this.pathOf(checkpoint), this.textOf(checkpoint))
    if (this.lowerings !== lowerings) this.writeNow('recoveryPoints')
  }

  /** A stored recovery point above `recoveryPoint` would make the next start take a truncation for a loss. Throws DiskError. */
  lowerRecoveryPoint(name: string, recoveryPoint: Offset): void {
    const known = this.stored.recoveryPoints.get(name)
    if (known === undefined || known.offset <= recoveryPoint) return
    this.stored.recoveryPoints.set(name, { ...known, offset: recoveryPoint })
    this.lowerings += 1
    this.writeNow('recoveryPoints')
  }

  /** What is stored of a removed partition must not be taken for that of a new one of the same name. Throws DiskError. */
  drop(name: string, isLive: (name: string) => boolean): void {
    for (const checkpoint of all) {
      if ((this.offsetOf(checkpoint, name) ?? 0) === 0) continue
      for (const other of [...this.stored[checkpoint].keys()]) if (!isLive(other)) this.stored[checkpoint].delete(other)
      this.lowerings += 1
      this.writeNow(checkpoint)
    }
  }

  private writeNow(checkpoint: Checkpoint): void {
    this.ports.disk.replaceSmallSync(this.pathOf(checkpoint), this.textOf(checkpoint))
  }

  private textOf(checkpoint: Checkpoint): string {
    return formatOffsets([...this.stored[checkpoint].values()])
  }

  private pathOf(checkpoint: Checkpoint): string {
    return `${this.directory}/${fileNames[checkpoint]}`
  }
}
