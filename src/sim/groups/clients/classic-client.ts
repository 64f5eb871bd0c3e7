import type { Millis } from '../../../base/units.ts'
import { writeAssignment, writeSubscription, parseSubscription } from '../../../groups/subscriptions/consumer-protocol.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import { isOfCoordinator } from './coordinator-errors.ts'
import type { Link, Response } from './link.ts'
import { type Member, type MemberWorld, restartMinMs, type Signature } from './member.ts'
import { OffsetsClient } from './offsets-client.ts'
import { assignedIn, type PartitionKey, partitionKey } from '../shadow.ts'

type State = 'down' | 'joining' | 'syncing' | 'stable' | 'leaving'

const nothing: ReadonlySet<PartitionKey> = new Set()
const protocolName = 'range'
const joinVersions = [5, 7, 9]
const joinVersionOfStatics = 9
/** A join is answered when the rebalance ends: a client waits so much longer than it may take. */
const joinPatienceMs: Millis = 1_000

export interface ClassicClientOptions {
  readonly groupId: string
  readonly instanceId: string | null
  readonly topics: readonly string[]
}

/**
 * A consumer of the classic protocol with eager rebalances: it gives up all it owns before it joins, and the leader assigns by ranges. After a standstill
 * it goes on with what it knew.
 */
export class ClassicClient implements Member {
  readonly groupId: string
  readonly instanceId: string | null
  readonly topics: readonly string[]
  readonly link: Link
  readonly protocol = 'classic'
  memberId = ''
  generation = -1
  state: State = 'down'
  private owned: ReadonlySet<PartitionKey> = nothing
  private isLeader = false
  /** What it has assigned to itself as the leader, and what it knew of the topics then. */
  private proposed: { readonly from: string; readonly own: ReadonlySet<PartitionKey> } | null = null
  /** Another one with every join: what was under way for an earlier one is passed over. */
  private round = 0
  private readonly version: number
  private readonly offsets: OffsetsClient
  private readonly world: MemberWorld

  constructor(link: Link, options: ClassicClientOptions, world: MemberWorld) {
    this.link = link
    this.groupId = options.groupId
    this.instanceId = options.instanceId
    this.topics = options.topics
    this.world = world
    // Before version 9 a static leader that comes back is not told that it leads, and nobody watches the topics any more (KIP-814)
    this.version = options.instanceId === null ? world.scheduler.random.pick(joinVersions) : joinVersionOfStatics
    this.offsets = new OffsetsClient(this.groupId, link, world)
  }

  get name(): string {
    return this.link.actor.name
  }

  get epoch(): number {
    return this.generation
  }

  get isIn(): boolean {
    return this.state !== 'down' && this.state !== 'leaving'
  }

  ownedByName(): ReadonlySet<PartitionKey> {
    return this.owned
  }

  describe(): string {
    const owned = [...this.owned].join(' ')
    return `${this.name} ${this.instanceId ?? ''} ${this.memberId} ${this.state} in generation ${this.generation}, owns [${owned}]`
  }

  start(): void {
    this.link.actor.rise()
    this.forgetAll()
    this.state = 'joining'
    this.commitSometimes()
    this.join()
  }

  crash(): void {
    this.link.actor.die()
    this.forgetAll()
    this.state = 'down'
  }

  private forgetAll(): void {
    this.own(nothing)
    this.round += 1
    this.memberId = ''
    this.generation = -1
    this.isLeader = false
    this.link.forget()
  }

  private own(partitions: ReadonlySet<PartitionKey>): void {
    this.world.ownership.set(this.groupId, this.memberId, nothing)
    this.owned = partitions
    this.world.ownership.set(this.groupId, this.memberId, new Set(this.known(partitions)))
  }

  private become(memberId: string): void {
    const { owned } = this
    this.own(nothing)
    this.memberId = memberId
    this.own(owned)
  }

  leave(): void {
    if (!this.isIn) return
    this.own(nothing)
    this.round += 1
    this.state = 'leaving'
    const members = [{ memberId: this.memberId, groupInstanceId: this.instanceId }]
    const gone = (): void => this.crash()
    if (this.memberId === '') return gone()
    this.world.scheduler.tell(`${this.name} leaves`)
    this.link.call({ api: 'leaveGroup', version: 4, request: { groupId: this.groupId, members } }, gone)
  }

  // --- joining ---

  private rejoin(): void {
    if (!this.isIn) return
    if (this.state === 'stable' && this.world.scheduler.random.chance(0.3)) this.commit()
    this.own(nothing)
    this.round += 1
    this.state = 'joining'
    const { round } = this
    this.link.backoff(() => {
      if (round === this.round) this.join()
    })
  }

  private join(): void {
    this.own(nothing)
    this.round += 1
    this.state = 'joining'
    const { round, version } = this
    const { options, scheduler } = this.world
    const timeoutMs = options.rebalanceTimeoutMs + options.initialRebalanceDelayMs + joinPatienceMs
    scheduler.tell(`${this.name} joins ${this.groupId} as '${this.memberId}'`)
    this.link.call({ api: 'joinGroup', version, request: this.joinRequest(), timeoutMs }, (answer) => {
      if (round !== this.round) return
      if (answer === null) return this.rejoin()
      this.joined(answer.response)
    })
  }

  private joinRequest() {
    const { options } = this.world
    const metadata = writeSubscription(1, { topics: [...this.topics], userData: null, ownedPartitions: [] })
    return {
      groupId: this.groupId,
      sessionTimeoutMs: options.sessionTimeoutMs,
      rebalanceTimeoutMs: options.rebalanceTimeoutMs,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      protocolType: 'consumer',
      protocols: [{ name: protocolName, metadata }],
    }
  }

  private joined(response: Response<'joinGroup'>): void {
    const { errorCode } = response
    if (errorCode === ErrorCode.NONE) return this.sync(response)
    this.world.scheduler.tell(`${this.name} is refused: join error ${errorCode}`)
    if (errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.become(response.memberId)
      return this.join()
    }
    this.onError(errorCode)
  }

  /** What any answer's error means for a member. */
  private onError(errorCode: number): void {
    if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID) {
      this.own(nothing)
      this.memberId = ''
      this.generation = -1
    } else if (errorCode === ErrorCode.ILLEGAL_GENERATION) {
      this.generation = -1
    } else if (errorCode === ErrorCode.FENCED_INSTANCE_ID) {
      return this.restart()
    } else if (isOfCoordinator(errorCode)) {
      this.link.forget()
    }
    this.rejoin()
  }

  /** Fenced by another with the same instance id, which can only be an earlier life's late request: as an operator would. */
  private restart(): void {
    this.world.scheduler.tell(`${this.name} is fenced and begins anew`)
    this.crash()
    this.link.actor.rise()
    this.state = 'joining'
    this.commitSometimes()
    this.link.after(restartMinMs, () => this.join())
  }

  // --- syncing ---

  private sync(join: Response<'joinGroup'>): void {
    this.become(join.memberId)
    this.generation = join.generationId
    this.state = 'syncing'
    this.isLeader = join.leader === join.memberId
    this.world.onEpochTold(this.groupId, join.generationId)
    const { round, version } = this
    this.proposed = null
    const assignments = this.isLeader && !join.skipAssignment ? this.assign(join.members) : []
    const request = {
      groupId: this.groupId,
      generationId: this.generation,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      ...(version >= 7 ? { protocolType: 'consumer', protocolName } : {}),
      assignments,
    }
    const { options } = this.world
    const timeoutMs = options.rebalanceTimeoutMs + joinPatienceMs
    this.link.call({ api: 'syncGroup', version: version >= 7 ? 5 : 3, request, timeoutMs }, (answer) => {
      if (round !== this.round) return
      if (answer === null) return this.rejoin()
      const { errorCode, assignment } = answer.response
      if (errorCode === ErrorCode.NONE) return this.settle(assignedIn(assignment))
      this.world.scheduler.tell(`${this.name} is refused: sync error ${errorCode}`)
      this.onError(errorCode)
    })
  }

  private topicsNow(topics: Iterable<string>): string {
    const { current } = this.world.topics
    return [...new Set(topics)]
      .sort()
      .map((name) => `${name}/${current.get(name)?.id ?? ''}/${current.get(name)?.partitionCount ?? 0}`)
      .join()
  }

  /** As Kafka's RangeAssignor: of each topic the first so many to the first who wants it, and so on. */
  private assign(members: Response<'joinGroup'>['members']) {
    const wants = members
      .map(({ memberId, groupInstanceId, metadata }) => ({
        memberId,
        order: groupInstanceId ?? `~${memberId}`,
        topics: parseSubscription(metadata)?.topics ?? [],
      }))
      .sort((a, b) => (a.order < b.order ? -1 : 1))
    const assigned = new Map(wants.map(({ memberId }) => [memberId, new Map<string, number[]>()]))
    const all = new Set(wants.flatMap(({ topics }) => topics))
    for (const topic of all) {
      const count = this.world.topics.current.get(topic)?.partitionCount ?? 0
      const takers = wants.filter(({ topics }) => topics.includes(topic))
      for (let partition = 0; partition < count; partition += 1) {
        const taker = takers[Math.floor((partition * takers.length) / count)]
        const of = taker === undefined ? undefined : assigned.get(taker.memberId)
        of?.set(topic, [...(of.get(topic) ?? []), partition])
      }
    }
    this.proposed = { from: this.topicsNow(all), own: new Set(keysOf(assigned.get(this.memberId) ?? new Map<string, number[]>())) }
    return [...assigned].map(([memberId, topics]) => {
      const assignedPartitions = [...topics].map(([topic, partitions]) => ({ topic, partitions }))
      return { memberId, assignment: writeAssignment(1, { assignedPartitions }) }
    })
  }

  private settle(assigned: ReadonlySet<PartitionKey>): void {
    this.state = 'stable'
    this.own(assigned)
    // A leader that was away may have assigned to a group that did not want it: then what was assigned before stands
    if (this.isLeader && this.proposed !== null && isSame(this.proposed.own, assigned))
      this.world.assignedFrom.set(this.groupId, this.proposed.from)
    this.world.scheduler.tell(`${this.name} owns [${[...assigned].join(' ')}] in generation ${this.generation}`)
    const { round } = this
    const known = this.known(assigned)
    if (known.length > 0)
      this.offsets.fetch(
        known,
        this.signature(),
        () => round === this.round,
        () => {},
      )
    this.heartbeatLater()
  }

  // --- in the group ---

  private signature(): Signature {
    return { memberId: this.memberId, epoch: this.generation, instanceId: this.instanceId }
  }

  private heartbeatLater(): void {
    const { round } = this
    this.link.after(this.world.options.heartbeatIntervalMs, () => {
      if (round === this.round && this.state === 'stable') this.heartbeat()
    })
  }

  private heartbeat(): void {
    const { round } = this
    if (this.isLeader && this.hasTopicsChanged()) return this.rejoin()
    const request = {
      groupId: this.groupId,
      generationId: this.generation,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
    }
    this.link.call({ api: 'heartbeat', version: 4, request }, (answer) => {
      if (round !== this.round) return
      const errorCode = answer?.response.errorCode ?? ErrorCode.NONE
      if (errorCode === ErrorCode.NONE) return this.heartbeatLater()
      if (isOfCoordinator(errorCode)) {
        this.link.forget()
        return this.link.backoff(() => {
          if (round === this.round) this.heartbeat()
        })
      }
      this.world.scheduler.tell(`${this.name} hears in a heartbeat: error ${errorCode}`)
      this.onError(errorCode)
    })
  }

  private hasTopicsChanged(): boolean {
    const assignedFrom = this.world.assignedFrom.get(this.groupId)
    if (assignedFrom === undefined) return false
    const names = assignedFrom.split(',').map((entry) => entry.split('/')[0] ?? '')
    return this.topicsNow(names) !== assignedFrom
  }

  private commitSometimes(): void {
    const { options, scheduler } = this.world
    this.link.after(scheduler.between(0.5, 1.5) * options.commitEveryMs, () => {
      if (this.state === 'stable' && !this.world.isQuiet) this.commit()
      if (this.isIn) this.commitSometimes()
    })
  }

  private commit(): void {
    const { random } = this.world.scheduler
    const chosen = this.known(this.owned).filter(() => random.chance(0.5))
    const { round } = this
    if (chosen.length === 0) return
    this.offsets.commit(chosen, this.signature(), (errorCode) => {
      if (round !== this.round || this.state !== 'stable' || errorCode === null || errorCode === ErrorCode.NONE) return
      if (
        errorCode === ErrorCode.UNKNOWN_MEMBER_ID ||
        errorCode === ErrorCode.ILLEGAL_GENERATION ||
        errorCode === ErrorCode.FENCED_INSTANCE_ID
      )
        this.onError(errorCode)
    })
  }

  /** By topic id, as far as the topics are there: a client commits for no others. */
  private known(keys: Iterable<PartitionKey>): PartitionKey[] {
    const { topics } = this.world
    return [...keys].map((key) => topics.byId(key)).filter((key) => key !== null)
  }
}

function* keysOf(topics: ReadonlyMap<string, readonly number[]>): Generator<PartitionKey> {
  for (const [topic, partitions] of topics) for (const partition of partitions) yield partitionKey(topic, partition)
}

function isSame(one: ReadonlySet<PartitionKey>, other: ReadonlySet<PartitionKey>): boolean {
  return one.size === other.size && [...one].every((key) => other.has(key))
}
