import { assert } from '../../base/assert.ts'
import type { Millis, Offset } from '../../base/units.ts'
import type { GroupCommand, GroupReply } from '../../groups/commands.ts'
import { GroupsLedger } from '../../groups/groups-ledger.ts'
import type { GroupFact } from '../../groups/records/fact.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { SimulatedBroker } from './broker.ts'
import { Channel } from './channel.ts'
import { ClassicClient } from './clients/classic-client.ts'
import { ConsumerClient } from './clients/consumer-client.ts'
import type { CoordinatorBroker, CoordinatorWorld, SimulatedCoordinator } from './coordinator.ts'
import { Link } from './clients/link.ts'
import { LogJudge } from './log-judge.ts'
import type { Member, MemberWorld } from './clients/member.ts'
import { OffsetHistory, type PendingOp } from './offset-history.ts'
import type { GroupOptions, GroupsOptions } from './options.ts'
import { Ownership } from './ownership.ts'
import { type LogCopy, ReplicatedLog, type StoredBatch } from './replicated-log.ts'
import type { HostedGroups, Sabotage } from './sabotage.ts'
import { Actor, Scheduler } from './scheduler.ts'
import { type PartitionKey, partitionKey } from './shadow.ts'
import { SimpleClient } from './clients/simple-client.ts'
import { SimulatedTopics } from './topics.ts'
import { classicView, commandOf, consumerView, holdDisjoint, responseOf } from './views.ts'
import { hold } from './violation.ts'

const stallMinMs: Millis = 500
const stallMaxMs: Millis = 6_000
/** Commands and answers of one coordinator that wait, at most: members are few. */
const waitingMax = 500

interface PendingDeletion {
  readonly partition: number
  readonly end: number
  readonly op: PendingOp
}

/** Brokers, logs, topics and members under one scheduler. What goes wrong in it is the business of `Faults`. */
export class World implements CoordinatorWorld, MemberWorld {
  readonly options: GroupsOptions
  readonly sabotage: Sabotage
  readonly scheduler: Scheduler
  readonly channel: Channel
  readonly topics: SimulatedTopics
  readonly brokers: readonly SimulatedBroker[]
  readonly logs: readonly ReplicatedLog[]
  readonly members: Member[] = []
  readonly ownership = new Ownership()
  readonly history = new OffsetHistory()
  readonly judge: LogJudge
  readonly assignedFrom = new Map<string, string>()
  readonly counts = new Map<string, number>()
  isQuiet = false
  private deletions: PendingDeletion[] = []
  private offsetsGiven = 0

  constructor(seed: number, options: GroupsOptions, sabotage: Sabotage) {
    this.options = options
    this.sabotage = sabotage
    this.scheduler = new Scheduler(seed)
    const { random } = this.scheduler
    this.channel = new Channel(this.scheduler, options)
    this.topics = new SimulatedTopics(random)
    this.judge = new LogJudge(options, this.ownership)
    this.brokers = Array.from({ length: options.brokers }, (_, at) => new SimulatedBroker(at + 1, options, this))
    this.logs = Array.from({ length: options.partitions }, (_, partition) => {
      const log = new ReplicatedLog(partition, random.between(1, options.brokers), random, options.compaction)
      return log
    })
    for (let at = 0; at < options.topics; at += 1) this.topics.create(`t${at}`, random.between(1, options.topicPartitionsMax))
    for (const broker of this.brokers) broker.learnTopics(this.topics.version, this.topics.current)
    for (const log of this.logs) this.announce(log)
    options.groups.forEach((group, at) => this.populate(group, at % options.partitions))
  }

  get commitTimeoutMs(): Millis {
    return this.options.commitTimeoutMs
  }

  get requestTimeoutMs(): Millis {
    return this.options.requestTimeoutMs
  }

  get isFaulty(): boolean {
    return this.channel.isFaulty
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  nextOffset(): number {
    this.offsetsGiven += 1
    return this.offsetsGiven
  }

  // --- members ---

  partitionOf(groupId: string): number {
    return this.options.groups.findIndex((group) => group.groupId === groupId) % this.options.partitions
  }

  private populate(group: GroupOptions, partition: number): void {
    const { groupId, kind } = group
    if (kind === 'simple') {
      for (let at = 0; at < group.clients; at += 1) new SimpleClient(groupId, this.link(`${groupId}/s${at}`, partition), this).start()
      return
    }
    for (let at = 0; at < group.clients; at += 1) {
      const member = this.makeMember(group, partition, at)
      this.members.push(member)
      member.link.actor.die()
      this.scheduler.after(this.scheduler.between(0, 4000), () => {
        if (!member.link.actor.isUp) member.start()
      })
    }
    // Nobody's member, who is turned away while there are members
    if (this.scheduler.random.chance(0.3)) new SimpleClient(groupId, this.link(`${groupId}/s`, partition), this).start()
  }

  private makeMember(group: GroupOptions, partition: number, at: number): Member {
    const { random } = this.scheduler
    const { groupId, kind } = group
    const instanceId = at < group.statics ? `${groupId}-i${at}` : null
    const all = Array.from({ length: this.options.topics }, (_, topic) => `t${topic}`)
    const some = random.chance(0.7) ? all : all.filter(() => random.chance(0.6))
    const topics = some.length === 0 ? all : some
    const isConsumer = kind === 'consumer' || (kind === 'mixed' && random.chance(0.5))
    const link = this.link(`${groupId}/${isConsumer ? 'k' : 'c'}${at}`, partition)
    if (!isConsumer) return new ClassicClient(link, { groupId, instanceId, topics }, this)
    const assignor = random.pick([null, 'uniform', 'range'])
    const regex = random.chance(0.15) ? 't.*' : null
    return new ConsumerClient(link, { groupId, instanceId, topics: regex === null ? topics : all, regex, assignor }, this)
  }

  private link(name: string, partition: number): Link {
    return new Link(new Actor(name), partition, this)
  }

  /** Whoever is told of an epoch can rely on it: the log has it, and always will. */
  onEpochTold(groupId: string, epoch: number): void {
    const { shadow } = this.logOf(groupId).copy
    if (this.judge.incarnationOf(groupId) > 0) return
    const known = Math.max(shadow.consumer.get(groupId)?.epoch ?? -1, shadow.classic.get(groupId)?.generation ?? -1)
    hold(epoch <= known, 'G-4', () => `a member of ${groupId} was told of epoch ${epoch}; the log knows of ${known}`)
  }

  onTaken(member: Member, added: readonly PartitionKey[]): void {
    const { groupId } = member
    const group = this.logOf(groupId).copy.shadow.consumer.get(groupId)
    const isAllowed = (memberId: string, key: PartitionKey): boolean => {
      const known = group?.members.get(memberId)
      return known?.isMember !== true || known.assigned.has(key) || known.revoking.has(key)
    }
    for (const key of added) {
      for (const other of this.ownership.others(groupId, member.memberId, key)) {
        if (this.judge.isMisled(groupId, other, key)) continue
        const both = isAllowed(member.memberId, key) && isAllowed(other, key)
        hold(both, 'G-5', () => `${member.name} takes ${key}, which '${other}' has not let go`)
      }
    }
  }

  logOf(groupId: string): ReplicatedLog {
    const log = this.logs[this.partitionOf(groupId)]
    assert(log !== undefined, `no log for ${groupId}`)
    return log
  }

  // --- coordinators ---

  loadTime(): Millis {
    return this.scheduler.between(0, this.options.loadMaxMs)
  }

  makeLedger(broker: CoordinatorBroker): HostedGroups {
    return this.sabotage.wrap(new GroupsLedger(broker.groupsWorld))
  }

  append(coordinator: SimulatedCoordinator, copy: LogCopy, facts: readonly GroupFact[], cause: GroupCommand | null): StoredBatch {
    const { scheduler } = this
    const log = this.logAt(coordinator.partition)
    const broker = this.brokerOf(coordinator)
    const isInOffice = log.copy === copy
    if (isInOffice) this.noteDeletions(log.partition, copy, facts)
    this.judge.onAppend({ copy, broker, facts, cause, now: scheduler.now })
    const batch = log.append(copy, facts)
    scheduler.note(`append ${coordinator.partition} ${copy.epoch} ${batch.lastOffset} ${facts.map(({ type }) => type).join()}`)
    this.count(isInOffice ? 'batches' : 'batches of deposed leaders')
    return batch
  }

  private noteDeletions(log: number, copy: LogCopy, facts: readonly GroupFact[]): void {
    facts.forEach((fact, at) => {
      if (fact.type !== 'offsetCommit' || fact.value !== null) return
      const { group, topic, partition } = fact.key
      const offset = copy.shadow.offsets.get(group)?.get(partitionKey(topic, partition))
      if (offset === undefined) return
      const op = this.history.deleted(group, partitionKey(offset.topicId, partition), this.scheduler.now)
      this.deletions.push({ partition: log, end: copy.endOffset + at + 1, op })
    })
  }

  logAt(partition: number): ReplicatedLog {
    const log = this.logs[partition]
    assert(log !== undefined, `no partition ${partition}`)
    return log
  }

  brokerOf({ broker }: SimulatedCoordinator): SimulatedBroker {
    const found = this.brokers.find(({ id }) => id === broker.id)
    assert(found !== undefined, `no broker ${broker.id}`)
    return found
  }

  onActive(coordinator: SimulatedCoordinator, copy: LogCopy): void {
    this.judge.onActive(copy, this.scheduler.now)
    this.scheduler.tell(
      `b${coordinator.broker.id} coordinates partition ${coordinator.partition} in epoch ${copy.epoch}, ${copy.endOffset} records`,
    )
  }

  onAnswered(copy: LogCopy, command: GroupCommand, reply: GroupReply, decidedAt: Millis): void {
    if (command.api !== 'consumerGroupHeartbeat' || reply.api !== 'consumerGroupHeartbeat') return
    const { groupId, memberId, memberEpoch } = command.request
    if (reply.response.errorCode === ErrorCode.NONE && memberEpoch >= 0) this.judge.onHeard(copy, groupId, memberId, decidedAt)
  }

  onDecided(coordinator: SimulatedCoordinator, command: GroupCommand): void {
    this.count(command.api)
    hold(coordinator.waiting <= waitingMax, 'answers', () => `${coordinator.waiting} commands and answers wait`)
  }

  replicate(coordinator: SimulatedCoordinator, copy: LogCopy): void {
    const { scheduler, options } = this
    const end = copy.endOffset
    if (end <= copy.highWatermark) return
    if (this.isFaulty && scheduler.random.chance(options.stallChance)) {
      copy.stalledUntil = Math.max(copy.stalledUntil, scheduler.now + scheduler.between(stallMinMs, stallMaxMs))
      this.count('stalls')
    }
    const delay = Math.max(scheduler.between(0.1, options.replicationMaxMs), copy.stalledUntil - scheduler.now)
    scheduler.afterFor(coordinator.broker.actor, delay, () => {
      const log = this.logAt(coordinator.partition)
      if (end <= copy.highWatermark) return
      if (log.copy !== copy) return this.commitOfDeposed(coordinator, copy, end)
      log.commit(copy, end)
      this.settleDeletions(log.partition, end)
      coordinator.onHighWatermark(copy)
    })
  }

  /** Never happens: followers follow the new leader. */
  private commitOfDeposed(coordinator: SimulatedCoordinator, copy: LogCopy, end: Offset): void {
    if (!this.sabotage.deposedLeadersCommit) return
    copy.highWatermark = end
    coordinator.onHighWatermark(copy)
  }

  private settleDeletions(partition: number, end: Offset): void {
    const isSettled = (deletion: PendingDeletion): boolean => deletion.partition === partition && deletion.end <= end
    for (const { op } of this.deletions.filter(isSettled)) op.op.end = this.scheduler.now
    this.deletions = this.deletions.filter((deletion) => !isSettled(deletion))
  }

  /** Another leader: deletions that it does not have never happened. */
  elected({ partition, copy }: ReplicatedLog): void {
    const isLost = (deletion: PendingDeletion): boolean => deletion.partition === partition && deletion.end > copy.endOffset
    for (const { op } of this.deletions.filter(isLost)) this.history.failed(op)
    this.deletions = this.deletions.filter((deletion) => !isLost(deletion))
  }

  /** Somebody looks at the groups of one coordinator, whatever it thinks of itself. */
  describeSome(): void {
    const broker = this.scheduler.random.pick(this.brokers)
    const { groupId } = this.scheduler.random.pick(this.options.groups)
    const partition = this.partitionOf(groupId)
    this.scheduler.afterFor(broker.actor, 0, () => {
      const classic = commandOf('describeGroups', { groups: [groupId], includeAuthorizedOperations: false })
      broker.submit(partition, classic, ({ reply }) => holdDisjoint(groupId, classicView(responseOf('describeGroups', reply))))
      const consumer = commandOf('consumerGroupDescribe', { groupIds: [groupId], includeAuthorizedOperations: false })
      broker.submit(partition, consumer, ({ reply }) => holdDisjoint(groupId, consumerView(responseOf('consumerGroupDescribe', reply))))
      broker.submit(partition, commandOf('listGroups', { statesFilter: [], typesFilter: [] }), () => {})
    })
  }

  // --- news ---

  /** Who leads is told to all brokers, each in its time. */
  announce(log: ReplicatedLog): void {
    for (const broker of this.brokers) this.tellLeader(broker, log)
  }

  tellLeader(broker: SimulatedBroker, { partition, copy }: ReplicatedLog): void {
    const { version, current } = this.topics
    this.scheduler.afterFor(broker.actor, this.newsDelay(), () => {
      // One log of metadata tells of both: who knows its leadership knows the topics of that time
      broker.learnTopics(version, current)
      broker.learnLeader(partition, copy.epoch, copy.leader, copy)
    })
  }

  announceTopics(): void {
    for (const broker of this.brokers) this.tellTopics(broker)
  }

  tellTopics(broker: SimulatedBroker): void {
    const { version, current } = this.topics
    this.scheduler.afterFor(broker.actor, this.newsDelay(), () => broker.learnTopics(version, current))
  }

  private newsDelay(): Millis {
    return this.scheduler.between(0.1, this.isFaulty ? this.options.noticeMaxMs : 5)
  }

  rise(broker: SimulatedBroker): void {
    broker.actor.rise()
    for (const log of this.logs) this.tellLeader(broker, log)
    this.tellTopics(broker)
  }
}
