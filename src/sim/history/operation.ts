import type { Millis, Offset } from '../../base/units.ts'

/** A partition's name, as `partitionName` gives it. */
export type Key = string
/** What a record holds, for the history: sent once to a key, or every further time by an operation that may have to do so (a retry, a copy). */
export type Value = number | string
/** A client of the cluster, for as long as it does one thing after the other. Its operations are in the order in which they were invoked. */
export type Process = number | string
/** Where the operation is in its history, from 0. */
export type OperationId = number

/**
 *  - `ok`: it has happened. Of a transaction: it is committed.
 *  - `fail`: it has not happened and never will. Of a transaction: it is aborted. Kafka's answers that allow for both (a timeout, a lost connection,
 *    NOT_ENOUGH_REPLICAS_AFTER_APPEND, UNKNOWN_SERVER_ERROR) are no failures.
 *  - `info`: nobody knows. So is every operation that was never completed.
 */
export const outcomes = ['ok', 'fail', 'info'] as const
export type Outcome = (typeof outcomes)[number]

export const operationKinds = [
  'send',
  'poll',
  'txn',
  'assign',
  'subscribe',
  'seek',
  'rebalance',
  'crash',
  'commit',
  'committed',
  'list',
  'drain',
  'audit',
] as const
export type OperationKind = (typeof operationKinds)[number]

export interface SentRecord {
  readonly key: Key
  readonly value: Value
}

export interface HistoryRecord extends SentRecord {
  /** Null: not known. What is polled always has one. */
  readonly offset: Offset | null
}

/** A position in a partition, as commits and seeks have it: the offset that is to be read next. */
export interface Position {
  readonly key: Key
  /** -1: none (what is committed), or not known (where to seek). */
  readonly offset: Offset
}

export interface Balance {
  readonly key: Key
  readonly amount: number
}

/** What is asked for, with all that is known of it before it begins. */
export type OperationRequest =
  /** Records outside of transactions. */
  | { readonly f: 'send'; readonly sends: readonly SentRecord[] }
  | { readonly f: 'poll' }
  /**
   * A whole transaction, polls included. Sends that are only decided on its way are told to the recorder before they go out. With `group`, the
   * positions of its result are committed with it. After one that was not `ok` the consumer goes back to where the last `ok` one has left it.
   */
  | { readonly f: 'txn'; readonly sends?: readonly SentRecord[]; readonly group?: string }
  /** From now on these partitions are read: places in those of them that were read before are kept, all others forgotten. */
  | { readonly f: 'assign'; readonly keys: readonly Key[] }
  /** From now on those of these partitions are read that the group gives to this process. */
  | { readonly f: 'subscribe'; readonly keys: readonly Key[] }
  | { readonly f: 'seek'; readonly positions: readonly Position[] }
  /** Partitions that a member was given or has lost. */
  | { readonly f: 'rebalance'; readonly keys: readonly Key[] }
  /** The client is gone, with all it knew; another one goes on under its name. */
  | { readonly f: 'crash' }
  /** OffsetCommit. `generation`: the generation or member epoch it was made with. */
  | { readonly f: 'commit'; readonly group: string; readonly generation?: number; readonly positions: readonly Position[] }
  /** OffsetFetch with stable offsets: its result has a position for every key. */
  | { readonly f: 'committed'; readonly group: string; readonly keys: readonly Key[] }
  /** ListOffsets for the latest offset: its result has a position for every key. */
  | { readonly f: 'list'; readonly keys: readonly Key[] }
  /**
   * Brackets the last polls of a process, when all is quiet: it is new, has these partitions assigned, begins at their beginning and polls until their
   * end. Its result has the end of each. Completed `ok`, all that was acknowledged before must have been polled in it.
   */
  | { readonly f: 'drain'; readonly keys: readonly Key[] }
  /** The balances of all accounts at one point between transactions; `total` is what they sum up to for ever. */
  | { readonly f: 'audit'; readonly total: number }

/** What is known when it is over; of what is left out nothing is known. */
export interface OperationResult {
  /** Offsets of what was sent, in the order in which it was told: null or negative where there is none. */
  readonly offsets?: readonly (Offset | null)[]
  /** What was polled, in the order in which it was handed out, whatever came of the operation. */
  readonly polls?: readonly (SentRecord & { readonly offset: Offset })[]
  readonly positions?: readonly Position[]
  readonly balances?: readonly Balance[]
  /** Partitions that were given or lost on the way. */
  readonly rebalanced?: readonly Key[]
}

/** What is promised of a process, and so may be held against the cluster. */
export interface ClientDeclaration {
  /** `isolation.level`. Default: read_committed. */
  readonly isolation: 'read_committed' | 'read_uncommitted'
  /** `enable.idempotence`. Default: true. Without it duplicates are legal, and so is disorder unless `inFlightMax` is 1. */
  readonly isIdempotent: boolean
  /** `max.in.flight.requests.per.connection`. Default: 5. */
  readonly inFlightMax: number
  /** `acks`. Default: all. With anything less, what is acknowledged may be lost. */
  readonly acks: 'all' | '1' | '0'
  /** `auto.offset.reset`, for keys of which nothing else is known. Default: earliest. What a process has read that starts at the end says nothing of what comes before. */
  readonly startsAt: 'earliest' | 'latest'
  /** The group of its subscriptions, for `group-skip`. Default: null. */
  readonly group: string | null
  /** Every partition that is given or lost is told of (`rebalance`, `rebalanced`), so that the order of polls is judged under subscriptions as well. Default: false. */
  readonly reportsRebalances: boolean
}

export const defaultDeclaration: ClientDeclaration = {
  isolation: 'read_committed',
  isIdempotent: true,
  inFlightMax: 5,
  acks: 'all',
  startsAt: 'earliest',
  group: null,
  reportsRebalances: false,
}

/** An operation as a person wants to see it. */
export interface Operation {
  readonly id: OperationId
  readonly process: Process
  readonly f: OperationKind
  readonly outcome: Outcome
  readonly invokedAt: Millis
  /** Null: it never was. */
  readonly completedAt: Millis | null
  readonly sends: readonly HistoryRecord[]
  readonly polls: readonly HistoryRecord[]
  /** Keys, positions and the rest, for kinds that have them. */
  readonly details: OperationDetails
}

export interface OperationDetails {
  readonly keys?: readonly Key[]
  readonly group?: string
  readonly generation?: number
  /** Those of the request, or for `committed`, `list`, `drain` and `txn` those of the result. */
  readonly positions?: readonly Position[]
  readonly rebalanced?: readonly Key[]
  readonly total?: number
  readonly balances?: readonly Balance[]
  /** What the client said, for people. */
  readonly error?: string
}
