import type { Disk, File } from '../base/ports.ts'

interface OpenFile {
  readonly file: File
  pins: number
}

/**
 * The files a process keeps open for its logs, at most `openFilesMax` of them: the one unused for longest is closed first.
 * A file in use across a turn is pinned; pinned files do not count as closable, so the limit may be passed by their number.
 */
export class OpenFiles {
  private readonly disk: Disk
  private readonly openFilesMax: number
  /** In order of use: a Map iterates in insertion order. */
  private readonly open = new Map<string, OpenFile>()

  constructor(disk: Disk, openFilesMax: number) {
    this.disk = disk
    this.openFilesMax = openFilesMax
  }

  get size(): number {
    return this.open.size
  }

  /** As Disk.bufferToSend. */
  bufferToSend(bytes: number): Buffer {
    return this.disk.bufferToSend(bytes)
  }

  /** Valid in this turn only. Throws DiskError. */
  use(path: string, create = false): File {
    return this.touch(path, create).file
  }

  /** Keeps the file open while `work` runs, also when the path is renamed or removed meanwhile. */
  async pinned<T>(path: string, work: (file: File) => Promise<T>): Promise<T> {
    const entry = this.touch(path, false)
    entry.pins += 1
    try {
      return await work(entry.file)
    } finally {
      entry.pins -= 1
      if (entry.pins === 0 && this.open.get(path) !== entry) entry.file.close()
    }
  }

  /** Closes the file if it is open: before it is renamed, removed, or replaced. */
  forget(path: string): void {
    const entry = this.open.get(path)
    if (entry === undefined) return
    this.open.delete(path)
    if (entry.pins === 0) entry.file.close()
  }

  closeAll(): void {
    for (const path of [...this.open.keys()]) this.forget(path)
  }

  private touch(path: string, create: boolean): OpenFile {
    const known = this.open.get(path)
    if (known !== undefined) {
      this.open.delete(path)
      this.open.set(path, known)
      return known
    }
    this.closeUnused()
    const entry = { file: this.disk.open(path, { create }), pins: 0 }
    this.open.set(path, entry)
    return entry
  }

  private closeUnused(): void {
    for (const [path, entry] of this.open) {
      if (this.open.size < this.openFilesMax) return
      if (entry.pins === 0) this.forget(path)
    }
  }
}
