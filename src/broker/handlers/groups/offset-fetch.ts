import { NO_EPOCH, NO_OFFSET, NO_UUID, type Uuid } from '../../../base/units.ts'
import type { ClusterImage } from '../../../metadata/image.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { Handler, RequestContext, RequestOf, ResponseDraftOf } from '../../../server/handlers.ts'
import { asked } from './asked.ts'
import type { GroupHandlersContext } from './context.ts'

type AskedGroup = RequestOf<'offsetFetch'>['groups'][number]
type AskedTopic = NonNullable<AskedGroup['topics']>[number]
type AnsweredGroup = NonNullable<ResponseDraftOf<'offsetFetch'>['groups']>[number]
type AnsweredTopic = NonNullable<AnsweredGroup['topics']>[number]

const firstVersionWithGroups = 8
const firstVersionWithTopicIds = 10
/** Version 1 has no place for an error of the group: each partition carries it (OffsetFetchResponse.groupError). */
const firstVersionWithGroupError = 2

/**
 * OffsetFetch (9), versions 1–10: of several groups since version 8, topics by id since version 10. No topics (null) means all that the group has
 * offsets for. The empty group is for clients that only keep offsets here.
 */
export function offsetFetchHandler(broker: GroupHandlersContext): Handler<'offsetFetch'> {
  return async (request, context) => {
    const version = context.apiVersion
    if (version >= firstVersionWithGroups) {
      const groups = await Promise.all(request.groups.map((group) => fetchGroup(broker, request, group, context)))
      return { throttleTimeMs: 0, groups }
    }
    const group = singleGroup(request)
    return withoutGroups(await fetchGroup(broker, request, group, context), group, version)
  }
}

function singleGroup({ groupId, topics }: RequestOf<'offsetFetch'>): AskedGroup {
  const named = topics?.map(({ name, partitionIndexes }) => ({ name, topicId: NO_UUID, partitionIndexes })) ?? null
  return { groupId, memberId: null, memberEpoch: NO_EPOCH, topics: named }
}

function withoutGroups(answer: AnsweredGroup, group: AskedGroup, version: number): ResponseDraftOf<'offsetFetch'> {
  const errorCode = answer.errorCode ?? ErrorCode.NONE
  const failed = errorCode !== ErrorCode.NONE
  const told = failed && version < firstVersionWithGroupError ? group.topics?.map((it) => failedTopic(it, errorCode)) : answer.topics
  const topics = (told ?? []).map(({ name = '', partitions = [] }) => ({ name, partitions }))
  return { throttleTimeMs: 0, errorCode, topics }
}

function failedTopic({ name, topicId, partitionIndexes }: AskedTopic, errorCode: number): AnsweredTopic {
  const none = { committedOffset: NO_OFFSET, committedLeaderEpoch: NO_EPOCH, metadata: '', errorCode }
  return { name, topicId, partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, ...none })) }
}

async function fetchGroup(
  broker: GroupHandlersContext,
  request: RequestOf<'offsetFetch'>,
  group: AskedGroup,
  context: RequestContext,
): Promise<AnsweredGroup> {
  const byId = context.apiVersion >= firstVersionWithTopicIds
  const wanted = group.topics === null ? null : byId ? named(broker.image, group.topics) : group.topics
  const topics = wanted?.filter((it) => it.name !== '' || !byId) ?? null
  const whole = { ...request, groups: [{ ...group, topics }] }
  const response = await broker.groups.ask(group.groupId, asked('offsetFetch', whole, context))
  const answer = response.groups?.[0] ?? { groupId: group.groupId, topics: [], errorCode: ErrorCode.UNKNOWN_SERVER_ERROR }
  if ((answer.errorCode ?? ErrorCode.NONE) !== ErrorCode.NONE || !byId) return answer
  const absent = (wanted ?? []).filter((it) => it.name === '').map((it) => failedTopic(it, ErrorCode.UNKNOWN_TOPIC_ID))
  return { ...answer, topics: [...withIds(broker.image, answer.topics ?? [], wanted), ...absent] }
}

/** The name stays empty when nothing has the id. */
function named(image: ClusterImage, topics: readonly AskedTopic[]): readonly AskedTopic[] {
  return topics.map((topic) => ({ ...topic, name: image.topics.byId(topic.topicId)?.name ?? '' }))
}

/** Topics that are gone have no id to be told by, and are left out (KafkaApis.fetchAllOffsetsForGroup). */
function withIds(image: ClusterImage, answered: readonly AnsweredTopic[], wanted: readonly AskedTopic[] | null): readonly AnsweredTopic[] {
  const askedIds = new Map<string, Uuid>(wanted?.map((it) => [it.name, it.topicId]))
  return answered.flatMap((topic) => {
    const name = topic.name ?? ''
    const topicId = askedIds.get(name) ?? image.topics.byName(name)?.id
    return topicId === undefined ? [] : [{ ...topic, topicId }]
  })
}
