import { ErrorCode } from '../../../protocol/errors.ts'
import type { Handler, RequestOf, ResponseDraftOf } from '../../../server/handlers.ts'
import type { BrokerContext } from '../context.ts'
import { asked, isGroupId } from './asked.ts'
import type { GroupHandlersContext } from './context.ts'

type AskedTopic = RequestOf<'offsetDelete'>['topics'][number]
type AnsweredTopic = NonNullable<ResponseDraftOf<'offsetDelete'>['topics']>[number]

/** OffsetDelete (47), version 0. Topics and partitions that are not there are refused one by one; an error of the group hides that. */
export function offsetDeleteHandler(broker: GroupHandlersContext): Handler<'offsetDelete'> {
  return async (request, context) => {
    const exists = (name: string, index: number): boolean => hasPartition(broker, name, index)
    const refused = picked(request.topics, (name, index) => !exists(name, index)).map(refusal)
    const topics = picked(request.topics, exists)
    if (!isGroupId(request.groupId)) return { errorCode: ErrorCode.INVALID_GROUP_ID, throttleTimeMs: 0, topics: [] }
    const response = await broker.groups.ask(request.groupId, asked('offsetDelete', { ...request, topics }, context))
    if (response.errorCode !== ErrorCode.NONE) return { ...response, topics: [] }
    return { errorCode: ErrorCode.NONE, throttleTimeMs: 0, topics: merged([...refused, ...response.topics]) }
  }
}

function hasPartition(broker: BrokerContext, name: string, index: number): boolean {
  return broker.image.topics.byName(name)?.partitions[index] !== undefined
}

function picked(topics: readonly AskedTopic[], wants: (name: string, index: number) => boolean): readonly AskedTopic[] {
  return topics
    .map(({ name, partitions }) => ({ name, partitions: partitions.filter((it) => wants(name, it.partitionIndex)) }))
    .filter((it) => it.partitions.length > 0)
}

function refusal({ name, partitions }: AskedTopic): AnsweredTopic {
  const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }
}

function merged(topics: readonly AnsweredTopic[]): readonly AnsweredTopic[] {
  const byName = new Map<string, AnsweredTopic>()
  for (const topic of topics) {
    const before = byName.get(topic.name)
    byName.set(topic.name, before === undefined ? topic : { ...topic, partitions: [...before.partitions, ...topic.partitions] })
  }
  return [...byName.values()]
}
