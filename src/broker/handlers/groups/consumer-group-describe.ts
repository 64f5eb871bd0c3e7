import { ErrorCode } from '../../../protocol/errors.ts'
import type { Handler, ResponseDraftOf } from '../../../server/handlers.ts'
import { groupOperations, operationsNotAsked } from '../topic-entries.ts'
import { asked, isGroupId } from './asked.ts'
import { byPartition } from './by-partition.ts'
import { hasConsumerProtocol } from './consumer-protocol.ts'
import type { GroupHandlersContext } from './context.ts'

type Described = NonNullable<ResponseDraftOf<'consumerGroupDescribe'>['groups']>[number]

/** ConsumerGroupDescribe (69), versions 0–1: groups of the consumer protocol (KIP-848). */
export function consumerGroupDescribeHandler(broker: GroupHandlersContext): Handler<'consumerGroupDescribe'> {
  return async (request, context) => {
    if (!hasConsumerProtocol(broker)) {
      return { throttleTimeMs: 0, groups: request.groupIds.map((groupId) => failed(groupId, ErrorCode.UNSUPPORTED_VERSION)) }
    }
    const named = request.groupIds.filter(isGroupId)
    const found = await byPartition(broker.groups, named, async (first, groupIds) => {
      const response = await broker.groups.ask(first, asked('consumerGroupDescribe', { ...request, groupIds }, context))
      return response.groups
    })
    const byName = new Map(found.map((it) => [it.groupId, it]))
    const groups = request.groupIds.map((groupId) => byName.get(groupId) ?? failed(groupId, ErrorCode.INVALID_GROUP_ID))
    return { throttleTimeMs: 0, groups: groups.map((it) => withOperations(it, request.includeAuthorizedOperations)) }
  }
}

function withOperations(group: Described, asksForThem: boolean): Described {
  return { ...group, authorizedOperations: asksForThem && group.errorCode === ErrorCode.NONE ? groupOperations : operationsNotAsked }
}

function failed(groupId: string, errorCode: ErrorCode): Described {
  return { errorCode, groupId, groupState: '', groupEpoch: 0, assignmentEpoch: 0, assignorName: '', members: [] }
}
