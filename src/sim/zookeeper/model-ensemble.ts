import { assert } from '../../base/assert.ts'
import type { Clock } from '../../base/ports.ts'
import { Prng } from '../../base/prng.ts'
import type { Millis } from '../../base/units.ts'
import { numberOf } from '../../zookeeper/wire/errors.ts'
import type { Request } from '../../zookeeper/wire/requests.ts'
import { worldAll } from '../../zookeeper/wire/records.ts'
import type { MemoryNetwork } from '../memory-network.ts'
import { Channel } from './channel.ts'
import { decideAll, decideOne, type Decision } from './decide.ts'
import { type Leading, ModelMember } from './model-member.ts'
import { ModelSessions } from './model-sessions.ts'
import type { Identity } from './rights.ts'
import type { Origin, Transaction } from './transaction.ts'
import { Tree } from './tree.ts'

export interface ModelOptions {
  /** The ensemble's servers are at `name-1`, `name-2`, … of the network, and listen on hosts of these names; `zk` when left out. */
  readonly name?: string
  readonly size?: number
  /** `tickTime`: sessions have from 2 to 20 of it, and are expired at a whole one. 500 when left out. */
  readonly tickMs?: Millis
  /** A server that does not hear of its leader for so long drops its clients, and so does a leader without a majority; two ticks when left out. */
  readonly syncLimitMs?: Millis
  /** At least so long nobody leads when a leader was lost; 100 when left out. */
  readonly electionMs?: Millis
  /** A follower is up to so much behind, by chance for each transaction; 5 when left out. */
  readonly lagMsMax?: Millis
  readonly seed?: number
  /** Told of each transaction when it is committed, in their order. */
  readonly onCommitted?: (transaction: Transaction) => void
}

interface Proposal {
  readonly from: number
  readonly kind: Transaction['kind']
  readonly session: bigint
  readonly timeoutMs: Millis
  readonly identities: readonly Identity[]
  readonly request: Request | null
  readonly origin: Origin | null
  /** The servers that have it on their disks although it is not committed: it may outlive its leader. */
  readonly heldBy: ReadonlySet<number>
}

const firstPort = 2181
const wayMs: Millis = 0.5

/**
 * A model of a ZooKeeper ensemble that speaks its bytes on a simulated network. One order of transactions, which a majority of servers that the leader
 * reaches has on disk; each server carries it out on its own nodes, in order and late. The leader decides, expires sessions by its clock and is
 * replaced when it has died, is cut off or paused; what it had proposed and not committed lives on if the next one has it. Messages between servers
 * are not bytes, but pass only where the network lets them. Same seed, same course.
 */
export class ModelEnsemble implements Leading {
  readonly members: readonly ModelMember[]
  readonly order: Transaction[] = []
  private readonly clock: Clock
  private readonly network: MemoryNetwork
  private readonly options: ModelOptions
  private readonly prng: Prng
  private readonly tickMs: Millis
  private readonly sessions: ModelSessions
  /** With all that is committed. */
  private readonly decided = new Tree([worldAll])
  private leadingAt = -1
  private epoch = 0
  private counter = 0
  private proposals: Proposal[] = []
  private commits: Channel | null = null

  constructor(network: MemoryNetwork, clock: Clock, options: ModelOptions = {}) {
    this.network = network
    this.clock = clock
    this.options = options
    this.tickMs = options.tickMs ?? 500
    this.prng = new Prng(options.seed ?? 1)
    this.sessions = new ModelSessions(this.tickMs, this.prng)
    const name = options.name ?? 'zk'
    this.members = Array.from({ length: options.size ?? 3 }, (_, at) => {
      const place = `${name}-${at + 1}`
      return new ModelMember({ at, place, host: place, port: firstPort + at }, this, () => this.delay())
    })
  }

  /** For `zookeeper.connect`. */
  get connect(): string {
    return this.members.map(({ where }) => `${where.host}:${where.port}`).join(',')
  }

  /** The place of the server that leads and serves; -1 when none does. */
  get leader(): number {
    return this.leadingAt
  }

  /** What is committed. */
  get nodes(): Tree {
    return this.decided
  }

  get sessionIds(): readonly bigint[] {
    return this.sessions.ids
  }

  launchAll(): void {
    for (const { where } of this.members) this.launch(where.at)
  }

  launch(at: number): void {
    const member = this.member(at)
    if (member.role !== 'down') return
    member.look(this.clock)
    void member.listen(this.network.from(member.where.place))
    this.beatSoon(member, member.life)
  }

  /** As `kill -9`; its disk stays. */
  kill(at: number): void {
    const member = this.member(at)
    if (at === this.leadingAt) this.loseLeader()
    member.die()
    this.network.kill(member.where.host, member.where.port)
  }

  /** As SIGSTOP, and SIGCONT. */
  pause(at: number): void {
    const { where } = this.member(at)
    this.member(at).isPaused = true
    this.network.freeze(where.host, where.port)
  }

  resume(at: number): void {
    const { where } = this.member(at)
    this.member(at).isPaused = false
    this.network.thaw(where.host, where.port)
  }

  /** Whether all that are up serve. */
  get isWhole(): boolean {
    return this.leadingAt !== -1 && this.members.every((it) => it.role === 'down' || (it.isServing && it.epoch === this.epoch))
  }

  private member(at: number): ModelMember {
    const member = this.members[at]
    assert(member !== undefined, `the ensemble has no server ${at}`)
    return member
  }

  private get majority(): number {
    return Math.floor(this.members.length / 2) + 1
  }

  private delay(): Millis {
    return wayMs + this.prng.fraction() * wayMs
  }

  private reaches(one: ModelMember, other: ModelMember): boolean {
    if (!one.isUp || !other.isUp) return false
    const now = this.clock.mono()
    const { links } = this.network
    return !links.isQuiet(one.where.place, other.where.place, now) && !links.isQuiet(other.where.place, one.where.place, now)
  }

  private beatSoon(member: ModelMember, life: number): void {
    this.clock.after(this.tickMs / 2, () => {
      if (member.life !== life) return
      if (!member.isPaused) this.beat(member)
      this.beatSoon(member, life)
    })
  }

  private beat(member: ModelMember): void {
    if (member.role === 'leading') this.beatOfLeader(member)
    else if (member.role === 'following') this.beatOfFollower(member)
    else this.beatOfSeeker(member)
  }

  private beatOfLeader(leader: ModelMember): void {
    const now = this.clock.mono()
    let followers = 1
    for (const member of this.members) {
      if (member.role !== 'following' || member.epoch !== leader.epoch) continue
      if (this.reaches(leader, member)) member.heardAt = now
      if (now - member.heardAt <= this.syncLimitMs) followers += 1
    }
    if (followers < this.majority) return this.depose(leader)
    for (const session of this.sessions.takeExpired(now)) this.hold(this.proposal({ from: -1, kind: 'closeSession', session }))
  }

  private get syncLimitMs(): Millis {
    return this.options.syncLimitMs ?? 2 * this.tickMs
  }

  private depose(leader: ModelMember): void {
    if (leader.where.at === this.leadingAt) this.loseLeader()
    leader.look(this.clock)
  }

  private loseLeader(): void {
    this.leadingAt = -1
    this.commits?.close()
    this.commits = null
  }

  private beatOfFollower(member: ModelMember): void {
    const leader = this.members.find((it) => it.role === 'leading' && it.epoch === member.epoch)
    const now = this.clock.mono()
    // The end of a connection is noticed at once, silence is not.
    if (leader === undefined) return member.look(this.clock)
    if (this.reaches(member, leader)) member.heardAt = now
    if (now - member.heardAt > this.syncLimitMs) return member.look(this.clock)
    member.relayTouches()
  }

  private beatOfSeeker(member: ModelMember): void {
    const leader = this.members[this.leadingAt]
    if (leader !== undefined && this.reaches(member, leader)) return this.join(member, leader)
    const voters = this.members.filter((it) => it.role === 'looking' && (it === member || this.reaches(it, member)))
    const since = this.clock.mono() - (this.options.electionMs ?? 100)
    if (voters.length < this.majority || voters.some((it) => it.lookingSince > since)) return
    const best = voters.reduce((most, it) => (it.logged >= most.logged ? it : most), member)
    if (best === member || best.logged === member.logged) this.elect(member, voters)
  }

  /** Whoever has most is elected: a majority has all that was committed, so it has. */
  private elect(leader: ModelMember, voters: readonly ModelMember[]): void {
    assert(leader.logged === this.order.length, 'the elected has all that was committed')
    this.loseLeader()
    this.epoch += 1
    this.counter = 0
    this.leadingAt = leader.where.at
    this.sessions.startAnew(this.clock.mono())
    leader.role = 'leading'
    this.commits = new Channel(this.clock, () => leader.isUp && this.hasMajority(leader))
    const { proposals } = this
    this.proposals = []
    for (const proposal of proposals) {
      if (!proposal.heldBy.has(leader.where.at)) break
      this.commit(proposal)
    }
    for (const voter of voters) this.join(voter, leader)
  }

  private hasMajority(leader: ModelMember): boolean {
    return this.reachedBy(leader).length >= this.majority
  }

  private reachedBy(leader: ModelMember): readonly ModelMember[] {
    return this.members.filter((it) => it === leader || (it.epoch === leader.epoch && it.isServing && this.reaches(leader, it)))
  }

  private join(member: ModelMember, leader: ModelMember): void {
    member.role = member === leader ? 'leading' : 'following'
    member.epoch = this.epoch
    member.heardAt = this.clock.mono()
    const isOpen = (): boolean => (member === leader ? member.isUp : this.reaches(member, leader))
    member.toLeader = new Channel(this.clock, isOpen)
    member.fromLeader = new Channel(this.clock, isOpen)
    member.carryOut(this.order, this.order.length)
  }

  propose(from: ModelMember, origin: Origin, session: bigint, identities: readonly Identity[], request: Request): void {
    const kind = request.op === 'closeSession' ? 'closeSession' : 'operations'
    if (from.epoch === this.epoch) this.hold(this.proposal({ from: from.where.at, kind, session, identities, request, origin }))
  }

  createSession(from: ModelMember, origin: Origin, timeoutMs: Millis): void {
    if (from.epoch === this.epoch) this.hold(this.proposal({ from: from.where.at, kind: 'createSession', timeoutMs, origin }))
  }

  revalidate(from: ModelMember, session: bigint, password: Buffer): Millis {
    return from.epoch === this.epoch ? this.sessions.move(session, password, from.where.at, this.clock.mono()) : 0
  }

  touch(sessions: readonly bigint[]): void {
    for (const session of sessions) this.sessions.touch(session, this.clock.mono())
  }

  passwordOf(session: bigint): Buffer {
    return this.sessions.passwordOf(session)
  }

  grant(timeoutMs: Millis): Millis {
    return Math.min(20 * this.tickMs, Math.max(2 * this.tickMs, timeoutMs))
  }

  private proposal(it: Pick<Proposal, 'from' | 'kind'> & Partial<Proposal>): Proposal {
    const leader = this.members[this.leadingAt]
    const holders = leader === undefined ? [] : this.reachedBy(leader).filter((other) => other === leader || this.prng.chance(0.5))
    const heldBy = new Set(holders.map(({ where }) => where.at))
    return { session: 0n, timeoutMs: 0, identities: [], request: null, origin: null, heldBy, ...it }
  }

  private hold(proposal: Proposal): void {
    if (this.commits === null) return
    this.proposals.push(proposal)
    this.commits.send(this.delay() * 2, () => {
      this.proposals.shift()
      this.commit(proposal)
    })
  }

  private commit(proposal: Proposal): void {
    this.counter += 1
    const zxid = (BigInt(this.epoch) << 32n) | BigInt(this.counter)
    const transaction = this.decide(proposal, zxid)
    this.order.push(transaction)
    this.options.onCommitted?.(transaction)
    const leader = this.member(this.leadingAt)
    const end = this.order.length
    for (const member of this.reachedBy(leader)) member.logged = Math.max(member.logged, end)
    leader.carryOut(this.order, end)
    for (const member of this.members) {
      if (member === leader || member.epoch !== this.epoch) continue
      const lag = this.prng.fraction() * (this.options.lagMsMax ?? 5)
      member.fromLeader?.send(this.delay() + lag, () => member.carryOut(this.order, end))
    }
  }

  private decide(proposal: Proposal, zxid: bigint): Transaction {
    const time = this.clock.wall()
    const now = this.clock.mono()
    const { kind, origin, from } = proposal
    const session = kind === 'createSession' ? this.sessions.create(from, proposal.timeoutMs, now) : proposal.session
    const check = from === -1 ? 'ok' : this.sessions.check(session, from)
    const decision = check === 'ok' ? this.decisionOf(proposal, session, zxid) : { effects: [], error: numberOf(check), answer: null }
    if (kind === 'closeSession' && check === 'ok') this.sessions.close(session)
    return { zxid, time, session, kind: check === 'ok' ? kind : 'operations', origin, ...decision }
  }

  private decisionOf({ kind, identities, request }: Proposal, session: bigint, zxid: bigint): Decision {
    const time = this.clock.wall()
    const asker = { session, identities, zxid, time }
    if (kind === 'closeSession') {
      const effects = this.decided.ephemeralsOf(session).map((path) => ({ type: 'delete', path }) as const)
      for (const effect of effects) this.decided.apply(effect, zxid, time)
      return { effects, error: 0, answer: { op: 'closeSession' } }
    }
    if (request === null) return { effects: [], error: 0, answer: null }
    if (request.op === 'multi') return decideAll(this.decided, request.operations, asker)
    if (request.op === 'create' || request.op === 'set' || request.op === 'delete' || request.op === 'check')
      return decideOne(this.decided, request, asker)
    return { effects: [], error: numberOf('unimplemented'), answer: null }
  }
}
