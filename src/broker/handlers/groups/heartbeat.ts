import { ErrorCode } from '../../../protocol/errors.ts'
import type { Handler } from '../../../server/handlers.ts'
import { asked, isGroupId } from './asked.ts'
import type { GroupHandlersContext } from './context.ts'

/**
 * Heartbeat (12), versions 0–4. While the coordinator loads, a member is told that all is well: it has done its part, and sessions begin anew when
 * the groups are there (GroupCoordinatorService.heartbeat).
 */
export function heartbeatHandler(broker: GroupHandlersContext): Handler<'heartbeat'> {
  return async (request, context) => {
    if (!isGroupId(request.groupId)) return { errorCode: ErrorCode.INVALID_GROUP_ID }
    const response = await broker.groups.ask(request.groupId, asked('heartbeat', request, context))
    return response.errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? { ...response, errorCode: ErrorCode.NONE } : response
  }
}
