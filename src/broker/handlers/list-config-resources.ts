import { ResourceType } from '../../config/alter.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Handler } from '../../server/handlers.ts'
import type { BrokerContext } from './context.ts'
import { brokersOf } from './topic-entries.ts'

const listable: readonly number[] = [
  ResourceType.TOPIC,
  ResourceType.BROKER,
  ResourceType.BROKER_LOGGER,
  ResourceType.CLIENT_METRICS,
  ResourceType.GROUP,
]

/** ListConfigResources (74): version 0 lists client metrics subscriptions (KIP-1000), version 1 any type; no types means all (KIP-1142). */
export function listConfigResourcesHandler(broker: BrokerContext): Handler<'listConfigResources'> {
  return (request, context) => {
    const asked = context.apiVersion === 0 ? [ResourceType.CLIENT_METRICS] : [...new Set(request.resourceTypes)]
    const types = asked.length === 0 ? listable : asked
    if (types.some((type) => !listable.includes(type))) {
      return { throttleTimeMs: 0, errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] }
    }
    const named = types.flatMap((resourceType) =>
      namesOf(broker, resourceType, context.connection.listenerName).map((resourceName) => ({ resourceName, resourceType })),
    )
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, configResources: named }
  }
}

/** Topics and brokers are there whether or not something is set for them; groups and subscriptions are what has something set. */
function namesOf(broker: BrokerContext, type: number, listener: string): readonly string[] {
  const { image } = broker
  if (type === ResourceType.TOPIC) return [...image.topics.names()]
  if (type === ResourceType.BROKER || type === ResourceType.BROKER_LOGGER) return brokersOf(image, listener).map((it) => String(it.nodeId))
  return [...image.configs.all()].filter((it) => it.type === type).map((it) => it.name)
}
