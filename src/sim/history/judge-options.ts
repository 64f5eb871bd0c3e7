import type { Millis } from '../../base/units.ts'
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
