import { ErrorCode } from '../../../protocol/errors.ts'
import type { Handler, RequestOf, ResponseDraftOf } from '../../../server/handlers.ts'
import { asked, isGroupId } from './asked.ts'
import type { GroupHandlersContext } from './context.ts'

/** SyncGroup (14), versions 0–5. From version 5 on it has to say the protocol's type and name (KIP-559). */
export function syncGroupHandler(broker: GroupHandlersContext): Handler<'syncGroup'> {
  return async (request, context) => {
    if (!saysItsProtocol(request, context.apiVersion)) return failed(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    if (!isGroupId(request.groupId)) return failed(ErrorCode.INVALID_GROUP_ID)
    return await broker.groups.ask(request.groupId, asked('syncGroup', request, context))
  }
}

function saysItsProtocol(request: RequestOf<'syncGroup'>, version: number): boolean {
  return version < 5 || (request.protocolType !== null && request.protocolName !== null)
}

function failed(errorCode: ErrorCode): ResponseDraftOf<'syncGroup'> {
  return { errorCode, assignment: Buffer.alloc(0) }
}
