import { assert } from '../base/assert.ts'
import { type Epoch, type Millis, NEVER, NO_NODE, type NodeId, type Offset } from '../base/units.ts'
import { LogShape } from './log-shape.ts'
import type { CallId, DurableState, LogLoss, RaftEffect, RaftError, RaftReply, RaftRequest, Standing } from './messages.ts'
import { type Call, earliest, type Follower, type Leader, type RaftOptions, type RaftTiming, type Role, unattached } from './roles.ts'
import type { ReplicaKey, VoterSet } from './voters.ts'
import { Writes } from './writes.ts'

/** The state that all rules share, what is waiting to be said, and the changes of role that need no rule of their own. */
export class RaftCore {
  readonly local: ReplicaKey
  readonly voters: VoterSet
  readonly timing: RaftTiming
  /** Whether this node is one of those who vote. */
  readonly isVoter: boolean
  /** While it is there this voter neither votes nor stands: the others must not be led by a log that lacks what it has acknowledged. */
  loss: LogLoss | null
  readonly log: LogShape
  readonly writes: Writes
  readonly calls = new Map<CallId, Call>()
  epoch: Epoch
  /** The vote given in this epoch, if any. */
  voted: ReplicaKey | null
  /** The leader of this epoch, once known; it does not change within an epoch. */
  leaderId: NodeId = NO_NODE
  /** The leader of this epoch is known to lead no more: it said so, or has forgotten that it did. */
  leaderEnded = false
  role: Role
  highWatermark: Offset
  /** Elections lost since a leader was last heard: each makes the next pause longer. */
  lostElections = 0
  stopping = false
  /** The voter that an observer asked last who leads. */
  lastProbed: NodeId = NO_NODE
  /** A leader that this observer has not heard for too long: another's word that it leads does not bring us back to it. */
  silentLeader: { readonly id: NodeId; readonly epoch: Epoch } | null = null
  probesMade = 0
  private readonly random: { below(limit: number): number }
  private effects: RaftEffect[] = []
  private held: RaftEffect[] = []
  private callsMade = 0

  constructor(options: RaftOptions) {
    this.local = options.local
    this.voters = options.voters
    this.timing = options.timing
    this.isVoter = !options.observer && options.voters.has(options.local)
    assert(options.observer || this.isVoter, 'who does not observe is among the voters')
    this.loss = options.loss
    assert(this.loss === null || this.voters.majority > 1, 'others have what is lost')
    this.log = new LogShape(options.log)
    this.writes = new Writes(options.log.endOffset)
    // A log that is ahead of the state was written by a leader of that epoch; no vote of ours was in it.
    const ahead = this.log.lastEpoch > options.state.epoch
    this.epoch = ahead ? this.log.lastEpoch : options.state.epoch
    this.voted = ahead ? null : options.state.voted
    this.highWatermark = options.log.latestSnapshot?.offset ?? 0
    this.random = options.random
    this.role = unattached(NEVER, NEVER)
  }

  /** May ask for votes. */
  get mayStand(): boolean {
    return this.isVoter && !this.stopping && this.loss === null
  }

  /** Waits for no election: asks the voters in turn who leads. */
  get asksAround(): boolean {
    return !this.isVoter || this.loss !== null
  }

  // --- what is said ---

  emit(effect: RaftEffect): void {
    this.effects.push(effect)
  }

  /** Words leave only when the epoch and the vote they speak of are durable. */
  private say(effect: RaftEffect): void {
    if (this.writes.stateIsDurable) this.effects.push(effect)
    else this.held.push(effect)
  }

  send(now: Millis, to: NodeId, request: RaftRequest): CallId {
    assert(to !== this.local.id || !this.isVoter, 'no node calls itself')
    this.callsMade += 1
    const id = this.callsMade
    const timeoutMs = this.timeoutOf(request)
    this.calls.set(id, { id, to, request, deadline: now + timeoutMs })
    this.say({ kind: 'send', call: id, to, request, timeoutMs })
    return id
  }

  /**
   * A fetch that is lost must be asked again while the leader still counts on it: a follower that hears its leader otherwise and waits for an
   * old answer would be missed by check-quorum.
   */
  private timeoutOf(request: RaftRequest): Millis {
    const { requestTimeoutMs, fetchTimeoutMs } = this.timing
    return request.kind === 'fetch' ? Math.min(requestTimeoutMs, request.maxWaitMs + fetchTimeoutMs / 2) : requestTimeoutMs
  }

  reply(ticket: number, reply: RaftReply): void {
    assert(reply.kind !== 'fetch' || reply.range === null || this.writes.stateIsDurable, 'a leader was elected with durable votes')
    this.say({ kind: 'reply', ticket, reply })
  }

  standing(error: RaftError): Standing {
    return { error, epoch: this.epoch, leaderId: this.leaderEnded ? NO_NODE : this.leaderId }
  }

  releaseHeld(): void {
    if (!this.writes.stateIsDurable) return
    for (const effect of this.held) {
      // What was asked in a role that has been left since need not be asked any more; answers stay true.
      if (effect.kind !== 'send' || this.calls.has(effect.call)) this.effects.push(effect)
    }
    this.held = []
  }

  takeEffects(): readonly RaftEffect[] {
    const effects = this.effects
    this.effects = []
    return effects
  }

  // --- time and chance ---

  /** low <= x <= high, whole milliseconds */
  between(low: Millis, high: Millis): Millis {
    return low + this.random.below(Math.max(0, Math.floor(high - low)) + 1)
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.random.below(items.length)]
    assert(item !== undefined, 'something to pick from')
    return item
  }

  electionRoundEnds(now: Millis): Millis {
    return now + this.between(this.timing.electionTimeoutMs, 2 * this.timing.electionTimeoutMs)
  }

  /** A pause before the next try: random, the longer the more tries were lost. */
  electionPause(): Millis {
    const longest = Math.min(this.timing.electionBackoffMaxMs, this.timing.firstElectionMs * 2 ** Math.min(this.lostElections, 10))
    return this.between(Math.floor(longest / 4), longest)
  }

  nextCallDeadline(): Millis {
    return earliest(...[...this.calls.values()].map((call) => call.deadline))
  }

  // --- epoch, vote, role ---

  persistState(): number {
    const write = this.writes.state()
    const state: DurableState = { epoch: this.epoch, leaderId: this.leaderId, voted: this.voted }
    this.emit({ kind: 'persistState', write, state })
    return write
  }

  /** Leaves whatever role there is: nothing that was asked in it matters any more. */
  enter(role: Role): void {
    const before = this.role
    this.calls.clear()
    this.role = role
    if (before.kind === 'leader') this.leave(before)
  }

  private leave(leader: Leader): void {
    for (const parked of leader.parked) this.reply(parked.ticket, this.noRecords('NOT_LEADER_OR_FOLLOWER'))
    if (leader.established) this.emit({ kind: 'resigned', epoch: leader.epoch })
  }

  noRecords(error: RaftError): RaftReply {
    return { kind: 'fetch', ...this.standing(error), highWatermark: -1, logStartOffset: -1, diverging: null, snapshotId: null, range: null }
  }

  /** Epochs only rise (RAFT-2). The caller persists and enters a role. */
  moveToEpoch(epoch: Epoch, leaderId: NodeId): void {
    assert(epoch > this.epoch, `the epoch rises: ${epoch} > ${this.epoch}`)
    this.epoch = epoch
    this.voted = null
    this.leaderId = leaderId
    this.leaderEnded = false
  }

  learnLeader(leaderId: NodeId): void {
    if (this.leaderId === leaderId) return
    assert(this.leaderId === NO_NODE, `epoch ${this.epoch} has one leader: ${this.leaderId}, not ${leaderId}`)
    this.leaderId = leaderId
  }

  announceLeader(): void {
    this.emit({ kind: 'leaderChange', leaderId: this.leaderEnded ? NO_NODE : this.leaderId, epoch: this.epoch })
  }

  becomeUnattached(electionAt: Millis, probeAt: Millis): void {
    this.enter(unattached(this.mayStand ? electionAt : NEVER, this.asksAround ? probeAt : NEVER))
  }

  becomeFollower(now: Millis, leaderId: NodeId, electionAt: Millis): Follower {
    assert(leaderId === this.leaderId && !this.leaderEnded, 'one follows the leader of the epoch')
    const role: Follower = {
      kind: 'follower',
      leaderId,
      lastHeardAt: now,
      leaderRefused: false,
      electionAt: this.mayStand ? electionAt : NEVER,
      fetching: null,
      fetchAt: now,
      failures: 0,
      download: null,
    }
    this.enter(role)
    return role
  }

  advanceHighWatermark(offset: Offset): boolean {
    if (offset <= this.highWatermark) return false
    assert(offset <= this.log.endOffset, 'what is committed is here')
    this.highWatermark = offset
    this.emit({ kind: 'highWatermark', offset })
    return true
  }
}
