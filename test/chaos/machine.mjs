// What faults take from the machine beside processes and sockets: system calls that fail, small disks, clocks that jump, limits of groups.
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { onPath } from '../rig/peers.mjs'
import { spawnBound } from '../rig/processes.mjs'

/** @typedef {{ pid: number, id: number, environment: Record<string, string> }} NodeLike */

const isRoot = () => process.getuid?.() === 0

// ── System calls

/** Calls by which a node writes to its disks, and none by which it writes to sockets. */
export const diskWrites = 'pwrite64,pwritev,pwritev2,fdatasync,fsync'
const straceAttachesMs = 5000

export const needsStrace = () => (onPath('strace') === undefined ? 'needs strace' : undefined)

/**
 * From now on system calls of a running process fail or are late (strace), until the function it gives is called.
 * @param {number} pid @param {string} calls @param {string} what as strace's inject= has it: `error=EIO`, `delay_enter=300000` (µs)
 * @returns {Promise<() => Promise<void>>}
 */
export async function injectInto(pid, calls, what) {
  const argv = ['strace', '-f', '-q', '-o', '/dev/null', '-p', String(pid), '-e', `trace=${calls}`, '-e', `inject=${calls}:${what}`]
  const child = spawnBound(argv, { stdio: ['ignore', 'ignore', 'pipe'] })
  let words = ''
  child.stderr?.on('data', (chunk) => (words += String(chunk)))
  const gone = new Promise((resolve) => child.once('close', resolve))
  const deadline = performance.now() + straceAttachesMs
  while (tracerOf(pid) === 0) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error(`strace does not attach to ${pid}: ${words}`)
    await sleep(5)
  }
  return async () => {
    child.kill('SIGTERM')
    await gone
  }
}

/** @param {number} pid */
function tracerOf(pid) {
  return Number(/TracerPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
}

// ── Small disks

export const needsMounts = () => (isRoot() && onPath('mount') !== undefined ? undefined : 'needs the right to mount')

/** A tmpfs for each node's logs. A file of the rest fills it; without the file there is room again. */
export class SmallDisks {
  /** @param {number} bytes of each */
  constructor(bytes) {
    this.bytes = bytes
    /** @type {Map<number, string>} */
    this.paths = new Map()
  }

  /** @param {number} id @param {string} folder @returns {string} where the node's logs are to lie */
  mount(id, folder) {
    const path = join(folder, `disk-${id}`)
    mkdirSync(path, { recursive: true })
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${this.bytes}`, 'odradek-chaos', path], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`mount: ${stderr}`)
    this.paths.set(id, path)
    return join(path, 'data')
  }

  fillerOf(id) {
    return join(this.paths.get(id) ?? '', 'filler')
  }

  /** @param {number} id @param {number} leftBytes */
  fill(id, leftBytes = 0) {
    const { bavail, bsize } = statfsSync(this.paths.get(id) ?? '')
    const file = openSync(this.fillerOf(id), 'a')
    const page = Buffer.alloc(65_536, 1)
    try {
      for (let room = bavail * bsize - leftBytes; room > 0; room -= page.length) writeSync(file, page, 0, Math.min(room, page.length))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    } finally {
      closeSync(file)
    }
  }

  /** @param {number} id */
  empty(id) {
    rmSync(this.fillerOf(id), { force: true })
  }

  unmount() {
    for (const path of this.paths.values()) spawnSync('umount', ['-l', path])
    this.paths.clear()
  }
}

// ── Clocks

const fakeTimeLibraries = ['x86_64-linux-gnu', 'aarch64-linux-gnu', '.'].map((name) => join('/usr/lib', name, 'faketime/libfaketime.so.1'))
const fakeTimeLibrary = () => fakeTimeLibraries.find((path) => existsSync(path))

export const needsFakeTime = () => (fakeTimeLibrary() === undefined ? 'needs libfaketime (Debian: faketime)' : undefined)

/** A wall clock of its own for each node, which may jump while the node runs; what counts time for it goes on as ever. */
export class Clocks {
  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder
  }

  /** @param {number} id */
  fileOf(id) {
    return join(this.folder, `clock-${id}`)
  }

  /** Before the node is started. @param {NodeLike} node */
  give(node) {
    this.set(node.id, 0)
    Object.assign(node.environment, {
      LD_PRELOAD: fakeTimeLibrary() ?? '',
      FAKETIME_TIMESTAMP_FILE: this.fileOf(node.id),
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_RESET: '1',
    })
  }

  /** @param {number} id @param {number} seconds beside the true time */
  set(id, seconds) {
    const text = `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}s\n`
    const file = openSync(this.fileOf(id), 'a')
    ftruncateSync(file)
    writeSync(file, text)
    closeSync(file)
  }
}

// ── Groups of processes

const cpuRoot = '/sys/fs/cgroup/cpu'
const freezerRoot = '/sys/fs/cgroup/freezer'
const cpuPeriodMicros = 100_000

export const needsCpuGroup = () =>
  isRoot() && existsSync(join(cpuRoot, 'cpu.cfs_quota_us')) ? undefined : 'needs root and the cpu controller of cgroups v1'
export const needsFreezer = () =>
  isRoot() && existsSync(join(freezerRoot, 'tasks')) ? undefined : 'needs root and the freezer of cgroups v1'

/** Moves a process into a group made for it, and gives the function that moves it back. @param {string} base @param {number} pid @param {(group: string) => void} settle */
function ownGroup(base, pid, settle) {
  const group = join(base, `odradek-chaos-${process.pid}-${pid}`)
  mkdirSync(group, { recursive: true })
  settle(group)
  writeFileSync(join(group, 'cgroup.procs'), String(pid))
  return {
    group,
    leave: async () => {
      if (existsSync(`/proc/${pid}`)) writeFileSync(join(base, 'cgroup.procs'), String(pid))
      for (let tries = 0; tries < 50; tries += 1) {
        try {
          return rmdirSync(group)
        } catch {
          await sleep(20)
        }
      }
    },
  }
}

/** @param {number} pid @param {number} share of one processor */
export function starve(pid, share) {
  return ownGroup(cpuRoot, pid, (group) => {
    writeFileSync(join(group, 'cpu.cfs_period_us'), String(cpuPeriodMicros))
    writeFileSync(join(group, 'cpu.cfs_quota_us'), String(Math.round(cpuPeriodMicros * share)))
  }).leave
}

/** @param {number} pid @returns {() => Promise<void>} */
export function freeze(pid) {
  const { group, leave } = ownGroup(freezerRoot, pid, () => {})
  writeFileSync(join(group, 'freezer.state'), 'FROZEN')
  return async () => {
    writeFileSync(join(group, 'freezer.state'), 'THAWED')
    await leave()
  }
}

/** @param {number} pid */
export function openFilesOf(pid) {
  return Number(spawnSync('sh', ['-c', `ls /proc/${pid}/fd | wc -l`], { encoding: 'utf8' }).stdout)
}

/** The soft limit; the hard one stays. @param {number} pid @param {number} count @returns {() => void} sets it back */
export function limitOpenFiles(pid, count) {
  const [, before = ''] = /Max open files\s+(\d+|unlimited)/.exec(readFileSync(`/proc/${pid}/limits`, 'utf8')) ?? []
  const set = (/** @type {string | number} */ soft) => {
    const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--nofile=${soft}:`], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`prlimit: ${stderr}`)
  }
  set(count)
  return () => set(before)
}

export const needsPrlimit = () => (onPath('prlimit') === undefined ? 'needs prlimit (util-linux)' : undefined)
