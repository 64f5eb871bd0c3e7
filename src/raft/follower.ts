import { assert } from '../base/assert.ts'
import { type Millis, NO_NODE, type Offset } from '../base/units.ts'
import type { RaftCore } from './core.ts'
import { heard, learn, onLeaderEnded, onLeaderRefused } from './election.ts'
import type { BatchSpan, FetchResponse, FetchSnapshotResponse } from './messages.ts'
import { type Call, earliest, type Follower } from './roles.ts'

/** Following: one fetch at a time from the leader, each from the end of what is durable here; truncation; snapshots. */

export function onFollowerTimer(core: RaftCore, now: Millis, role: Follower): void {
  if (core.asksAround && now >= observerGivesUpAt(core, role)) {
    core.silentLeader = { id: role.leaderId, epoch: core.epoch }
    core.becomeUnattached(now, now)
  } else maybeFetch(core, now, role)
}

export function followerWakeAt(core: RaftCore, role: Follower): Millis {
  const mayFetch = role.fetching === null && core.writes.allDurable
  return earliest(role.electionAt, ...(mayFetch ? [role.fetchAt] : []), ...(core.asksAround ? [observerGivesUpAt(core, role)] : []))
}

/** Sooner than a voter, whom it would cost an election: an observer only asks around, and is told at once who leads then. */
function observerGivesUpAt(core: RaftCore, role: Follower): Millis {
  return role.lastHeardAt + core.timing.fetchMaxWaitMs + core.timing.fetchTimeoutMs / 4
}

/** A fetch from an offset claims that all below it is durable: it waits for the writes. */
export function maybeFetch(core: RaftCore, now: Millis, role: Follower): void {
  if (role.fetching !== null || now < role.fetchAt || !core.writes.allDurable) return
  role.fetching =
    role.download === null ? sendFetch(core, now, role.leaderId, core.timing.fetchMaxWaitMs) : sendFetchSnapshot(core, now, role)
}

function sendFetch(core: RaftCore, now: Millis, to: number, maxWaitMs: Millis): number {
  return core.send(now, to, {
    kind: 'fetch',
    epoch: core.epoch,
    replica: core.local,
    fetchOffset: core.log.endOffset,
    lastFetchedEpoch: core.log.lastEpoch,
    highWatermark: core.highWatermark,
    maxWaitMs,
  })
}

function sendFetchSnapshot(core: RaftCore, now: Millis, role: Follower): number {
  assert(role.download !== null, 'a snapshot is being fetched')
  const { id, position } = role.download
  return core.send(now, role.leaderId, { kind: 'fetchSnapshot', epoch: core.epoch, replica: core.local, snapshotId: id, position })
}

export function onFetchResponse(core: RaftCore, now: Millis, call: Call, response: FetchResponse): void {
  const role = beginAnswer(core, now, call, response.error, response)
  if (role === null) return
  if (response.diverging !== null) return truncate(core, now, role, response)
  if (response.snapshotId !== null) return beginDownload(core, now, role, response)
  if (!append(core, call, response.batches)) role.fetchAt = now + core.timing.retryBackoffMs
  core.advanceHighWatermark(Math.min(response.highWatermark, core.log.endOffset))
  maybeRestore(core, now, role, response.highWatermark)
  maybeFetch(core, now, role)
}

/**
 * A voter that had lost records has again all that is committed: nobody could be elected without it who lacks any of that, and the leader has said how far it
 * is committed since it committed something of its own epoch. In the epoch of the loss the leader may still count what was acknowledged before.
 */
function maybeRestore(core: RaftCore, now: Millis, role: Follower, highWatermark: Offset): void {
  const { loss, log } = core
  if (loss === null || highWatermark > log.endOffset || highWatermark <= log.startOffset) return
  if (log.epochBefore(highWatermark) !== core.epoch || !core.writes.allDurable) return
  if (core.epoch <= loss.epoch && log.endOffset < loss.endOffset) return
  core.loss = null
  core.emit({ kind: 'restored' })
  heard(core, role, now)
}

/** What every answer to a fetch tells: who leads. Returns the role when the answer is the leader's own and is good. */
function beginAnswer(
  core: RaftCore,
  now: Millis,
  call: Call,
  error: FetchResponse['error'],
  standing: { readonly epoch: number; readonly leaderId: number },
): Follower | null {
  const role = core.role
  endCall(core, call)
  if (isHearsayOfSilentLeader(core, call, standing)) {
    if (role.kind === 'unattached') role.probeAt = now + core.timing.retryBackoffMs * 2
    return null
  }
  core.silentLeader = null
  learn(core, now, standing.epoch, standing.leaderId)
  if (core.role !== role) return null
  if (role.kind === 'unattached') {
    role.probeAt = now + core.timing.retryBackoffMs * 2
    return null
  }
  if (role.kind !== 'follower' || standing.epoch !== core.epoch) return retryLater(core, now)
  if (error === 'NOT_LEADER_OR_FOLLOWER' || error === 'BROKER_NOT_AVAILABLE') return endedBySelf(core, now)
  if (error !== 'NONE') return retryLater(core, now)
  heard(core, role, now)
  role.failures = 0
  role.fetchAt = now
  return role
}

function isHearsayOfSilentLeader(core: RaftCore, call: Call, standing: { readonly epoch: number; readonly leaderId: number }): boolean {
  const silent = core.silentLeader
  if (silent === null || call.to === silent.id || core.role.kind !== 'unattached') return false
  return standing.epoch <= silent.epoch && (standing.leaderId === silent.id || standing.leaderId === NO_NODE)
}

function endCall(core: RaftCore, call: Call): void {
  const role = core.role
  if (role.kind === 'follower' && role.fetching === call.id) role.fetching = null
  if (role.kind === 'unattached' && role.probing === call.id) role.probing = null
}

function retryLater(core: RaftCore, now: Millis): null {
  if (core.role.kind === 'follower') core.role.fetchAt = now + core.timing.retryBackoffMs
  return null
}

/** The leader of this epoch answers that it does not lead: it never will again in this epoch. */
function endedBySelf(core: RaftCore, now: Millis): null {
  onLeaderEnded(core, now + core.between(0, core.timing.firstElectionMs), now + core.timing.retryBackoffMs)
  return null
}

export function onFetchFailed(core: RaftCore, now: Millis, call: Call, refused: boolean): void {
  endCall(core, call)
  const role = core.role
  if (role.kind === 'unattached') role.probeAt = now + core.timing.retryBackoffMs * 2
  if (role.kind !== 'follower') return
  // At first at once, nearly: a connection that has just closed tells little, one that is then refused tells all.
  role.failures += 1
  role.fetchAt = now + Math.min(core.timing.retryBackoffMs, 2 ** Math.min(role.failures, 10))
  if (!refused) return
  if (!core.asksAround) onLeaderRefused(core, now)
  else core.becomeUnattached(now, now + core.timing.retryBackoffMs * 2)
}

/**
 * Takes the batches that continue this log. A response that does not (it was meant for another fetch, or its sender is broken) is not
 * taken at all; batches of an epoch above the one we fetched in are left for a fetch in theirs.
 */
function append(core: RaftCore, call: Call, batches: readonly BatchSpan[]): boolean {
  const start = core.log.endOffset
  const wellFormed = batches.every((batch, at) => {
    const before = batches[at - 1]
    const continues = batch.baseOffset === (before?.endOffset ?? start) && batch.endOffset > batch.baseOffset
    return continues && batch.epoch >= (before?.epoch ?? core.log.lastEpoch) && batch.epoch > 0
  })
  if (!wellFormed || call.request.kind !== 'fetch' || call.request.fetchOffset !== start) return batches.length === 0
  const taken = batches.filter((batch) => batch.epoch <= core.epoch)
  for (const batch of taken) core.log.append(batch.epoch, batch.endOffset)
  if (taken.length === 0) return batches.length === 0
  const endOffset = core.log.endOffset
  core.emit({ kind: 'appendFetched', write: core.writes.append(endOffset), call: call.id, baseOffset: start, endOffset })
  return true
}

/** By epoch, never by high watermark; repeated until the logs agree. What is committed is never cut (RAFT-12). */
function truncate(core: RaftCore, now: Millis, role: Follower, response: FetchResponse): void {
  assert(response.diverging !== null, 'the logs diverge')
  const to = core.log.truncationPoint(response.diverging)
  assert(to >= core.highWatermark, `the leader's log lacks what was committed: it ends at ${to}, committed to ${core.highWatermark}`)
  if (to >= core.log.endOffset) {
    role.fetchAt = now + core.timing.retryBackoffMs
    return
  }
  core.log.truncate(to)
  core.emit({ kind: 'truncate', write: core.writes.truncate(to), endOffset: to })
  maybeFetch(core, now, role)
}

function beginDownload(core: RaftCore, now: Millis, role: Follower, response: FetchResponse): void {
  const id = response.snapshotId
  assert(id !== null, 'the leader names a snapshot')
  // A snapshot of less than what is committed here would take back what was delivered.
  if (id.offset <= core.highWatermark && core.log.endOffset > 0) role.fetchAt = now + core.timing.retryBackoffMs
  else role.download = { id, position: 0 }
  maybeFetch(core, now, role)
}

export function onFetchSnapshotResponse(core: RaftCore, now: Millis, call: Call, response: FetchSnapshotResponse): void {
  const role = beginAnswer(core, now, call, response.error, response)
  const current = core.role
  if (role === null) {
    // The leader has a newer snapshot by now, or none: a fetch will tell.
    if (current.kind === 'follower' && isSnapshotError(response.error)) current.download = null
    return
  }
  const download = role.download
  const { snapshotId, position, length, size } = response
  const expected = download !== null && snapshotId.offset === download.id.offset && snapshotId.epoch === download.id.epoch
  if (!expected || position !== download.position || (length === 0 && position < size)) {
    role.download = null
    role.fetchAt = now + core.timing.retryBackoffMs
    return
  }
  core.emit({ kind: 'snapshotChunk', call: call.id, snapshotId, position })
  download.position = position + length
  if (download.position >= size) install(core, role)
  maybeFetch(core, now, role)
}

function isSnapshotError(error: FetchSnapshotResponse['error']): boolean {
  return error === 'SNAPSHOT_NOT_FOUND' || error === 'POSITION_OUT_OF_RANGE'
}

function install(core: RaftCore, role: Follower): void {
  assert(role.download !== null, 'a snapshot was fetched')
  const snapshotId = role.download.id
  role.download = null
  core.log.replaceWith(snapshotId)
  core.emit({ kind: 'installSnapshot', write: core.writes.replace(snapshotId.offset), snapshotId })
  core.advanceHighWatermark(snapshotId.offset)
}

/** One probe in so many goes to the leader that was silent: it may be back. */
const probesPerSilentLeader = 10

/** An observer that knows no leader asks the voters in turn; one that was silent only now and then, for its silence costs a timeout. */
export function onProbeTimer(core: RaftCore, now: Millis): void {
  const role = core.role
  if (role.kind !== 'unattached' || !core.asksAround || role.probing !== null || now < role.probeAt || core.stopping) return
  if (!core.writes.allDurable) return
  core.probesMade += 1
  const shunned = core.probesMade % probesPerSilentLeader === 0 ? null : (core.silentLeader?.id ?? null)
  const voters = core.isVoter ? core.voters.others(core.local.id) : core.voters.voters
  const others = voters.filter((voter) => voter.id !== core.lastProbed && voter.id !== shunned)
  const willing = others.length > 0 ? others : voters.filter((voter) => voter.id !== shunned)
  core.lastProbed = core.pick(willing.length > 0 ? willing : voters).id
  role.probing = sendFetch(core, now, core.lastProbed, 0)
}
