import { ErrorCode } from '../../protocol/errors.ts'
import type { GroupsState } from '../state.ts'
import type { Asked, Turn } from '../turn.ts'
import { BatchRoom } from './record-size.ts'
import { offsetTombstonesOf } from './tombstones.ts'

/**
 * DeleteGroups 0 to 2. A group goes with all of its offsets, in one batch with the other groups of the request: either all of it is gone or nothing. The
 * group with the empty name is one like any other here, as in Kafka. Errors of a group: GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, and UNKNOWN_SERVER_ERROR for
 * one that does not fit in the batch any more (Kafka refuses all groups of such a request).
 */
export function deleteGroups(state: GroupsState, turn: Turn, { ticket, request }: Asked<'deleteGroups'>): void {
  const room = new BatchRoom(state.world.settings.recordBatchBytesMax)
  const results = [...new Set(request.groupsNames)].map((groupId) => ({ groupId, errorCode: deleteGroup(state, turn, room, groupId) }))
  turn.answer(ticket, { api: 'deleteGroups', response: { throttleTimeMs: 0, results } })
}

function deleteGroup(state: GroupsState, turn: Turn, room: BatchRoom, groupId: string): ErrorCode {
  const group = state.groups.get(groupId)
  const error = group?.deleteError() ?? ErrorCode.GROUP_ID_NOT_FOUND
  if (group === undefined || error !== ErrorCode.NONE) return error
  const records = [...offsetTombstonesOf(state.offsets, groupId), ...group.tombstones()]
  if (!room.take(records)) return ErrorCode.UNKNOWN_SERVER_ERROR
  for (const record of records) turn.write(record)
  return ErrorCode.NONE
}
