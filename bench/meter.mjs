// What the processes of a cluster take, from Linux' /proc: processor time, resident memory, bytes through system calls and to the disk.
import { readFileSync } from 'node:fs'

/** Of a second; Linux shows 100 to programs on every architecture that Node runs on. */
const ticksPerSecond = 100

/** @typedef {{ cpuSeconds: number, rssMiB: number, read: number, written: number, toDisk: number }} Usage bytes read and written by system calls, sockets among them */

/** Fields of /proc/PID/stat after the name, which may have blanks. @param {string} stat */
export function cpuSecondsOf(stat) {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15).map(Number)
  return { own: (user + system) / ticksPerSecond, children: (childUser + childSystem) / ticksPerSecond }
}

/** @param {string} text of lines `name: number` @param {string} name */
export function numberIn(text, name) {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN)
}

/** @param {number} pid @returns {Usage} */
export function usageOf(pid) {
  const of = (/** @type {string} */ name) => readFileSync(`/proc/${pid}/${name}`, 'utf8')
  const io = of('io')
  return {
    cpuSeconds: cpuSecondsOf(of('stat')).own,
    rssMiB: numberIn(of('status'), 'VmRSS') / 1024,
    read: numberIn(io, 'rchar'),
    written: numberIn(io, 'wchar'),
    toDisk: numberIn(io, 'write_bytes'),
  }
}

/** @typedef {{ cpuSeconds: number, rssMiB: number, readBytes: number, writtenBytes: number, diskBytes: number }} Spent by one node between two looks; memory at the second */

/** @param {Usage} before @param {Usage} after @returns {Spent} */
function spent(before, after) {
  return {
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    rssMiB: after.rssMiB,
    readBytes: after.read - before.read,
    writtenBytes: after.written - before.written,
    diskBytes: after.toDisk - before.toDisk,
  }
}

/** What some processes take from `begin` to `end`. */
export class Meter {
  /** @param {readonly number[]} pids */
  constructor(pids) {
    this.pids = pids
    this.before = pids.map(usageOf)
    /** @type {Spent[]} node by node */
    this.spent = []
  }

  begin() {
    this.before = this.pids.map(usageOf)
  }

  end() {
    this.spent = this.pids.map((pid, index) => {
      const after = usageOf(pid)
      return spent(this.before[index] ?? after, after)
    })
  }

  /** @param {keyof Spent} what */
  sum(what) {
    return this.spent.reduce((sum, node) => sum + node[what], 0)
  }
}

/** Seconds that all processors together have worked since the system began; what is stolen by other machines counts too. @param {string} stat of /proc/stat */
export function busySecondsOf(stat) {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '')
    .split(' ')
    .map(Number)
  return (user + nice + system + irq + softIrq + steal) / ticksPerSecond
}

/**
 * How much of the machine others use while something of ours runs, in processors: all work, less that of the nodes, of this process and of its
 * children that have ended.
 */
export class Strangers {
  /** @param {() => readonly number[]} pids of the nodes that run */
  constructor(pids) {
    this.pids = pids
    this.began = this.look()
  }

  look() {
    const own = cpuSecondsOf(readFileSync('/proc/self/stat', 'utf8'))
    const nodes = this.pids().reduce((sum, pid) => sum + usageOf(pid).cpuSeconds, 0)
    return { at: performance.now(), busy: busySecondsOf(readFileSync('/proc/stat', 'utf8')), ours: own.own + own.children + nodes }
  }

  /** Processors, 0 or more. */
  processors() {
    const { at, busy, ours } = this.look()
    const seconds = (at - this.began.at) / 1000
    return Math.max(0, (busy - this.began.busy - (ours - this.began.ours)) / seconds)
  }
}
