import { ErrorCode } from '../../../protocol/errors.ts'
import type { Handler } from '../../../server/handlers.ts'
import { asked } from './asked.ts'
import type { GroupHandlersContext } from './context.ts'

/**
 * ListGroups (16), versions 0–5: the groups that this broker coordinates. A partition that has just gone to another broker is left out; one that is
 * still loading fails the whole, so that nobody takes a part for all (GroupCoordinatorService.listGroups).
 */
export function listGroupsHandler(broker: GroupHandlersContext): Handler<'listGroups'> {
  return async (request, context) => {
    const answers = await broker.groups.askAll(asked('listGroups', request, context))
    const failure = answers.find((it) => it.errorCode !== ErrorCode.NONE && it.errorCode !== ErrorCode.NOT_COORDINATOR)
    if (failure !== undefined) return { throttleTimeMs: 0, errorCode: failure.errorCode, groups: [] }
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, groups: answers.flatMap((it) => it.groups ?? []) }
  }
}
