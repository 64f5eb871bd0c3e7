import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Disk, File } from '../base/ports.ts'
import { lockFile } from './directory-lock.ts'
import { diskError, wrapped, wrappedAsync } from './disk-errors.ts'
import { SystemFile } from './file.ts'
import { SendBuffers } from './send-buffers.ts'

const bootIdPath = '/proc/sys/kernel/random/boot_id'

/**
 * The operating system's file system. What returns no Promise blocks: metadata calls take microseconds, and writes go to the page cache
 * (a thread-pool hop costs more than the call).
 */
export class SystemDisk implements Disk {
  /** The order in which replacements were asked for, by path, and the last that was carried out: an older one never undoes a newer one. */
  private asked = 0
  private readonly replaced = new Map<string, number>()
  private readonly early = new Map<string, { release(): void }>()
  private readonly replacing = new Map<string, Promise<void>>()

  private readonly buffers: SendBuffers

  /** `buffers`: those of the network that sends what is read. */
  constructor(buffers = new SendBuffers()) {
    this.buffers = buffers
  }

  bufferToSend(bytes: number): Buffer {
    return this.buffers.take(bytes)
  }

  open(path: string, options: { readonly create: boolean }): File {
    return new SystemFile(path, options.create)
  }

  exists(path: string): boolean {
    return existsSync(path)
  }

  list(path: string): readonly string[] {
    return wrapped('list', path, () => readdirSync(path).sort())
  }

  isDirectory(path: string): boolean {
    return wrapped('stat', path, () => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false)
  }

  makeDirectory(path: string): void {
    wrapped('mkdir', path, () => mkdirSync(path, { recursive: true }))
  }

  rename(from: string, to: string): void {
    wrapped('rename', from, () => renameSync(from, to))
  }

  remove(path: string): void {
    wrapped('remove', path, () => {
      try {
        unlinkSync(path)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
    })
  }

  removeTree(path: string): void {
    wrapped('remove', path, () => rmSync(path, { recursive: true, force: true }))
  }

  readSmall(path: string): Buffer {
    return wrapped('read', path, () => readFileSync(path))
  }

  /** Replacements of one file are carried out one after the other. */
  replaceSmall(path: string, content: Buffer | string): Promise<void> {
    this.asked += 1
    const order = this.asked
    const before = this.replacing.get(path) ?? Promise.resolve()
    const own = before.then(
      () => this.replace(path, content, order),
      () => this.replace(path, content, order),
    )
    this.replacing.set(path, own)
    const forget = (): void => {
      if (this.replacing.get(path) !== own) return
      this.replacing.delete(path)
      this.replaced.delete(path)
    }
    own.then(forget, forget)
    return own
  }

  private async replace(path: string, content: Buffer | string, order: number): Promise<void> {
    const temporary = `${path}.tmp`
    await wrappedAsync('replace', path, async () => {
      const handle = await open(temporary, 'w')
      try {
        await handle.writeFile(content)
        await handle.sync()
      } finally {
        await handle.close()
      }
      if ((this.replaced.get(path) ?? 0) > order) return unlinkSync(temporary)
      renameSync(temporary, path)
    })
    await this.syncDirectory(dirname(path))
  }

  replaceSmallSync(path: string, content: Buffer | string): void {
    this.asked += 1
    if (this.replacing.has(path)) this.replaced.set(path, this.asked)
    // Not the name that a replacement under way may be using.
    const temporary = `${path}.now.tmp`
    wrapped('replace', path, () => {
      const fd = openSync(temporary, 'w')
      try {
        writeAll(fd, typeof content === 'string' ? Buffer.from(content) : content)
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
      renameSync(temporary, path)
    })
    this.syncDirectoryNow(dirname(path))
  }

  syncDirectoryNow(path: string): void {
    wrapped('sync', path, () => {
      const directory = openSync(path, 'r')
      try {
        fsyncSync(directory)
      } finally {
        closeSync(directory)
      }
    })
  }

  async syncDirectory(path: string): Promise<void> {
    await wrappedAsync('sync', path, async () => {
      const handle = await open(path, 'r')
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    })
  }

  space(path: string): { readonly free: number; readonly total: number } {
    return wrapped('statfs', path, () => {
      const { bavail, blocks, bsize } = statfsSync(path)
      return { free: bavail * bsize, total: blocks * bsize }
    })
  }

  /** Takes a lock for whoever asks for it later with `lock`: a process locks its directories before it does anything. */
  lockEarly(path: string): void {
    this.early.set(path, this.lock(path))
  }

  bootId(): string | null {
    try {
      return readFileSync(bootIdPath, 'latin1').trim()
    } catch {
      // Not a Linux: every restart without a clean shutdown counts as one that may have lost something
      return null
    }
  }

  lock(path: string): { release(): void } {
    const early = this.early.get(path)
    if (early !== undefined) {
      this.early.delete(path)
      return early
    }
    try {
      return lockFile(path)
    } catch (error) {
      throw diskError(error, 'lock', path)
    }
  }
}

function writeAll(fd: number, content: Buffer): void {
  for (let at = 0; at < content.length;) at += writeSync(fd, content, at)
}
