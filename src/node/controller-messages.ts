import type { LogLevel } from '../base/ports.ts'
import type { ServerConfig } from '../config/server-config.ts'
import type { DirectoryIdentity } from '../log/checkpoints.ts'
import type { Failure } from './failures.ts'

/** What the controller's thread is given. */
export interface ThreadStart {
  readonly config: ServerConfig
  /** Of the metadata log directory. */
  readonly identity: DirectoryIdentity
}

/** What the controller's thread tells the main thread. */
export type FromController =
  | {
      readonly kind: 'log'
      readonly level: LogLevel
      readonly event: string
      readonly message: string
      readonly fields: Readonly<Record<string, string | number | boolean | null>>
    }
  | { readonly kind: 'started' }
  | { readonly kind: 'stopped' }
  | ({ readonly kind: 'failed' } & Failure)

export interface ToController {
  readonly kind: 'stop'
}

export function isToController(message: unknown): message is ToController {
  return typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'stop'
}
