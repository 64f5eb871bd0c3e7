import assert from 'node:assert/strict'
import { Deadlines } from '../../base/deadlines.ts'
import type { Ticket } from '../../base/machine.ts'
import { Prng } from '../../base/prng.ts'
import type { Millis, Timestamp, Uuid } from '../../base/units.ts'
import { apis } from '../../protocol/apis.ts'
import { decode, encode } from '../../protocol/codec.ts'
import type { Draft, Message } from '../../protocol/schema.ts'
import { replayGroupMetadata } from '../classic/replay.ts'
import type { GroupReply } from '../commands.ts'
import { OffsetStore } from '../offsets/offset-store.ts'
import type { GroupRecord } from '../records/fact.ts'
import { decodeGroupRecord, encodeGroupRecord } from '../records/record-bytes.ts'
import type { ConsumerGroupConfig, GroupSettings } from '../settings.ts'
import type { Due, GroupsState, GroupTopic } from '../state.ts'
import { Turn } from '../turn.ts'
import { activateConsumerGroups } from './activation.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { OwnedPartitions } from './consumer-member.ts'
import { consumerDue } from './deadlines.ts'
import { consumerGroupDescribe } from './describe.ts'
import type { ConsumerDue } from './due.ts'
import { consumerGroupHeartbeat } from './heartbeat.ts'
import { replayConsumerGroup } from './replay.ts'
import { onTopicsChanged } from './topics-changed.ts'

export type Heartbeat = Draft<(typeof apis)['consumerGroupHeartbeat']['request']>
export type Answer = Message<(typeof apis)['consumerGroupHeartbeat']['response']>
export type Described = Message<(typeof apis)['consumerGroupDescribe']['response']>['groups'][number]

export const groupId = 'readers'
export const wallStart: Timestamp = 1_700_000_000_000

const defaults: GroupSettings = {
  consumerProtocolEnabled: true,
  groupMinSessionTimeoutMs: 6_000,
  groupMaxSessionTimeoutMs: 1_800_000,
  groupInitialRebalanceDelayMs: 3_000,
  groupMaxSize: 1_000,
  groupConsumerMaxSize: 1_000,
  groupConsumerAssignors: ['uniform', 'range'],
  groupConsumerMigrationPolicy: 'bidirectional',
  groupConsumerRegexRefreshIntervalMs: 600_000,
  offsetMetadataMaxBytes: 4096,
  offsetsRetentionMs: 604_800_000,
  recordBatchBytesMax: 1_048_588,
}

/** The topic's id is made of its name and number: a topic that is made anew has another one. */
export function topicId(name: string, made = 0): Uuid {
  return Buffer.from(`${name}/${made}`.padEnd(16, '.').slice(0, 16)).toString('base64url')
}

export function topic(name: string, partitionCount: number, made = 0, racks: readonly string[] = []): GroupTopic {
  return { name, id: topicId(name, made), partitionCount, racks: () => racks }
}

/** Partitions as a request says them: `{ orders: [0, 1] }`. */
export function owned(partitions: Readonly<Record<string, readonly number[]>>): { topicId: Uuid; partitions: readonly number[] }[] {
  return Object.entries(partitions).map(([name, these]) => ({ topicId: topicId(name), partitions: these }))
}

interface Options {
  readonly settings?: Partial<GroupSettings>
  readonly config?: Partial<ConsumerGroupConfig>
  readonly topics?: readonly GroupTopic[]
}

/**
 * Consumer groups without the rest of the ledger: what is decided is replayed at once, from its bytes; requests and answers go through theirs. Topics:
 * `orders` with four partitions, `clicks` with two. Assignments are computed at once, unless the test says otherwise. Nothing depends on real time.
 */
export class Bench {
  now: Millis = 1_000
  wall: Timestamp = wallStart
  readonly settings: { -readonly [K in keyof GroupSettings]: GroupSettings[K] }
  readonly config: { -readonly [K in keyof ConsumerGroupConfig]: ConsumerGroupConfig[K] }
  readonly topics = new Map<string, GroupTopic>()
  /** All that was written, as read back from its bytes. */
  readonly log: GroupRecord[] = []
  state: GroupsState
  /** By the last turn. */
  written: readonly GroupRecord[] = []
  private ticket: Ticket = 0
  private readonly entropy = new Prng(1)

  constructor({ settings, config, topics }: Options = {}) {
    this.settings = { ...defaults, ...settings }
    this.config = { sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000, assignmentIntervalMs: 0, ...config }
    for (const one of topics ?? [topic('orders', 4), topic('clicks', 2)]) this.topics.set(one.name, one)
    this.state = this.emptyState()
  }

  private emptyState(): GroupsState {
    const world = {
      settings: this.settings,
      consumerConfig: () => this.config,
      topics: {
        byName: (name: string) => this.topics.get(name),
        byId: (id: Uuid) => [...this.topics.values()].find((one) => one.id === id),
        names: () => this.topics.keys(),
      },
      entropy: this.entropy,
      wallTime: () => this.wall,
    }
    return { world, groups: new Map(), offsets: new OffsetStore(), deadlines: new Deadlines<Due>() }
  }

  setTopics(...topics: readonly GroupTopic[]): void {
    for (const one of topics) this.topics.set(one.name, one)
    onTopicsChanged(this.state, new Set(topics.map(({ name }) => name)))
  }

  removeTopic(name: string): void {
    this.topics.delete(name)
    onTopicsChanged(this.state, new Set([name]))
  }

  beat(request: Partial<Heartbeat>, version = 1): Answer {
    const { request: requestSchema, response } = apis.consumerGroupHeartbeat
    const whole = { groupId, memberId: 'a', memberEpoch: 0, ...request }
    const asked = {
      api: 'consumerGroupHeartbeat',
      request: decode(requestSchema, version, encode(requestSchema, version, whole)),
      context: { version, clientId: 'client', clientHost: '/127.0.0.1' },
      ticket: (this.ticket += 1),
    } as const
    const reply = this.answerOf(this.turn((turn) => consumerGroupHeartbeat(this.state, turn, asked)))
    assert.ok(reply.api === 'consumerGroupHeartbeat')
    return decode(response, version, encode(response, version, reply.response))
  }

  /** A first heartbeat; a subscription to `orders` unless the request has another. */
  join(memberId: string, request: Partial<Heartbeat> = {}): Answer {
    return this.beat({
      memberId,
      memberEpoch: 0,
      rebalanceTimeoutMs: 10_000,
      subscribedTopicNames: ['orders'],
      topicPartitions: [],
      ...request,
    })
  }

  describe(id = groupId, version = 1): Described {
    const { request: requestSchema, response } = apis.consumerGroupDescribe
    const asked = {
      api: 'consumerGroupDescribe',
      request: decode(requestSchema, version, encode(requestSchema, version, { groupIds: [id], includeAuthorizedOperations: false })),
      context: { version, clientId: 'admin', clientHost: '/127.0.0.1' },
      ticket: (this.ticket += 1),
    } as const
    const reply = this.answerOf(this.turn((turn) => consumerGroupDescribe(this.state, turn, asked)))
    assert.ok(reply.api === 'consumerGroupDescribe')
    const [group] = decode(response, version, encode(response, version, reply.response)).groups
    assert.ok(group !== undefined)
    return group
  }

  private answerOf(turn: Turn): GroupReply {
    const [answer, ...others] = turn.answers
    assert.ok(answer !== undefined && others.length === 0)
    assert.equal(answer.to, this.ticket)
    return answer.reply
  }

  /** One decision, carried out as its host would. */
  turn(decide: (turn: Turn) => void): Turn {
    const turn = new Turn(this.now)
    decide(turn)
    this.written = turn.records.map(readBack)
    for (const record of this.written) replayInto(this.state, record)
    this.log.push(...this.written)
    return turn
  }

  /** Time passes, and what comes due is seen to. Returns whether anything did. */
  pass(ms: Millis): boolean {
    const end = this.now + ms
    let any = false
    for (let at = this.state.deadlines.wakeAt(); at <= end; at = this.state.deadlines.wakeAt()) {
      this.moveTo(Math.max(at, this.now))
      const due = this.state.deadlines.take(this.now)
      if (due === null) continue
      any = true
      this.turn((turn) => consumerDue(this.state, turn, due as ConsumerDue))
    }
    this.moveTo(end)
    return any
  }

  private moveTo(now: Millis): void {
    this.wall += now - this.now
    this.now = now
  }

  /** What another coordinator would have, from the log alone. */
  replayed(log: readonly GroupRecord[] = this.log): GroupsState {
    const state = this.emptyState()
    for (const record of log) replayInto(state, record)
    return state
  }

  /** Another coordinator takes over. */
  failOver(): void {
    this.state = this.replayed()
    this.turn((turn) => activateConsumerGroups(this.state, turn))
  }

  group(id = groupId): ConsumerGroup {
    const group = this.state.groups.get(id)
    assert.ok(group?.type === 'consumer')
    return group
  }

  writtenTypes(): string[] {
    return this.written.map(({ type, value }) => (value === null ? `-${short(type)}` : short(type)))
  }

  /** What the log says is what the state is, and that keeps the rules of groups. */
  check(): void {
    const hard = hardState(this.state)
    assert.deepEqual(hardState(this.replayed()), hard)
    assert.deepEqual(hardState(this.replayed(compacted(this.log))), hard)
    const half = this.log.length / 2
    assert.deepEqual(hardState(this.replayed([...compacted(this.log.slice(0, half)), ...this.log.slice(half)])), hard)
    for (const group of this.state.groups.values()) if (group.type === 'consumer') checkGroup(group)
  }
}

/** What the cleaner leaves: of each key the last record, and no tombstones. */
function compacted(log: readonly GroupRecord[]): GroupRecord[] {
  const last = new Map<string, number>()
  const keyOf = ({ type, key }: GroupRecord): string => JSON.stringify([type, key])
  for (const [at, record] of log.entries()) last.set(keyOf(record), at)
  return log.filter((record, at) => record.value !== null && last.get(keyOf(record)) === at)
}

function short(type: string): string {
  return type.replace(/^consumerGroup/, '')
}

export function readBack(record: GroupRecord): GroupRecord {
  const { key, value } = encodeGroupRecord(record)
  const read = decodeGroupRecord(key, value)
  assert.ok(read.type !== 'unknown')
  return read
}

export function replayInto(state: GroupsState, record: GroupRecord): void {
  if (record.type === 'groupMetadata') replayGroupMetadata(state, record)
  else if (record.type !== 'offsetCommit') replayConsumerGroup(state, record)
}

/** By name, as `{ orders: [0, 1] }`. */
export function named(partitions: Iterable<{ readonly topicId: Uuid; readonly partitions: readonly number[] }>): Record<string, number[]> {
  const byName: Record<string, number[]> = {}
  for (const { topicId: id, partitions: these } of partitions) {
    byName[Buffer.from(id, 'base64url').toString().replace(/\/.*/, '')] = [...these].sort((a, b) => a - b)
  }
  return byName
}

/** What the answer assigns; null: it says nothing. */
export function assignmentOf(answer: Answer): Record<string, number[]> | null {
  return answer.assignment === null ? null : named(answer.assignment.topicPartitions)
}

function ordered(entries: Iterable<readonly [string, unknown]>): (readonly [string, unknown])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

function plain(partitions: OwnedPartitions): unknown {
  return ordered(partitions).map(([id]) => [id, [...(partitions.get(id) ?? [])].sort(([a], [b]) => a - b)])
}

/** All of the consumer groups that the log decides, derived counts included, in one order. */
export function hardState(state: GroupsState): unknown {
  const groups = [...state.groups.values()].flatMap((group) => (group.type === 'consumer' ? [group] : []))
  return ordered(groups.map((group) => [group.groupId, hardGroup(group)]))
}

function hardGroup(group: ConsumerGroup): unknown {
  const members = [...group.members.values()]
  const instances = members.flatMap(({ instanceId }) => (instanceId === null ? [] : [instanceId]))
  return [
    [group.groupEpoch, group.metadataHash, group.assignmentEpoch, group.assignmentTimestamp, group.classicMemberCount, group.stateName],
    ordered(
      members.map((one) => [one.memberId, { ...one, assigned: plain(one.assigned), pendingRevocation: plain(one.pendingRevocation) }]),
    ),
    ordered([...group.targets].map(([memberId, target]) => [memberId, ordered(target)])),
    ordered([...group.regexes].map(([expression, { topics }]) => [expression, ordered([...topics].map((name) => [name, null]))])),
    [group.subscribersByName, group.subscribersByRegex, group.membersByAssignor, group.classicMembersByProtocol].map(ordered),
    ordered(instances.map((instanceId) => [instanceId, group.staticMemberId(instanceId)])),
  ]
}

/** The invariants of `ConsumerGroup`. */
export function checkGroup(group: ConsumerGroup): void {
  const seen = new Map<string, string>()
  assert.ok(group.groupEpoch >= group.assignmentEpoch)
  for (const member of group.members.values()) {
    assert.ok(member.memberEpoch <= group.assignmentEpoch, `${member.memberId} at ${member.memberEpoch}`)
    for (const partitions of [member.assigned, member.pendingRevocation]) {
      for (const [id, these] of partitions) {
        assert.ok(these.size > 0)
        for (const [partition, epoch] of these) {
          const key = `${id}-${partition}`
          assert.equal(seen.get(key), undefined, `${key} is with ${seen.get(key)} and with ${member.memberId}`)
          seen.set(key, member.memberId)
          assert.equal(group.owners.owner(id, partition), member.memberId)
          assert.ok(epoch <= group.assignmentEpoch)
        }
      }
    }
  }
}
