import { closeSync, fdatasync, fdatasyncSync, fstatSync, ftruncateSync, openSync, read, readSync, writev, writevSync } from 'node:fs'
import { constants } from 'node:fs'
import { DiskError, type File } from '../base/ports.ts'
import { diskError, wrapped } from './disk-errors.ts'

/** A file descriptor. It is closed only when no call is under way on it, so that its number cannot come to mean another file meanwhile. */
export class SystemFile implements File {
  readonly path: string
  private readonly fd: number
  private underWay = 0
  private closed = false
  private syncFailure: Error | null = null

  constructor(path: string, create: boolean) {
    this.path = path
    this.fd = wrapped('open', path, () => openSync(path, constants.O_RDWR | (create ? constants.O_CREAT : 0)))
  }

  size(): number {
    return wrapped('stat', this.path, () => fstatSync(this.open()).size)
  }

  write(position: number, buffers: readonly Buffer[]): void {
    wrapped('write', this.path, () => {
      let rest = buffers
      for (let at = position; rest.length > 0;) {
        const written = writevSync(this.open(), rest, at)
        at += written
        rest = this.after(rest, written)
      }
    })
  }

  async writeAsync(position: number, buffers: readonly Buffer[]): Promise<void> {
    let rest = buffers
    for (let at = position; rest.length > 0;) {
      const written = await this.call<number>('write', (done) => writev(this.open(), rest, at, done))
      at += written
      rest = this.after(rest, written)
    }
  }

  read(position: number, into: Buffer): number {
    return wrapped('read', this.path, () => {
      let have = 0
      while (have < into.length) {
        const got = readSync(this.open(), into, have, into.length - have, position + have)
        if (got === 0) break
        have += got
      }
      return have
    })
  }

  async readAsync(position: number, into: Buffer): Promise<number> {
    let have = 0
    while (have < into.length) {
      const from = have
      const got = await this.call<number>('read', (done) => read(this.open(), into, from, into.length - from, position + from, done))
      if (got === 0) break
      have += got
    }
    return have
  }

  truncate(size: number): void {
    wrapped('truncate', this.path, () => ftruncateSync(this.open(), size))
  }

  async sync(): Promise<void> {
    if (this.syncFailure !== null) throw this.syncFailure
    try {
      await this.call<undefined>('fdatasync', (done) => fdatasync(this.open(), (error) => done(error, undefined)))
    } catch (error) {
      throw this.distrust(error)
    }
  }

  syncNow(): void {
    if (this.syncFailure !== null) throw this.syncFailure
    try {
      fdatasyncSync(this.open())
    } catch (error) {
      throw this.distrust(error)
    }
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    if (this.underWay === 0) this.closeNow()
  }

  /** After a failed fsync the kernel may call pages clean that never reached the disk: a second fsync would lie. */
  private distrust(error: unknown): Error {
    this.syncFailure ??= diskError(error, 'fdatasync', this.path)
    return this.syncFailure
  }

  private open(): number {
    if (this.closed) throw new DiskError('EBADF', this.path, 'use after close of')
    return this.fd
  }

  private closeNow(): void {
    wrapped('close', this.path, () => closeSync(this.fd))
  }

  /** What is left to write. The kernel writes less than it was asked to when the disk is full: the next try then says why. */
  private after(buffers: readonly Buffer[], written: number): readonly Buffer[] {
    let left = written
    let at = 0
    for (let buffer = buffers[at]; buffer !== undefined && left >= buffer.length; buffer = buffers[at]) {
      left -= buffer.length
      at += 1
    }
    const partly = buffers[at]
    if (partly === undefined) return []
    if (written === 0) throw new DiskError('ENOSPC', this.path, 'write')
    return [partly.subarray(left), ...buffers.slice(at + 1)]
  }

  private call<T>(action: string, start: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      start((error, value) => {
        this.underWay -= 1
        if (this.closed && this.underWay === 0) this.closeNow()
        if (error === null) resolve(value)
        else reject(diskError(error, action, this.path))
      })
      this.underWay += 1
    })
  }
}
