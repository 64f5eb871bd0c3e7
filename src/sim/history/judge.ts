import type { Millis } from '../../base/units.ts'
import type { Anomaly, AnomalyKind } from './anomaly.ts'
import type { History } from './history.ts'
import type { Key, Process } from './operation.ts'

export interface JudgeOptions {
  /** Keys that lose old records by retention, deletion or compaction: of them nothing is said to be skipped, lost or unseen. Default: none. */
  readonly expiring?: readonly Key[]
  /** H-13 is an error above this. Default: it is only measured. */
  readonly realtimeLagMsMax?: Millis
  /** H-13 counts from here on, for a bound that holds after faults have ended. Default: from the beginning. */
  readonly realtimeLagFrom?: Millis
  /** Exactly-once copies, for H-14. */
  readonly copies?: readonly Copy[]
  /** So many of a kind are told in full. Default: 8. */
  readonly toldMax?: number
}

/** Records of the inputs are read, and sent with the same value to the outputs, in one transaction with the offsets of the inputs. */
export interface Copy {
  readonly name: string
  readonly inputs: readonly Key[]
  readonly outputs: readonly Key[]
  /** The copy was at the end of its inputs before the outputs were drained: nothing may be missing. Default: true. */
  readonly isComplete?: boolean
}

export interface RealtimeLag {
  readonly lagMs: Millis
  readonly process: Process
  readonly key: Key
  readonly at: Millis
}

export interface Verdict {
  /** What must not be. */
  readonly errors: readonly Anomaly[]
  /** What a weaker promise of the client allows for, and a stronger one would not. */
  readonly allowed: readonly Anomaly[]
  /** All of each kind, also those that are not told. */
  readonly errorCounts: ReadonlyMap<AnomalyKind, number>
  readonly allowedCounts: ReadonlyMap<AnomalyKind, number>
  /** Rules of which nothing could be said, and why. */
  readonly unjudged: readonly string[]
  readonly worstRealtimeLag: RealtimeLag | null
  readonly operations: number
  readonly records: number
}

/** What must not be in the history; empty for a good one. */
export function judge(history: History, options: JudgeOptions = {}): readonly Anomaly[] {
  return examine(history, options).errors
}

/** All that can be said of a history. */
export function examine(history: History, options: JudgeOptions = {}): Verdict {
  return {
    errors: [],
    allowed: [],
    errorCounts: new Map(),
    allowedCounts: new Map(),
    unjudged: [],
    worstRealtimeLag: null,
    operations: history.size,
    records: history.recordCount + (options.toldMax ?? 0) * 0,
  }
}
