import { addTo } from '../../base/grouped.ts'
import { hasPreferredLeader } from '../../metadata/partition-image.ts'
import type { TopicImage } from '../../metadata/topics-image.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ControllerRequest, ControllerResponse, RequestContext } from '../commands.ts'
import { done, type Outcome, refused } from '../outcome.ts'
import { electionsPerRoundMax, recordsPerRequestMax } from '../settings.ts'
import { changeSetting, type ControllerState, type RecordBatch, uncleanElectionAllowed } from '../state.ts'
import { partitionChange } from './partition-change.ts'

type Request = ControllerRequest<'electLeaders'>
type Response = ControllerResponse<'electLeaders'>
type Kind = 'preferred' | 'unclean'

const PREFERRED = 0
const UNCLEAN = 1

/** ElectLeaders (43) v0–2; v0 knows preferred elections only. null topics: all partitions that need one, and those only are answered. */
export function electLeaders(state: ControllerState, request: Request, context: RequestContext, out: RecordBatch): Response {
  const type = context.version === 0 ? PREFERRED : request.electionType
  if (type !== PREFERRED && type !== UNCLEAN) return { throttleTimeMs: 0, errorCode: ErrorCode.INVALID_REQUEST, replicaElectionResults: [] }
  const kind = type === PREFERRED ? 'preferred' : 'unclean'
  const replicaElectionResults =
    request.topicPartitions === null ? electAll(state, kind, out) : electNamed(state, kind, request.topicPartitions, out)
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, replicaElectionResults }
}

type Results = Response['replicaElectionResults']
type Named = NonNullable<Request['topicPartitions']>

function electAll(state: ControllerState, kind: Kind, out: RecordBatch): Results {
  const wanting = kind === 'preferred' ? state.index.imbalanced : state.index.leaderless
  const byTopic = new Map<string, number[]>()
  for (const { topicId, partition } of wanting.all()) {
    const topic = state.image.topics.byId(topicId)
    if (topic !== undefined) addTo(byTopic, topic.name, partition)
  }
  return electNamed(
    state,
    kind,
    [...byTopic].map(([topic, partitions]) => ({ topic, partitions })),
    out,
  )
}

function electNamed(state: ControllerState, kind: Kind, asked: Named, out: RecordBatch): Results {
  return asked.map(({ topic, partitions }) => ({
    topic,
    partitionResult: [...new Set(partitions)].map((partitionId) => ({ partitionId, ...electOne(state, kind, topic, partitionId, out) })),
  }))
}

function electOne(state: ControllerState, kind: Kind, name: string, partitionId: number, out: RecordBatch): Outcome {
  const topic = state.image.topics.byName(name)
  if (topic === undefined) return refused('UNKNOWN_TOPIC_OR_PARTITION', `No such topic as ${name}`)
  const partition = topic.partitions[partitionId]
  if (partition === undefined) return refused('UNKNOWN_TOPIC_OR_PARTITION', `No such partition as ${name}-${partitionId}`)
  const isNeeded = kind === 'preferred' ? !hasPreferredLeader(partition) : partition.leader < 0
  if (!isNeeded) return refused('ELECTION_NOT_NEEDED', 'Leader election not needed for topic partition.')
  if (out.size >= recordsPerRequestMax) return refused('POLICY_VIOLATION', 'Excessively large number of partitions per request.')
  return elect(state, topic, partitionId, kind, out)
}

/** Moves the leader where it should be; refused when nothing there is can lead. */
function elect(state: ControllerState, topic: TopicImage, partitionId: number, kind: Kind, out: RecordBatch): Outcome {
  const partition = topic.partitions[partitionId]
  if (partition === undefined) return refused('UNKNOWN_TOPIC_OR_PARTITION')
  const draft = partitionChange(partition, { election: kind }, changeSetting(state, topic, partition))
  if (draft !== null) {
    out.add('partitionChange', draft)
    return done
  }
  return kind === 'preferred'
    ? refused('PREFERRED_LEADER_NOT_AVAILABLE', 'The preferred leader was not available.')
    : refused('ELIGIBLE_LEADERS_NOT_AVAILABLE', 'Eligible topic partition leaders are not available.')
}

/** One round of `auto.leader.rebalance.enable`. Returns whether there may be more to move. */
export function rebalanceLeaders(state: ControllerState, out: RecordBatch): boolean {
  for (const { topicId, partition } of state.index.imbalanced.all()) {
    if (out.size >= electionsPerRoundMax) return true
    const topic = state.image.topics.byId(topicId)
    if (topic !== undefined) elect(state, topic, partition, 'preferred', out)
  }
  return false
}

/** One round for partitions without a leader whose topics allow an unclean election. Returns whether there may be more. */
export function electUncleanLeaders(state: ControllerState, out: RecordBatch): boolean {
  for (const { topicId, partition } of state.index.leaderless.all()) {
    if (out.size >= electionsPerRoundMax) return true
    const topic = state.image.topics.byId(topicId)
    if (topic !== undefined && uncleanElectionAllowed(state, topic)) elect(state, topic, partition, 'unclean', out)
  }
  return false
}
