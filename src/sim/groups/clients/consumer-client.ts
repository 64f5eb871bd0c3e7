import { NO_UUID } from '../../../base/units.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import { isOfCoordinator } from './coordinator-errors.ts'
import type { Link, Response } from './link.ts'
import { type Member, type MemberWorld, restartMinMs, type Signature } from './member.ts'
import { OffsetsClient } from './offsets-client.ts'
import { type PartitionKey, partitionKey } from '../shadow.ts'

type State = 'down' | 'in' | 'leaving'

const nothing: ReadonlySet<PartitionKey> = new Set()
const heartbeatVersion = 1
const joinEpoch = 0
const leaveEpoch = -1
const leaveStaticEpoch = -2
/** What a consumer does with partitions before it lets them go, or before it takes them. */
const revokeMaxMs = 250

export interface ConsumerClientOptions {
  readonly groupId: string
  readonly instanceId: string | null
  readonly topics: readonly string[]
  /** In place of the names. */
  readonly regex: string | null
  readonly assignor: string | null
}

/** A consumer of the consumer protocol (KIP-848): heartbeats with what it owns; it lets partitions go before it says so, and takes new ones afterwards. */
export class ConsumerClient implements Member {
  readonly groupId: string
  readonly instanceId: string | null
  readonly topics: readonly string[]
  readonly link: Link
  readonly protocol = 'consumer'
  memberId = ''
  epoch = 0
  state: State = 'down'
  /** By topic id. */
  private owned: ReadonlySet<PartitionKey> = nothing
  private target: ReadonlySet<PartitionKey> = nothing
  private isReconciling = false
  /** The next heartbeat says everything, not only what has changed. */
  private saysAll = true
  /** What the coordinator has been told to be owned. */
  private told: ReadonlySet<PartitionKey> | null = null
  private isAsking = false
  private lastError: number = ErrorCode.NONE
  private heartbeatOrder = 0
  private intervalMs: number
  private readonly options: ConsumerClientOptions
  private readonly offsets: OffsetsClient
  private readonly world: MemberWorld

  constructor(link: Link, options: ConsumerClientOptions, world: MemberWorld) {
    this.link = link
    this.groupId = options.groupId
    this.instanceId = options.instanceId
    this.topics = options.topics
    this.options = options
    this.world = world
    this.intervalMs = world.options.heartbeatIntervalMs
    this.offsets = new OffsetsClient(this.groupId, link, world)
    this.offsets.signsFetches = true
  }

  get name(): string {
    return this.link.actor.name
  }

  get isIn(): boolean {
    return this.state === 'in'
  }

  describe(): string {
    const owned = [...this.ownedByName()].join(' ')
    return `${this.name} ${this.instanceId ?? ''} ${this.memberId} ${this.state} at epoch ${this.epoch}, owns [${owned}]`
  }

  /** Partitions of topics that have been deleted keep their name. */
  ownedByName(): ReadonlySet<PartitionKey> {
    return new Set([...this.owned].map((key) => this.named(key)))
  }

  private named(key: PartitionKey): PartitionKey {
    return this.world.topics.byName(key)
  }

  start(): void {
    this.link.actor.rise()
    this.forgetAll()
    this.memberId = this.world.scheduler.random.uuid()
    this.state = 'in'
    this.world.scheduler.tell(`${this.name} joins ${this.groupId} as ${this.memberId}`)
    this.commitSometimes()
    this.heartbeat()
  }

  crash(): void {
    this.link.actor.die()
    this.forgetAll()
    this.state = 'down'
  }

  private forgetAll(): void {
    this.own(nothing)
    this.begin()
    this.link.forget()
  }

  /** As a new member, under the same id. */
  private begin(): void {
    this.own(nothing)
    this.target = nothing
    this.isReconciling = false
    this.epoch = joinEpoch
    this.saysAll = true
    this.told = null
    this.isAsking = false
    this.heartbeatOrder += 1
  }

  private own(partitions: ReadonlySet<PartitionKey>): void {
    this.owned = partitions
    this.world.ownership.set(this.groupId, this.memberId, partitions)
  }

  leave(isTemporary = this.world.scheduler.random.chance(0.7)): void {
    if (!this.isIn) return
    this.begin()
    this.state = 'leaving'
    const memberEpoch = isTemporary && this.instanceId !== null ? leaveStaticEpoch : leaveEpoch
    this.world.scheduler.tell(`${this.name} leaves with epoch ${memberEpoch}`)
    const request = { groupId: this.groupId, memberId: this.memberId, memberEpoch, instanceId: this.instanceId }
    this.link.call({ api: 'consumerGroupHeartbeat', version: heartbeatVersion, request }, () => this.crash())
  }

  // --- heartbeats ---

  private later(delay: number): void {
    this.heartbeatOrder += 1
    const order = this.heartbeatOrder
    this.link.after(delay, () => {
      if (order === this.heartbeatOrder && this.isIn) this.heartbeat()
    })
  }

  private heartbeat(): void {
    if (this.isAsking) return
    this.isAsking = true
    this.heartbeatOrder += 1
    const order = this.heartbeatOrder
    const saying = this.owned
    const request = this.request()
    this.link.call({ api: 'consumerGroupHeartbeat', version: heartbeatVersion, request }, (answer) => {
      if (order !== this.heartbeatOrder || !this.isIn) return
      this.isAsking = false
      if (answer === null) {
        this.saysAll = true
        return this.later(0)
      }
      const { response } = answer
      if (response.errorCode !== ErrorCode.NONE) return this.onError(response.errorCode)
      this.lastError = ErrorCode.NONE
      this.saysAll = false
      this.told = saying
      this.onHeartbeat(response)
    })
  }

  private request() {
    const common = { groupId: this.groupId, memberId: this.memberId, memberEpoch: this.epoch, instanceId: this.instanceId }
    const saysOwned = this.saysAll || this.told !== this.owned
    const topicPartitions = saysOwned ? topicPartitionsOf(this.owned) : null
    if (!this.saysAll) return { ...common, topicPartitions }
    const { regex, assignor } = this.options
    return {
      ...common,
      topicPartitions,
      rebalanceTimeoutMs: this.world.options.rebalanceTimeoutMs,
      subscribedTopicNames: regex === null ? [...this.topics] : [],
      subscribedTopicRegex: regex,
      serverAssignor: assignor,
    }
  }

  private onHeartbeat(response: Response<'consumerGroupHeartbeat'>): void {
    if (response.memberEpoch !== this.epoch) this.world.onEpochTold(this.groupId, response.memberEpoch)
    this.epoch = response.memberEpoch
    this.intervalMs = response.heartbeatIntervalMs
    if (response.assignment !== null) this.target = keysOf(response.assignment.topicPartitions)
    this.later(this.intervalMs)
    this.reconcile()
  }

  private onError(errorCode: number): void {
    if (isOfCoordinator(errorCode)) {
      this.link.forget()
      this.saysAll = true
      return this.later(this.world.scheduler.between(30, 120))
    }
    if (errorCode !== this.lastError) this.world.scheduler.tell(`${this.name} hears: error ${errorCode} at epoch ${this.epoch}`)
    this.lastError = errorCode
    if (errorCode === ErrorCode.FENCED_INSTANCE_ID) return this.restart()
    // Fenced, unknown, or its instance id not free yet: as a new member
    this.begin()
    this.later(this.world.scheduler.between(50, 300))
  }

  private restart(): void {
    this.crash()
    this.link.actor.rise()
    this.memberId = this.world.scheduler.random.uuid()
    this.state = 'in'
    this.commitSometimes()
    this.later(restartMinMs)
  }

  // --- reconciliation ---

  private reconcile(): void {
    if (this.isReconciling || isSame(this.owned, this.target)) return
    const { target } = this
    const { scheduler } = this.world
    this.isReconciling = true
    const order = { memberId: this.memberId, epoch: this.epoch }
    const revoked = [...this.owned].filter((key) => !target.has(key))
    if (revoked.length > 0 && scheduler.random.chance(0.5)) this.commit()
    this.link.after(scheduler.random.fraction() * revokeMaxMs, () => {
      if (!this.isReconciling || order.memberId !== this.memberId) return
      this.isReconciling = false
      const added = [...target].filter((key) => !this.owned.has(key))
      this.world.scheduler.tell(
        `${this.name} at epoch ${this.epoch} lets go [${revoked.map((key) => this.named(key)).join(' ')}], takes [${added.map((key) => this.named(key)).join(' ')}]`,
      )
      this.own(target)
      this.world.onTaken(this, added)
      if (added.length > 0) this.fetch(added)
      if (!this.isAsking) this.later(0)
    })
  }

  private signature(): Signature {
    return { memberId: this.memberId, epoch: this.epoch, instanceId: this.instanceId }
  }

  private fetch(added: readonly PartitionKey[]): void {
    const { memberId } = this
    const wanted = (): boolean => this.isIn && this.memberId === memberId && added.every((key) => this.owned.has(key))
    this.offsets.fetch(added, this.signature(), wanted, (errorCode) => {
      if (errorCode === ErrorCode.STALE_MEMBER_EPOCH && wanted()) this.link.backoff(() => this.fetch(added))
    })
  }

  private commitSometimes(): void {
    const { options, scheduler } = this.world
    this.link.after(scheduler.between(0.5, 1.5) * options.commitEveryMs, () => {
      if (!this.isIn) return
      if (!this.world.isQuiet) this.commit()
      this.commitSometimes()
    })
  }

  private commit(): void {
    if (this.epoch <= 0) return
    const { random } = this.world.scheduler
    const { topics } = this.world
    const chosen = [...this.owned].filter((key) => topics.byId(topics.byName(key)) === key && random.chance(0.5))
    if (chosen.length > 0) this.offsets.commit(chosen, this.signature(), () => {})
  }
}

function isSame(one: ReadonlySet<PartitionKey>, other: ReadonlySet<PartitionKey>): boolean {
  return one.size === other.size && [...one].every((key) => other.has(key))
}

function topicPartitionsOf(keys: ReadonlySet<PartitionKey>): { readonly topicId: string; readonly partitions: number[] }[] {
  const topics = new Map<string, number[]>()
  for (const key of keys) {
    const at = key.lastIndexOf(':')
    const id = key.slice(0, at)
    topics.set(id, [...(topics.get(id) ?? []), Number(key.slice(at + 1))])
  }
  return [...topics].map(([topicId, partitions]) => ({ topicId, partitions }))
}

function keysOf(topics: readonly { readonly topicId: string; readonly partitions: readonly number[] }[]): ReadonlySet<PartitionKey> {
  const keys = new Set<PartitionKey>()
  for (const { topicId, partitions } of topics)
    if (topicId !== NO_UUID) for (const partition of partitions) keys.add(partitionKey(topicId, partition))
  return keys
}
