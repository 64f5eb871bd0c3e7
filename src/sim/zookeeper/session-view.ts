import type { WatchEvent } from '../../zookeeper/wire/answers.ts'

interface Shown<T> {
  value: T
  /** Nothing was told of it since. */
  isClean: boolean
}

/**
 * What one session was shown of nodes, and told of them by its watch on all of them. An answer that shows something new must have been told of before,
 * and no answer shows something older.
 */
export class SessionView {
  readonly problems: string[] = []
  private readonly nodes = new Map<string, Shown<bigint>>()
  private readonly lists = new Map<string, Shown<string>>()
  private readonly name: string

  constructor(name: string) {
    this.name = name
  }

  onEvent({ type, path }: WatchEvent): void {
    const node = this.nodes.get(path)
    if (node !== undefined && type !== 'childrenChanged') node.isClean = false
    const list = this.lists.get(type === 'childrenChanged' ? path : path.slice(0, path.lastIndexOf('/')))
    if (list !== undefined && type !== 'changed') list.isClean = false
  }

  onNode(path: string, mzxid: bigint): void {
    const shown = this.nodes.get(path)
    if (shown !== undefined && mzxid < shown.value) this.problems.push(`${this.name}: ${path} went back from ${shown.value} to ${mzxid}`)
    if (shown?.isClean === true && mzxid !== shown.value)
      this.problems.push(`${this.name}: ${path} changed to ${mzxid}, and nothing was told of it`)
    this.nodes.set(path, { value: mzxid, isClean: true })
  }

  onList(path: string, names: readonly string[]): void {
    const value = [...names].sort().join(' ')
    const shown = this.lists.get(path)
    if (shown?.isClean === true && value !== shown.value)
      this.problems.push(`${this.name}: the children of ${path} went from [${shown.value}] to [${value}], and nothing was told of it`)
    this.lists.set(path, { value, isClean: true })
  }
}
