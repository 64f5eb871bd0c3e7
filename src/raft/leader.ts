import { assert } from '../base/assert.ts'
import type { Ticket } from '../base/machine.ts'
import { type Millis, NEVER, type NodeId, type Offset } from '../base/units.ts'
import type { RaftCore } from './core.ts'
import type { FetchReply, FetchRequest, FetchSnapshotRequest, RaftError, ReplicaStanding } from './messages.ts'
import { type Call, checkQuorumFactor, earliest, type Leader, type Progress, type Resigned } from './roles.ts'
import type { ReplicaKey } from './voters.ts'

/** Leading an epoch: its first record, the followers' fetches, the high watermark, check-quorum, and handing over. */

export function becomeLeader(core: RaftCore, now: Millis, granting: readonly ReplicaKey[]): void {
  assert(core.isVoter && core.role.kind === 'candidate' && core.writes.stateIsDurable, 'a leader was a candidate whose own vote is durable')
  const offset = core.log.endOffset
  const voters = new Map(
    core.voters
      .others(core.local.id)
      .map((replica) => [
        replica.id,
        { replica, endOffset: -1, lastFetchAt: now, lastFetchEnd: -1, lastCaughtUpAt: -1, beginAt: now, beginning: null },
      ]),
  )
  core.learnLeader(core.local.id)
  core.lostElections = 0
  const role: Leader = {
    kind: 'leader',
    epoch: core.epoch,
    epochStart: offset,
    voters,
    observers: new Map(),
    parked: [],
    established: false,
    leavesAt: NEVER,
  }
  core.enter(role)
  core.log.append(core.epoch, offset + 1)
  const write = core.writes.append(offset + 1)
  core.emit({ kind: 'appendLeaderChange', write, epoch: core.epoch, offset, voters: core.voters.voters, granting })
  core.announceLeader()
  tellVoters(core, now, role)
}

export function propose(core: RaftCore, now: Millis, role: Leader, count: number): void {
  assert(count > 0, 'a batch has records')
  const baseOffset = core.log.endOffset
  const endOffset = baseOffset + count
  core.log.append(core.epoch, endOffset)
  const write = core.writes.append(endOffset)
  core.emit({ kind: 'append', write, epoch: core.epoch, baseOffset, endOffset })
  answerParked(core, now, role)
}

// --- telling the voters who leads ---

/** A voter that fetches knows. The others are told, and told again. */
function tellVoters(core: RaftCore, now: Millis, role: Leader): void {
  for (const voter of role.voters.values()) {
    if (voter.beginning !== null || now < voter.beginAt) continue
    voter.beginning = core.send(now, voter.replica.id, {
      kind: 'beginQuorumEpoch',
      epoch: core.epoch,
      leaderId: core.local.id,
      voter: voter.replica,
    })
  }
}

export function onBeginAnswered(core: RaftCore, now: Millis, call: Call, succeeded: boolean): void {
  if (core.role.kind !== 'leader') return
  const voter = core.role.voters.get(call.to)
  if (voter?.beginning !== call.id) return
  voter.beginning = null
  voter.beginAt = now + (succeeded ? core.timing.fetchTimeoutMs / 2 : core.timing.retryBackoffMs * 5)
}

// --- fetches ---

/** Kafka's KafkaRaftClient.validateLeaderOnlyRequest. */
function leaderOnlyError(core: RaftCore, epoch: number): RaftError | null {
  if (epoch < core.epoch) return 'FENCED_LEADER_EPOCH'
  if (epoch > core.epoch) return 'UNKNOWN_LEADER_EPOCH'
  if (core.role.kind === 'resigned') return 'BROKER_NOT_AVAILABLE'
  return core.role.kind === 'leader' ? null : 'NOT_LEADER_OR_FOLLOWER'
}

export function onFetch(core: RaftCore, now: Millis, ticket: Ticket, request: FetchRequest): void {
  const sane = request.fetchOffset >= 0 && request.lastFetchedEpoch >= 0 && request.epoch >= 0 && request.maxWaitMs >= 0
  const error = sane ? leaderOnlyError(core, request.epoch) : 'INVALID_REQUEST'
  if (error !== null) return core.reply(ticket, core.noRecords(error))
  assert(core.role.kind === 'leader', 'the error says so otherwise')
  const role = core.role
  const progress = progressOf(core, now, role, request.replica)
  const fetchedBeforeAt = progress?.lastFetchAt ?? -1
  if (progress !== null) progress.lastFetchAt = now
  const position = core.log.validate(request.fetchOffset, request.lastFetchedEpoch)
  if (position.kind === 'diverging') return core.reply(ticket, { ...fetchReply(core), diverging: position.from })
  if (position.kind === 'snapshot') return core.reply(ticket, { ...fetchReply(core), snapshotId: position.id })
  if (progress !== null) onReached(core, now, role, progress, request.fetchOffset, fetchedBeforeAt)
  if (core.role !== role) return core.reply(ticket, core.noRecords('BROKER_NOT_AVAILABLE'))
  answerOrPark(core, now, role, ticket, request)
}

function fetchReply(core: RaftCore): FetchReply {
  return {
    kind: 'fetch',
    ...core.standing('NONE'),
    highWatermark: core.highWatermark,
    logStartOffset: core.log.startOffset,
    diverging: null,
    snapshotId: null,
    range: null,
  }
}

function progressOf(core: RaftCore, now: Millis, role: Leader, replica: ReplicaKey): Progress | null {
  if (replica.id < 0) return null
  const voter = role.voters.get(replica.id)
  if (voter !== undefined) return voter
  if (core.voters.hasId(replica.id)) return null
  const key = `${replica.id}/${replica.directoryId}`
  let observer = role.observers.get(key)
  if (observer === undefined && role.observers.size < core.timing.observersMax) {
    observer = { replica, endOffset: -1, lastFetchAt: now, lastFetchEnd: -1, lastCaughtUpAt: -1 }
    role.observers.set(key, observer)
  }
  return observer ?? null
}

/** The replica holds everything below `offset`, durably. Caught up: at the end now, or where the end was at its last fetch (KIP-595). */
function onReached(core: RaftCore, now: Millis, role: Leader, progress: Progress, offset: Offset, fetchedBeforeAt: Millis): void {
  const end = core.log.endOffset
  if (offset >= end) progress.lastCaughtUpAt = now
  else if (progress.lastFetchEnd >= 0 && offset >= progress.lastFetchEnd) progress.lastCaughtUpAt = fetchedBeforeAt
  progress.lastFetchEnd = end
  // Fetches may overtake each other; what was durable once stays so within an epoch.
  progress.endOffset = Math.max(progress.endOffset, offset)
  maybeCommit(core, now, role)
  maybeLeave(core, now, role)
}

function answerOrPark(core: RaftCore, now: Millis, role: Leader, ticket: Ticket, request: FetchRequest): void {
  const { fetchOffset, highWatermark } = request
  const parked = {
    ticket,
    replicaId: request.replica.id,
    fetchOffset,
    highWatermark,
    deadline: now + Math.min(request.maxWaitMs, maxWaitMs(core)),
  }
  const waits = request.maxWaitMs > 0 && role.parked.length < core.timing.parkedFetchesMax
  if (waits && !hasNews(core, parked)) role.parked.push(parked)
  else answer(core, ticket, fetchOffset)
}

/** A fetch that waits longer than a fifth of the check-quorum's patience would look like silence. */
function maxWaitMs(core: RaftCore): Millis {
  return core.timing.fetchTimeoutMs / 2
}

/** New records, or a high watermark that the replica does not know yet (KIP-1166). */
function hasNews(core: RaftCore, fetch: { readonly fetchOffset: Offset; readonly highWatermark: Offset }): boolean {
  return fetch.fetchOffset < core.log.endOffset || fetch.highWatermark < core.highWatermark
}

function answer(core: RaftCore, ticket: Ticket, from: Offset): void {
  const to = core.log.endOffset
  core.reply(ticket, { ...fetchReply(core), range: from < to ? { from, to } : null })
}

function answerParked(core: RaftCore, now: Millis, role: Leader): void {
  const due = role.parked.filter((fetch) => now >= fetch.deadline || hasNews(core, fetch))
  if (due.length === 0) return
  role.parked = role.parked.filter((fetch) => !due.includes(fetch))
  for (const fetch of due) answer(core, fetch.ticket, fetch.fetchOffset)
}

export function onFetchSnapshot(core: RaftCore, now: Millis, ticket: Ticket, request: FetchSnapshotRequest): void {
  const error = request.position < 0 ? 'INVALID_REQUEST' : leaderOnlyError(core, request.epoch)
  const { snapshotId, position } = request
  if (error === null && core.role.kind === 'leader') {
    const progress = progressOf(core, now, core.role, request.replica)
    if (progress !== null) progress.lastFetchAt = now
  }
  core.reply(ticket, { kind: 'fetchSnapshot', ...core.standing(error ?? 'NONE'), snapshotId, position })
}

// --- the high watermark ---

/**
 * What a majority holds durably is committed, once that includes a record of this epoch: a record of an earlier epoch that a majority
 * holds may still be overwritten by a leader that never saw it (Raft §5.4.2, figure 8).
 */
export function maybeCommit(core: RaftCore, now: Millis, role: Leader): void {
  const reached = core.voters.reachedByMajority((id) => durableAt(core, role, id))
  if (reached <= role.epochStart || !core.advanceHighWatermark(reached)) return
  if (!role.established) {
    role.established = true
    core.emit({ kind: 'leading', epoch: core.epoch })
  }
  answerParked(core, now, role)
}

function durableAt(core: RaftCore, role: Leader, id: NodeId): Offset {
  return id === core.local.id ? core.writes.persistedOffset : (role.voters.get(id)?.endOffset ?? -1)
}

// --- time ---

function checkQuorumAt(core: RaftCore, role: Leader): Millis {
  if (core.voters.majority === 1) return NEVER
  const heardAt = core.voters.reachedByMajority((id) => (id === core.local.id ? NEVER : (role.voters.get(id)?.lastFetchAt ?? -1)))
  return heardAt + checkQuorumFactor * core.timing.fetchTimeoutMs
}

export function leaderWakeAt(core: RaftCore, role: Leader): Millis {
  const begins = [...role.voters.values()].filter((voter) => voter.beginning === null).map((voter) => voter.beginAt)
  return earliest(checkQuorumAt(core, role), role.leavesAt, ...begins, ...role.parked.map((fetch) => fetch.deadline))
}

export function onLeaderTimer(core: RaftCore, now: Millis, role: Leader): void {
  if (now >= checkQuorumAt(core, role) || now >= role.leavesAt) return becomeResigned(core, now)
  for (const voter of role.voters.values()) {
    const knows = voter.lastFetchEnd >= 0 || voter.endOffset >= 0
    if (knows) voter.beginAt = Math.max(voter.beginAt, voter.lastFetchAt + core.timing.fetchTimeoutMs / 2)
  }
  for (const [key, observer] of role.observers) {
    if (now - observer.lastFetchAt > core.timing.observerSessionMs) role.observers.delete(key)
  }
  tellVoters(core, now, role)
  answerParked(core, now, role)
}

// --- giving up ---

/**
 * Asked to go. A successor whose log lacks what another voter has would lose its election, so nothing is appended any more and whoever first has
 * all there is will be named first.
 */
export function leave(core: RaftCore, now: Millis, role: Leader): void {
  role.leavesAt = Math.min(role.leavesAt, now + core.timing.handOverMs)
  maybeLeave(core, now, role)
}

function maybeLeave(core: RaftCore, now: Millis, role: Leader): void {
  if (role.leavesAt === NEVER || core.role !== role) return
  const someoneHasAll = [...role.voters.values()].some((voter) => voter.endOffset >= core.log.endOffset)
  if (someoneHasAll || role.voters.size === 0) becomeResigned(core, now)
}

/** Check-quorum failed, or the node is asked to go: the voters are told, the one with the longest log first in line. */
export function becomeResigned(core: RaftCore, now: Millis): void {
  assert(core.role.kind === 'leader', 'only a leader resigns')
  const voters = [...core.role.voters.values()].sort((a, b) => b.endOffset - a.endOffset)
  const untold = new Map(voters.map((voter) => [voter.replica.id, { tellAt: now, telling: null }]))
  core.leaderEnded = true
  core.enter({ kind: 'resigned', deadline: core.electionRoundEnds(now), preferred: voters.map((voter) => voter.replica), untold })
  core.announceLeader()
  onResignedTimer(core, now)
}

export function onResignedTimer(core: RaftCore, now: Millis): void {
  const role = core.role
  if (role.kind !== 'resigned') return
  if (role.untold.size === 0 || now >= role.deadline) return leaveResigned(core, now, role)
  for (const [id, telling] of role.untold) {
    if (telling.telling !== null || now < telling.tellAt) continue
    const request = { kind: 'endQuorumEpoch' as const, epoch: core.epoch, leaderId: core.local.id, preferredCandidates: role.preferred }
    telling.telling = core.send(now, id, request)
  }
}

function leaveResigned(core: RaftCore, now: Millis, role: Resigned): void {
  core.becomeUnattached(Math.max(role.deadline, now + core.electionPause()), now)
}

export function resignedWakeAt(role: Resigned): Millis {
  return earliest(
    role.deadline,
    ...[...role.untold.values()].filter((telling) => telling.telling === null).map((telling) => telling.tellAt),
  )
}

export function onEndAnswered(core: RaftCore, now: Millis, call: Call, told: boolean): void {
  if (core.role.kind !== 'resigned') return
  const telling = core.role.untold.get(call.to)
  if (telling?.telling !== call.id) return
  // Who cannot be reached when we stop finds out by itself that nothing listens here any more.
  if (told || core.stopping) core.role.untold.delete(call.to)
  else {
    telling.telling = null
    telling.tellAt = now + core.timing.retryBackoffMs * 5
  }
  onResignedTimer(core, now)
}

export function finishShutdown(core: RaftCore): void {
  core.enter({ kind: 'unattached', electionAt: NEVER, probeAt: NEVER, probing: null })
  core.emit({ kind: 'shutdownComplete' })
}

export function standings(core: RaftCore, now: Millis, role: Leader): { voters: ReplicaStanding[]; observers: ReplicaStanding[] } {
  const standing = (progress: Progress): ReplicaStanding => ({
    replica: progress.replica,
    logEndOffset: progress.endOffset,
    lastFetchAt: progress.lastFetchEnd < 0 ? -1 : progress.lastFetchAt,
    lastCaughtUpAt: progress.lastCaughtUpAt,
  })
  const self = { replica: core.local, logEndOffset: core.log.endOffset, lastFetchAt: now, lastCaughtUpAt: now }
  const voters = core.voters.voters.map((voter) => {
    const progress = role.voters.get(voter.id)
    return progress === undefined ? self : standing(progress)
  })
  return { voters, observers: [...role.observers.values()].map(standing) }
}
