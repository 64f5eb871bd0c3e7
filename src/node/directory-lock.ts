import { closeSync, fsyncSync, openSync, readFileSync, readlinkSync, statSync, unlinkSync, utimes, writeSync } from 'node:fs'
import { DiskError } from '../base/ports.ts'

/**
 * An exclusive lock for the life of a process. Node has no flock, so it is a file that names its holder: the process id, when that process
 * started, and where both mean something (the boot, the namespace of process ids). A lock whose holder is gone is taken over.
 *
 * Where the holder cannot be looked up (another container that shares the directory), its file's time decides: a holder touches it every
 * `touchEveryMs`, and one that has not for `silentMsMax` counts as gone.
 */
interface Holder {
  readonly pid: number
  /** Clock ticks since the boot; '' where the system does not tell. */
  readonly started: string
  readonly boot: string
  readonly namespace: string
}

const touchEveryMs = 2_000
const silentMsMax = 10_000

/** Throws DiskError EAGAIN when another live process, or this one already, holds it. */
export function lockFile(path: string): { release(): void } {
  const self = holderOf(process.pid)
  if (!createNamed(path, self)) takeOver(path, self)
  const timer = setInterval(() => {
    const now = new Date()
    utimes(path, now, now, () => {})
  }, touchEveryMs)
  timer.unref()
  let held = true
  return {
    release() {
      if (!held) return
      held = false
      clearInterval(timer)
      remove(path)
    },
  }
}

/** False when the file is there. */
function createNamed(path: string, holder: Holder): boolean {
  try {
    const fd = openSync(path, 'wx', 0o644)
    try {
      writeSync(fd, `${JSON.stringify(holder)}\n`)
      // After a loss of power the name may be there: then so is what it says, or nobody could tell that its holder is gone
      fsyncSync(fd)
    } catch (error) {
      // An empty one, on a full disk, would be in the way of the next attempt
      remove(path)
      throw error
    } finally {
      closeSync(fd)
    }
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw new DiskError(codeOf(error), path, 'lock')
  }
}

/** A second file keeps two processes from taking the same stale lock over at the same time. */
function takeOver(path: string, self: Holder): void {
  refuseIfHeld(path)
  const guard = `${path}.takeover`
  if (!createNamed(guard, self)) {
    refuseIfHeld(guard)
    remove(guard)
    if (!createNamed(guard, self)) throw new DiskError('EAGAIN', path, 'lock')
  }
  try {
    refuseIfHeld(path)
    remove(path)
    if (!createNamed(path, self)) throw new DiskError('EAGAIN', path, 'lock')
  } finally {
    remove(guard)
  }
}

function refuseIfHeld(path: string): void {
  if (isHeld(path)) throw new DiskError('EAGAIN', path, 'lock')
}

function isHeld(path: string): boolean {
  let text: string
  let touched: number
  try {
    text = readFileSync(path, 'utf8')
    touched = statSync(path).mtimeMs
  } catch {
    return false
  }
  const holder = parseHolder(text)
  // Created a moment ago and not yet written; or Kafka's own, which stays empty and is locked by the kernel while Kafka runs.
  if (holder === null) return (text === '' && Date.now() - touched < touchEveryMs) || isLockedByKernel(path)
  const here = holderOf(process.pid)
  if (holder.boot !== here.boot) return false
  if (holder.namespace !== here.namespace) return Date.now() - touched < silentMsMax
  return isAlive(holder.pid) && holderOf(holder.pid).started === holder.started
}

/** /proc/locks names the inodes that are locked, as `major:minor:inode`, by the true device. */
function isLockedByKernel(path: string): boolean {
  const { dev, ino } = statSync(path)
  const { major, minor } = deviceOf(dev)
  // A file system in several layers, or of several devices, has a number of its own (major 0), which is not the one that is told there
  const suffix = major === 0 ? `:${ino}` : `${twoDigits(major)}:${twoDigits(minor)}:${ino}`
  return told(() => readFileSync('/proc/locks', 'utf8'))
    .split(/\s+/)
    .some((word) => word.endsWith(suffix))
}

/** makedev(3), for numbers of 32 bits. */
function deviceOf(dev: number): { readonly major: number; readonly minor: number } {
  return { major: (dev >>> 8) & 0xfff, minor: (dev & 0xff) | ((dev >>> 12) & 0xfff00) }
}

function twoDigits(number: number): string {
  return number.toString(16).padStart(2, '0')
}

function parseHolder(text: string): Holder | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('pid' in value) || typeof value.pid !== 'number') return null
    const word = (name: string): string => {
      const found = (value as Record<string, unknown>)[name]
      return typeof found === 'string' ? found : ''
    }
    return { pid: value.pid, started: word('started'), boot: word('boot'), namespace: word('namespace') }
  } catch {
    return null
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

function holderOf(pid: number): Holder {
  return {
    pid,
    // The 22nd field of stat; the second may hold spaces and ends with the last ')'.
    started: told(() => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? ''),
    boot: told(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: told(() => readlinkSync('/proc/self/ns/pid')),
  }
}

function told(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw new DiskError(codeOf(error), path, 'unlock')
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EUNKNOWN'
}
