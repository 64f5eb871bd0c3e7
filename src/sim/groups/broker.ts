import { assert } from '../../base/assert.ts'
import { Prng } from '../../base/prng.ts'
import { type Epoch, type Millis, type NodeId, type Timestamp, type Uuid } from '../../base/units.ts'
import type { ApiCommand } from '../../groups/commands.ts'
import { refusedReply } from '../../groups/replies.ts'
import type { ConsumerGroupConfig, GroupSettings } from '../../groups/settings.ts'
import type { GroupsWorld } from '../../groups/state.ts'
import { type CoordinatorBroker, type CoordinatorWorld, type ServedReply, SimulatedCoordinator } from './coordinator.ts'
import type { GroupsOptions } from './options.ts'
import type { LogCopy } from './replicated-log.ts'
import { Actor, type Scheduler } from './scheduler.ts'
import { type SimulatedTopic, TopicsView } from './topics.ts'

const wallStart: Timestamp = 1_700_000_000_000

interface KnownLeader {
  readonly epoch: Epoch
  readonly leader: NodeId
}

/** A broker: its clocks, what it knows of topics and leaders, and a coordinator for each partition of the offsets topic. */
export class SimulatedBroker implements CoordinatorBroker {
  readonly id: NodeId
  readonly actor: Actor
  readonly topics = new TopicsView()
  readonly coordinators: readonly SimulatedCoordinator[]
  readonly groupsWorld: GroupsWorld
  /** Requests that have reached it while it stood still. */
  readonly unread = new Set<ApiCommand>()
  private readonly leaders = new Map<number, KnownLeader>()
  private readonly scheduler: Scheduler
  private readonly monoOffset: Millis
  private readonly wallSkew: Millis

  constructor(id: NodeId, options: GroupsOptions, world: CoordinatorWorld) {
    this.id = id
    this.actor = new Actor(`b${id}`)
    this.scheduler = world.scheduler
    const { random } = this.scheduler
    this.monoOffset = random.below(1_000_000)
    this.wallSkew = Math.round((random.fraction() - 0.5) * options.wallSkewMaxMs)
    this.groupsWorld = {
      settings: settingsOf(options),
      consumerConfig: () => consumerConfigOf(options),
      topics: this.topics,
      entropy: new Prng(random.uint32()),
      wallTime: () => this.wall(),
    }
    this.coordinators = Array.from({ length: options.partitions }, (_, partition) => new SimulatedCoordinator(this, partition, world))
  }

  mono(): Millis {
    return this.scheduler.now + this.monoOffset
  }

  wall(): Timestamp {
    return wallStart + Math.floor(this.scheduler.now) + this.wallSkew
  }

  /** Who leads the partition, as far as this broker knows. */
  leaderOf(partition: number): NodeId | null {
    return this.leaders.get(partition)?.leader ?? null
  }

  /** `copy` is what this broker leads with, if it is the leader. Old news are passed over. */
  learnLeader(partition: number, epoch: Epoch, leader: NodeId, copy: LogCopy): void {
    if (epoch <= (this.leaders.get(partition)?.epoch ?? -1)) return
    this.leaders.set(partition, { epoch, leader })
    const coordinator = this.coordinators[partition]
    if (leader === this.id) coordinator?.lead(copy)
    else coordinator?.resign()
  }

  /** As the handlers of requests do: topics are asked for by id, and refused when this broker does not know them. */
  submit(partition: number, command: ApiCommand, answer: (served: ServedReply) => void): void {
    const coordinator = this.coordinators[partition]
    assert(coordinator !== undefined, `no partition ${partition}`)
    const named = this.withNames(command)
    if (named === null) answer({ reply: refusedReply(command, 'UNKNOWN_TOPIC_ID'), deposedAt: null })
    else coordinator.submit(named, answer)
  }

  private withNames(command: ApiCommand): ApiCommand | null {
    if (command.api === 'offsetCommit') {
      const { request } = command
      const topics = this.named(request.topics)
      return topics === null ? null : { ...command, request: { ...request, topics } }
    }
    if (command.api !== 'offsetFetch') return command
    const { request } = command
    const groups = request.groups.map((group) => ({ ...group, topics: group.topics === null ? null : this.named(group.topics) }))
    const isKnown = groups.every(({ topics }, at) => topics !== null || request.groups[at]?.topics === null)
    return isKnown ? { ...command, request: { ...request, groups } } : null
  }

  /** Null when one of them is not known. */
  private named<T extends { readonly topicId: Uuid }>(topics: readonly T[]): (T & { readonly name: string })[] | null {
    const named = topics.map((topic) => ({ ...topic, name: this.topics.byId(topic.topicId)?.name ?? '' }))
    return named.every(({ name }) => name !== '') ? named : null
  }

  /** News of topics; old ones are passed over. */
  learnTopics(version: number, topics: ReadonlyMap<string, SimulatedTopic>): void {
    const names = this.topics.learn(version, topics)
    if (names.size === 0) return
    for (const coordinator of this.coordinators) if (coordinator.isActive) coordinator.submit({ api: 'topicsChanged', names }, () => {})
  }

  /** The next life learns everything anew. */
  die(): void {
    this.actor.die()
    for (const coordinator of this.coordinators) coordinator.die()
    this.leaders.clear()
    this.unread.clear()
  }
}

export function settingsOf(options: GroupsOptions): GroupSettings {
  return {
    consumerProtocolEnabled: true,
    groupMinSessionTimeoutMs: 100,
    groupMaxSessionTimeoutMs: 1_800_000,
    groupInitialRebalanceDelayMs: options.initialRebalanceDelayMs,
    groupMaxSize: 1000,
    groupConsumerMaxSize: 1000,
    groupConsumerAssignors: ['uniform', 'range'],
    groupConsumerMigrationPolicy: 'bidirectional',
    groupConsumerRegexRefreshIntervalMs: 600_000,
    offsetMetadataMaxBytes: 4096,
    offsetsRetentionMs: options.offsetsRetentionMs,
    recordBatchBytesMax: 1_048_588,
  }
}

export function consumerConfigOf(options: GroupsOptions): ConsumerGroupConfig {
  return {
    sessionTimeoutMs: options.sessionTimeoutMs,
    heartbeatIntervalMs: options.heartbeatIntervalMs,
    assignmentIntervalMs: options.assignmentIntervalMs,
  }
}
