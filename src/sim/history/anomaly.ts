import type { Millis, Offset } from '../../base/units.ts'
import type { Balance, HistoryRecord, Key, Operation, Process, Value } from './operation.ts'

/** A record that is in two places, or where another one is. */
interface AtKey {
  readonly key: Key
}

/** Two operations of one process, in their order, or one with itself. */
interface Steps extends AtKey {
  readonly process: Process
  readonly operations: readonly Operation[]
  /** The record before (null: a place that was sought), and the one that should not follow it. */
  readonly from: HistoryRecord | null
  readonly to: HistoryRecord
}

interface Skip extends Steps {
  /** What is known to lie between the two; the first few. */
  readonly skipped: readonly HistoryRecord[]
  readonly skippedCount: number
}

/** What must not be in a history. `kind` is Jepsen's word where it has one (jepsen.tests.kafka). */
export type Anomaly =
  /** H-1: an offset holds two values or more. */
  | (AtKey & {
      readonly kind: 'inconsistent-offsets'
      readonly offset: Offset
      readonly values: readonly Value[]
      readonly operations: readonly Operation[]
    })
  /** H-2: a value is at more offsets than operations that may have sent it. */
  | (AtKey & {
      readonly kind: 'duplicate'
      readonly value: Value
      readonly offsets: readonly Offset[]
      readonly sentTimes: number
      readonly writer: Operation
    })
  /** H-3: a later record was read, and this one, which is in the log for sure, by nobody. */
  | (AtKey & {
      readonly kind: 'lost-write'
      readonly value: Value
      readonly offset: Offset
      readonly writer: Operation
      readonly boundOffset: Offset
      readonly boundReader: Operation
    })
  /** H-4: acknowledged before the last drain, and not in it. */
  | (AtKey & {
      readonly kind: 'unseen'
      readonly value: Value
      readonly offset: Offset | null
      readonly writer: Operation
      readonly drain: Operation
      /** Then it was there once: it is lost, not only late. */
      readonly wasReadBefore: boolean
    })
  /** H-5: read, though its transaction was aborted or its send failed for sure. */
  | (AtKey & {
      readonly kind: 'aborted-read'
      readonly value: Value
      readonly offset: Offset
      readonly writer: Operation
      readonly reader: Operation
    })
  /** Read, and sent by nobody: records of another topic, or bytes that are not what was sent. */
  | (AtKey & { readonly kind: 'unwritten-read'; readonly value: Value; readonly offset: Offset; readonly reader: Operation })
  /** H-6: a transaction has polled what it sends itself. */
  | (AtKey & { readonly kind: 'precommitted-read'; readonly value: Value; readonly offset: Offset; readonly operation: Operation })
  /** H-7, H-9: a poll leaves out what is in the log, inside of an operation or from one to the next. */
  | (Skip & { readonly kind: 'int-poll-skip' | 'poll-skip' })
  /** H-7, H-9: a poll goes back, or gives again. H-8, H-10: a record is not behind the one that was sent before it. */
  | (Steps & { readonly kind: 'int-nonmonotonic-poll' | 'nonmonotonic-poll' | 'int-nonmonotonic-send' | 'nonmonotonic-send' })
  /** H-11: each transaction has read what the one before it sends, and the first what the last sends. */
  | { readonly kind: 'G1c'; readonly steps: readonly CycleStep[] }
  /** H-12: committed, and at the end only a part of it is there. */
  | {
      readonly kind: 'torn-transaction'
      readonly operation: Operation
      readonly seen: readonly HistoryRecord[]
      readonly missing: readonly HistoryRecord[]
    }
  /** H-13: a poll has not given what had been in the log for longer than it may. */
  | (AtKey & {
      readonly kind: 'realtime-lag'
      readonly process: Process
      readonly operation: Operation
      readonly lagMs: Millis
      readonly lagMsMax: Millis
    })
  /** H-14: an input is in the output of an exactly-once copy more often than in the input, or less often; or an output has no input. */
  | {
      readonly kind: 'consume-once'
      readonly copy: string
      readonly value: Value
      readonly inputs: readonly HistoryRecord[]
      readonly outputs: readonly HistoryRecord[]
    }
  /** H-14: the output of one partition copied to one partition is in another order. */
  | { readonly kind: 'copy-order'; readonly copy: string; readonly from: HistoryRecord; readonly to: HistoryRecord }
  /** H-15: the balances do not sum up. */
  | {
      readonly kind: 'money'
      readonly operation: Operation
      readonly total: number
      readonly sum: number
      readonly balances: readonly Balance[]
    }
  /** H-16: the latest offset lies at or before one that the process knew of before it asked. */
  | (AtKey & {
      readonly kind: 'list-offsets'
      readonly operation: Operation
      readonly offset: Offset
      readonly known: Operation
      readonly knownOffset: Offset
    })
  /** G-1: two processes have commits of one generation acknowledged for one partition. */
  | (AtKey & {
      readonly kind: 'commit-owner'
      readonly group: string
      readonly generation: number
      readonly operations: readonly Operation[]
    })
  /** G-2, G-3: no order of commits and fetches explains what was answered. */
  | (AtKey & { readonly kind: 'commit-register'; readonly group: string; readonly operation: Operation })
  /** A group has committed past a record that none of its members was given. */
  | (AtKey & {
      readonly kind: 'group-skip'
      readonly group: string
      readonly value: Value
      readonly offset: Offset
      readonly commit: Operation
    })

export type AnomalyKind = Anomaly['kind']

export interface CycleStep extends AtKey {
  readonly value: Value
  readonly writer: Operation
  readonly reader: Operation
}

/** The rule that a kind breaks, by its number in the project's list of invariants. */
export const anomalyRules: Readonly<Record<AnomalyKind, string>> = {
  'inconsistent-offsets': 'H-1',
  duplicate: 'H-2',
  'lost-write': 'H-3',
  unseen: 'H-4',
  'aborted-read': 'H-5',
  'unwritten-read': 'H-5',
  'precommitted-read': 'H-6',
  'int-poll-skip': 'H-7',
  'int-nonmonotonic-poll': 'H-7',
  'int-nonmonotonic-send': 'H-8',
  'poll-skip': 'H-9',
  'nonmonotonic-poll': 'H-9',
  'nonmonotonic-send': 'H-10',
  G1c: 'H-11',
  'torn-transaction': 'H-12',
  'realtime-lag': 'H-13',
  'consume-once': 'H-14',
  'copy-order': 'H-14',
  money: 'H-15',
  'list-offsets': 'H-16',
  'commit-owner': 'G-1',
  'commit-register': 'G-2',
  'group-skip': 'G-2',
}
