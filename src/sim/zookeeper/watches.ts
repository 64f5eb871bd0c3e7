import type { WatchEvent } from '../../zookeeper/wire/answers.ts'
import type { WatchesToSet } from '../../zookeeper/wire/requests.ts'
import type { Tree } from './tree.ts'

/** What one connection watches at its server (org.apache.zookeeper.server.watch.WatchManager). */
export class ConnectionWatches {
  private readonly data = new Set<string>()
  private readonly child = new Set<string>()
  private readonly persistent = new Set<string>()
  private readonly recursive = new Set<string>()

  watchData(path: string): void {
    this.data.add(path)
  }

  watchChildren(path: string): void {
    this.child.add(path)
  }

  add(path: string, isRecursive: boolean): void {
    if (isRecursive) this.recursive.add(path)
    else this.persistent.add(path)
  }

  /** Whether this connection is told of it, once. */
  take({ type, path }: WatchEvent): boolean {
    if (type === 'childrenChanged') return this.child.delete(path) || this.persistent.has(path)
    const isData = this.data.delete(path)
    const isChild = type === 'deleted' && this.child.delete(path)
    return isData || isChild || this.persistent.has(path) || this.isBelow(path)
  }

  private isBelow(path: string): boolean {
    if (this.recursive.size === 0) return false
    for (const root of this.recursive) if (path === root || root === '/' || path.startsWith(`${root}/`)) return true
    return false
  }

  /** Tells of what happened after `relativeZxid` to what was watched once, and watches the rest (DataTree.setWatches). */
  set(watches: WatchesToSet, tree: Tree): readonly WatchEvent[] {
    const events: WatchEvent[] = []
    for (const path of watches.data) {
      const node = tree.get(path)
      if (node === undefined) events.push({ type: 'deleted', path })
      else if (node.mzxid > watches.relativeZxid) events.push({ type: 'changed', path })
      else this.data.add(path)
    }
    for (const path of watches.exist) {
      if (tree.get(path) !== undefined) events.push({ type: 'created', path })
      else this.data.add(path)
    }
    for (const path of watches.child) {
      const node = tree.get(path)
      if (node === undefined) events.push({ type: 'deleted', path })
      else if (node.pzxid > watches.relativeZxid) events.push({ type: 'childrenChanged', path })
      else this.child.add(path)
    }
    for (const path of watches.persistent) this.persistent.add(path)
    for (const path of watches.persistentRecursive) this.recursive.add(path)
    return events
  }
}
