import assert from 'node:assert/strict'
import type { Ticket } from '../../../base/machine.ts'
import { Prng } from '../../../base/prng.ts'
import type { Millis, Timestamp, Uuid } from '../../../base/units.ts'
import type { ApiCommand, GroupApi, GroupReply, GroupRequest, GroupResponse } from '../../commands.ts'
import type { AnyGroup } from '../../group.ts'
import { GroupsLedger } from '../../groups-ledger.ts'
import type { GroupRecord } from '../../records/fact.ts'
import { decodeGroupRecord, encodeGroupRecord } from '../../records/record-bytes.ts'
import type { ConsumerGroupConfig, GroupSettings } from '../../settings.ts'
import type { GroupsWorld, GroupTopic } from '../../state.ts'

export const settings: GroupSettings = {
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

const config: ConsumerGroupConfig = { sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000, assignmentIntervalMs: 0 }

export function topic(name: string, partitionCount: number): GroupTopic {
  return { name, id: Buffer.from(name.padEnd(16, '.')).toString('base64url'), partitionCount, racks: () => [] }
}

interface Options {
  readonly settings?: Partial<GroupSettings>
  readonly config?: Partial<ConsumerGroupConfig>
  readonly topics?: readonly GroupTopic[]
  readonly log?: readonly GroupRecord[]
}

/** The whole ledger as its host runs it: decides, replays what can be read back, and keeps the time. */
export class Coordinator {
  readonly log: GroupRecord[] = []
  readonly ledger: GroupsLedger
  readonly options: Options
  topics: readonly GroupTopic[]
  now: Millis = 1_000
  wall: Timestamp = 1_700_000_000_000
  private readonly answers = new Map<Ticket, GroupReply>()
  private lastTicket = 0

  constructor(options: Options = {}) {
    this.options = options
    this.topics = options.topics ?? [topic('orders', 4)]
    this.ledger = new GroupsLedger(this.world())
    for (const record of options.log ?? []) this.replay(record)
    this.carryOut(this.ledger.decide(this.now, this.ticket(), { api: 'activate' }))
  }

  private world(): GroupsWorld {
    const random = new Prng(11 + (this.options.log?.length ?? 0))
    const uuid = (): Uuid => random.uuid()
    const find = (wanted: (it: GroupTopic) => boolean): GroupTopic | undefined => this.topics.find(wanted)
    return {
      settings: { ...settings, ...this.options.settings },
      consumerConfig: () => ({ ...config, ...this.options.config }),
      topics: {
        byName: (name) => find((it) => it.name === name),
        byId: (id) => find((it) => it.id === id),
        names: () => this.topics.map(({ name }) => name),
      },
      entropy: { uint32: () => random.uint32(), uuid },
      wallTime: () => this.wall,
    }
  }

  private ticket(): Ticket {
    this.lastTicket += 1
    return this.lastTicket
  }

  private replay(record: GroupRecord): void {
    this.log.push(record)
    this.ledger.replay(record)
  }

  private carryOut({ records, answers }: ReturnType<GroupsLedger['wake']>): void {
    for (const record of records) this.replay(readBack(record as GroupRecord))
    for (const { to, reply } of answers) {
      assert.ok(!this.answers.has(to), `ticket ${to} is answered twice`)
      this.answers.set(to, reply)
    }
  }

  ask<K extends GroupApi>(api: K, version: number, request: GroupRequest<K>): Ticket {
    const ticket = this.ticket()
    const command = { api, request, context: { version, clientId: 'client', clientHost: '/10.0.0.1' } } as ApiCommand
    this.carryOut(this.ledger.decide(this.now, ticket, command))
    return ticket
  }

  /** Null: it waits. */
  answer<K extends GroupApi>(_api: K, ticket: Ticket): GroupResponse<K> | null {
    return (this.answers.get(ticket)?.response ?? null) as GroupResponse<K> | null
  }

  asked<K extends GroupApi>(api: K, version: number, request: GroupRequest<K>): GroupResponse<K> {
    const response = this.answer(api, this.ask(api, version, request))
    assert.ok(response !== null, `${api} waits`)
    return response
  }

  /** Lets time pass, and does what is due at the time at which it is. */
  pass(ms: Millis): void {
    const until = this.now + ms
    for (let count = 0; count < 10_000; count += 1) {
      const at = this.ledger.wakeAt()
      if (at > until) {
        this.wall += until - this.now
        this.now = until
        return
      }
      this.wall += Math.max(at - this.now, 0)
      this.now = Math.max(at, this.now)
      this.carryOut(this.ledger.wake(this.now))
    }
    assert.fail('something is due all the time')
  }

  setTopics(...topics: readonly GroupTopic[]): void {
    this.topics = topics
    this.carryOut(this.ledger.decide(this.now, this.ticket(), { api: 'topicsChanged', names: new Set(topics.map(({ name }) => name)) }))
  }

  /** The next coordinator of the same log. */
  successor(): Coordinator {
    const next = new Coordinator({ ...this.options, log: this.log, topics: this.topics })
    next.now = this.now
    return next
  }

  /** As ListGroups tells it. */
  group(groupId = 'g'): Pick<AnyGroup, 'type' | 'stateName'> | null {
    const response = this.asked('listGroups', 5, { statesFilter: [], typesFilter: [] })
    const found = response.groups.find((it) => it.groupId === groupId)
    if (found === undefined) return null
    return { type: found.groupType as AnyGroup['type'], stateName: found.groupState ?? '' }
  }
}

function readBack(record: GroupRecord): GroupRecord {
  const { key, value } = encodeGroupRecord(record)
  const read = decodeGroupRecord(key, value)
  assert.ok(read.type !== 'unknown')
  return read
}
