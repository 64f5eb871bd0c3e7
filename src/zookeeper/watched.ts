import type { Answer, WatchEvent } from './wire/answers.ts'
import type { Request, WatchesToSet } from './wire/requests.ts'

/** Servers refuse frames above `jute.maxbuffer`: many paths are sent in several (org.apache.zookeeper.ClientCnxn does the same). */
const pathBytesMax = 128 * 1024

/**
 * What has to be watched again on a new connection. A server tells at once of what changed while the client was away, but for its persistent recursive
 * watches it does not: it only arms them. So what this session has read below one, or was told of, is set again as a plain watch beside it; for
 * these the server compares the last transaction that was seen, and sends what was missed. Plain watches that have fired are gone; those that have not
 * give no second event, as a server tells each connection once of one change.
 *
 * A node that this session has neither read nor heard of, below one whose children it has never listed, is not told of when it changed meanwhile.
 */
export class Watched {
  private readonly roots = new Set<string>()
  private readonly data = new Set<string>()
  private readonly exist = new Set<string>()
  private readonly child = new Set<string>()

  onAnswer(request: Request, answer: Answer): void {
    if (request.op === 'addWatch') this.roots.add(request.path)
    else if (answer.op === 'get' || answer.op === 'exists') this.onThere(request)
    else if (answer.op === 'children') {
      this.onThere(request)
      if ('path' in request && this.covers(request.path)) this.child.add(request.path)
    }
  }

  private onThere(request: Request): void {
    if (!('path' in request) || !this.covers(request.path)) return
    this.exist.delete(request.path)
    this.data.add(request.path)
  }

  /** The answer was that there is no such node. */
  onMissing(request: Request): void {
    if (request.op !== 'get' && request.op !== 'exists' && request.op !== 'children') return
    this.forget(request.path)
    if (this.covers(request.path)) this.exist.add(request.path)
  }

  onEvent({ type, path }: WatchEvent): void {
    if (!this.covers(path)) return
    if (type === 'deleted') this.forget(path)
    else {
      this.exist.delete(path)
      this.data.add(path)
    }
    if (type === 'childrenChanged') this.child.add(path)
    if (type === 'created' || type === 'deleted') this.watchParent(path, type)
  }

  /** Who comes and goes below a node is told by the node. */
  private watchParent(path: string, type: 'created' | 'deleted'): void {
    const parent = parentOf(path)
    if (path !== '/' && this.covers(parent)) this.child.add(parent)
    else if (type === 'deleted') this.exist.add(path)
  }

  private forget(path: string): void {
    this.data.delete(path)
    this.child.delete(path)
  }

  private covers(path: string): boolean {
    for (const root of this.roots) if (isAtOrBelow(path, root)) return true
    return false
  }

  /** All of it, in frames of a bearable size. None when nothing is watched. */
  toSet(relativeZxid: bigint): readonly WatchesToSet[] {
    if (this.roots.size === 0) return []
    for (const root of this.roots) if (!this.exist.has(root)) this.child.add(root)
    for (const root of this.roots) if (!this.exist.has(root)) this.data.add(root)
    const none: WatchesToSet = { relativeZxid, data: [], exist: [], child: [], persistent: [], persistentRecursive: [] }
    return [
      ...cut(this.data).map((data) => ({ ...none, data })),
      ...cut(this.exist).map((exist) => ({ ...none, exist })),
      ...cut(this.child).map((child) => ({ ...none, child })),
      // Last: servers of 3.8 keep one kind of watch for a path, the one that was set last.
      ...cut(this.roots).map((persistentRecursive) => ({ ...none, persistentRecursive })),
    ]
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

function isAtOrBelow(path: string, root: string): boolean {
  return path === root || root === '/' || path.startsWith(`${root}/`)
}

function cut(paths: ReadonlySet<string>): string[][] {
  const pieces: string[][] = []
  let piece: string[] = []
  let bytes = 0
  for (const path of paths) {
    if (bytes >= pathBytesMax) {
      pieces.push(piece)
      piece = []
      bytes = 0
    }
    piece.push(path)
    bytes += Buffer.byteLength(path) + 4
  }
  return piece.length === 0 ? pieces : [...pieces, piece]
}
