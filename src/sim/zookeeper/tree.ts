import { assert } from '../../base/assert.ts'
import type { Timestamp } from '../../base/units.ts'
import type { WatchEvent } from '../../zookeeper/wire/answers.ts'
import type { Acl, Stat } from '../../zookeeper/wire/records.ts'

/** A node without its children; never changed, only replaced. */
export interface Leaf {
  readonly data: Buffer
  readonly acl: readonly Acl[]
  readonly owner: bigint
  readonly czxid: bigint
  readonly mzxid: bigint
  readonly pzxid: bigint
  readonly ctime: Timestamp
  readonly mtime: Timestamp
  readonly version: number
  /** Children that were ever made; the next sequential one has this number (org.apache.zookeeper.server.DataNode keeps it as its cversion). */
  readonly made: number
}

/** What a transaction does to a tree. */
export type Effect =
  | { readonly type: 'create'; readonly path: string; readonly data: Buffer; readonly acl: readonly Acl[]; readonly owner: bigint }
  | { readonly type: 'set'; readonly path: string; readonly data: Buffer }
  | { readonly type: 'delete'; readonly path: string }

interface Change {
  readonly path: string
  readonly before: Leaf | undefined
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** The nodes of one server (org.apache.zookeeper.server.DataTree). */
export class Tree {
  private readonly leaves = new Map<string, Leaf>()
  private readonly names = new Map<string, Set<string>>()
  private readonly owned = new Map<bigint, Set<string>>()
  private journal: Change[] | null = null

  constructor(rootAcl: readonly Acl[]) {
    const times = { czxid: 0n, mzxid: 0n, pzxid: 0n, ctime: 0, mtime: 0 }
    this.leaves.set('/', { data: Buffer.alloc(0), acl: rootAcl, owner: 0n, version: 0, made: 0, ...times })
    this.names.set('/', new Set())
  }

  get(path: string): Leaf | undefined {
    return this.leaves.get(path)
  }

  childrenOf(path: string): readonly string[] {
    return [...(this.names.get(path) ?? [])]
  }

  ephemeralsOf(session: bigint): readonly string[] {
    return [...(this.owned.get(session) ?? [])].sort()
  }

  paths(): readonly string[] {
    return [...this.leaves.keys()].sort()
  }

  statOf(path: string): Stat {
    const leaf = this.leaves.get(path)
    assert(leaf !== undefined, `no node ${path}`)
    const childCount = this.names.get(path)?.size ?? 0
    const { czxid, mzxid, pzxid, ctime, mtime, version, owner, made } = leaf
    const counts = { cversion: made * 2 - childCount, aversion: 0, dataLength: leaf.data.length, childCount }
    return { czxid, mzxid, pzxid, ctime, mtime, version, ephemeralOwner: owner, ...counts }
  }

  /** Carries out what was decided; gives the events in the order in which watches are told of them. */
  apply(effect: Effect, zxid: bigint, time: Timestamp): readonly WatchEvent[] {
    const { path } = effect
    if (effect.type === 'set') {
      const leaf = this.leafAt(path)
      this.put(path, { ...leaf, data: effect.data, mzxid: zxid, mtime: time, version: leaf.version + 1 })
      return [{ type: 'changed', path }]
    }
    const parent = parentOf(path)
    const above = this.leafAt(parent)
    if (effect.type === 'create') {
      const { data, acl, owner } = effect
      this.put(path, { data, acl, owner, czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: time, mtime: time, version: 0, made: 0 })
    } else this.put(path, undefined)
    this.put(parent, { ...above, pzxid: zxid, made: above.made + (effect.type === 'create' ? 1 : 0) })
    return [
      { type: effect.type === 'create' ? 'created' : 'deleted', path },
      { type: 'childrenChanged', path: parent },
    ]
  }

  /** What `run` does is kept if it says so, and is as if it never was if not. */
  attempt(run: () => boolean): void {
    const journal: Change[] = []
    this.journal = journal
    const keeps = run()
    this.journal = null
    if (!keeps) for (const { path, before } of journal.reverse()) this.put(path, before)
  }

  private leafAt(path: string): Leaf {
    const leaf = this.leaves.get(path)
    assert(leaf !== undefined, `a transaction for ${path}, which is not there`)
    return leaf
  }

  private put(path: string, leaf: Leaf | undefined): void {
    const before = this.leaves.get(path)
    this.journal?.push({ path, before })
    if (leaf === undefined) this.leaves.delete(path)
    else this.leaves.set(path, leaf)
    if (before === undefined && leaf !== undefined) this.onCome(path, leaf)
    if (before !== undefined && leaf === undefined) this.onGone(path, before)
  }

  private onCome(path: string, { owner }: Leaf): void {
    this.names.set(path, new Set())
    this.names.get(parentOf(path))?.add(nameOf(path))
    if (owner === 0n) return
    const owned = this.owned.get(owner) ?? new Set()
    this.owned.set(owner, owned.add(path))
  }

  private onGone(path: string, { owner }: Leaf): void {
    this.names.delete(path)
    this.names.get(parentOf(path))?.delete(nameOf(path))
    this.owned.get(owner)?.delete(path)
  }
}
