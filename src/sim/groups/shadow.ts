import type { Offset, Timestamp, Uuid } from '../../base/units.ts'
import type { GroupFact, GroupRecordOf, GroupValue } from '../../groups/records/fact.ts'
import { readAssignment, subscribedTopics } from '../../groups/subscriptions/consumer-protocol.ts'

/** A partition of a topic in keys: by the topic's name in classic groups, by its id in consumer groups. */
export type PartitionKey = string

export function partitionKey(topic: string, partition: number): PartitionKey {
  return `${topic}:${partition}`
}

export function splitKey(key: PartitionKey): { readonly topic: string; readonly partition: number } {
  const at = key.lastIndexOf(':')
  return { topic: key.slice(0, at), partition: Number(key.slice(at + 1)) }
}

export interface ShadowClassicMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly assigned: ReadonlySet<PartitionKey>
  readonly topics: readonly string[]
}

export interface ShadowClassic {
  readonly generation: number
  /** Null while the generation's assignments are awaited. */
  readonly leader: string | null
  readonly members: ReadonlyMap<string, ShadowClassicMember>
  readonly stateSince: Timestamp
}

export interface ShadowMember {
  readonly memberId: string
  instanceId: string | null
  /** The metadata record is there: a member, not only what is left of one in a log that has been compacted. */
  isMember: boolean
  isClassic: boolean
  topics: readonly string[]
  regex: string | null
  epoch: number
  previousEpoch: number
  /** With the epoch since which it has been assigned, as far as the record says. */
  assigned: ReadonlyMap<PartitionKey, number>
  revoking: ReadonlyMap<PartitionKey, number>
  target: ReadonlySet<PartitionKey>
}

/** Of a consumer group of which no record has told yet, as in Kafka 4.3: members can be there before. */
const initialEpoch = 1

export interface ShadowConsumer {
  epoch: number
  isWritten: boolean
  assignmentEpoch: number
  readonly members: Map<string, ShadowMember>
}

export interface ShadowOffset {
  readonly offset: Offset
  readonly commitTimestamp: Timestamp
  readonly topicId: Uuid
}

/** What a log says, folded by the plainest code that can do it, apart from the ledger's. */
export class Shadow {
  readonly classic = new Map<string, ShadowClassic>()
  readonly consumer = new Map<string, ShadowConsumer>()
  /** By group, then by topic name and partition. */
  readonly offsets = new Map<string, Map<PartitionKey, ShadowOffset>>()

  apply(fact: GroupFact): void {
    switch (fact.type) {
      case 'offsetCommit':
        return this.applyOffset(fact)
      case 'groupMetadata':
        return this.applyClassic(fact)
      case 'consumerGroupMetadata':
        return this.applyEpoch(fact)
      case 'consumerGroupMemberMetadata':
        return this.applyMember(fact)
      case 'consumerGroupCurrentMemberAssignment':
        return this.applyCurrent(fact)
      case 'consumerGroupTargetAssignmentMetadata':
        if (fact.value !== null) this.group(fact.key.groupId).assignmentEpoch = fact.value.assignmentEpoch
        return
      case 'consumerGroupTargetAssignmentMember':
        this.member(fact.key).target = new Set(keysOf(fact.value?.topicPartitions ?? []).keys())
        return this.sweep(fact.key)
      default:
        return
    }
  }

  isMember(groupId: string, memberId: string): boolean {
    return this.classic.get(groupId)?.members.has(memberId) === true || this.consumerMember(groupId, memberId) !== null
  }

  consumerMember(groupId: string, memberId: string): ShadowMember | null {
    const member = this.consumer.get(groupId)?.members.get(memberId)
    return member?.isMember === true ? member : null
  }

  private applyOffset({ key, value }: GroupRecordOf<'offsetCommit'>): void {
    let offsets = this.offsets.get(key.group)
    if (offsets === undefined) this.offsets.set(key.group, (offsets = new Map()))
    const at = partitionKey(key.topic, key.partition)
    if (value === null) offsets.delete(at)
    else offsets.set(at, { offset: value.offset, commitTimestamp: value.commitTimestamp, topicId: value.topicId })
  }

  private applyClassic({ key, value }: GroupRecordOf<'groupMetadata'>): void {
    if (value === null) {
      this.classic.delete(key.group)
    } else this.classic.set(key.group, this.classicOf(value))
  }

  classicOf(value: GroupValue<'groupMetadata'>): ShadowClassic {
    const members = value.members.map(({ memberId, groupInstanceId, assignment, subscription }) => ({
      memberId,
      instanceId: groupInstanceId,
      assigned: assignedIn(assignment),
      topics: subscribedTopics(subscription) ?? [],
    }))
    return {
      generation: value.generation,
      leader: value.leader,
      members: new Map(members.map((member) => [member.memberId, member])),
      stateSince: value.currentStateTimestamp,
    }
  }

  private applyEpoch({ key, value }: GroupRecordOf<'consumerGroupMetadata'>): void {
    if (value === null) {
      this.consumer.delete(key.groupId)
    } else {
      const group = this.group(key.groupId)
      group.epoch = value.epoch
      group.isWritten = true
    }
  }

  private applyMember({ key, value }: GroupRecordOf<'consumerGroupMemberMetadata'>): void {
    const member = this.member(key)
    member.isMember = value !== null
    member.instanceId = value?.instanceId ?? null
    member.isClassic = value !== null && value.classicMemberMetadata !== null
    member.topics = value?.subscribedTopicNames ?? []
    member.regex = value?.subscribedTopicRegex ?? null
    this.sweep(key)
  }

  private applyCurrent({ key, value }: GroupRecordOf<'consumerGroupCurrentMemberAssignment'>): void {
    const member = this.member(key)
    member.epoch = value?.memberEpoch ?? -1
    member.previousEpoch = value?.previousMemberEpoch ?? -1
    member.assigned = keysOf(value?.assignedPartitions ?? [])
    member.revoking = keysOf(value?.partitionsPendingRevocation ?? [])
    this.sweep(key)
  }

  private group(groupId: string): ShadowConsumer {
    let group = this.consumer.get(groupId)
    if (group === undefined)
      this.consumer.set(groupId, (group = { epoch: initialEpoch, isWritten: false, assignmentEpoch: -1, members: new Map() }))
    return group
  }

  private member({ groupId, memberId }: { readonly groupId: string; readonly memberId: string }): ShadowMember {
    const { members } = this.group(groupId)
    let member = members.get(memberId)
    if (member === undefined) members.set(memberId, (member = newMember(memberId)))
    return member
  }

  /** Nothing is left of it. */
  private sweep({ groupId, memberId }: { readonly groupId: string; readonly memberId: string }): void {
    const group = this.group(groupId)
    const member = this.member({ groupId, memberId })
    if (!member.isMember && member.epoch === -1 && member.target.size === 0) group.members.delete(memberId)
    if (group.members.size === 0 && !group.isWritten) this.consumer.delete(groupId)
  }
}

function newMember(memberId: string): ShadowMember {
  return {
    memberId,
    instanceId: null,
    isMember: false,
    isClassic: false,
    topics: [],
    regex: null,
    epoch: -1,
    previousEpoch: -1,
    assigned: new Map(),
    revoking: new Map(),
    target: new Set(),
  }
}

function keysOf(
  topics: readonly {
    readonly topicId: string
    readonly partitions: readonly number[]
    readonly assignmentEpochs?: readonly number[] | null
  }[],
): Map<PartitionKey, number> {
  const keys = new Map<PartitionKey, number>()
  for (const { topicId, partitions, assignmentEpochs } of topics)
    partitions.forEach((partition, at) => keys.set(partitionKey(topicId, partition), assignmentEpochs?.[at] ?? -1))
  return keys
}

export function assignedIn(assignment: Buffer): ReadonlySet<PartitionKey> {
  const keys = new Set<PartitionKey>()
  if (assignment.length === 0) return keys
  for (const { topic, partitions } of readAssignment(assignment).message.assignedPartitions)
    for (const partition of partitions) keys.add(partitionKey(topic, partition))
  return keys
}
