// A disk of its own for each node, an ext4 file system in an image file, which can lose its power: the image is copied as it is, with what the
// system has written to it and without what it still holds in memory, and the node goes on with the copy.
//
// What is modelled: all that was not synced, contents and names, is gone unless the system happened to write it. What is not: a cache of the disk
// itself that forgets, and sectors that are torn (the simulation tears them). So that the file system does not write on its own while it is
// copied, it commits its journal only when it is asked to (commit=300).
import { spawnSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { onPath } from '../rig/peers.mjs'
import { temporaryFolder } from '../rig/processes.mjs'

const imageBytes = 256 * 1024 * 1024

/** @param {string[]} argv */
function command(argv) {
  const [name = '', ...args] = argv
  const { status, stderr, error } = spawnSync(name, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${error?.message ?? stderr}`)
}

/** Why there can be no such disks here; undefined where there can. */
export function needsLoopDevices() {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.getuid?.() !== 0) return 'needs the right to mount'
  for (const name of ['mount', 'umount', 'mkfs.ext4', 'cp']) if (onPath(name) === undefined) return `needs ${name}`
  const disks = new PowerDisks(temporaryFolder('loop'), 8 * 1024 * 1024)
  try {
    disks.mount(1)
    return undefined
  } catch (error) {
    return `loop devices cannot be mounted here (${error instanceof Error ? error.message : String(error)})`
  } finally {
    disks.unmount()
  }
}

export class PowerDisks {
  /** @param {string} folder */
  constructor(folder, bytes = imageBytes) {
    this.folder = folder
    this.bytes = bytes
    /** @type {Set<number>} */
    this.mounted = new Set()
    process.once('exit', () => this.unmount())
  }

  imageOf(id) {
    return join(this.folder, `disk-${id}.img`)
  }

  pathOf(id) {
    return join(this.folder, `disk-${id}`)
  }

  /** @param {number} id @returns {string} where the node's logs are to lie */
  mount(id) {
    const image = this.imageOf(id)
    const file = openSync(image, 'w')
    ftruncateSync(file, this.bytes)
    closeSync(file)
    command(['mkfs.ext4', '-q', '-F', '-m', '0', image])
    mkdirSync(this.pathOf(id), { recursive: true })
    this.attach(id)
    return join(this.pathOf(id), 'data')
  }

  attach(id) {
    command(['mount', '-o', 'loop,commit=300,noatime', this.imageOf(id), this.pathOf(id)])
    this.mounted.add(id)
  }

  detach(id) {
    if (spawnSync('umount', [this.pathOf(id)]).status !== 0) command(['umount', '-l', this.pathOf(id)])
    this.mounted.delete(id)
  }

  /** The power goes at the same moment for all of them, whose processes are dead or stand still. @param {readonly number[]} ids */
  cut(ids) {
    for (const id of ids) command(['cp', '--sparse=always', this.imageOf(id), `${this.imageOf(id)}.cut`])
  }

  /** The power is back. No process may use the disk as it was before. @param {readonly number[]} ids */
  restore(ids) {
    for (const id of ids) {
      this.detach(id)
      renameSync(`${this.imageOf(id)}.cut`, this.imageOf(id))
      this.attach(id)
    }
  }

  unmount() {
    for (const id of this.mounted) spawnSync('umount', ['-l', this.pathOf(id)])
    this.mounted.clear()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
