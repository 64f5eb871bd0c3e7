import { NO_EPOCH, NO_OFFSET, NO_UUID, type Uuid } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { GroupRequest, GroupResponse } from '../commands.ts'
import type { GroupsState } from '../state.ts'
import type { Asked, Turn } from '../turn.ts'
import { type CommittedOffset, isOfAnotherTopic, type TopicOffsets } from './topic-offsets.ts'

type GroupAsked = GroupRequest<'offsetFetch'>['groups'][number]
type TopicAsked = NonNullable<GroupAsked['topics']>[number]
type GroupAnswer = NonNullable<GroupResponse<'offsetFetch'>['groups']>[number]
type TopicAnswer = NonNullable<GroupAnswer['topics']>[number]
type PartitionAnswer = NonNullable<TopicAnswer['partitions']>[number]

/**
 * OffsetFetch, in the form of versions 8 to 10. What was never committed is offset -1 without an error, in a group that is not there, too; it is
 * said only by who has read the whole log, and when all that it was seen in is committed (the ledger's host holds the answer until then).
 *
 * Errors: of a group what its rules say of the member that asks (UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, …); of a partition UNSTABLE_OFFSET_COMMIT,
 * when only stable offsets are wanted and a transaction that has not ended has one.
 *
 * An offset that was committed for a topic of the same name that has been deleted since is no offset of this one. Which topic is meant the request
 * says (10), or the cluster's metadata: they are never older than those by which a stored offset was accepted, since who leads this partition has
 * learned so from them.
 */
export function offsetFetch(state: GroupsState, turn: Turn, { ticket, request }: Asked<'offsetFetch'>): void {
  const groups = request.groups.map((group) => fetchGroup(state, group, request.requireStable))
  turn.answer(ticket, { api: 'offsetFetch', response: { groups } })
}

function fetchGroup(state: GroupsState, asked: GroupAsked, requireStable: boolean): GroupAnswer {
  const { groupId, memberId, memberEpoch, topics } = asked
  const error = state.groups.get(groupId)?.fetchError(memberId, memberEpoch) ?? ErrorCode.GROUP_ID_NOT_FOUND
  const isThere = error !== ErrorCode.GROUP_ID_NOT_FOUND
  if (isThere && error !== ErrorCode.NONE) return { groupId, topics: [], errorCode: error }
  const wanted = { state, groupId, requireStable, offsets: isThere ? state.offsets.topicsOf(groupId) : new Map<string, TopicOffsets>() }
  return {
    groupId,
    topics: topics === null ? allTopics(wanted) : topics.map((topic) => someOfTopic(wanted, topic)),
    errorCode: ErrorCode.NONE,
  }
}

interface Wanted {
  readonly state: GroupsState
  readonly groupId: string
  readonly requireStable: boolean
  readonly offsets: ReadonlyMap<string, TopicOffsets>
}

function allTopics(wanted: Wanted): TopicAnswer[] {
  const answers: TopicAnswer[] = []
  for (const [name, offsets] of wanted.offsets) {
    const topicId = presentId(wanted.state, name)
    const partitions: PartitionAnswer[] = []
    for (const [partition, committed] of offsets.entries()) {
      if (!isOfAnotherTopic(committed, topicId)) partitions.push(answerOf(wanted, name, partition, committed))
    }
    if (partitions.length > 0) answers.push({ name, topicId, partitions })
  }
  return answers
}

function someOfTopic(wanted: Wanted, { name, topicId, partitionIndexes }: TopicAsked): TopicAnswer {
  const offsets = wanted.offsets.get(name)
  const meantId = topicId === NO_UUID ? presentId(wanted.state, name) : topicId
  const partitions = partitionIndexes.map((partition) => {
    const committed = offsets?.get(partition) ?? null
    const counts = committed !== null && !isOfAnotherTopic(committed, meantId)
    return answerOf(wanted, name, partition, counts ? committed : null)
  })
  return { name, topicId, partitions }
}

function presentId({ world }: GroupsState, name: string): Uuid {
  return world.topics.byName(name)?.id ?? NO_UUID
}

function answerOf(
  { state, groupId, requireStable }: Wanted,
  topic: string,
  partition: number,
  committed: CommittedOffset | null,
): PartitionAnswer {
  if (requireStable && state.offsets.isPending(groupId, topic, partition)) return none(partition, ErrorCode.UNSTABLE_OFFSET_COMMIT)
  if (committed === null) return none(partition, ErrorCode.NONE)
  const { offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata } = committed
  return { partitionIndex: partition, committedOffset, committedLeaderEpoch, metadata, errorCode: ErrorCode.NONE }
}

function none(partitionIndex: number, errorCode: ErrorCode): PartitionAnswer {
  return { partitionIndex, committedOffset: NO_OFFSET, committedLeaderEpoch: NO_EPOCH, metadata: '', errorCode }
}
