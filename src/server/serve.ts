import type { Ports } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'
import type { ListenerKind } from '../protocol/apis.ts'
import type { HandlerTable } from './handlers.ts'
import type { ServerLimits } from './limits.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { RequestMetrics } from './request-metrics.ts'

export interface ServeOptions {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  readonly listenerName: string
  readonly listenerKind: ListenerKind
  readonly limits?: Partial<ServerLimits>
  /** Shared by the listeners of a process; one of its own when left out. */
  readonly memory?: MemoryBudget
  readonly metrics?: RequestMetrics
}

/** One open listener. */
export interface Server {
  readonly listenerName: string
  readonly host: string
  readonly port: number
  /** Connections now open. */
  readonly connectionCount: number
  /**
   * Takes no more connections or requests, lets the answers of requests in work leave, then closes what is still open after `graceMs`.
   * Idempotent.
   */
  close(options: { readonly graceMs: Millis }): Promise<void>
}

/** Opens a listener. @throws NetworkError when the address cannot be had */
export declare function serve(ports: Ports, options: ServeOptions, handlers: HandlerTable): Promise<Server>
