import type { Ticket } from '../base/machine.ts'
import { type Epoch, type Millis, NEVER, type NodeId, type Offset } from '../base/units.ts'
import type { LogOutline, OffsetAndEpoch } from './log-shape.ts'
import type { CallId, DurableState, LogLoss, RaftRequest, WriteId } from './messages.ts'
import type { ReplicaKey, VoterSet } from './voters.ts'

/** Timeouts and limits, all in milliseconds of the machine's clock. */
export interface RaftTiming {
  /** Without a word from the leader for so long, a voter asks whether others would elect it. */
  readonly fetchTimeoutMs: Millis
  /** A fetch waits so long at the leader for something new. Well below the fetch timeout, which it eats into. */
  readonly fetchMaxWaitMs: Millis
  /** A round of votes is given up after one to two times this. */
  readonly electionTimeoutMs: Millis
  /** After start, when no leader is known, the first election begins within this. */
  readonly firstElectionMs: Millis
  /** A lost election is tried again after a random pause that doubles up to this. */
  readonly electionBackoffMaxMs: Millis
  /** After the leader's kernel refused a connection, a pre-vote begins after this at least … */
  readonly refusedPauseMinMs: Millis
  /** … and this at most. */
  readonly refusedPauseMaxMs: Millis
  /** A leader that is asked to go waits at most this for a voter that has all there is. */
  readonly handOverMs: Millis
  readonly requestTimeoutMs: Millis
  readonly retryBackoffMs: Millis
  /** More fetches than this do not wait: they are answered at once. */
  readonly parkedFetchesMax: number
  /** An observer that has not fetched for so long is forgotten. */
  readonly observerSessionMs: Millis
  readonly observersMax: number
}

/**
 * Kafka's defaults are a fetch timeout of 2 s and an election timeout of 1 s. A leader that is stopped dead must be replaced within about a
 * second, so the fetch timeout is 1 s and a fetch waits 250 ms at most; stalls that long (a slow fsync) do occur, and pre-vote makes them harmless.
 */
export const defaultTiming: RaftTiming = {
  fetchTimeoutMs: 1000,
  fetchMaxWaitMs: 250,
  electionTimeoutMs: 500,
  firstElectionMs: 50,
  electionBackoffMaxMs: 500,
  refusedPauseMinMs: 20,
  refusedPauseMaxMs: 100,
  handOverMs: 100,
  requestTimeoutMs: 2000,
  retryBackoffMs: 20,
  parkedFetchesMax: 1000,
  observerSessionMs: 300_000,
  observersMax: 1000,
}

/** Check-quorum: a leader resigns when no majority has fetched within this many fetch timeouts (KIP-595, LeaderState). */
export const checkQuorumFactor = 1.5

export interface RaftOptions {
  readonly local: ReplicaKey
  readonly voters: VoterSet
  /** An observer follows and never votes, whatever its id. */
  readonly observer: boolean
  readonly timing: RaftTiming
  readonly state: DurableState
  readonly log: LogOutline
  /** The log lacks records that this voter has acknowledged; null: it has them all. */
  readonly loss: LogLoss | null
  /** Seeded; draws whole numbers 0 <= n < limit. */
  readonly random: { below(limit: number): number }
}

export interface Unattached {
  readonly kind: 'unattached'
  /** A voter: when to try to be elected. */
  electionAt: Millis
  /** An observer: when to ask the next voter for the leader. */
  probeAt: Millis
  probing: CallId | null
}

/** Asks whether it would be elected, changes nothing (KIP-996). */
export interface Prospective {
  readonly kind: 'prospective'
  readonly granted: Set<NodeId>
  readonly refused: Set<NodeId>
  readonly deadline: Millis
  /** What it was while it still heard a leader of this epoch: to go back to when it would not be elected. */
  readonly left: Follower | null
}

export interface Candidate {
  readonly kind: 'candidate'
  readonly granted: Set<NodeId>
  readonly refused: Set<NodeId>
  readonly deadline: Millis
  /** Its vote for itself; counts once durable. */
  readonly ownVote: WriteId
}

export interface Progress {
  readonly replica: ReplicaKey
  /** Everything below is durable there; -1 until it has fetched in this epoch. */
  endOffset: Offset
  lastFetchAt: Millis
  lastFetchEnd: Offset
  lastCaughtUpAt: Millis
}

export interface VoterProgress extends Progress {
  /** When to tell it (again) who leads. */
  beginAt: Millis
  beginning: CallId | null
}

export interface ParkedFetch {
  readonly ticket: Ticket
  readonly replicaId: NodeId
  readonly fetchOffset: Offset
  readonly highWatermark: Offset
  readonly deadline: Millis
}

export interface Leader {
  readonly kind: 'leader'
  readonly epoch: Epoch
  /** Offset of its LEADER_CHANGE: nothing counts as committed before this is (Raft §5.4.2). */
  readonly epochStart: Offset
  readonly voters: Map<NodeId, VoterProgress>
  readonly observers: Map<string, Progress>
  parked: ParkedFetch[]
  /** `leading` has been said. */
  established: boolean
  /** Asked to go: takes no more proposals, and resigns when a voter has all there is, or at this time. NEVER otherwise. */
  leavesAt: Millis
}

export interface SnapshotDownload {
  readonly id: OffsetAndEpoch
  position: number
}

export interface Follower {
  readonly kind: 'follower'
  readonly leaderId: NodeId
  /** The last answer of the leader of this epoch, or the moment it became known. */
  lastHeardAt: Millis
  /** Its kernel said that nothing listens there, and it has not been heard since. */
  leaderRefused: boolean
  /** A voter: when to ask for votes; NEVER for an observer. */
  electionAt: Millis
  fetching: CallId | null
  /** When to fetch next, if no fetch is under way. */
  fetchAt: Millis
  /** Fetches in a row that got no answer. */
  failures: number
  download: SnapshotDownload | null
}

/** Led this epoch and gave it up; tells the others so that they need not wait. */
export interface Resigned {
  readonly kind: 'resigned'
  readonly deadline: Millis
  readonly preferred: readonly ReplicaKey[]
  /** Who has yet to be told, and when to try. */
  readonly untold: Map<NodeId, { tellAt: Millis; telling: CallId | null }>
}

export type Role = Unattached | Prospective | Candidate | Leader | Follower | Resigned

/** A request of ours that has no answer yet. */
export interface Call {
  readonly id: CallId
  readonly to: NodeId
  readonly request: RaftRequest
  readonly deadline: Millis
}

/** A voter's or an observer's way of being without a leader. */
export function unattached(electionAt: Millis, probeAt: Millis): Unattached {
  return { kind: 'unattached', electionAt, probeAt, probing: null }
}

export function earliest(...times: readonly Millis[]): Millis {
  return times.reduce((a, b) => Math.min(a, b), NEVER)
}
