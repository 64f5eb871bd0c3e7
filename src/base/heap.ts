/** A binary heap; the least by `order` comes out first. Ties come out in an order that depends on the history: order totally. */
export class Heap<T> {
  private readonly items: T[] = []
  private readonly order: (a: T, b: T) => number

  constructor(order: (a: T, b: T) => number) {
    this.order = order
  }

  get size(): number {
    return this.items.length
  }

  peek(): T | undefined {
    return this.items[0]
  }

  push(item: T): void {
    const items = this.items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = items[up] as T
      if (this.order(item, parent) >= 0) break
      items[at] = parent
      at = up
    }
    items[at] = item
  }

  pop(): T | undefined {
    const items = this.items
    const least = items[0]
    const last = items.pop()
    if (last !== undefined && items.length > 0) this.sink(last)
    return least
  }

  private sink(item: T): void {
    const items = this.items
    const half = items.length >> 1
    let at = 0
    while (at < half) {
      let down = 2 * at + 1
      let child = items[down] as T
      const right = items[down + 1]
      if (right !== undefined && this.order(right, child) < 0) {
        down += 1
        child = right
      }
      if (this.order(child, item) >= 0) break
      items[at] = child
      at = down
    }
    items[at] = item
  }
}
