import type { Prng } from '../base/prng.ts'
import type { MemoryFile } from './memory-file.ts'

/** A directory in the cache, with what the platter held at its last sync and the changes since then, in order. */
export class MemoryDirectory {
  entries = new Map<string, Node>()
  private durable = new Map<string, Node>()
  private changes: ((entries: Map<string, Node>) => void)[] = []
  /** Changes that are durable, ever. */
  private settled = 0

  change(apply: (entries: Map<string, Node>) => void): void {
    apply(this.entries)
    this.changes.push(apply)
  }

  sync(): void {
    this.beginSync()()
  }

  /** The names that are here now are durable when the returned function has been called. */
  beginSync(): () => void {
    const entries = new Map(this.entries)
    const count = this.settled + this.changes.length
    return () => {
      if (count <= this.settled) return
      this.durable = entries
      this.changes.splice(0, count - this.settled)
      this.settled = count
    }
  }

  /** The power goes: some first part of the unsynced changes has reached the journal. */
  crash(prng: Prng): void {
    const survivors = this.changes.slice(0, prng.between(0, this.changes.length))
    this.entries = new Map(this.durable)
    for (const apply of survivors) apply(this.entries)
    this.sync()
    for (const node of this.entries.values()) node.crash(prng)
  }
}

export type Node = MemoryFile | MemoryDirectory
