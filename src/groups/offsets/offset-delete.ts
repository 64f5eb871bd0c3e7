import { ErrorCode } from '../../protocol/errors.ts'
import type { GroupResponse } from '../commands.ts'
import type { GroupRecord } from '../records/fact.ts'
import type { GroupsState } from '../state.ts'
import type { Asked, Turn } from '../turn.ts'
import { fitInOneBatch } from './record-size.ts'
import { offsetTombstone } from './tombstones.ts'

type Response = GroupResponse<'offsetDelete'>

/**
 * OffsetDelete 0. Of a topic that the group is subscribed to nothing is deleted: GROUP_SUBSCRIBED_TO_TOPIC for its partitions. What has not been
 * committed is deleted without an error. Errors of the whole request: INVALID_GROUP_ID, GROUP_ID_NOT_FOUND, what the group says, and
 * UNKNOWN_SERVER_ERROR for more tombstones than one batch holds.
 */
export function offsetDelete(state: GroupsState, turn: Turn, { ticket, request }: Asked<'offsetDelete'>): void {
  const { groupId } = request
  const group = state.groups.get(groupId)
  const error = groupId === '' ? ErrorCode.INVALID_GROUP_ID : (group?.offsetDeleteError() ?? ErrorCode.GROUP_ID_NOT_FOUND)
  const respond = (errorCode: ErrorCode, topics: Response['topics']): void =>
    turn.answer(ticket, { api: 'offsetDelete', response: { errorCode, throttleTimeMs: 0, topics } })
  if (group === undefined || error !== ErrorCode.NONE) return respond(error, [])

  const records: GroupRecord[] = []
  const topics = request.topics.map(({ name, partitions }) => {
    const isSubscribed = group.isSubscribedTo(name)
    for (const { partitionIndex } of isSubscribed ? [] : partitions) {
      const isThere = state.offsets.has(groupId, name, partitionIndex) || state.offsets.isPending(groupId, name, partitionIndex)
      if (isThere) records.push(offsetTombstone(groupId, name, partitionIndex))
    }
    const errorCode = isSubscribed ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE
    return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }
  })
  if (!fitInOneBatch(records, state.world.settings.recordBatchBytesMax)) return respond(ErrorCode.UNKNOWN_SERVER_ERROR, [])
  for (const record of records) turn.write(record)
  respond(ErrorCode.NONE, topics)
}
