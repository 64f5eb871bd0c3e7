import type { Timestamp } from '../base/units.ts'

/**
 * What the product asks of a ZooKeeper ensemble. `client.ts` is the real one, `sim/zookeeper` has a model of an ensemble behind the same bytes.
 *
 * Rules for whoever uses it:
 *  1. Requests of one session are carried out in the order in which they were made, and their promises settle in that order.
 *  2. A request rejects with ZooKeeperError. `connectionLoss` says that nobody knows whether it was carried out; every other code says that it was not.
 *  3. Requests made while the session is not connected wait for it, until it is closed or has expired (`sessionExpired`).
 *  4. A watch event is delivered before the answer of any later read of the same session that shows what it tells of.
 *  5. A session that has expired is never used again: make a new one with `start` of a new client.
 */
export interface ZooKeeper {
  /** Starts to connect; the first news comes to `onSession`. */
  start(listener: ZooKeeperListener): void
  /** Ends the session (its ephemeral nodes go at once) if it is connected, and closes. Idempotent. */
  close(): Promise<void>

  readonly sessionId: bigint
  /** What the ensemble granted, ms; 0 before the first connection. */
  readonly sessionTimeoutMs: number
  /** Monotonic ms at which the session may first have expired, judged by the own clock alone: last proof of life (sent, not received) + timeout. */
  readonly expiresAt: number

  multi(operations: readonly ZooKeeperOperation[]): Promise<readonly ZooKeeperResult[]>
  create(path: string, data: Buffer, mode: CreateMode): Promise<string>
  set(path: string, data: Buffer, version: number): Promise<ZNodeStat>
  delete(path: string, version: number): Promise<void>
  /** Rejects with `noNode`. */
  get(path: string): Promise<ZNode>
  exists(path: string): Promise<ZNodeStat | null>
  children(path: string): Promise<readonly string[]>
  /** The answer comes after everything that the leader of the ensemble had committed when it took the request. */
  sync(path: string): Promise<void>
  /** A persistent, recursive watch: all changes at `path` and below reach `onWatch` until the session ends, also across connections. */
  watch(path: string): Promise<void>
}

export type SessionState = 'connected' | 'disconnected' | 'expired' | 'authFailed'

export interface ZooKeeperListener {
  onSession(state: SessionState): void
  onWatch(event: { readonly type: 'created' | 'deleted' | 'changed' | 'childrenChanged'; readonly path: string }): void
}

export type CreateMode = 'persistent' | 'ephemeral' | 'persistentSequential' | 'ephemeralSequential'

/** -1 as a version: any. */
export type ZooKeeperOperation =
  | { readonly op: 'create'; readonly path: string; readonly data: Buffer; readonly mode: CreateMode }
  | { readonly op: 'set'; readonly path: string; readonly data: Buffer; readonly version: number }
  | { readonly op: 'delete'; readonly path: string; readonly version: number }
  | { readonly op: 'check'; readonly path: string; readonly version: number }

export type ZooKeeperResult =
  | { readonly op: 'create'; readonly path: string; readonly stat: ZNodeStat | null }
  | { readonly op: 'set'; readonly stat: ZNodeStat }
  | { readonly op: 'delete' }
  | { readonly op: 'check' }

export interface ZNode {
  readonly data: Buffer
  readonly stat: ZNodeStat
}

export interface ZNodeStat {
  readonly czxid: bigint
  readonly mzxid: bigint
  readonly version: number
  readonly cversion: number
  readonly ephemeralOwner: bigint
  readonly ctime: Timestamp
  readonly mtime: Timestamp
  readonly childCount: number
}

export type ZooKeeperErrorCode =
  | 'connectionLoss'
  | 'sessionExpired'
  | 'sessionMoved'
  | 'authFailed'
  | 'noAuth'
  | 'noNode'
  | 'nodeExists'
  | 'badVersion'
  | 'notEmpty'
  | 'noChildrenForEphemerals'
  | 'invalidAcl'
  | 'badArguments'
  | 'marshallingError'
  | 'unimplemented'
  | 'operationTimeout'
  | 'requestTimeout'
  | 'notReadOnly'
  | 'systemError'

/** `at`: for a failed multi, which of its operations was refused first. */
export class ZooKeeperError extends Error {
  override readonly name = 'ZooKeeperError'
  readonly code: ZooKeeperErrorCode
  readonly path: string
  readonly at: number
  constructor(code: ZooKeeperErrorCode, path: string, at = -1) {
    super(`${code} at ${path}`)
    this.code = code
    this.path = path
    this.at = at
  }
}
