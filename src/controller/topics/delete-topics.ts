import { NO_UUID, type Uuid } from '../../base/units.ts'
import type { TopicImage } from '../../metadata/topics-image.ts'
import type { ControllerRequest, ControllerResponse, RequestContext } from '../commands.ts'
import { done, type Outcome, refused } from '../outcome.ts'
import type { ControllerState, RecordBatch } from '../state.ts'

type Request = ControllerRequest<'deleteTopics'>
type Response = ControllerResponse<'deleteTopics'>

interface Named {
  readonly name: string | null
  readonly topicId: Uuid
}

/** DeleteTopics (20) v1–6, by name or (v6) by id. */
export function deleteTopics(state: ControllerState, request: Request, context: RequestContext, out: RecordBatch): Response {
  const asked: readonly Named[] = context.version >= 6 ? request.topics : request.topicNames.map((name) => ({ name, topicId: NO_UUID }))
  const twice = duplicates(state, asked)
  const responses = asked.map((named) => {
    const topic = find(state, named)
    const outcome = deleteTopic(state, named, topic, twice, out)
    return { name: named.name ?? (outcome === done ? (topic?.name ?? null) : null), topicId: idOf(named, topic, outcome), ...outcome }
  })
  return { responses }
}

function idOf(named: Named, topic: TopicImage | undefined, outcome: Outcome): Uuid {
  return outcome === done && topic !== undefined ? topic.id : named.topicId
}

function find(state: ControllerState, { name, topicId }: Named): TopicImage | undefined {
  return name === null ? state.image.topics.byId(topicId) : state.image.topics.byName(name)
}

/** Ids of topics that were named more than once, whether by name or by id. */
function duplicates(state: ControllerState, asked: readonly Named[]): ReadonlySet<Uuid> {
  const seen = new Set<Uuid>()
  const twice = new Set<Uuid>()
  for (const named of asked) {
    const id = find(state, named)?.id
    if (id === undefined) continue
    if (seen.has(id)) twice.add(id)
    seen.add(id)
  }
  return twice
}

function deleteTopic(
  state: ControllerState,
  { name, topicId }: Named,
  topic: TopicImage | undefined,
  twice: ReadonlySet<Uuid>,
  out: RecordBatch,
): Outcome {
  if (!state.settings.deleteTopicEnable) return refused('TOPIC_DELETION_DISABLED', 'Topic deletion is disabled.')
  if (name === null && topicId === NO_UUID) return refused('INVALID_REQUEST', 'Neither topic name nor id were specified.')
  if (name !== null && topicId !== NO_UUID) return refused('INVALID_REQUEST', 'You may not specify both topic name and topic id.')
  if (topic === undefined) {
    return name === null
      ? refused('UNKNOWN_TOPIC_ID', 'This server does not host this topic ID.')
      : refused('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.')
  }
  if (twice.has(topic.id)) return refused('INVALID_REQUEST', name === null ? 'Duplicate topic id.' : 'Duplicate topic name.')
  out.add('removeTopic', { topicId: topic.id })
  return done
}
