import assert from 'node:assert/strict'
import { Deadlines } from '../../base/deadlines.ts'
import type { Ticket } from '../../base/machine.ts'
import { Prng } from '../../base/prng.ts'
import type { Millis, Timestamp, Uuid } from '../../base/units.ts'
import { apis } from '../../protocol/apis.ts'
import { encode } from '../../protocol/codec.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { GroupApi, GroupReply, GroupRequest, GroupResponse } from '../commands.ts'
import { OffsetStore } from '../offsets/offset-store.ts'
import type { GroupRecord, GroupRecordOf } from '../records/fact.ts'
import { decodeGroupRecord, encodeGroupRecord } from '../records/record-bytes.ts'
import type { GroupSettings } from '../settings.ts'
import type { Due, GroupsState } from '../state.ts'
import { type Asked, Turn } from '../turn.ts'
import { activateClassicGroups } from './activation.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { MemberProtocol } from './classic-member.ts'
import { classicDue } from './deadlines.ts'
import { describeGroups } from './describe.ts'
import { heartbeat } from './heartbeat.ts'
import { joinGroup } from './join.ts'
import { leaveGroup } from './leave.ts'
import { replayGroupMetadata } from './replay.ts'
import { syncGroup } from './sync.ts'

export type JoinResponse = GroupResponse<'joinGroup'>
export type SyncResponse = GroupResponse<'syncGroup'>
type MetadataRecord = GroupRecordOf<'groupMetadata'>

export const defaults: GroupSettings = {
  consumerProtocolEnabled: true,
  groupMinSessionTimeoutMs: 6_000,
  groupMaxSessionTimeoutMs: 1_800_000,
  groupInitialRebalanceDelayMs: 3_000,
  groupMaxSize: 2 ** 31 - 1,
  groupConsumerMaxSize: 2 ** 31 - 1,
  groupConsumerAssignors: ['uniform', 'range'],
  groupConsumerMigrationPolicy: 'bidirectional',
  groupConsumerRegexRefreshIntervalMs: 600_000,
  offsetMetadataMaxBytes: 4096,
  offsetsRetentionMs: 7 * 86_400_000,
  recordBatchBytesMax: 1_048_588,
}

/** What a coordinator that hosts one partition does with the classic protocol: decides, appends, replays what can be read back, and keeps the time. */
export class Coordinator {
  readonly log: MetadataRecord[] = []
  readonly state: GroupsState
  readonly answers = new Map<Ticket, GroupReply>()
  now: Millis = 1_000
  wall: Timestamp = 1_700_000_000_000
  /** Appends come to nothing, and the answers with them. */
  failing = false
  /** Answers that were refused because their records could not be written. */
  refused = 0
  private lastTicket = 0
  private readonly versions = new Map<Ticket, number>()

  private readonly random: Prng

  constructor(settings: Partial<GroupSettings> = {}, log: readonly MetadataRecord[] = [], before: Coordinator | null = null) {
    const random = before?.random ?? new Prng(7)
    const uuid = (): Uuid => Buffer.from(Array.from({ length: 16 }, () => random.below(256))).toString('base64url')
    this.random = random
    this.now = before?.now ?? this.now
    this.wall = before?.wall ?? this.wall
    this.state = {
      world: {
        settings: { ...defaults, ...settings },
        consumerConfig: () => ({ sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000, assignmentIntervalMs: 1_000 }),
        topics: { byName: () => undefined, byId: () => undefined, names: () => [] },
        entropy: { uint32: () => random.uint32(), uuid },
        wallTime: () => this.wall,
      },
      groups: new Map(),
      offsets: new OffsetStore(),
      deadlines: new Deadlines<Due>(),
    }
    for (const record of log) this.replay(record)
    if (log.length > 0) this.decide((turn) => activateClassicGroups(this.state, turn))
  }

  group(groupId = 'g'): ClassicGroup {
    const group = this.state.groups.get(groupId)
    assert.equal(group?.type, 'classic')
    return group
  }

  private replay(record: MetadataRecord): void {
    this.log.push(record)
    replayGroupMetadata(this.state, record)
  }

  decide(run: (turn: Turn) => void): void {
    const turn = new Turn(this.now)
    run(turn)
    if (this.failing && turn.records.length > 0) {
      this.refused += turn.answers.length
      for (const { to, reply } of turn.answers)
        this.answers.set(to, { ...reply, response: { errorCode: ErrorCode.NOT_COORDINATOR } } as GroupReply)
      return
    }
    for (const record of turn.records) this.replay(readBack(record))
    for (const { to, reply } of turn.answers) {
      assert.ok(!this.answers.has(to), `ticket ${to} is answered twice`)
      this.sayable(to, reply)
      this.answers.set(to, reply)
    }
  }

  ask<K extends GroupApi>(api: K, version: number, request: GroupRequest<K>, clientId = 'client'): Ticket {
    this.lastTicket += 1
    const ticket = this.lastTicket
    this.versions.set(ticket, version)
    const asked = { api, request, context: { version, clientId, clientHost: '/10.0.0.1' }, ticket }
    this.decide((turn) => this.dispatch(turn, asked))
    return ticket
  }

  /** Every answer has to fit the version that was asked with. */
  private sayable(to: Ticket, reply: GroupReply): void {
    const version = this.versions.get(to) ?? assert.fail(`ticket ${to} is nobody's`)
    if (reply.api === 'joinGroup') encode(apis.joinGroup.response, version, reply.response)
    if (reply.api === 'syncGroup') encode(apis.syncGroup.response, version, reply.response)
    if (reply.api === 'heartbeat') encode(apis.heartbeat.response, version, reply.response)
    if (reply.api === 'leaveGroup') encode(apis.leaveGroup.response, version, reply.response)
    if (reply.api === 'describeGroups') encode(apis.describeGroups.response, version, reply.response)
  }

  private dispatch(turn: Turn, asked: Asked<GroupApi>): void {
    const entries = { joinGroup, syncGroup, heartbeat, leaveGroup, describeGroups }
    const entry = entries[asked.api as keyof typeof entries]
    entry(this.state, turn, asked as never)
  }

  /** Lets time pass, and does what is due at the time at which it is. */
  pass(ms: Millis): void {
    const until = this.now + ms
    for (let count = 0; count < 10_000; count += 1) {
      const at = this.state.deadlines.wakeAt()
      if (at > until) {
        this.wall += until - this.now
        this.now = until
        return
      }
      this.wall += Math.max(at - this.now, 0)
      this.now = Math.max(at, this.now)
      const due = this.state.deadlines.take(this.now)
      if (due !== null) this.decide((turn) => classicDue(this.state, turn, due as never))
    }
    assert.fail('something is due all the time')
  }

  /** The next coordinator of the same log. */
  successor(settings: Partial<GroupSettings> = {}): Coordinator {
    return new Coordinator({ ...this.state.world.settings, ...settings }, this.log, this)
  }

  reply(ticket: Ticket): GroupReply {
    const reply = this.answers.get(ticket)
    assert.ok(reply !== undefined, `ticket ${ticket} waits`)
    return reply
  }

  joined(ticket: Ticket): JoinResponse {
    const reply = this.reply(ticket)
    assert.equal(reply.api, 'joinGroup')
    return reply.response
  }

  synced(ticket: Ticket): SyncResponse {
    const reply = this.reply(ticket)
    assert.equal(reply.api, 'syncGroup')
    return reply.response
  }

  waits(ticket: Ticket): boolean {
    return !this.answers.has(ticket)
  }
}

/** What comes out of the log has its own bytes. */
function readBack(record: GroupRecord): MetadataRecord {
  const { key, value } = encodeGroupRecord(record)
  const read = decodeGroupRecord(key, value)
  assert.equal(read.type, 'groupMetadata')
  return read
}

export function protocols(...names: readonly string[]): MemberProtocol[] {
  return names.map((name) => ({ name, metadata: Buffer.from(`${name} metadata`) }))
}

export interface ClientOptions {
  readonly groupId?: string
  readonly clientId?: string
  readonly groupInstanceId?: string | null
  readonly joinVersion?: number
  readonly sessionTimeoutMs?: Millis
  readonly rebalanceTimeoutMs?: Millis
}

/** A member as clients are: it does what it is told. */
export class ClassicClient {
  coordinator: Coordinator
  readonly options: Required<ClientOptions>
  protocols: readonly MemberProtocol[] = protocols('range')
  protocolType = 'consumer'
  memberId = ''
  generationId = -1
  leader = ''
  members: JoinResponse['members'] = []

  constructor(coordinator: Coordinator, options: ClientOptions = {}) {
    this.coordinator = coordinator
    const { groupId = 'g', clientId = 'client', groupInstanceId = null, joinVersion = 9 } = options
    this.options = { groupId, clientId, groupInstanceId, joinVersion, sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 60_000, ...options }
  }

  get isLeader(): boolean {
    return this.leader === this.memberId
  }

  sendJoin(): Ticket {
    const { groupId, clientId, groupInstanceId, joinVersion, sessionTimeoutMs, rebalanceTimeoutMs } = this.options
    const { memberId, protocolType, protocols: known } = this
    const request = {
      groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId,
      groupInstanceId,
      protocolType,
      protocols: known,
      reason: 'because',
    }
    return this.coordinator.ask('joinGroup', joinVersion, request, clientId)
  }

  /** With an id of its own if it has to have one. */
  join(): Ticket {
    const ticket = this.sendJoin()
    const reply = this.coordinator.answers.get(ticket)
    if (reply?.api !== 'joinGroup' || reply.response.errorCode !== ErrorCode.MEMBER_ID_REQUIRED) return ticket
    this.memberId = reply.response.memberId
    return this.sendJoin()
  }

  /** Takes the answer; returns its error. */
  take(ticket: Ticket): number {
    const response = this.coordinator.joined(ticket)
    if (response.errorCode !== ErrorCode.NONE) return response.errorCode
    this.memberId = response.memberId
    this.generationId = response.generationId ?? -1
    this.leader = response.leader
    this.members = response.members
    return ErrorCode.NONE
  }

  sync(assignments: Readonly<Record<string, string>> = {}, version = 5): Ticket {
    const { groupId, groupInstanceId } = this.options
    const { memberId, generationId } = this
    return this.coordinator.ask('syncGroup', version, {
      groupId,
      generationId,
      memberId,
      groupInstanceId,
      protocolType: null,
      protocolName: null,
      assignments: Object.entries(assignments).map(([id, text]) => ({ memberId: id, assignment: Buffer.from(text) })),
    })
  }

  /** As the leader: everybody is assigned its own id and the generation. */
  syncAll(): Ticket {
    return this.sync(Object.fromEntries(this.members.map(({ memberId }) => [memberId, `${memberId} in ${this.generationId}`])))
  }

  heartbeat(version = 4): number {
    const { groupId, groupInstanceId } = this.options
    const { memberId, generationId } = this
    const reply = this.coordinator.reply(this.coordinator.ask('heartbeat', version, { groupId, generationId, memberId, groupInstanceId }))
    assert.equal(reply.api, 'heartbeat')
    return reply.response.errorCode
  }

  leave(version = 5): number {
    const { groupId, groupInstanceId } = this.options
    const { memberId } = this
    const ticket = this.coordinator.ask('leaveGroup', version, {
      groupId,
      memberId: version < 3 ? memberId : '',
      members: version < 3 ? [] : [{ memberId, groupInstanceId, reason: 'tired' }],
    })
    const reply = this.coordinator.reply(ticket)
    assert.equal(reply.api, 'leaveGroup')
    return reply.response.members?.[0]?.errorCode ?? reply.response.errorCode
  }
}

/** All join, the first's initial delay passes, the leader assigns, all sync. */
export function stableGroup(coordinator: Coordinator, count: number, options: ClientOptions = {}): ClassicClient[] {
  const clients = Array.from({ length: count }, () => new ClassicClient(coordinator, options))
  settle(clients, () => coordinator.pass(coordinator.state.world.settings.groupInitialRebalanceDelayMs * 2))
  return clients
}

/** One whole rebalance of these, who are all. `meanwhile`: between the joins and their answers. */
export function settle(clients: readonly ClassicClient[], meanwhile: () => void = () => {}): void {
  const joins = clients.map((client) => client.join())
  meanwhile()
  for (const [at, client] of clients.entries()) assert.equal(client.take(joins[at] ?? -1), ErrorCode.NONE)
  const followers = clients.filter(({ isLeader }) => !isLeader).map((client) => client.sync())
  const leaders = clients.filter(({ isLeader }) => isLeader)
  assert.equal(leaders.length, 1)
  for (const leader of leaders) leader.syncAll()
  for (const ticket of followers) assert.equal(leaders[0]?.coordinator.synced(ticket).errorCode, ErrorCode.NONE)
}

/** What of a group is in the log, to be compared. */
export function hardState(group: ClassicGroup) {
  const { groupId, metadata, generationId, protocolName, protocolType } = group
  const members = [...group.members.all()].map(({ memberId, groupInstanceId, assignment }) => ({
    memberId,
    groupInstanceId,
    assignment: assignment.toString(),
  }))
  return { groupId, state: group.state, generationId, protocolName, protocolType, leaderId: group.leaderId, members, metadata }
}
