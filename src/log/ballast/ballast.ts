import { type Clock, type Disk, DiskError, type File, isOutOfSpace, type Log, type Timer } from '../../base/ports.ts'
import type { Millis } from '../../base/units.ts'

export interface BallastPorts {
  readonly clock: Clock
  readonly disk: Disk
  readonly log: Log
}

/** In the metadata log directory. */
export const ballastFileName = '.odradek-ballast'

/** Written at a time, so that taking the ballast never holds up its thread. */
const sliceBytes = 256 * 1024
const retakeMs: Millis = 2_000
/** At most so much of the disk: half of what a broker leaves free by itself (broker/space). */
const shareOfDisk = 1 / 40
/** It is taken (again) only when so many times its size is free: not by who has just got rid of it. */
const roomForTaking = 4

/**
 * A file without meaning that holds room on the disk of the metadata log. When a write there finds none, the file goes and the write is made again
 * (`BallastedDisk`), so that votes and metadata stay durable on a disk that somebody else has filled; when there is room again it is taken anew.
 *
 *   none --start, or later: enough is free--> held --a write finds no room--> none
 *
 * What it gives room for is bounded by its size. A write that finds no room without it fails as on any full disk.
 *
 * Several may stand on one file: a starting process, its controller and its broker give it up as each finds no room; the controller's takes it (`start`).
 */
export class Ballast {
  private readonly ports: BallastPorts
  private readonly path: string
  private readonly bytesMax: number
  private timer: Timer | null = null
  private heldBytes = 0
  private stopped = false

  constructor(ports: BallastPorts, directory: string, bytesMax: number) {
    this.ports = ports
    this.path = `${directory}/${ballastFileName}`
    this.bytesMax = bytesMax
  }

  /** Takes it in the background, and again whenever it was given up. */
  start(): void {
    if (this.bytesMax === 0) return
    void this.look()
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
  }

  /** Returns whether there was something to give up. */
  giveUp(why: DiskError): boolean {
    const { disk, log } = this.ports
    try {
      if (!disk.exists(this.path)) return false
      disk.remove(this.path)
    } catch (error) {
      if (error instanceof DiskError) return false
      throw error
    }
    log.write('warn', 'ballast-given-up', `no room to ${why.message}: ${this.path} is given up for it. Free some space on this disk.`)
    return true
  }

  private async look(): Promise<void> {
    try {
      await this.takeIfRoom()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.ports.log.write('debug', 'ballast-not-taken', error.message)
      if (isOutOfSpace(error)) this.giveUp(error)
    }
    if (!this.stopped) this.timer = this.ports.clock.after(retakeMs, () => void this.look())
  }

  private async takeIfRoom(): Promise<void> {
    const { disk } = this.ports
    const { free, total } = disk.space(this.path.slice(0, this.path.lastIndexOf('/')))
    const bytes = Math.floor(Math.min(this.bytesMax, total * shareOfDisk))
    if (this.heldBytes >= bytes && disk.exists(this.path)) return
    if (free < bytes * roomForTaking) return
    const file = disk.open(this.path, { create: true })
    try {
      // One that an earlier process has left may be shorter
      if (file.size() < bytes) await fill(file, bytes, () => this.stopped)
      this.heldBytes = bytes
    } finally {
      file.close()
    }
  }
}

/** Not with zeros: a file system may store those without room for them. */
async function fill(file: File, bytes: number, isOver: () => boolean): Promise<void> {
  const slice = Buffer.allocUnsafe(Math.min(sliceBytes, bytes))
  let word = 0x9e3779b9
  for (let at = 0; at + 4 <= slice.length; at += 4) {
    word ^= word << 13
    word ^= word >>> 17
    word ^= word << 5
    slice.writeInt32LE(word, at)
  }
  for (let at = 0; at < bytes && !isOver(); at += slice.length)
    await file.writeAsync(at, [slice.subarray(0, Math.min(slice.length, bytes - at))])
}
