import { assert, unreachable } from '../base/assert.ts'
import type { Machine } from '../base/machine.ts'
import { type Epoch, type Millis, NEVER, NO_NODE, type NodeId, type Offset } from '../base/units.ts'
import { RaftCore } from './core.ts'
import {
  becomeProspective,
  learn,
  onBeginQuorumEpoch,
  onElectionTimer,
  onEndQuorumEpoch,
  onLeaderRefused,
  onOwnVoteDurable,
  onVoteFailed,
  onVoteReply,
  onVoteRequest,
} from './election.ts'
import {
  followerWakeAt,
  maybeFetch,
  onFetchFailed,
  onFetchResponse,
  onFetchSnapshotResponse,
  onFollowerTimer,
  onProbeTimer,
} from './follower.ts'
import {
  becomeResigned,
  finishShutdown,
  leaderWakeAt,
  leave,
  maybeCommit,
  onBeginAnswered,
  onEndAnswered,
  onFetch,
  onFetchSnapshot,
  onLeaderTimer,
  onResignedTimer,
  propose,
  resignedWakeAt,
  standings,
} from './leader.ts'
import type { LogOutline } from './log-shape.ts'
import type { CallId, RaftEffect, RaftInput, RaftRequest, RaftResponse, ReplicaStanding } from './messages.ts'
import { type Call, earliest, type RaftOptions, type Role } from './roles.ts'

/**
 * The KRaft quorum (KIP-595, KIP-630, KIP-996, KIP-1166) with static voters, as one machine.
 *
 * Roles and what leads from one to the next. Any role: a higher epoch → Follower if its leader is told, else Unattached.
 *
 *   Unattached   no leader known             election timer → Prospective; a leader of this epoch → Follower; grants a vote → Unattached
 *   Prospective  asks "would you elect me"   majority → Candidate; refused, or time → Follower if it had a leader, else Unattached
 *   Candidate    asks in an epoch of its own majority, its own durable vote included → Leader; refused, or time → Unattached
 *   Leader       appends and commits         no majority fetched for 1.5 fetch timeouts, or asked to go → Resigned
 *   Follower     fetches from the leader     silence for a fetch timeout, or its leader refused → Prospective;
 *                                            its leader leads no more → Unattached; named first by EndQuorumEpoch → Candidate
 *   Resigned     tells the others            all told, or time → Unattached
 *   A voter that has lost what it had acknowledged (`LogLoss`) does not vote or stand: it is as an observer until it has again all that is committed.
 *   An observer is only Unattached (asks the voters in turn who leads) or Follower.
 *
 * Invariants (RAFT-1…16 of the simulation):
 *  1. Epoch and vote never go back, across restarts too: no word leaves that speaks of an epoch or vote which is not durable.
 *  2. One vote per epoch; a candidate's vote for itself counts once it is durable. So an epoch has one leader.
 *  3. A leader only appends, and counts itself for the high watermark only up to what is durable here.
 *  4. A follower fetches from the end of its log only when all of it is durable: the fetch offset is the acknowledgement.
 *  5. The high watermark passes only after a record of the leader's own epoch is on a majority; it never falls, nothing below it is cut.
 *  6. A pre-vote changes nothing at whoever is asked, and a follower that hears its leader refuses it.
 */
export class Raft implements Machine<RaftInput, RaftEffect> {
  private readonly core: RaftCore
  private started = false
  private finished = false

  constructor(options: RaftOptions) {
    this.core = new RaftCore(options)
  }

  step(now: Millis, input: RaftInput): readonly RaftEffect[] {
    assert(this.started !== (input.kind === 'start'), 'start comes once, and first')
    if (this.finished) return []
    this.take(now, input)
    return this.settle(now)
  }

  wake(now: Millis): readonly RaftEffect[] {
    if (now < this.wakeAt()) return []
    for (const call of this.core.calls.values()) if (now >= call.deadline) this.onFailed(now, call.id, false)
    this.onTimer(now)
    return this.settle(now)
  }

  wakeAt(): Millis {
    if (!this.started || this.finished) return NEVER
    return earliest(this.core.nextCallDeadline(), roleWakeAt(this.core))
  }

  /** The epoch in which proposals are taken, or null. */
  leaderEpoch(): Epoch | null {
    const { role } = this.core
    return role.kind === 'leader' && role.leavesAt === NEVER ? role.epoch : null
  }

  get role(): Role['kind'] {
    return this.core.role.kind
  }

  get epoch(): Epoch {
    return this.core.epoch
  }

  get leaderId(): NodeId {
    return this.core.leaderEnded ? NO_NODE : this.core.leaderId
  }

  get highWatermark(): Offset {
    return this.core.highWatermark
  }

  get logEndOffset(): Offset {
    return this.core.log.endOffset
  }

  outline(): LogOutline {
    return this.core.log.outline()
  }

  epochBefore(offset: Offset): Epoch {
    return this.core.log.epochBefore(offset)
  }

  /** What a leader knows of the replicas, for DescribeQuorum; null when this node does not lead. */
  standings(now: Millis): { readonly voters: readonly ReplicaStanding[]; readonly observers: readonly ReplicaStanding[] } | null {
    return this.core.role.kind === 'leader' ? standings(this.core, now, this.core.role) : null
  }

  /** One line for a person and for golden tests. */
  describe(): string {
    const { core } = this
    const leader = this.leaderId === NO_NODE ? 'none' : String(this.leaderId)
    const vote = core.voted === null ? 'none' : String(core.voted.id)
    const log = `log [${core.log.startOffset},${core.log.endOffset}) last epoch ${core.log.lastEpoch} durable ${core.writes.persistedOffset}`
    return `${core.role.kind} epoch ${core.epoch} leader ${leader} vote ${vote} hw ${core.highWatermark} ${log}`
  }

  private settle(now: Millis): readonly RaftEffect[] {
    const { core } = this
    if (core.stopping && !this.finished && core.role.kind !== 'resigned' && core.role.kind !== 'leader') finishShutdown(core)
    const effects = core.takeEffects()
    if (effects.some((effect) => effect.kind === 'shutdownComplete')) this.finished = true
    assert(core.writes.persistedOffset <= core.log.endOffset, `durable beyond the end at ${now}`)
    return effects
  }

  private take(now: Millis, input: RaftInput): void {
    const { core } = this
    switch (input.kind) {
      case 'start':
        return this.onStart(now)
      case 'request':
        return this.onRequest(now, input.ticket, input.request)
      case 'response':
        return this.onResponse(now, input.call, input.response)
      case 'failed':
        return this.onFailed(now, input.call, input.refused)
      case 'peerRefused':
        if (core.role.kind === 'follower' && core.role.leaderId === input.id) onLeaderRefused(core, now)
        return
      case 'propose':
        assert(core.role.kind === 'leader' && core.epoch === input.epoch, `leads epoch ${input.epoch}`)
        return propose(core, now, core.role, input.count)
      case 'persisted':
        return this.onPersisted(now, input.write)
      case 'snapshotCreated':
        return this.onSnapshotCreated(input.snapshotId)
      case 'resign':
        if (core.role.kind === 'leader' && core.epoch === input.epoch) becomeResigned(core, now)
        return
      case 'shutdown':
        core.stopping = true
        if (core.role.kind === 'leader') leave(core, now, core.role)
        return
      default:
        return unreachable(input)
    }
  }

  private onStart(now: Millis): void {
    this.started = true
    const { core } = this
    core.becomeUnattached(now + (core.voters.majority === 1 ? 0 : core.between(0, core.timing.firstElectionMs)), now)
    if (core.isVoter && core.voters.majority === 1) becomeProspective(core, now)
  }

  private onRequest(now: Millis, ticket: number, request: RaftRequest): void {
    switch (request.kind) {
      case 'vote':
        return onVoteRequest(this.core, now, ticket, request)
      case 'beginQuorumEpoch':
        return onBeginQuorumEpoch(this.core, now, ticket, request)
      case 'endQuorumEpoch':
        return onEndQuorumEpoch(this.core, now, ticket, request)
      case 'fetch':
        return onFetch(this.core, now, ticket, request)
      case 'fetchSnapshot':
        return onFetchSnapshot(this.core, now, ticket, request)
      default:
        return unreachable(request)
    }
  }

  private onResponse(now: Millis, id: CallId, response: RaftResponse): void {
    const { core } = this
    const call = this.closeCall(id)
    if (call === null) return
    if (response.kind !== call.request.kind) return this.onCallFailed(now, call, false)
    switch (response.kind) {
      case 'vote':
        return onVoteReply(core, now, call, response)
      case 'fetch':
        return onFetchResponse(core, now, call, response)
      case 'fetchSnapshot':
        return onFetchSnapshotResponse(core, now, call, response)
      case 'beginQuorumEpoch':
        onBeginAnswered(core, now, call, response.error === 'NONE')
        learn(core, now, response.epoch, response.leaderId)
        return
      case 'endQuorumEpoch':
        onEndAnswered(core, now, call, true)
        learn(core, now, response.epoch, response.leaderId)
        return
      default:
        return unreachable(response)
    }
  }

  /** Null: nobody waits for this answer any more, the role in which it was asked for has ended. */
  private closeCall(id: CallId): Call | null {
    const call = this.core.calls.get(id)
    this.core.calls.delete(id)
    return call ?? null
  }

  private onFailed(now: Millis, id: CallId, refused: boolean): void {
    const call = this.closeCall(id)
    if (call !== null) this.onCallFailed(now, call, refused)
  }

  private onCallFailed(now: Millis, call: Call, refused: boolean): void {
    const { core } = this
    switch (call.request.kind) {
      case 'vote':
        return onVoteFailed(core, now, call)
      case 'fetch':
      case 'fetchSnapshot':
        return onFetchFailed(core, now, call, refused)
      case 'beginQuorumEpoch':
        return onBeginAnswered(core, now, call, false)
      case 'endQuorumEpoch':
        return onEndAnswered(core, now, call, false)
      default:
        return unreachable(call.request)
    }
  }

  private onPersisted(now: Millis, write: number): void {
    const { core } = this
    core.writes.onPersisted(write)
    core.releaseHeld()
    onOwnVoteDurable(core, now)
    if (core.role.kind === 'leader') maybeCommit(core, now, core.role)
    else if (core.role.kind === 'follower') maybeFetch(core, now, core.role)
    else onProbeTimer(core, now)
  }

  private onSnapshotCreated(made: { readonly offset: Offset; readonly epoch: Epoch }): void {
    const { core } = this
    assert(made.offset <= core.highWatermark, 'a snapshot is of committed records')
    const start = core.log.onSnapshot(made)
    if (start !== null) core.emit({ kind: 'deletePrefix', start })
  }

  private onTimer(now: Millis): void {
    const { core } = this
    const { role } = core
    switch (role.kind) {
      case 'leader':
        return onLeaderTimer(core, now, role)
      case 'resigned':
        return onResignedTimer(core, now)
      case 'follower':
        if (now >= role.electionAt) return onElectionTimer(core, now)
        return onFollowerTimer(core, now, role)
      case 'unattached':
        onProbeTimer(core, now)
        return onElectionTimer(core, now)
      case 'prospective':
      case 'candidate':
        return onElectionTimer(core, now)
      default:
        return unreachable(role)
    }
  }
}

function roleWakeAt(core: RaftCore): Millis {
  const { role } = core
  switch (role.kind) {
    case 'leader':
      return leaderWakeAt(core, role)
    case 'resigned':
      return resignedWakeAt(role)
    case 'follower':
      return followerWakeAt(core, role)
    case 'unattached':
      return earliest(role.electionAt, role.probing === null && core.writes.allDurable ? role.probeAt : NEVER)
    case 'prospective':
    case 'candidate':
      return role.deadline
    default:
      return unreachable(role)
  }
}
