import type { Prng } from '../../../base/prng.ts'
import { type Millis, type Offset, partitionName } from '../../../base/units.ts'
import type { ClusterClient } from '../../../client/cluster-client.ts'
import { apis } from '../../../protocol/apis.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import { isOfCoordinator } from '../../groups/clients/coordinator-errors.ts'
import { type CampaignClient, type ClientWorld, pauseOf, prngOf, reasonOf } from './client.ts'
import { GroupLink } from './group-link.ts'

const fetchPatienceMs: Millis = 700
const fetchWaitMs: Millis = 30
const requestMs: Millis = 1_500
const retryMsMax: Millis = 120
/** A member's process dies now and then, in this many polls once. */
const pollsOfALife = 400

/** After these a commit has certainly not happened. */
const certainFailures: ReadonlySet<number> = new Set([
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.FENCED_MEMBER_EPOCH,
  ErrorCode.STALE_MEMBER_EPOCH,
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.GROUP_ID_NOT_FOUND,
])

/** What a commit or a fetch is signed with. */
export interface Signature {
  readonly memberId: string
  /** The generation or the member epoch. */
  readonly epoch: number
}

/** One of the two protocols, as a member speaks it. */
export interface Membership {
  readonly signature: Signature
  /** Joins, or says that it lives; resolves when the answer is there. Tells the member what it owns (`own`) and what it has lost (`own` without it). */
  step(): Promise<void>
  /** Leaves the group, if it can. */
  leave(): Promise<void>
  /** It is in the group, and nothing goes on. */
  readonly isStable: boolean
  describe(): string
}

/** What a membership needs of its member. */
export interface MembershipHost {
  readonly link: GroupLink
  readonly groupId: string
  readonly topic: string
  readonly prng: Prng
  /** How many partitions the topic has, as far as the member can find out. */
  partitionCount(): Promise<number | null>
  topicId(): string | null
  readonly owned: ReadonlySet<number>
  /** From now on it reads exactly these. What it had read of those it loses is committed first, if there is time. */
  own(partitions: ReadonlySet<number>, commitsFirst: boolean): Promise<void>
  retryPause(): Promise<void>
}

export type MembershipMaker = (host: MembershipHost) => Membership

/** One life of a process in a group: reads what the group gives it, commits where it is, and may die at any time. */
class Life implements MembershipHost {
  readonly link: GroupLink
  readonly groupId: string
  readonly topic: string
  readonly prng: Prng
  readonly process: string
  readonly membership: Membership
  owned: ReadonlySet<number> = new Set()
  private readonly of: ClientWorld
  private readonly client: ClusterClient
  private readonly positions = new Map<number, Offset>()
  private readonly committed = new Map<number, Offset>()

  constructor(process: string, place: string, groupId: string, of: ClientWorld, make: MembershipMaker) {
    this.process = process
    this.groupId = groupId
    this.topic = of.topic
    this.of = of
    this.prng = prngOf(of.seed, process)
    this.link = new GroupLink(of.world, groupId, process, place, this.prng.below(100))
    this.client = of.world.client(process, place)
    this.membership = make(this)
    of.recorder.client(process, { group: groupId, reportsRebalances: true })
    const keys = Array.from({ length: of.partitions }, (_unused, partition) => this.key(partition))
    this.end(this.begin({ f: 'subscribe', keys }))
  }

  private key(partition: number): string {
    return partitionName(this.topic, partition)
  }

  private begin(request: Parameters<ClientWorld['recorder']['invoke']>[1]): number {
    return this.of.recorder.invoke(this.process, request, this.of.world.clock.mono())
  }

  private end(id: number): void {
    this.of.recorder.ok(id, this.of.world.clock.mono())
  }

  retryPause(): Promise<void> {
    return pauseOf(this.of.world, this.prng.between(10, retryMsMax))
  }

  async partitionCount(): Promise<number | null> {
    try {
      const answer = await this.client.metadata([this.topic], { timeoutMs: requestMs })
      return answer.topics[0]?.partitions.length ?? null
    } catch {
      return null
    }
  }

  topicId(): string | null {
    return this.of.topicId
  }

  async own(partitions: ReadonlySet<number>, commitsFirst: boolean): Promise<void> {
    const lost = [...this.owned].filter((it) => !partitions.has(it))
    const added = [...partitions].filter((it) => !this.owned.has(it))
    if (commitsFirst && lost.length > 0) await this.commit(lost)
    const changed = [...lost, ...added].map((it) => this.key(it))
    this.owned = partitions
    for (const partition of lost) this.forget(partition)
    if (changed.length > 0) this.end(this.begin({ f: 'rebalance', keys: changed }))
  }

  private forget(partition: number): void {
    this.positions.delete(partition)
    this.committed.delete(partition)
  }

  /** One poll of one of its partitions, which needs a position first. */
  async poll(): Promise<void> {
    const all = [...this.owned]
    if (all.length === 0) return
    const partition = this.prng.pick(all)
    const position = this.positions.get(partition)
    if (position === undefined) return this.fetchCommitted(partition)
    const { recorder, world } = this.of
    const id = this.begin({ f: 'poll' })
    try {
      const at = { topic: this.topic, partition }
      const { records } = await this.client.fetch(at, position, { timeoutMs: fetchPatienceMs, maxWaitMs: fetchWaitMs })
      // What was lost meanwhile is not handed out, as a consumer does not
      const isHeld = this.owned.has(partition) && this.positions.get(partition) === position
      const key = this.key(partition)
      const polls = isHeld ? records.map((it) => ({ key, value: it.value?.toString() ?? '', offset: it.offset })) : []
      const last = polls.at(-1)
      if (last !== undefined) this.positions.set(partition, last.offset + 1)
      recorder.ok(id, world.clock.mono(), { polls })
    } catch (error) {
      recorder.info(id, world.clock.mono(), reasonOf(error))
    }
  }

  private async fetchCommitted(partition: number): Promise<void> {
    const { recorder, world } = this.of
    const { memberId, epoch } = this.membership.signature
    const key = this.key(partition)
    const id = this.begin({ f: 'committed', group: this.groupId, keys: [key] })
    const topics = [{ name: this.topic, partitionIndexes: [partition] }]
    const group = { groupId: this.groupId, memberId: memberId === '' ? null : memberId, memberEpoch: epoch, topics }
    const body = { groups: [group], requireStable: true }
    const answer = await this.link.call(apis.offsetFetch, body, { timeoutMs: requestMs, version: 9 })
    const found = answer?.groups[0]
    const of = found?.topics[0]?.partitions[0]
    const error = found === undefined ? 'no answer' : String(found.errorCode === ErrorCode.NONE ? of?.errorCode : found.errorCode)
    if (of === undefined || found?.errorCode !== ErrorCode.NONE || of.errorCode !== ErrorCode.NONE) {
      recorder.info(id, world.clock.mono(), error)
      this.link.forget()
      return this.retryPause()
    }
    recorder.ok(id, world.clock.mono(), { positions: [{ key, offset: of.committedOffset }] })
    if (!this.owned.has(partition) || this.positions.has(partition)) return
    this.positions.set(partition, Math.max(0, of.committedOffset))
    this.committed.set(partition, Math.max(0, of.committedOffset))
  }

  commitSome(): Promise<void> {
    return this.commit([...this.owned])
  }

  private async commit(partitions: readonly number[]): Promise<void> {
    const due = partitions.filter((it) => (this.positions.get(it) ?? -1) > (this.committed.get(it) ?? -1))
    const { memberId, epoch } = this.membership.signature
    if (due.length === 0 || epoch < 0) return
    const positions = due.map((it) => ({ key: this.key(it), offset: this.positions.get(it) ?? 0 }))
    const { recorder, world } = this.of
    const id = this.begin({ f: 'commit', group: this.groupId, generation: epoch, positions })
    const told = due.map((partitionIndex) => ({
      partitionIndex,
      committedOffset: this.positions.get(partitionIndex) ?? 0,
      committedMetadata: '',
    }))
    const body = { groupId: this.groupId, generationIdOrMemberEpoch: epoch, memberId, topics: [{ name: this.topic, partitions: told }] }
    const answer = await this.link.call(apis.offsetCommit, body, { timeoutMs: requestMs, version: 9 })
    const codes = answer?.topics.flatMap((topic) => topic.partitions.map((it) => it.errorCode)) ?? null
    const now = world.clock.mono()
    if (codes?.every((it) => it === ErrorCode.NONE) === true) {
      recorder.ok(id, now)
      for (const { partitionIndex, committedOffset } of told)
        if (this.owned.has(partitionIndex)) this.committed.set(partitionIndex, committedOffset)
    } else if (codes?.every((it) => certainFailures.has(it)) === true) recorder.fail(id, now, codes.join(' '))
    else recorder.info(id, now, codes?.join(' ') ?? 'no answer')
    if (codes?.some((it) => isOfCoordinator(it)) === true) this.link.forget()
  }

  close(): void {
    this.link.close()
    this.client.close()
  }
}

/** A member of a group, through all lives of its process. */
export class GroupMember implements CampaignClient {
  readonly name: string
  readonly place: string
  readonly groupId: string
  private readonly of: ClientWorld
  private readonly make: MembershipMaker
  private readonly heartbeatMs: Millis
  private isStopped = false
  private life: Life | null = null

  constructor(name: string, groupId: string, heartbeatMs: Millis, of: ClientWorld, make: MembershipMaker) {
    this.name = name
    this.place = name
    this.groupId = groupId
    this.heartbeatMs = heartbeatMs
    this.of = of
    this.make = make
  }

  /** What it owns; null while it is not in the group, or something goes on. */
  get stable(): ReadonlySet<number> | null {
    return this.life?.membership.isStable === true ? this.life.owned : null
  }

  describe(): string {
    const { life } = this
    return life === null ? `${this.name} is not there` : `${this.name} ${life.membership.describe()}, owns [${[...life.owned].join(' ')}]`
  }

  async run(): Promise<void> {
    const prng = prngOf(this.of.seed, `${this.name}'s lives`)
    for (let number = 1; !this.isStopped; number += 1) {
      const life = new Life(`${this.name}/${number}`, this.place, this.groupId, this.of, this.make)
      this.life = life
      await this.live(life, prng)
      if (this.isStopped || prng.chance(0.5)) await this.depart(life)
      else this.of.story.tell('client', `${life.process} dies`, true)
      this.life = null
      life.close()
      await pauseOf(this.of.world, prng.between(1, 300))
    }
  }

  private async live(life: Life, prng: Prng): Promise<void> {
    const { world } = this.of
    let heartbeatAt = -Infinity
    while (!this.isStopped) {
      if (world.clock.mono() >= heartbeatAt || !life.membership.isStable) {
        heartbeatAt = world.clock.mono() + this.heartbeatMs
        await life.membership.step()
      }
      await life.poll()
      if (prng.chance(0.15)) await life.commitSome()
      await pauseOf(world, prng.between(1, 60))
      if (!this.isSettled && prng.chance(1 / pollsOfALife)) return
    }
  }

  private async depart(life: Life): Promise<void> {
    await life.commitSome()
    await life.membership.leave()
  }

  /** Nobody dies any more. */
  isSettled = false

  stop(): void {
    this.isStopped = true
  }
}
