import { ErrorCode } from '../../../protocol/errors.ts'
import type { Handler, RequestOf, ResponseDraftOf } from '../../../server/handlers.ts'
import { asked, isGroupId } from './asked.ts'
import type { GroupHandlersContext } from './context.ts'

/** LeaveGroup (13), versions 0–5. Before version 3 it is one member that leaves, and the answer has one error for both. */
export function leaveGroupHandler(broker: GroupHandlersContext): Handler<'leaveGroup'> {
  return async (request, context) => {
    if (!isGroupId(request.groupId)) return { errorCode: ErrorCode.INVALID_GROUP_ID, members: [] }
    const version = context.apiVersion
    const response = await broker.groups.ask(request.groupId, asked('leaveGroup', normalized(request, version), context))
    return version >= 3 ? response : single(response)
  }
}

/** LeaveGroupRequest.normalizedData */
function normalized(request: RequestOf<'leaveGroup'>, version: number): RequestOf<'leaveGroup'> {
  return version >= 3 ? request : { ...request, members: [{ memberId: request.memberId, groupInstanceId: null, reason: null }] }
}

function single(response: ResponseDraftOf<'leaveGroup'>): ResponseDraftOf<'leaveGroup'> {
  const errorCode = response.errorCode === ErrorCode.NONE ? (response.members?.[0]?.errorCode ?? ErrorCode.NONE) : response.errorCode
  return { errorCode, members: [] }
}
