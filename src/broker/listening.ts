import type { Ports } from '../base/ports.ts'
import type { ServerConfig } from '../config/server-config.ts'
import type { HandlerTable } from '../server/handlers.ts'
import { MemoryBudget } from '../server/memory-budget.ts'
import { type Server, serve } from '../server/serve.ts'
import { limitsOf } from './server-limits.ts'

/** Opens the broker's listeners, which share one budget of memory for requests. Rejects with NetworkError. */
export async function openListeners(ports: Ports, config: ServerConfig, table: HandlerTable): Promise<readonly Server[]> {
  const { listeners, controllerListenerNames, queuedMaxRequestBytes } = config
  const own = listeners.filter((it) => !controllerListenerNames.includes(it.name))
  const limits = limitsOf(config)
  const memory = new MemoryBudget(queuedMaxRequestBytes > 0 ? queuedMaxRequestBytes : Number.MAX_SAFE_INTEGER)
  return Promise.all(
    own.map((it) => serve(ports, { host: it.host, port: it.port, listenerName: it.name, listenerKind: 'broker', limits, memory }, table)),
  )
}
