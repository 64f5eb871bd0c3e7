import type { Clock } from '../../../base/ports.ts'
import type { Prng } from '../../../base/prng.ts'
import type { Millis } from '../../../base/units.ts'
import {
  type CreateMode,
  type ZNode,
  type ZNodeStat,
  ZooKeeperError,
  type ZooKeeperListener,
  type ZooKeeperOperation,
  type ZooKeeperResult,
} from '../../../zookeeper/zookeeper.ts'

interface Kept {
  data: Buffer
  version: number
  cversion: number
  readonly owner: bigint
  readonly czxid: bigint
  mzxid: bigint
  readonly children: Set<string>
}

export type WatchEvent = Parameters<ZooKeeperListener['onWatch']>[0]

export interface EnsembleClient {
  /** Nothing of what it says is heard for so long. */
  stall(pauseMs?: Millis): void
  onChanged(event: WatchEvent): void
}

export interface MemoryEnsembleOptions {
  readonly sessionTimeoutMs: Millis
  /** One way, at most. */
  readonly latencyMs: Millis
}

function parentOf(path: string): string {
  const at = path.lastIndexOf('/')
  return at <= 0 ? '/' : path.slice(0, at)
}

/** The znodes of an ensemble and its sessions, as one thing in memory that never fails: what fails is the way to it. */
export class MemoryEnsemble {
  readonly options: MemoryEnsembleOptions
  readonly clock: Clock
  readonly prng: Prng
  readonly clients = new Set<EnsembleClient>()
  /** Called after each change that was carried out, with the operations of one request. */
  onCommit: (session: bigint, operations: readonly ZooKeeperOperation[]) => void = () => {}
  private readonly nodes = new Map<string, Kept>([['/', newNode(0n, 0n, Buffer.alloc(0))]])
  private readonly sessions = new Set<bigint>()
  private zxid = 0n
  private lastSession = 0n
  /** False: nobody gets an answer. */
  up = true

  constructor(clock: Clock, prng: Prng, options: MemoryEnsembleOptions) {
    this.clock = clock
    this.prng = prng
    this.options = options
  }

  beginSession(): bigint {
    this.lastSession += 1n
    this.sessions.add(this.lastSession)
    return this.lastSession
  }

  isAlive(session: bigint): boolean {
    return this.sessions.has(session)
  }

  endSession(session: bigint): void {
    if (!this.sessions.delete(session)) return
    const owned = [...this.nodes].filter(([, node]) => node.owner === session).map(([path]) => path)
    const operations = owned.map((path): ZooKeeperOperation => ({ op: 'delete', path, version: -1 }))
    this.carryOut(session, operations)
  }

  /** Path and text of all znodes. */
  *texts(): Iterable<readonly [string, string]> {
    for (const [path, node] of this.nodes) if (path !== '/') yield [path, node.data.toString('utf8')]
  }

  get(path: string): ZNode {
    const node = this.node(path)
    return { data: node.data, stat: statOf(node) }
  }

  exists(path: string): ZNodeStat | null {
    const node = this.nodes.get(path)
    return node === undefined ? null : statOf(node)
  }

  children(path: string): readonly string[] {
    return [...this.node(path).children]
  }

  /** All or nothing. @throws ZooKeeperError */
  carryOut(session: bigint, operations: readonly ZooKeeperOperation[]): readonly ZooKeeperResult[] {
    const undo: (() => void)[] = []
    const events: WatchEvent[] = []
    this.zxid += 1n
    try {
      const results = operations.map((operation, at) => this.carryOutOne(session, operation, at, undo, events))
      for (const event of events) for (const client of this.clients) client.onChanged(event)
      this.onCommit(session, operations)
      return results
    } catch (error) {
      for (const back of undo.reverse()) back()
      throw error
    }
  }

  private node(path: string, at = -1): Kept {
    const node = this.nodes.get(path)
    if (node === undefined) throw new ZooKeeperError('noNode', path, at)
    return node
  }

  private carryOutOne(
    session: bigint,
    operation: ZooKeeperOperation,
    at: number,
    undo: (() => void)[],
    events: WatchEvent[],
  ): ZooKeeperResult {
    const { op, path } = operation
    if (op === 'create') return this.create(session, path, operation.data, operation.mode, at, undo, events)
    const node = this.node(path, at)
    if (operation.version !== -1 && operation.version !== node.version) throw new ZooKeeperError('badVersion', path, at)
    if (op === 'check') return { op }
    if (op === 'set') {
      const { data, version, mzxid } = node
      undo.push(() => Object.assign(node, { data, version, mzxid }))
      Object.assign(node, { data: operation.data, version: version + 1, mzxid: this.zxid })
      events.push({ type: 'changed', path })
      return { op, stat: statOf(node) }
    }
    if (node.children.size > 0) throw new ZooKeeperError('notEmpty', path, at)
    const parent = this.node(parentOf(path))
    undo.push(() => {
      this.nodes.set(path, node)
      parent.children.add(path.slice(path.lastIndexOf('/') + 1))
    })
    this.nodes.delete(path)
    parent.children.delete(path.slice(path.lastIndexOf('/') + 1))
    events.push({ type: 'deleted', path })
    return { op }
  }

  private create(
    session: bigint,
    path: string,
    data: Buffer,
    mode: CreateMode,
    at: number,
    undo: (() => void)[],
    events: WatchEvent[],
  ): ZooKeeperResult {
    if (!/^(\/[^/]+)+$/.test(path) || path.split('/').some((part) => part === '.' || part === '..'))
      throw new ZooKeeperError('badArguments', path, at)
    if (this.nodes.has(path)) throw new ZooKeeperError('nodeExists', path, at)
    const parent = this.node(parentOf(path), at)
    if (parent.owner !== 0n) throw new ZooKeeperError('noChildrenForEphemerals', path, at)
    const name = path.slice(path.lastIndexOf('/') + 1)
    undo.push(() => {
      this.nodes.delete(path)
      parent.children.delete(name)
    })
    const node = newNode(mode.startsWith('ephemeral') ? session : 0n, this.zxid, data)
    this.nodes.set(path, node)
    parent.children.add(name)
    events.push({ type: 'created', path })
    return { op: 'create', path, stat: statOf(node) }
  }
}

function newNode(owner: bigint, zxid: bigint, data: Buffer): Kept {
  return { data, version: 0, cversion: 0, owner, czxid: zxid, mzxid: zxid, children: new Set() }
}

function statOf(node: Kept): ZNodeStat {
  const { version, cversion, owner, czxid, mzxid, children } = node
  return { czxid, mzxid, version, cversion, ephemeralOwner: owner, ctime: 0, mtime: 0, childCount: children.size }
}
