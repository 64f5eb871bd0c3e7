import type { Handler } from '../../../server/handlers.ts'
import { asked } from './asked.ts'
import { byPartition } from './by-partition.ts'
import type { GroupHandlersContext } from './context.ts'

/** DeleteGroups (42), versions 0–2. A name that is given twice is answered once. */
export function deleteGroupsHandler(broker: GroupHandlersContext): Handler<'deleteGroups'> {
  return async (request, context) => {
    const results = await byPartition(broker.groups, [...new Set(request.groupsNames)], async (first, groupsNames) => {
      const response = await broker.groups.ask(first, asked('deleteGroups', { groupsNames }, context))
      return response.results
    })
    return { throttleTimeMs: 0, results }
  }
}
