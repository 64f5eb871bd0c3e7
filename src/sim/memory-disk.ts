import { assert } from '../base/assert.ts'
import type { Disk, File } from '../base/ports.ts'
import { DiskError } from '../base/ports.ts'
import type { Prng } from '../base/prng.ts'
import { MemoryDirectory, type Node } from './memory-directory.ts'
import { MemoryFile, sectorBytes } from './memory-file.ts'

export type DiskAction = 'create' | 'write' | 'truncate' | 'sync' | 'rename' | 'remove' | 'mkdir'

export type Misdirection = 'nowhere' | { readonly path: string; readonly position: number }

export interface MemoryDiskOptions {
  /** Bytes that files may hold together; a write beyond it is short and throws ENOSPC. */
  readonly spaceBytes?: number
  /** Asked before every change: an error code makes it fail. */
  readonly fault?: (action: DiskAction, path: string) => string | null
  /** Completes a call that returns a Promise; by default in a microtask. */
  readonly settle?: () => Promise<void>
}

/**
 * A file system in memory with the manners of a real one. What is written is seen at once by whoever reads, but outlives `crash` only
 * after `sync` (content) and `syncDirectory` (names). `kill` is the death of a process: all handles go, the page cache stays, and with it the boot id.
 */
export class MemoryDisk implements Disk {
  spaceBytes: number
  fault: (action: DiskAction, path: string) => string | null
  /** Asked before every read of an open file, or of a small one: an error code makes it fail. */
  readFault: (path: string) => string | null = () => null
  /** Asked before every write of an open file: where it lands instead; 'nowhere' although the disk says that it has written it; null: where it should. */
  misdirect: (path: string, position: number, content: Buffer) => Misdirection | null = () => null
  /** Changes made so far: what `crashAfter` counts. */
  changes = 0
  /** Calls made so far, by name: for tests of what something costs. */
  readonly calls = new Map<string, number>()
  private readonly root = new MemoryDirectory()
  private readonly locks = new Set<string>()
  /** Completes a call that returns a Promise. */
  settle: () => Promise<void>
  /** What `sync` makes durable is so only when it has settled, and not when the power goes before. */
  syncsLate = false
  /** Called with every change: the number of sectors that a write touches, 1 for anything else. */
  onChange: (action: DiskAction, path: string, sectors: number) => void = () => undefined
  private generation = 0
  private boots = 1
  private crashAt = Infinity
  /** So many sectors of the write that would be change `crashAt` are written before the crash. */
  private tornSectors = 0

  constructor(options: MemoryDiskOptions = {}) {
    this.spaceBytes = options.spaceBytes ?? Infinity
    this.fault = options.fault ?? (() => null)
    this.settle = options.settle ?? (() => Promise.resolve())
  }

  /** The network in memory passes buffers on as they are: nothing is used again. */
  bufferToSend(bytes: number): Buffer {
    return Buffer.allocUnsafe(bytes)
  }

  /**
   * From the change with this number (counted by `changes`) on, every call throws until `kill` or `crash`. When that change is a write, its
   * first `tornSectors` sectors have been written.
   */
  crashAfter(change: number, tornSectors = 0): void {
    this.crashAt = change
    this.tornSectors = tornSectors
  }

  /** The process dies: handles and locks are gone, content and names stay. */
  kill(): void {
    this.generation += 1
    this.locks.clear()
    this.crashAt = Infinity
    this.tornSectors = 0
  }

  /** The power goes. */
  crash(prng: Prng): void {
    this.kill()
    this.boots += 1
    this.root.crash(prng)
  }

  open(path: string, options: { readonly create: boolean }): File {
    this.count('open')
    const [directory, name] = this.parent(path)
    let node = directory.entries.get(name)
    if (node === undefined) {
      if (!options.create) throw new DiskError('ENOENT', path, 'open')
      this.beforeChange('create', path)
      const file = new MemoryFile()
      directory.change((entries) => entries.set(name, file))
      node = file
    }
    if (!(node instanceof MemoryFile)) throw new DiskError('EISDIR', path, 'open')
    return this.handle(path, node)
  }

  exists(path: string): boolean {
    this.count('exists')
    return this.find(path) !== undefined
  }

  list(path: string): readonly string[] {
    this.count('list')
    return [...this.directory(path).entries.keys()].sort()
  }

  isDirectory(path: string): boolean {
    this.count('isDirectory')
    return this.find(path) instanceof MemoryDirectory
  }

  makeDirectory(path: string): void {
    this.count('makeDirectory')
    let directory = this.root
    for (const name of segments(path)) {
      const found = directory.entries.get(name)
      if (found instanceof MemoryFile) throw new DiskError('ENOTDIR', path, 'mkdir')
      if (found === undefined) this.beforeChange('mkdir', path)
      const made = found ?? new MemoryDirectory()
      if (found === undefined) directory.change((entries) => entries.set(name, made))
      directory = made
    }
  }

  rename(from: string, to: string): void {
    this.count('rename')
    const [directory, oldName] = this.parent(from)
    const [target, newName] = this.parent(to)
    assert(directory === target, 'the simulated disk renames within one directory')
    const node = directory.entries.get(oldName)
    if (node === undefined) throw new DiskError('ENOENT', from, 'rename')
    this.beforeChange('rename', from)
    directory.change((entries) => {
      entries.delete(oldName)
      entries.set(newName, node)
    })
  }

  remove(path: string): void {
    this.count('remove')
    const [directory, name] = this.parent(path)
    if (!directory.entries.has(name)) return
    this.beforeChange('remove', path)
    directory.change((entries) => entries.delete(name))
  }

  removeTree(path: string): void {
    this.remove(path)
  }

  readSmall(path: string): Buffer {
    this.count('readSmall')
    const node = this.find(path)
    if (!(node instanceof MemoryFile)) throw new DiskError('ENOENT', path, 'read')
    const code = this.readFault(path)
    if (code !== null) throw new DiskError(code, path, 'read')
    const content = Buffer.alloc(node.size)
    node.read(0, content)
    return content
  }

  async replaceSmall(path: string, content: Buffer | string): Promise<void> {
    this.replaceSmallSync(path, content)
    await this.settle()
  }

  replaceSmallSync(path: string, content: Buffer | string): void {
    const temporary = `${path}.tmp`
    const file = this.open(temporary, { create: true })
    file.truncate(0)
    file.write(0, [Buffer.from(content)])
    file.syncNow()
    this.rename(temporary, path)
    this.syncDirectoryNow(parentPath(path))
  }

  syncDirectoryNow(path: string): void {
    this.beforeChange('sync', path)
    this.directory(path).sync()
  }

  async syncDirectory(path: string): Promise<void> {
    if (!this.syncsLate) {
      this.syncDirectoryNow(path)
      return this.settle()
    }
    this.beforeChange('sync', path)
    const { generation } = this
    const complete = this.directory(path).beginSync()
    await this.settle()
    if (this.generation === generation) complete()
  }

  space(): { readonly free: number; readonly total: number } {
    return { free: this.spaceBytes - this.usedBytes(this.root), total: this.spaceBytes }
  }

  /** The file itself, for who looks at the platter or spoils it. */
  fileAt(path: string): MemoryFile | undefined {
    const node = this.find(path)
    return node instanceof MemoryFile ? node : undefined
  }

  /** Bytes in all files. */
  usedSpace(): number {
    return this.usedBytes(this.root)
  }

  lock(path: string): { release(): void } {
    if (this.locks.has(path)) throw new DiskError('EAGAIN', path, 'lock')
    this.locks.add(path)
    return { release: () => void this.locks.delete(path) }
  }

  bootId(): string {
    return `boot ${this.boots}`
  }

  private handle(path: string, node: MemoryFile): File {
    const opened = this.generation
    let closed = false
    const check = (): void => {
      this.count('file')
      if (closed || this.generation !== opened) throw new DiskError('EBADF', path, 'use')
    }
    const change = (action: DiskAction, sectors = 1): void => {
      check()
      this.beforeChange(action, path, sectors)
    }
    const write = (position: number, buffers: readonly Buffer[]): void => {
      check()
      const content = Buffer.concat(buffers)
      this.tear(node, position, content)
      this.beforeChange('write', path, sectorsOf(position, content.length))
      this.writeWithinSpace(path, node, position, content)
    }
    const read = (position: number, into: Buffer): number => {
      check()
      this.failAfterCrash(path)
      const code = this.readFault(path)
      if (code !== null) throw new DiskError(code, path, 'read')
      return node.read(position, into)
    }
    const syncNow = (): void => {
      change('sync')
      node.sync()
    }
    return {
      path,
      size: () => node.size,
      write,
      writeAsync: async (position, buffers) => {
        write(position, buffers)
        await this.settle()
      },
      read,
      readAsync: async (position, into) => {
        const count = read(position, into)
        await this.settle()
        return count
      },
      truncate: (size) => {
        change('truncate')
        node.truncate(size)
      },
      sync: async () => {
        if (!this.syncsLate) {
          syncNow()
          return this.settle()
        }
        change('sync')
        const complete = node.beginSync()
        await this.settle()
        if (this.generation === opened) complete()
      },
      syncNow,
      close: () => {
        closed = true
      },
    }
  }

  private writeWithinSpace(path: string, node: MemoryFile, position: number, content: Buffer): void {
    const growth = Math.max(0, position + content.length - node.size)
    const free = this.spaceBytes === Infinity ? Infinity : this.spaceBytes - this.usedBytes(this.root)
    if (growth <= free) {
      return this.land(path, node, position, content)
    }
    node.write(position, content.subarray(0, Math.max(0, content.length - (growth - free))))
    throw new DiskError('ENOSPC', path, 'write')
  }

  private land(path: string, node: MemoryFile, position: number, content: Buffer): void {
    const elsewhere = this.misdirect(path, position, content)
    if (elsewhere === null) return node.write(position, content)
    if (elsewhere !== 'nowhere') this.fileAt(elsewhere.path)?.write(elsewhere.position, content)
  }

  /** What a write that does not come to its end leaves. */
  private tear(node: MemoryFile, position: number, content: Buffer): void {
    if (this.changes !== this.crashAt || this.tornSectors === 0) return
    const bytes = (Math.floor(position / sectorBytes) + this.tornSectors) * sectorBytes - position
    this.tornSectors = 0
    node.write(position, content.subarray(0, bytes))
  }

  private beforeChange(action: DiskAction, path: string, sectors = 1): void {
    this.failAfterCrash(path)
    this.onChange(action, path, sectors)
    this.changes += 1
    const code = this.fault(action, path)
    if (code !== null) throw new DiskError(code, path, action)
  }

  private failAfterCrash(path: string): void {
    if (this.changes >= this.crashAt) throw new DiskError('EIO', path, 'use after the crash of')
  }

  private count(call: string): void {
    this.calls.set(call, (this.calls.get(call) ?? 0) + 1)
  }

  private usedBytes(directory: MemoryDirectory): number {
    let bytes = 0
    for (const node of directory.entries.values()) bytes += node instanceof MemoryFile ? node.size : this.usedBytes(node)
    return bytes
  }

  private find(path: string): Node | undefined {
    let node: Node | undefined = this.root
    for (const name of segments(path)) {
      if (!(node instanceof MemoryDirectory)) return undefined
      node = node.entries.get(name)
    }
    return node
  }

  private directory(path: string): MemoryDirectory {
    const node = this.find(path)
    if (node === undefined) throw new DiskError('ENOENT', path, 'list')
    if (node instanceof MemoryFile) throw new DiskError('ENOTDIR', path, 'list')
    return node
  }

  private parent(path: string): [MemoryDirectory, string] {
    const name = segments(path).at(-1)
    if (name === undefined) throw new DiskError('EINVAL', path, 'open')
    return [this.directory(parentPath(path)), name]
  }
}

function sectorsOf(position: number, bytes: number): number {
  return Math.max(1, Math.ceil((position + bytes) / sectorBytes) - Math.floor(position / sectorBytes))
}

function segments(path: string): readonly string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

function parentPath(path: string): string {
  return segments(path).slice(0, -1).join('/')
}
