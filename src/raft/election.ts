import { assert } from '../base/assert.ts'
import type { Ticket } from '../base/machine.ts'
import { type Epoch, type Millis, NO_NODE, NO_UUID, type NodeId } from '../base/units.ts'
import type { RaftCore } from './core.ts'
import { becomeLeader } from './leader.ts'
import type { BeginQuorumEpochRequest, EndQuorumEpochRequest, Standing, VoteReply, VoteRequest } from './messages.ts'
import type { Call, Candidate, Follower, Prospective } from './roles.ts'
import { type ReplicaKey, sameReplica } from './voters.ts'

/** Who leads: learning it from others, asking to, being asked, and giving it up. */

/** How much later than the fetch timeout a follower may ask for votes, so that two seldom ask at once. */
const electionJitterMs = 60

// --- learning the epoch and its leader from what others say ---

/**
 * Takes over a higher epoch, or the leader of this one. Returns false when the epoch spoken of is past: it says nothing about now.
 * A prospective that has lost its leader out of sight is not told by others' word that it is there: only the leader's own counts.
 */
export function learn(core: RaftCore, now: Millis, epoch: Epoch, leaderId: NodeId): boolean {
  if (epoch < core.epoch) return false
  const leader = canLead(core, leaderId) ? leaderId : NO_NODE
  if (epoch > core.epoch) {
    core.moveToEpoch(epoch, leader)
    if (leader === NO_NODE) core.becomeUnattached(now + electionDelay(core), now + core.timing.retryBackoffMs)
    else follow(core, now)
    core.persistState()
    core.announceLeader()
  } else if (leader !== NO_NODE && core.leaderId === NO_NODE) {
    core.learnLeader(leader)
    follow(core, now)
    core.announceLeader()
  } else if (leader !== NO_NODE && core.leaderId === leader && core.role.kind === 'unattached' && !core.leaderEnded) {
    follow(core, now)
  }
  return true
}

/** Another voter. A node that is told it leads, and does not, led before it crashed. */
function canLead(core: RaftCore, id: NodeId): boolean {
  return core.voters.hasId(id) && !(core.isVoter && id === core.local.id)
}

/** Someone else is about to be elected in this epoch: leave it the time of a round before trying oneself. */
function electionDelay(core: RaftCore): Millis {
  return core.between(core.timing.electionTimeoutMs, 2 * core.timing.electionTimeoutMs)
}

export function followerElectionAt(core: RaftCore, lastHeardAt: Millis): Millis {
  return lastHeardAt + core.timing.fetchTimeoutMs + core.between(0, electionJitterMs)
}

function follow(core: RaftCore, now: Millis): void {
  core.lostElections = 0
  core.becomeFollower(now, core.leaderId, followerElectionAt(core, now))
}

/** The leader of this epoch leads no more, surely: no need to wait for a timeout. */
export function onLeaderEnded(core: RaftCore, electionAt: Millis, now: Millis): void {
  core.leaderEnded = true
  core.becomeUnattached(electionAt, now)
  core.announceLeader()
}

// --- asking for votes ---

export function becomeProspective(core: RaftCore, now: Millis): void {
  assert(core.mayStand, 'voters ask for votes')
  if (core.voters.majority === 1) return becomeCandidate(core, now)
  const left = core.role.kind === 'follower' ? core.role : null
  // The leader that would be deposed does not vote for it: whether it answers need not be waited for.
  const refused = new Set(left === null ? [] : [left.leaderId])
  core.enter({ kind: 'prospective', granted: new Set([core.local.id]), refused, deadline: core.electionRoundEnds(now), left })
  askForVotes(core, now, true)
}

export function becomeCandidate(core: RaftCore, now: Millis): void {
  assert(core.mayStand, 'voters are candidates')
  core.moveToEpoch(core.epoch + 1, NO_NODE)
  core.voted = core.local
  const ownVote = core.persistState()
  core.enter({ kind: 'candidate', granted: new Set(), refused: new Set(), deadline: core.electionRoundEnds(now), ownVote })
  core.announceLeader()
  askForVotes(core, now, false)
}

function askForVotes(core: RaftCore, now: Millis, preVote: boolean): void {
  for (const voter of core.voters.others(core.local.id)) {
    core.send(now, voter.id, {
      kind: 'vote',
      epoch: core.epoch,
      candidate: core.local,
      voter,
      lastEpoch: core.log.lastEpoch,
      lastOffset: core.log.endOffset,
      preVote,
    })
  }
}

export function onVoteReply(core: RaftCore, now: Millis, call: Call, reply: VoteReply): void {
  const epoch = core.epoch
  const before = core.role
  learn(core, now, reply.epoch, reply.leaderId)
  const role = core.role
  if (core.epoch !== epoch || role !== before || (role.kind !== 'prospective' && role.kind !== 'candidate')) return
  // The leader itself has answered: it is there, and what is due is a fetch.
  if (reply.epoch === epoch && reply.leaderId === call.to && call.to === core.leaderId && !core.leaderEnded) return follow(core, now)
  if (reply.error === 'NONE' && reply.granted && reply.epoch === epoch) role.granted.add(call.to)
  else role.refused.add(call.to)
  afterVote(core, now, role)
}

export function onVoteFailed(core: RaftCore, now: Millis, call: Call): void {
  const role = core.role
  if (role.kind !== 'prospective' && role.kind !== 'candidate') return
  role.refused.add(call.to)
  afterVote(core, now, role)
}

/** A candidate's own vote has become durable: only now it counts. */
export function onOwnVoteDurable(core: RaftCore, now: Millis): void {
  const role = core.role
  if (role.kind !== 'candidate' || role.granted.has(core.local.id) || !core.writes.isDurable(role.ownVote)) return
  role.granted.add(core.local.id)
  afterVote(core, now, role)
}

function afterVote(core: RaftCore, now: Millis, role: Prospective | Candidate): void {
  if (core.voters.isMajority(role.granted)) {
    if (role.kind === 'prospective') becomeCandidate(core, now)
    else
      becomeLeader(
        core,
        now,
        core.voters.voters.filter((voter) => role.granted.has(voter.id)),
      )
  } else if (!core.voters.canWin(role.refused)) {
    onElectionLost(core, now)
  }
}

/** The next try comes after a random pause. */
export function onElectionLost(core: RaftCore, now: Millis): void {
  const electionAt = now + core.electionPause()
  core.lostElections += 1
  if (core.role.kind === 'prospective') askAgain(core, now, core.role, electionAt)
  else core.becomeUnattached(electionAt, now)
}

/** Back to the leader, if there may be one, or to waiting, until it is time to ask again. */
function askAgain(core: RaftCore, now: Millis, prospective: Prospective, electionAt: Millis): void {
  const { left } = prospective
  if (left === null) return core.becomeUnattached(electionAt, now)
  const role = core.becomeFollower(now, left.leaderId, electionAt)
  role.lastHeardAt = left.lastHeardAt
  role.leaderRefused = left.leaderRefused
}

// --- being asked ---

export function onVoteRequest(core: RaftCore, now: Millis, ticket: Ticket, request: VoteRequest): void {
  const refusal = voterRefusal(core, request.epoch, request.voter)
  if (refusal !== null) return core.reply(ticket, { kind: 'vote', ...core.standing(refusal), granted: false })
  learn(core, now, request.epoch, NO_NODE)
  const granted = core.loss === null && (request.preVote ? wouldVote(core, now, request) : mayVote(core, request))
  if (granted && !request.preVote) vote(core, now, request.candidate)
  core.reply(ticket, { kind: 'vote', ...core.standing('NONE'), granted })
  if (!granted) maybeHurry(core, now, request)
}

function voterRefusal(core: RaftCore, epoch: Epoch, meant: ReplicaKey): Standing['error'] | null {
  if (meant.id !== NO_NODE && (meant.id !== core.local.id || !isLocal(core, meant))) return 'INVALID_VOTER_KEY'
  return epoch < core.epoch ? 'FENCED_LEADER_EPOCH' : null
}

function isLocal(core: RaftCore, meant: ReplicaKey): boolean {
  return meant.directoryId === NO_UUID || core.local.directoryId === NO_UUID || meant.directoryId === core.local.directoryId
}

function isUpToDate(core: RaftCore, request: VoteRequest): boolean {
  const last = core.log.lastEpoch
  return request.lastEpoch > last || (request.lastEpoch === last && request.lastOffset >= core.log.endOffset)
}

/** A follower that still hears its leader, and the leader itself, do not help to depose it (KIP-996, RAFT-13). */
function wouldVote(core: RaftCore, now: Millis, request: VoteRequest): boolean {
  const role = core.role
  if (role.kind === 'leader' || !core.voters.has(request.candidate)) return false
  if (role.kind === 'follower' && !missesLeader(core, now, role)) return false
  return isUpToDate(core, request)
}

/** One vote per epoch (RAFT-3), and none in an epoch that has its leader. */
function mayVote(core: RaftCore, request: VoteRequest): boolean {
  if (core.voted !== null) return sameReplica(core.voted, request.candidate) && request.candidate.id !== core.local.id
  const kind = core.role.kind
  // Voters are static: whoever is none of them is configured otherwise, and would lead a quorum that does not know it.
  if (!core.voters.has(request.candidate)) return false
  if (kind === 'leader' || kind === 'follower' || kind === 'resigned' || core.leaderId !== NO_NODE) return false
  return isUpToDate(core, request)
}

function vote(core: RaftCore, now: Millis, candidate: ReplicaKey): void {
  if (core.voted !== null) return
  core.voted = candidate
  core.persistState()
  core.becomeUnattached(now + electionDelay(core), now)
}

/** Whoever is refused for its short log cannot lead; this node may, and now knows that it is not alone in missing a leader. */
function maybeHurry(core: RaftCore, now: Millis, request: VoteRequest): void {
  if (!core.mayStand || isUpToDate(core, request)) return
  const { role } = core
  const soon = now + core.between(0, core.timing.firstElectionMs)
  if (role.kind === 'prospective') askAgain(core, now, role, soon)
  else if (role.kind === 'unattached' && core.voted === null) role.electionAt = Math.min(role.electionAt, soon)
  else if (role.kind === 'follower' && missesLeader(core, now, role)) role.electionAt = Math.min(role.electionAt, soon)
}

function missesLeader(core: RaftCore, now: Millis, role: Follower): boolean {
  return role.leaderRefused || now - role.lastHeardAt >= core.timing.fetchTimeoutMs
}

export function onBeginQuorumEpoch(core: RaftCore, now: Millis, ticket: Ticket, request: BeginQuorumEpochRequest): void {
  const refusal = voterRefusal(core, request.epoch, request.voter) ?? leaderRefusal(core, request.epoch, request.leaderId)
  if (refusal === null) {
    learn(core, now, request.epoch, request.leaderId)
    if (core.role.kind === 'follower') heard(core, core.role, now)
    else if (!core.leaderEnded && core.leaderId === request.leaderId) follow(core, now)
  }
  core.reply(ticket, { kind: 'beginQuorumEpoch', ...core.standing(refusal ?? 'NONE') })
}

/** An epoch has one leader, and it is a voter: anything else is a peer that is out of its mind, and is not believed. */
function leaderRefusal(core: RaftCore, epoch: Epoch, leaderId: NodeId): Standing['error'] | null {
  if (!canLead(core, leaderId)) return 'INVALID_REQUEST'
  if (epoch === core.epoch && core.leaderId !== NO_NODE && core.leaderId !== leaderId) return 'INVALID_REQUEST'
  return null
}

/** The leader goes and has said who should follow it: the first at once, without a pre-vote, the others in their order. */
export function onEndQuorumEpoch(core: RaftCore, now: Millis, ticket: Ticket, request: EndQuorumEpochRequest): void {
  const past = request.epoch < core.epoch
  const refusal = past ? 'FENCED_LEADER_EPOCH' : leaderRefusal(core, request.epoch, request.leaderId)
  if (refusal === null) {
    learn(core, now, request.epoch, request.leaderId)
    if (core.leaderId === request.leaderId && !core.leaderEnded) succeed(core, now, request.preferredCandidates)
  }
  core.reply(ticket, { kind: 'endQuorumEpoch', ...core.standing(refusal ?? 'NONE') })
}

function succeed(core: RaftCore, now: Millis, preferred: readonly ReplicaKey[]): void {
  const place = preferred.findIndex((candidate) => candidate.id === core.local.id)
  const rank = place < 0 ? preferred.length : place
  onLeaderEnded(core, now + rank * core.timing.refusedPauseMaxMs + core.between(0, core.timing.refusedPauseMinMs), now)
  if (place === 0 && core.mayStand) becomeCandidate(core, now)
}

// --- hearing and not hearing the leader ---

export function heard(core: RaftCore, role: RaftCore['role'], now: Millis): void {
  if (role.kind !== 'follower') return
  core.lostElections = 0
  role.lastHeardAt = now
  role.leaderRefused = false
  if (core.mayStand) role.electionAt = followerElectionAt(core, now)
}

/** The leader's kernel says that nothing listens there: ask soon, rather than after the fetch timeout. Pre-vote makes a false alarm harmless. */
export function onLeaderRefused(core: RaftCore, now: Millis): void {
  const role = core.role
  if (role.kind !== 'follower') return
  role.leaderRefused = true
  const soon = now + core.between(core.timing.refusedPauseMinMs, core.timing.refusedPauseMaxMs)
  if (core.mayStand) role.electionAt = Math.min(role.electionAt, soon)
}

export function onElectionTimer(core: RaftCore, now: Millis): void {
  const role = core.role
  if (role.kind === 'unattached' && now >= role.electionAt) becomeProspective(core, now)
  else if (role.kind === 'follower' && now >= role.electionAt) becomeProspective(core, now)
  else if ((role.kind === 'prospective' || role.kind === 'candidate') && now >= role.deadline) onElectionLost(core, now)
}
