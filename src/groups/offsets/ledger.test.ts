import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Ticket } from '../../base/machine.ts'
import { NEVER } from '../../base/units.ts'
import { apis } from '../../protocol/apis.ts'
import { decode, encode } from '../../protocol/codec.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { GroupCommand, GroupReply } from '../commands.ts'
import { GroupsLedger } from '../groups-ledger.ts'
import type { GroupFact } from '../records/fact.ts'
import { offsetKey, offsetValue, OffsetsBench } from './fixture.test.ts'

const context = { version: 9, clientId: 'client', clientHost: '/127.0.0.1' }

/** The whole ledger of groups, with the world of an OffsetsBench. */
class Groups {
  readonly bench: OffsetsBench
  readonly ledger: GroupsLedger
  readonly log: GroupFact[] = []
  private now = 0
  private ticket: Ticket = 0

  constructor(bench = new OffsetsBench()) {
    this.bench = bench
    this.ledger = new GroupsLedger(bench.state.world)
  }

  ask(command: GroupCommand): GroupReply {
    this.ticket += 1
    const { records, answers } = this.ledger.decide(this.now, this.ticket, command)
    this.append(records)
    const [answer] = answers
    assert.ok(answer !== undefined && answers.length === 1 && answer.to === this.ticket)
    return answer.reply
  }

  append(facts: readonly GroupFact[]): void {
    for (const fact of facts) this.ledger.replay(fact)
    this.log.push(...facts)
  }

  /** All that is due, however late that is. */
  wakeUp(): void {
    while (this.ledger.wakeAt() !== NEVER) {
      this.now = Math.max(this.now, this.ledger.wakeAt())
      this.append(this.ledger.wake(this.now).records)
    }
  }

  commit(groupId: string, partitions: readonly number[]): readonly number[] {
    const topics = [
      { name: 'orders', partitions: partitions.map((partitionIndex) => ({ partitionIndex, committedOffset: 5, committedMetadata: '' })) },
    ]
    const schema = apis.offsetCommit.request
    const request = decode(schema, 9, encode(schema, 9, { groupId, memberId: '', topics }))
    const reply = this.ask({ api: 'offsetCommit', request, context })
    assert.ok(reply.api === 'offsetCommit')
    return (reply.response.topics ?? []).flatMap((topic) => (topic.partitions ?? []).map(({ errorCode }) => errorCode ?? 0))
  }

  committed(groupId: string, partition: number): number | undefined {
    const groups = [{ groupId, topics: [{ name: 'orders', partitionIndexes: [partition] }] }]
    const schema = apis.offsetFetch.request
    const request = decode(schema, 9, encode(schema, 9, { groups, requireStable: true }))
    const reply = this.ask({ api: 'offsetFetch', request, context })
    assert.ok(reply.api === 'offsetFetch')
    const [answered] = reply.response.groups?.[0]?.topics?.[0]?.partitions ?? []
    return answered?.errorCode === ErrorCode.NONE ? answered.committedOffset : undefined
  }

  list(): readonly string[] {
    const schema = apis.listGroups.request
    const reply = this.ask({ api: 'listGroups', request: decode(schema, 5, encode(schema, 5, {})), context })
    assert.ok(reply.api === 'listGroups')
    return (reply.response.groups ?? []).map(({ groupId }) => groupId)
  }
}

describe('offsets in the ledger of groups', () => {
  test('whoever folds the same log has the same groups and offsets', () => {
    const first = new Groups()
    first.commit('g', [0, 1])
    first.commit('h', [0])
    first.append([{ type: 'offsetCommit', key: offsetKey('g', 'orders', 1), value: null }])
    const second = new Groups()
    second.append(first.log)
    second.ask({ api: 'activate' })
    assert.deepEqual(second.list(), ['g', 'h'])
    assert.deepEqual([second.committed('g', 0), second.committed('g', 1), second.committed('h', 0)], [5, -1, 5])
  })

  test('a group of which the log has a pending offset alone is there, and its offset is unstable until the marker', () => {
    const groups = new Groups()
    groups.append([{ type: 'pendingOffset', producerId: 7, key: offsetKey('g', 'orders', 0), value: offsetValue(9) }])
    assert.deepEqual([groups.list(), groups.committed('g', 0)], [['g'], undefined])
    groups.append([{ type: 'endTransaction', producerId: 7, committed: true }])
    assert.equal(groups.committed('g', 0), 9)
  })

  test('a clean-up of more than a batch goes on by itself, and so does the removal of the offsets of a deleted topic', () => {
    const partitions = Array.from({ length: 20 }, (_, i) => i)
    const filled = (): Groups => {
      const groups = new Groups(new OffsetsBench({ recordBatchBytesMax: 1_500 }))
      for (let i = 0; i < 10; i += 1) assert.deepEqual(new Set(groups.commit(`g${i}`, partitions)), new Set([ErrorCode.NONE]))
      return groups
    }
    const expired = filled()
    expired.bench.wall += 10_000
    expired.ask({ api: 'expire', wallTime: expired.bench.wall })
    assert.ok(expired.list().length > 0)
    expired.wakeUp()
    assert.deepEqual(expired.list(), [])

    const deleted = filled()
    deleted.bench.setTopic('orders', null)
    deleted.ask({ api: 'topicsChanged', names: new Set(['orders']) })
    assert.equal(deleted.committed('g9', 0), 5)
    deleted.wakeUp()
    for (let i = 0; i < 10; i += 1) assert.equal(deleted.committed(`g${i}`, 19), -1)
    assert.equal(deleted.list().length, 10)
  })
})
