import { type Disk, type File, isOutOfSpace } from '../../base/ports.ts'
import type { Ballast } from './ballast.ts'

/** `all`: every write; `small files`: those that are replaced whole, and the rest finds the disk as it is. */
export type BallastedWrites = 'all' | 'small files'

/**
 * A disk whose writes, when they find no room, are made once more after the ballast was given up. All of them say where they write, and may be made
 * twice. A sync is not: one that has failed must not be asked again.
 */
export class BallastedDisk implements Disk {
  private readonly disk: Disk
  private readonly ballast: Ballast
  private readonly writes: BallastedWrites

  constructor(disk: Disk, ballast: Ballast, writes: BallastedWrites) {
    this.disk = disk
    this.ballast = ballast
    this.writes = writes
  }

  open(path: string, options: { readonly create: boolean }): File {
    if (this.writes !== 'all') return this.disk.open(path, options)
    const { ballast } = this
    return new BallastedFile(
      insisting(ballast, () => this.disk.open(path, options)),
      ballast,
    )
  }

  exists(path: string): boolean {
    return this.disk.exists(path)
  }

  list(path: string): readonly string[] {
    return this.disk.list(path)
  }

  isDirectory(path: string): boolean {
    return this.disk.isDirectory(path)
  }

  makeDirectory(path: string): void {
    this.change(() => this.disk.makeDirectory(path))
  }

  rename(from: string, to: string): void {
    this.change(() => this.disk.rename(from, to))
  }

  remove(path: string): void {
    this.disk.remove(path)
  }

  removeTree(path: string): void {
    this.disk.removeTree(path)
  }

  readSmall(path: string): Buffer {
    return this.disk.readSmall(path)
  }

  async replaceSmall(path: string, content: Buffer | string): Promise<void> {
    try {
      await this.disk.replaceSmall(path, content)
    } catch (error) {
      if (!mayTryAgain(this.ballast, error)) throw error
      await this.disk.replaceSmall(path, content)
    }
  }

  replaceSmallSync(path: string, content: Buffer | string): void {
    insisting(this.ballast, () => this.disk.replaceSmallSync(path, content))
  }

  syncDirectory(path: string): Promise<void> {
    return this.disk.syncDirectory(path)
  }

  syncDirectoryNow(path: string): void {
    this.disk.syncDirectoryNow(path)
  }

  space(path: string): { readonly free: number; readonly total: number } {
    return this.disk.space(path)
  }

  lock(path: string): { release(): void } {
    return this.disk.lock(path)
  }

  bootId(): string | null {
    return this.disk.bootId()
  }

  bufferToSend(bytes: number): Buffer {
    return this.disk.bufferToSend(bytes)
  }

  private change(change: () => void): void {
    if (this.writes === 'all') insisting(this.ballast, change)
    else change()
  }
}

class BallastedFile implements File {
  readonly path: string
  private readonly file: File
  private readonly ballast: Ballast

  constructor(file: File, ballast: Ballast) {
    this.path = file.path
    this.file = file
    this.ballast = ballast
  }

  size(): number {
    return this.file.size()
  }

  write(position: number, buffers: readonly Buffer[]): void {
    insisting(this.ballast, () => this.file.write(position, buffers))
  }

  async writeAsync(position: number, buffers: readonly Buffer[]): Promise<void> {
    try {
      await this.file.writeAsync(position, buffers)
    } catch (error) {
      if (!mayTryAgain(this.ballast, error)) throw error
      await this.file.writeAsync(position, buffers)
    }
  }

  read(position: number, into: Buffer): number {
    return this.file.read(position, into)
  }

  readAsync(position: number, into: Buffer): Promise<number> {
    return this.file.readAsync(position, into)
  }

  truncate(size: number): void {
    insisting(this.ballast, () => this.file.truncate(size))
  }

  sync(): Promise<void> {
    return this.file.sync()
  }

  syncNow(): void {
    this.file.syncNow()
  }

  close(): void {
    this.file.close()
  }
}

/** Makes the change, and once more if it found no room and there was ballast to give up. */
export function insisting<T>(ballast: Ballast, change: () => T): T {
  try {
    return change()
  } catch (error) {
    if (!mayTryAgain(ballast, error)) throw error
    return change()
  }
}

function mayTryAgain(ballast: Ballast, error: unknown): boolean {
  return isOutOfSpace(error) && ballast.giveUp(error)
}
