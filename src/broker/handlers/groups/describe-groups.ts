import { ErrorCode } from '../../../protocol/errors.ts'
import type { Handler } from '../../../server/handlers.ts'
import { groupOperations, operationsNotAsked } from '../topic-entries.ts'
import { asked } from './asked.ts'
import { byPartition } from './by-partition.ts'
import type { GroupHandlersContext } from './context.ts'

/** DescribeGroups (15), versions 0–6: groups of the classic protocol. */
export function describeGroupsHandler(broker: GroupHandlersContext): Handler<'describeGroups'> {
  return async (request, context) => {
    const described = await byPartition(broker.groups, request.groups, async (first, groups) => {
      const response = await broker.groups.ask(first, asked('describeGroups', { ...request, groups }, context))
      return response.groups ?? []
    })
    const tells = context.apiVersion >= 3 && request.includeAuthorizedOperations
    const groups = described.map((group) => {
      const authorizedOperations = tells && group.errorCode === ErrorCode.NONE ? groupOperations : operationsNotAsked
      return { ...group, authorizedOperations }
    })
    return { throttleTimeMs: 0, groups }
  }
}
