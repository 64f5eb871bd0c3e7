/** A path and what stands there; '' for a znode that is only a parent. */
export type Znode = readonly [path: string, text: string]

/** What a znode is to be: there with this text, or (null) not there. */
export interface ZnodeChange {
  readonly path: string
  readonly text: string | null
  /** It is there before the change. */
  readonly existed: boolean
}

export function parentOf(path: string): string {
  const at = path.lastIndexOf('/')
  return at <= 0 ? '/' : path.slice(0, at)
}

export function lastPartOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Znodes in memory. A child may be there before its parent, so that they can be put in any order. */
export class ZnodeTree {
  private readonly texts = new Map<string, string>()
  private readonly children = new Map<string, Set<string>>()

  constructor(znodes: Iterable<Znode> = []) {
    for (const [path, text] of znodes) this.put(path, text)
  }

  get(path: string): string | undefined {
    return this.texts.get(path)
  }

  has(path: string): boolean {
    return this.texts.has(path)
  }

  get size(): number {
    return this.texts.size
  }

  entries(): Iterable<Znode> {
    return this.texts.entries()
  }

  /** Last parts of the paths right below, sorted. */
  namesBelow(path: string): readonly string[] {
    return [...(this.children.get(path) ?? [])].sort()
  }

  /** Every path below, without `path`. */
  *below(path: string): Iterable<string> {
    for (const name of this.children.get(path) ?? []) {
      const child = `${path}/${name}`
      yield child
      yield* this.below(child)
    }
  }

  put(path: string, text: string): void {
    this.texts.set(path, text)
    const parent = parentOf(path)
    const siblings = this.children.get(parent)
    if (siblings === undefined) this.children.set(parent, new Set([lastPartOf(path)]))
    else siblings.add(lastPartOf(path))
  }

  remove(path: string): void {
    this.texts.delete(path)
    const parent = parentOf(path)
    const siblings = this.children.get(parent)
    siblings?.delete(lastPartOf(path))
    if (siblings?.size === 0) this.children.delete(parent)
  }

  carryOut(changes: Iterable<{ readonly path: string; readonly text: string | null }>): void {
    for (const { path, text } of changes) {
      if (text === null) this.remove(path)
      else this.put(path, text)
    }
  }
}

/** Gathers what is to be different, then says it in an order that ZooKeeper takes: what goes from the leaves up, what comes from the root down. */
export class ZnodePlan {
  private readonly tree: ZnodeTree
  private readonly wanted = new Map<string, string | null>()

  constructor(tree: ZnodeTree) {
    this.tree = tree
  }

  put(path: string, text: string): void {
    this.wanted.set(path, text)
  }

  remove(path: string): void {
    this.wanted.set(path, null)
  }

  /** `path` and all below go, but for what is put later. */
  removeAll(path: string): void {
    for (const each of this.tree.below(path)) this.remove(each)
    this.remove(path)
  }

  /** Below `root` these are to be there, and nothing else. */
  replaceBelow(root: string, znodes: Iterable<Znode>): void {
    for (const each of this.tree.below(root)) this.remove(each)
    for (const [path, text] of znodes) this.put(path, text)
  }

  /** Carried out in the tree. */
  finish(): readonly ZnodeChange[] {
    for (const [path, text] of [...this.wanted]) if (text !== null) this.makeParents(path)
    const changes = [...this.wanted]
      .filter(([path, text]) => this.tree.get(path) !== (text ?? undefined))
      .map(([path, text]) => ({ path, text, existed: this.tree.has(path) }))
    const gone = changes.filter((it) => it.text === null).sort((a, b) => (a.path < b.path ? 1 : -1))
    const come = changes.filter((it) => it.text !== null).sort((a, b) => (a.path < b.path ? -1 : 1))
    const ordered = [...gone, ...come]
    this.tree.carryOut(ordered)
    return ordered
  }

  private makeParents(path: string): void {
    for (let parent = parentOf(path); parent !== '/'; parent = parentOf(parent)) {
      const wanted = this.wanted.get(parent)
      if (typeof wanted === 'string' || (wanted === undefined && this.tree.has(parent))) return
      this.wanted.set(parent, '')
    }
  }
}
