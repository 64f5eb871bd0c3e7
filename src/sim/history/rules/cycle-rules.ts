import type { CycleStep } from '../anomaly.ts'
import type { Findings } from '../findings.ts'
import { none } from '../history.ts'
import type { OperationId } from '../operation.ts'
import type { Reading } from '../reading.ts'

/** The transaction sends a value that the reader was given. */
interface Edge {
  readonly to: number
  readonly value: number
}

/**
 * H-11: no transactions have each read what another of them sends, in a ring: each would have been committed before the other. Only what was read counts, and
 * only for those who read what is committed; writes of transactions lie in the log as they come, and in any order.
 */
export function judgeCycles(reading: Reading, findings: Findings): void {
  const graph = new Graph(reading)
  for (const component of graph.components()) {
    findings.error('G1c', () => ({ kind: 'G1c', steps: graph.shortestCycle(component) }))
  }
}

class Graph {
  private readonly reading: Reading
  private readonly operations: OperationId[] = []
  private readonly nodes = new Map<OperationId, number>()
  private readonly edges: Edge[][] = []

  constructor(reading: Reading) {
    this.reading = reading
    this.addNodes()
    for (const op of this.operations) this.addEdges(op)
  }

  /** Whoever only reads or only sends is in no ring. */
  private addNodes(): void {
    const { history } = this.reading
    for (let op = 0; op < history.size; op += 1) {
      if (history.kindOf(op) !== 'txn' || history.outcomeOf(op) === 'fail' || !this.reading.readsCommitted(op)) continue
      let sends = false
      let polls = false
      for (let record = history.firstRecord(op); record !== none; record = history.nextRecord(record)) {
        if (history.isPolled(record)) polls = true
        else sends = true
      }
      if (!sends || !polls) continue
      this.nodes.set(op, this.operations.length)
      this.operations.push(op)
      this.edges.push([])
    }
  }

  private addEdges(reader: OperationId): void {
    const { history } = this.reading
    const to = this.nodes.get(reader)
    for (let record = history.firstRecord(reader); record !== none; record = history.nextRecord(record)) {
      if (!history.isPolled(record)) continue
      const value = history.valueOf(record)
      const writer = this.reading.onlyWriterOf(value)
      const from = this.nodes.get(writer)
      if (from !== undefined && to !== undefined && from !== to) this.edges[from]?.push({ to, value })
    }
  }

  /** Strongly connected components of more than one transaction (Tarjan, without recursion). */
  components(): number[][] {
    const { edges } = this
    const found: number[][] = []
    const order = new Int32Array(edges.length).fill(none)
    const low = new Int32Array(edges.length)
    const isOn = new Uint8Array(edges.length)
    const next = new Int32Array(edges.length)
    const stack: number[] = []
    let count = 0
    const enter = (node: number): void => {
      order[node] = low[node] = count
      count += 1
      isOn[node] = 1
      stack.push(node)
    }
    for (let root = 0; root < edges.length; root += 1) {
      if (order[root] !== none) continue
      const path = [root]
      enter(root)
      for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
        const edge = edges[node]?.[next[node] ?? 0]
        if (edge !== undefined) {
          next[node] = (next[node] ?? 0) + 1
          if (order[edge.to] === none) {
            enter(edge.to)
            path.push(edge.to)
          } else if (isOn[edge.to] === 1) low[node] = Math.min(low[node] ?? 0, order[edge.to] ?? 0)
          continue
        }
        path.pop()
        const parent = path.at(-1)
        if (parent !== undefined) low[parent] = Math.min(low[parent] ?? 0, low[node] ?? 0)
        if (low[node] === order[node]) {
          const component = stack.splice(stack.lastIndexOf(node))
          for (const one of component) isOn[one] = 0
          if (component.length > 1) found.push(component)
        }
      }
    }
    return found
  }

  /** A shortest way from the component's first transaction back to it. */
  shortestCycle(component: readonly number[]): CycleStep[] {
    const start = Math.min(...component.slice(0, 1_000))
    const inside = new Set(component)
    const cameBy = new Map<number, { readonly from: number; readonly edge: Edge }>()
    const queue = [start]
    for (const node of queue) {
      for (const edge of this.edges[node] ?? []) {
        if (!inside.has(edge.to) || cameBy.has(edge.to)) continue
        cameBy.set(edge.to, { from: node, edge })
        if (edge.to === start) return this.walkBack(start, cameBy)
        queue.push(edge.to)
      }
    }
    return []
  }

  private walkBack(start: number, cameBy: ReadonlyMap<number, { readonly from: number; readonly edge: Edge }>): CycleStep[] {
    const steps: CycleStep[] = []
    let at = start
    do {
      const step = cameBy.get(at)
      if (step === undefined) break
      steps.unshift(this.step(step.from, step.edge))
      at = step.from
    } while (at !== start)
    return steps
  }

  private step(from: number, { to, value }: Edge): CycleStep {
    const { history } = this.reading
    return {
      key: history.keyName(history.keyOf(value)),
      value: history.valueName(value),
      writer: history.operation(this.operations[from] ?? none),
      reader: history.operation(this.operations[to] ?? none),
    }
  }
}
