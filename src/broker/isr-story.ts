import type { Clock, Log } from '../base/ports.ts'
import type { Millis, NodeId } from '../base/units.ts'
import type { HostedPartition } from './hosted-partition.ts'

/** Changes of so many milliseconds are told in one line. */
const gatherMs: Millis = 100

interface Change {
  readonly first: string
  readonly grew: boolean
  readonly isr: readonly NodeId[]
  count: number
}

/** One line for all partitions whose in-sync replicas changed in the same way at about the same time. */
export class IsrStory {
  private readonly clock: Clock
  private readonly log: Log
  private readonly before = new WeakMap<HostedPartition, number>()
  private readonly changes = new Map<string, Change>()

  constructor(ports: { readonly clock: Clock; readonly log: Log }) {
    this.clock = ports.clock
    this.log = ports.log
  }

  note(partition: HostedPartition, isr: readonly NodeId[]): void {
    const before = this.before.get(partition)
    this.before.set(partition, isr.length)
    if (before === undefined || before === isr.length) return
    const grew = isr.length > before
    const key = `${grew ? '+' : '-'}${isr.join(',')}`
    const change = this.changes.get(key)
    if (change !== undefined) change.count += 1
    else this.changes.set(key, { first: partition.name, grew, isr, count: 1 })
    if (this.changes.size === 1 && change === undefined) this.clock.after(gatherMs, () => this.tell())
  }

  private tell(): void {
    for (const { first, grew, isr, count } of this.changes.values()) {
      const what = count === 1 ? first : `${first} and ${count - 1} more`
      const message = `${what}: in sync ${grew ? 'again' : 'only'} on ${[...isr].sort((a, b) => a - b).join(', ')}`
      this.log.write('info', grew ? 'isr-expanded' : 'isr-shrunk', message, { partitions: count })
    }
    this.changes.clear()
  }
}
