import { assert } from '../../base/assert.ts'
import { partitionName } from '../../base/units.ts'
import type { LogPorts } from '../options.ts'
import type { PartitionLog } from '../partition-log.ts'
import { setAsideOnDisk } from '../partition-log.ts'

/**
 * The logs of a directory that are on their way from or to another one (KIP-113):
 *
 *   copies in the making, `<topic>-<partition>.<unique>-future`: filled from the log in the other directory, until one takes its place (`succeed`);
 *   logs whose copy has taken their place elsewhere: closed, but on disk under their own name until the copy is durable under its.
 *
 * A directory never holds a log and a copy of the same partition: what its checkpoints say under the partition's name is of the one that is there.
 */
export class FutureLogs {
  private readonly ports: LogPorts
  private readonly copies = new Map<string, PartitionLog>()
  /** Paths of copies that did not open. */
  private readonly unopened = new Map<string, string[]>()
  private readonly replaced = new Map<string, PartitionLog>()

  constructor(ports: LogPorts) {
    this.ports = ports
  }

  get open(): ReadonlyMap<string, PartitionLog> {
    return this.copies
  }

  /** Also one that could not be opened. */
  has(name: string): boolean {
    return this.copies.has(name) || this.unopened.has(name)
  }

  add(log: PartitionLog): void {
    const name = partitionName(log.topic, log.partition)
    assert(!this.copies.has(name), `two copies of ${name} in one directory`)
    this.copies.set(name, log)
  }

  addUnopened(name: string, path: string): void {
    this.unopened.set(name, [...(this.unopened.get(name) ?? []), path])
  }

  /** Renames what there is of copies of the partition; returns the paths to be removed at leisure. Throws DiskError. */
  remove(name: string): readonly string[] {
    const doomed: string[] = []
    const log = this.copies.get(name)
    this.copies.delete(name)
    if (log !== undefined) doomed.push(log.deleteOnDisk())
    for (const path of this.unopened.get(name) ?? []) doomed.push(setAsideOnDisk(this.ports, path, '-delete'))
    this.unopened.delete(name)
    return doomed
  }

  /** The copy has become the log. */
  promoted(name: string): void {
    this.copies.delete(name)
  }

  addReplaced(log: PartitionLog): void {
    this.replaced.set(partitionName(log.topic, log.partition), log)
  }

  /** As `remove`, for a log that was replaced. Throws DiskError. */
  removeReplaced(name: string): readonly string[] {
    const log = this.replaced.get(name)
    if (log === undefined) return []
    const doomed = log.deleteOnDisk()
    this.replaced.delete(name)
    return [doomed]
  }

  /** Lets everything go without writing. */
  abandon(): void {
    for (const log of this.copies.values()) log.abandon()
    this.copies.clear()
    this.replaced.clear()
  }
}
