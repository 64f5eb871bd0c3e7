import assert from 'node:assert/strict'
import type { Ticket } from '../../../base/machine.ts'
import type { Uuid } from '../../../base/units.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { GroupRequest, GroupResponse } from '../../commands.ts'
import {
  type ConsumerProtocolSubscription,
  readAssignment,
  writeAssignment,
  writeSubscription,
} from '../../subscriptions/consumer-protocol.ts'
import { type Coordinator, settings } from './fixture.test.ts'

interface ClientOptions {
  readonly topics?: readonly string[]
  readonly instanceId?: string | null
  readonly protocols?: readonly string[]
  readonly memberId?: string
}

/** Names of topics and partitions, sorted: 'orders-0'. */
export type Owned = readonly string[]

const sessionTimeoutMs = 10_000
const rebalanceTimeoutMs = 30_000

/** A consumer of the classic protocol, as clients are: it does what it is told. */
export class ClassicConsumer {
  coordinator: Coordinator
  readonly instanceId: string | null
  topics: readonly string[]
  protocols: readonly string[]
  memberId: string
  generationId = -1
  protocolName: string | null = null
  owned: Owned = []
  private joining: Ticket | null = null

  constructor(
    coordinator: Coordinator,
    { topics = ['orders'], instanceId = null, protocols = ['range'], memberId = '' }: ClientOptions = {},
  ) {
    this.coordinator = coordinator
    this.topics = topics
    this.instanceId = instanceId
    this.protocols = protocols
    this.memberId = memberId
  }

  private subscription(): ConsumerProtocolSubscription {
    const byTopic = new Map<string, number[]>()
    for (const owned of this.owned) {
      const at = owned.lastIndexOf('-')
      byTopic.set(owned.slice(0, at), [...(byTopic.get(owned.slice(0, at)) ?? []), Number(owned.slice(at + 1))])
    }
    const ownedPartitions = [...byTopic].map(([name, partitions]) => ({ topic: name, partitions }))
    return { topics: this.topics, userData: null, ownedPartitions, generationId: this.generationId, rackId: null }
  }

  sendJoin(metadata = writeSubscription(3, this.subscription())): Ticket {
    return this.coordinator.ask('joinGroup', 9, {
      groupId: 'g',
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      protocolType: 'consumer',
      protocols: this.protocols.map((name) => ({ name, metadata })),
      reason: null,
    })
  }

  /** Sends its join, with an id of its own if it has to have one; the answer may come later. Returns the error if there is one already. */
  startJoin(): ErrorCode | null {
    this.joining = this.sendJoin()
    let response = this.coordinator.answer('joinGroup', this.joining)
    if (response?.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.memberId = response.memberId
      this.joining = this.sendJoin()
      response = this.coordinator.answer('joinGroup', this.joining)
    }
    return (response?.errorCode ?? null) as ErrorCode | null
  }

  /** Null: it waits. */
  joinResponse(): GroupResponse<'joinGroup'> | null {
    assert.ok(this.joining !== null)
    return this.coordinator.answer('joinGroup', this.joining)
  }

  endJoin(): GroupResponse<'joinGroup'> {
    const response = this.joinResponse()
    assert.ok(response !== null, 'the join waits')
    if (response.errorCode === ErrorCode.NONE) {
      this.memberId = response.memberId
      this.generationId = response.generationId ?? -1
      this.protocolName = response.protocolName
    }
    return response
  }

  sendSync(assignments: GroupRequest<'syncGroup'>['assignments'] = []): Ticket {
    return this.coordinator.ask('syncGroup', 5, {
      groupId: 'g',
      generationId: this.generationId,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      protocolType: 'consumer',
      protocolName: this.protocolName,
      assignments,
    })
  }

  /** Null: it waits. */
  syncError(ticket: Ticket): ErrorCode | null {
    return (this.coordinator.answer('syncGroup', ticket)?.errorCode ?? null) as ErrorCode | null
  }

  takeSync(ticket: Ticket): ErrorCode {
    const response = this.coordinator.answer('syncGroup', ticket)
    assert.ok(response !== null, 'the sync waits')
    if (response.errorCode === ErrorCode.NONE) this.owned = ownedOf(response.assignment)
    return response.errorCode as ErrorCode
  }

  /** A join and a sync in a consumer group, neither of which waits. Errors end it. */
  rejoin(): ErrorCode {
    const error = this.startJoin()
    assert.ok(error !== null, 'the join waits')
    if (error !== ErrorCode.NONE) return error
    this.endJoin()
    return this.takeSync(this.sendSync())
  }

  heartbeat(): ErrorCode {
    const { memberId, generationId, instanceId: groupInstanceId } = this
    return this.coordinator.asked('heartbeat', 4, { groupId: 'g', memberId, generationId, groupInstanceId }).errorCode as ErrorCode
  }

  /** A heartbeat, and what it asks for. */
  poll(): ErrorCode {
    const error = this.heartbeat()
    return error === ErrorCode.REBALANCE_IN_PROGRESS ? this.rejoin() : error
  }

  leave(): ErrorCode {
    const members = [{ memberId: this.memberId, groupInstanceId: this.instanceId, reason: null }]
    const response = this.coordinator.asked('leaveGroup', 5, { groupId: 'g', memberId: '', members })
    return (response.members?.[0]?.errorCode ?? response.errorCode) as ErrorCode
  }
}

export function ownedOf(assignment: Buffer): Owned {
  if (assignment.length === 0) return []
  const { assignedPartitions } = readAssignment(assignment).message
  return assignedPartitions.flatMap(({ topic: name, partitions }) => partitions.map((partition) => `${name}-${partition}`)).sort()
}

/** A consumer of the consumer protocol. */
export class NewConsumer {
  coordinator: Coordinator
  readonly instanceId: string | null
  topics: readonly string[]
  memberId: string
  memberEpoch = 0
  owned: Owned = []

  constructor(coordinator: Coordinator, { topics = ['orders'], instanceId = null, memberId = 'new-1' }: ClientOptions = {}) {
    this.coordinator = coordinator
    this.topics = topics
    this.instanceId = instanceId
    this.memberId = memberId
  }

  send(memberEpoch = this.memberEpoch): GroupResponse<'consumerGroupHeartbeat'> {
    const joins = memberEpoch === 0
    return this.coordinator.asked('consumerGroupHeartbeat', 1, {
      groupId: 'g',
      memberId: this.memberId,
      memberEpoch,
      instanceId: this.instanceId,
      rackId: null,
      rebalanceTimeoutMs: joins ? rebalanceTimeoutMs : -1,
      subscribedTopicNames: joins ? this.topics : null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: memberEpoch < 0 ? null : this.topicPartitions(),
    })
  }

  private topicPartitions(): NonNullable<GroupRequest<'consumerGroupHeartbeat'>['topicPartitions']> {
    return this.coordinator.topics
      .map(({ name, id }) => ({
        topicId: id,
        partitions: this.owned
          .filter((it) => it.slice(0, it.lastIndexOf('-')) === name)
          .map((it) => Number(it.slice(it.lastIndexOf('-') + 1))),
      }))
      .filter(({ partitions }) => partitions.length > 0)
  }

  /** A heartbeat; what it is told to have it has. */
  poll(): ErrorCode {
    const response = this.send()
    if (response.errorCode !== ErrorCode.NONE) return response.errorCode as ErrorCode
    this.memberEpoch = response.memberEpoch ?? 0
    const { assignment } = response
    if (assignment !== null && assignment !== undefined) this.owned = assignment.topicPartitions.flatMap((it) => this.names(it)).sort()
    return ErrorCode.NONE
  }

  private names({ topicId, partitions }: { readonly topicId: Uuid; readonly partitions: readonly number[] }): string[] {
    const name = this.coordinator.topics.find(({ id }) => id === topicId)?.name ?? '?'
    return partitions.map((partition) => `${name}-${partition}`)
  }

  leave(): ErrorCode {
    return this.send(this.instanceId === null ? -1 : -2).errorCode as ErrorCode
  }
}

/** A classic group in which all have what its leader, the first, has given them: the partitions of 'orders' in turn. */
export function classicGroup(coordinator: Coordinator, consumers: readonly ClassicConsumer[]): void {
  for (const consumer of consumers) assert.equal(consumer.startJoin(), null)
  coordinator.pass(settings.groupInitialRebalanceDelayMs * 2)
  for (const consumer of consumers) assert.equal(consumer.endJoin().errorCode, ErrorCode.NONE)
  const orders = coordinator.topics.find(({ name }) => name === 'orders')?.partitionCount ?? 0
  const assignments = consumers.map(({ memberId }, at) => {
    const partitions = Array.from({ length: orders }, (_, partition) => partition).filter(
      (partition) => partition % consumers.length === at,
    )
    return { memberId, assignment: writeAssignment(3, { assignedPartitions: [{ topic: 'orders', partitions }] }) }
  })
  const [leader, ...others] = consumers
  assert.ok(leader !== undefined)
  const tickets = others.map((consumer) => consumer.sendSync())
  assert.equal(leader.takeSync(leader.sendSync(assignments)), ErrorCode.NONE)
  for (const [at, consumer] of others.entries()) assert.equal(consumer.takeSync(tickets[at] ?? -1), ErrorCode.NONE)
}

export const allOrders = ['orders-0', 'orders-1', 'orders-2', 'orders-3']

/** What takes the longest: one gives up, says so, another is told to join again. */
const quietRounds = 4

/** Everybody does what it is told until nothing changes any more. */
export function settle(members: readonly (ClassicConsumer | NewConsumer)[]): void {
  let before = ''
  for (let quiet = 0, round = 0; quiet < quietRounds; round++) {
    assert.ok(round < 50, 'the group does not settle')
    for (const member of members) assert.equal(member.poll(), ErrorCode.NONE)
    const after = JSON.stringify(members.map(({ owned }) => owned))
    quiet = after === before ? quiet + 1 : 0
    before = after
  }
}

export function ownedBy(members: readonly { readonly owned: Owned }[]): string[] {
  return members.flatMap(({ owned }) => owned).sort()
}
