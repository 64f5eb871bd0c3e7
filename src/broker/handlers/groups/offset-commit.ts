import { NO_UUID } from '../../../base/units.ts'
import type { TopicImage } from '../../../metadata/topics-image.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { Handler, RequestOf, ResponseDraftOf } from '../../../server/handlers.ts'
import { asked } from './asked.ts'
import type { GroupHandlersContext } from './context.ts'

type AskedTopic = RequestOf<'offsetCommit'>['topics'][number]
type AnsweredTopic = NonNullable<ResponseDraftOf<'offsetCommit'>['topics']>[number]

interface Judged {
  readonly topic: AskedTopic
  readonly image: TopicImage | undefined
  readonly known: AskedTopic['partitions']
  readonly unknown: AskedTopic['partitions']
}

const firstVersionWithTopicIds = 10

/**
 * OffsetCommit (8), versions 2–10. Topics and partitions that are not there are refused one by one, and come first in the answer; the coordinator is
 * asked about the rest only, and not at all when nothing is left (KafkaApis.handleOffsetCommitRequest). The empty group is for clients that only keep
 * offsets here.
 */
export function offsetCommitHandler(broker: GroupHandlersContext): Handler<'offsetCommit'> {
  return async (request, context) => {
    const byId = context.apiVersion >= firstVersionWithTopicIds
    const judged = request.topics.map((topic) =>
      judge(topic, byId ? broker.image.topics.byId(topic.topicId) : broker.image.topics.byName(topic.name)),
    )
    const refused = judged.filter((it) => it.image === undefined || it.unknown.length > 0).map((it) => refusal(it, byId))
    const topics = judged.flatMap(({ image, known: partitions }) =>
      image === undefined || partitions.length === 0 ? [] : [{ name: image.name, topicId: image.id, partitions }],
    )
    if (topics.length === 0) return { throttleTimeMs: 0, topics: refused }
    const response = await broker.groups.ask(request.groupId, asked('offsetCommit', { ...request, topics }, context))
    return { throttleTimeMs: 0, topics: merged([...refused, ...withIds(response.topics, topics)], byId) }
  }
}

function judge(topic: AskedTopic, image: TopicImage | undefined): Judged {
  const exists = ({ partitionIndex }: { readonly partitionIndex: number }): boolean => image?.partitions[partitionIndex] !== undefined
  return { topic, image, known: topic.partitions.filter(exists), unknown: topic.partitions.filter((it) => !exists(it)) }
}

function refusal({ topic, image, unknown }: Judged, byId: boolean): AnsweredTopic {
  const errorCode = byId && image === undefined ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  return { name: topic.name, topicId: topic.topicId, partitions: unknown.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }
}

/** The coordinator thinks in names. */
function withIds(answered: readonly AnsweredTopic[], topics: readonly AskedTopic[]): readonly AnsweredTopic[] {
  const ids = new Map(topics.map((it) => [it.name, it.topicId]))
  return answered.map((topic) => ({ ...topic, topicId: ids.get(topic.name ?? '') ?? NO_UUID }))
}

/** One entry for each topic, whose refused partitions come first. */
function merged(topics: readonly AnsweredTopic[], byId: boolean): readonly AnsweredTopic[] {
  const byKey = new Map<string, AnsweredTopic>()
  for (const topic of topics) {
    const key = (byId ? topic.topicId : topic.name) ?? ''
    const before = byKey.get(key)
    byKey.set(key, before === undefined ? topic : { ...topic, partitions: [...before.partitions, ...topic.partitions] })
  }
  return [...byKey.values()]
}
