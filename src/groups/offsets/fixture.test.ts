import assert from 'node:assert/strict'
import { Deadlines } from '../../base/deadlines.ts'
import type { Ticket } from '../../base/machine.ts'
import { Prng } from '../../base/prng.ts'
import { apis } from '../../protocol/apis.ts'
import { decode, encode } from '../../protocol/codec.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Draft, Message, Schema } from '../../protocol/schema.ts'
import { replayGroupMetadata } from '../classic/replay.ts'
import type { ApiReply } from '../commands.ts'
import type { AnyGroup, Group } from '../group.ts'
import type { GroupFact, GroupKey, GroupRecord, GroupValue } from '../records/fact.ts'
import { decodeGroupRecord, encodeGroupRecord } from '../records/record-bytes.ts'
import type { GroupSettings } from '../settings.ts'
import type { Due, GroupsState, GroupTopic } from '../state.ts'
import { type Asked, Turn } from '../turn.ts'
import { deleteGroups } from './delete-groups.ts'
import { deleteOffsetsOfTopics } from './deleted-topics.ts'
import { offsetsDue } from './due.ts'
import { expireOffsets } from './expiry.ts'
import { listGroups } from './list-groups.ts'
import { offsetCommit } from './offset-commit.ts'
import { offsetDelete } from './offset-delete.ts'
import { offsetFetch } from './offset-fetch.ts'
import { OffsetStore } from './offset-store.ts'
import { replayOffset } from './replay.ts'

const entries = { offsetCommit, offsetFetch, offsetDelete, deleteGroups, listGroups } as const
export type OffsetsApi = keyof typeof entries
type Request<K extends OffsetsApi> = Draft<(typeof apis)[K]['request']>
export type Response<K extends OffsetsApi> = Message<(typeof apis)[K]['response']>
type Entry = (state: GroupsState, turn: Turn, asked: Asked<OffsetsApi>) => void

const settings: GroupSettings = {
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
  offsetsRetentionMs: 10_000,
  recordBatchBytesMax: 1_048_588,
}

export const wallStart = 1_700_000_000_000
const ids = { orders: 'VmG1Xq2yRg2k3sTnJw7ZQA', clicks: 'AmG1Xq2yRg2k3sTnJw7ZQQ' }

function topic(name: string, id: string): GroupTopic {
  return { name, id, partitionCount: 100, racks: () => [] }
}

/**
 * The offsets of a ledger without the rest of it: what is decided is replayed at once, from its bytes. Requests and responses go through theirs.
 * There are two topics, `orders` and `clicks`. Nothing here depends on real time.
 */
export class OffsetsBench {
  now = 0
  wall = wallStart
  readonly ids = ids
  readonly topics = new Map<string, GroupTopic>(Object.entries(ids).map(([name, id]) => [name, topic(name, id)]))
  readonly state: GroupsState
  /** Groups that are none of the classic or consumer protocol, but of the test. */
  private readonly told = new Set<string>()
  /** What the last turn wrote. */
  written: readonly GroupRecord[] = []

  constructor(changed: Partial<GroupSettings> = {}) {
    this.state = {
      world: {
        settings: { ...settings, ...changed },
        consumerConfig: () => ({ sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000, assignmentIntervalMs: 0 }),
        topics: {
          byName: (name) => this.topics.get(name),
          byId: (id) => [...this.topics.values()].find((it) => it.id === id),
          names: () => this.topics.keys(),
        },
        entropy: new Prng(1),
        wallTime: () => this.wall,
      },
      groups: new Map(),
      offsets: new OffsetStore(),
      deadlines: new Deadlines<Due>(),
    }
  }

  setTopic(name: string, id: string | null): void {
    if (id === null) this.topics.delete(name)
    else this.topics.set(name, topic(name, id))
  }

  /** A group of which the test says how it answers. */
  group(groupId: string, told: Partial<AnyGroup>): void {
    const group: AnyGroup = {
      groupId,
      type: 'classic',
      stateName: 'Stable',
      protocolType: 'consumer',
      isEmpty: false,
      commitError: () => ErrorCode.NONE,
      fetchError: () => ErrorCode.NONE,
      offsetDeleteError: () => ErrorCode.NONE,
      isSubscribedTo: () => false,
      deleteError: () => ErrorCode.NON_EMPTY_GROUP,
      tombstones: () => [{ type: 'groupMetadata', key: { group: groupId }, value: null }],
      expiryBasis: { kind: 'commit' },
      ...told,
    }
    this.state.groups.set(groupId, group as Group)
    this.told.add(groupId)
  }

  ask<K extends OffsetsApi>(api: K, request: Request<K>, version: number = apis[api].versionMax): Response<K> {
    const schemas: { readonly request: Schema; readonly response: Schema } = apis[api]
    const asked = {
      api,
      request: decode(schemas.request, version, encode(schemas.request, version, request)),
      context: { version, clientId: 'client', clientHost: '/127.0.0.1' },
      ticket: 1,
    }
    const entry = entries[api] as unknown as Entry
    const answers = this.turn((turn) => entry(this.state, turn, asked as unknown as Asked<OffsetsApi>))
    assert.equal(answers.length, 1)
    const reply = answers[0]?.reply as ApiReply
    assert.equal(reply.api, api)
    // A topic's name is not sent where its id is: the handler's tests look at that
    return reply.response as unknown as Response<K>
  }

  expire(): void {
    this.turn((turn) => expireOffsets(this.state, turn, this.wall))
  }

  topicsChanged(...names: readonly string[]): void {
    this.turn((turn) => deleteOffsetsOfTopics(this.state, turn, names))
  }

  /** One thing that is due, if there is one. */
  wake(): boolean {
    this.now = Math.max(this.now, Math.min(this.state.deadlines.wakeAt(), Number.MAX_SAFE_INTEGER))
    const due = this.state.deadlines.take(this.now)
    if (due === null) return false
    assert.ok(due.kind === 'offsetsExpiry' || due.kind === 'offsetsOfDeletedTopics', due.kind)
    this.turn((turn) => offsetsDue(this.state, turn, due))
    return true
  }

  private turn(run: (turn: Turn) => void): readonly { readonly to: Ticket; readonly reply: unknown }[] {
    const turn = new Turn(this.now)
    run(turn)
    this.written = turn.records
    for (const record of turn.records) this.replay(throughBytes(record))
    return turn.answers
  }

  replay(fact: GroupFact): void {
    if (fact.type === 'offsetCommit' || fact.type === 'pendingOffset') replayOffset(this.state, fact)
    else if (fact.type === 'endTransaction') this.state.offsets.endTransaction(fact)
    else if (fact.type !== 'groupMetadata') assert.fail(`${fact.type} in a test of offsets`)
    else if (this.told.has(fact.key.group)) this.state.groups.delete(fact.key.group)
    else replayGroupMetadata(this.state, fact)
  }

  /** The keys of the last turn's records, tombstones with '-' before them. */
  get writtenKeys(): readonly string[] {
    return this.written.map((record) => `${record.value === null ? '-' : ''}${shownKey(record)}`)
  }

  /** `offset@metadata` for each partition, 'none', or the error's code. */
  fetch(groupId: string, name: string, partitions: readonly number[], requireStable = false): readonly string[] {
    const response = this.ask('offsetFetch', { groups: [{ groupId, topics: [{ name, partitionIndexes: partitions }] }], requireStable }, 9)
    const [group] = response.groups
    assert.ok(group !== undefined)
    if (group.errorCode !== ErrorCode.NONE) return [`group error ${group.errorCode}`]
    return (group.topics[0]?.partitions ?? []).map(shown)
  }

  /** Commits `offset` for each partition, as somebody who is nobody's member. Returns the error of each. */
  commit(groupId: string, name: string, partitions: readonly number[], offset: number, metadata: string | null = ''): readonly number[] {
    const request = {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [
        {
          name,
          partitions: partitions.map((partitionIndex) => ({ partitionIndex, committedOffset: offset, committedMetadata: metadata })),
        },
      ],
    }
    return errorsOf(this.ask('offsetCommit', request, 9))
  }
}

export function errorsOf(response: Response<'offsetCommit'> | Response<'offsetDelete'>): readonly number[] {
  return response.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
}

function shown(it: {
  readonly committedOffset: number
  readonly committedLeaderEpoch?: number
  readonly metadata: string | null
  readonly errorCode: number
}): string {
  if (it.errorCode !== ErrorCode.NONE) return `error ${it.errorCode}`
  if (it.committedOffset !== -1) return `${it.committedOffset}@${it.metadata}`
  assert.deepEqual([it.committedLeaderEpoch, it.metadata], [-1, ''])
  return 'none'
}

function shownKey(record: GroupRecord): string {
  if (record.type === 'offsetCommit') return `${record.key.group}/${record.key.topic}/${record.key.partition}`
  return `${record.type}:${'group' in record.key ? record.key.group : record.key.groupId}`
}

function throughBytes(record: GroupRecord): GroupRecord {
  const { key, value } = encodeGroupRecord(record)
  const read = decodeGroupRecord(key, value)
  assert.ok(read.type !== 'unknown')
  return read
}

export function offsetKey(group: string, name: string, partition: number): GroupKey<'offsetCommit'> {
  return { group, topic: name, partition }
}

export function offsetValue(offset: number, changed: Partial<GroupValue<'offsetCommit'>> = {}): GroupValue<'offsetCommit'> {
  return { offset, leaderEpoch: -1, metadata: '', commitTimestamp: wallStart, expireTimestamp: -1, topicId: ids.orders, ...changed }
}
