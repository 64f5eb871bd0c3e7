import type { Uuid } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { GroupResponse } from '../commands.ts'
import type { GroupsState, GroupTopics } from '../state.ts'
import type { Asked, Turn } from '../turn.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, speaksClassic } from './consumer-member.ts'
import { preferredAssignor } from './target-assignment.ts'

type DescribedGroup = GroupResponse<'consumerGroupDescribe'>['groups'][number]
type DescribedMember = DescribedGroup['members'][number]

const classicMemberType = 0
const consumerMemberType = 1

/** ConsumerGroupDescribe: groups of the consumer protocol only; a classic one is not found here. */
export function consumerGroupDescribe(state: GroupsState, turn: Turn, asked: Asked<'consumerGroupDescribe'>): void {
  const groups = asked.request.groupIds.map((groupId) => describe(state, groupId))
  turn.answer(asked.ticket, { api: 'consumerGroupDescribe', response: { throttleTimeMs: 0, groups } })
}

function describe(state: GroupsState, groupId: string): DescribedGroup {
  if (!state.world.settings.consumerProtocolEnabled) return undescribed(groupId, ErrorCode.UNSUPPORTED_VERSION, null)
  if (groupId === '') return undescribed(groupId, ErrorCode.INVALID_GROUP_ID, null)
  const group = state.groups.get(groupId)
  if (group === undefined) return undescribed(groupId, ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`)
  if (group.type !== 'consumer') return undescribed(groupId, ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a consumer group.`)
  return described(state, group)
}

function described({ world }: GroupsState, group: ConsumerGroup): DescribedGroup {
  return {
    errorCode: ErrorCode.NONE,
    groupId: group.groupId,
    groupState: group.stateName,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: preferredAssignor(group.membersByAssignor, world.settings),
    members: [...group.members.values()].map((member) => describedMember(world.topics, group, member)),
  }
}

function describedMember(topics: GroupTopics, group: ConsumerGroup, member: ConsumerMember): DescribedMember {
  const target = group.target(member.memberId)
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.memberEpoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: member.subscribedTopicNames,
    subscribedTopicRegex: member.subscribedTopicRegex,
    assignment: { topicPartitions: named(topics, held(member), (partitions) => partitions) },
    targetAssignment: { topicPartitions: named(topics, target, (partitions) => partitions) },
    memberType: speaksClassic(member) ? classicMemberType : consumerMemberType,
  }
}

/** What it has and what it has yet to give up: it may still be using both (ConsumerGroupMember.asConsumerGroupDescribeMember). */
function held({ assigned, pendingRevocation }: ConsumerMember): ReadonlyMap<Uuid, readonly number[]> {
  const partitions = new Map<Uuid, number[]>()
  for (const [topicId, owned] of [...assigned, ...pendingRevocation])
    partitions.set(topicId, [...(partitions.get(topicId) ?? []), ...owned.keys()])
  return partitions
}

/** Topics that are gone have no name, and are left out. */
function named<T>(topics: GroupTopics, byTopic: ReadonlyMap<Uuid, T>, partitionsOf: (partitions: T) => Iterable<number>) {
  return [...byTopic].flatMap(([topicId, partitions]) => {
    const topic = topics.byId(topicId)
    return topic === undefined ? [] : [{ topicId, topicName: topic.name, partitions: [...partitionsOf(partitions)] }]
  })
}

function undescribed(groupId: string, errorCode: ErrorCode, errorMessage: string | null): DescribedGroup {
  return { errorCode, errorMessage, groupId, groupState: '', groupEpoch: 0, assignmentEpoch: 0, assignorName: '', members: [] }
}
