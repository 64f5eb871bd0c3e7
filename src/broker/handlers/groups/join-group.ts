import { ErrorCode } from '../../../protocol/errors.ts'
import type { Handler, ResponseDraftOf } from '../../../server/handlers.ts'
import { asked, isGroupId } from './asked.ts'
import type { GroupHandlersContext } from './context.ts'

/**
 * JoinGroup (11), versions 0–9. Before version 1 the session timeout is that of the rebalance, too (JoinGroupRequest.maybeOverrideRebalanceTimeout).
 */
export function joinGroupHandler(broker: GroupHandlersContext): Handler<'joinGroup'> {
  return async (request, context) => {
    const version = context.apiVersion
    if (!isGroupId(request.groupId)) {
      const errorCode = ErrorCode.INVALID_GROUP_ID
      return inVersion({ errorCode, protocolName: null, leader: '', memberId: request.memberId, members: [] }, version)
    }
    const rebalanceTimeoutMs = version >= 1 ? request.rebalanceTimeoutMs : request.sessionTimeoutMs
    const response = await broker.groups.ask(request.groupId, asked('joinGroup', { ...request, rebalanceTimeoutMs }, context))
    return inVersion(response, version)
  }
}

/** No protocol is the empty name before version 7, and null since (the constructor of JoinGroupResponse). */
function inVersion(response: ResponseDraftOf<'joinGroup'>, version: number): ResponseDraftOf<'joinGroup'> {
  const name = response.protocolName ?? ''
  return { ...response, protocolName: name === '' && version >= 7 ? null : name }
}
