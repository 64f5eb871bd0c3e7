import { ErrorCode } from '../../../protocol/errors.ts'
import type { Handler } from '../../../server/handlers.ts'
import { asked } from './asked.ts'
import { hasConsumerProtocol } from './consumer-protocol.ts'
import type { GroupHandlersContext } from './context.ts'

/** ConsumerGroupHeartbeat (68), versions 0–1: all that a member of the consumer protocol says (KIP-848). */
export function consumerGroupHeartbeatHandler(broker: GroupHandlersContext): Handler<'consumerGroupHeartbeat'> {
  return async (request, context) => {
    if (!hasConsumerProtocol(broker)) {
      return { throttleTimeMs: 0, errorCode: ErrorCode.UNSUPPORTED_VERSION, memberEpoch: 0, heartbeatIntervalMs: 0 }
    }
    return await broker.groups.ask(request.groupId, asked('consumerGroupHeartbeat', request, context))
  }
}
