import { NO_UUID, type Timestamp, type Uuid } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { refreshSession } from '../classic/session.ts'
import type { GroupRequest } from '../commands.ts'
import type { Group, OffsetsCaller } from '../group.ts'
import type { GroupRecord } from '../records/fact.ts'
import type { GroupsState } from '../state.ts'
import type { Asked, Turn } from '../turn.ts'
import { fitInOneBatch } from './record-size.ts'

type Request = GroupRequest<'offsetCommit'>
type Topic = Request['topics'][number]
type Partition = Topic['partitions'][number]

/** From this version on a group that is not there is said to be so. */
const versionThatNamesUnknownGroups = 9
const noTimestamp: Timestamp = -1

/**
 * OffsetCommit 2 to 10. Who may commit is the group's to say. A commit of somebody without a generation to a group that is not there makes a simple
 * group (in replay); one with a generation is refused. All records are one batch: after a failure either all partitions have been committed or none.
 *
 * An error of a single partition is OFFSET_METADATA_TOO_LARGE. All others are given for every partition, and nothing is committed, as in Kafka: also
 * when a member of the consumer protocol may not commit just one of them (STALE_MEMBER_EPOCH, KIP-1251), and when the records do not fit in one
 * batch (UNKNOWN_SERVER_ERROR: what Kafka makes of a batch that is too large).
 */
export function offsetCommit(state: GroupsState, turn: Turn, asked: Asked<'offsetCommit'>): void {
  const { request, context } = asked
  const { offsetMetadataMaxBytes, recordBatchBytesMax } = state.world.settings
  const caller: OffsetsCaller = { ...request, version: context.version }
  const group = state.groups.get(request.groupId)
  const refusal = group === undefined ? errorWithoutGroup(caller) : group.commitError(caller, null)
  if (refusal !== ErrorCode.NONE) return answer(turn, asked, () => refusal)
  if (group?.type === 'classic') refreshSession(state, turn, group, request.memberId)

  const isTooLarge = (partition: Partition): boolean => (partition.committedMetadata?.length ?? 0) > offsetMetadataMaxBytes
  const offered = request.topics.map((topic) => ({
    name: topic.name,
    topicId: topicIdOf(state, topic),
    partitions: topic.partitions.filter((partition) => !isTooLarge(partition)),
  }))
  const targetRefusal = group?.type === 'consumer' ? errorOfTargets(group, caller, offered) : ErrorCode.NONE
  if (targetRefusal !== ErrorCode.NONE) return answer(turn, asked, () => targetRefusal)

  const records = recordsOf(request, offered, state.world.wallTime())
  if (!fitInOneBatch(records, recordBatchBytesMax)) return answer(turn, asked, () => ErrorCode.UNKNOWN_SERVER_ERROR)
  for (const record of records) turn.write(record)
  answer(turn, asked, (partition) => (isTooLarge(partition) ? ErrorCode.OFFSET_METADATA_TOO_LARGE : ErrorCode.NONE))
}

interface Offered {
  readonly name: string
  readonly topicId: Uuid
  readonly partitions: readonly Partition[]
}

function errorWithoutGroup({ generationIdOrMemberEpoch, version }: OffsetsCaller): ErrorCode {
  if (generationIdOrMemberEpoch < 0) return ErrorCode.NONE
  return version >= versionThatNamesUnknownGroups ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION
}

/** Clients before version 10 do not know it: then it is what the topic is now, so that the offset does not outlive the topic. */
function topicIdOf({ world }: GroupsState, { name, topicId }: Topic): Uuid {
  return topicId === NO_UUID ? (world.topics.byName(name)?.id ?? NO_UUID) : topicId
}

function errorOfTargets(group: Group, caller: OffsetsCaller, topics: readonly Offered[]): ErrorCode {
  for (const { name: topic, topicId, partitions } of topics) {
    for (const { partitionIndex: partition } of partitions) {
      const error = group.commitError(caller, { topic, topicId, partition })
      if (error !== ErrorCode.NONE) return error
    }
  }
  return ErrorCode.NONE
}

function recordsOf({ groupId, retentionTimeMs }: Request, topics: readonly Offered[], commitTimestamp: Timestamp): GroupRecord[] {
  const expireTimestamp = retentionTimeMs === -1 ? noTimestamp : commitTimestamp + retentionTimeMs
  const records: GroupRecord[] = []
  for (const { name: topic, topicId, partitions } of topics) {
    for (const { partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: leaderEpoch, committedMetadata } of partitions) {
      records.push({
        type: 'offsetCommit',
        key: { group: groupId, topic, partition },
        value: { offset, leaderEpoch, metadata: committedMetadata ?? '', commitTimestamp, expireTimestamp, topicId },
      })
    }
  }
  return records
}

function answer(turn: Turn, { ticket, request }: Asked<'offsetCommit'>, errorOf: (partition: Partition) => ErrorCode): void {
  const topics = request.topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map((partition) => ({ partitionIndex: partition.partitionIndex, errorCode: errorOf(partition) })),
  }))
  turn.answer(ticket, { api: 'offsetCommit', response: { topics } })
}
