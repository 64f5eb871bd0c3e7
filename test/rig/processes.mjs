// Processes, folders and ports of a test. No process outlives the one that started it: each is killed by its recorded pid when this process
// exits or is told to, and where the system has setpriv it also dies with its parent should that be killed outright.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { onPath } from './peers.mjs'

/** @type {Set<number>} */
const running = new Set()
/** @type {Set<string>} */
const folders = new Set()

function killAll() {
  for (const pid of running) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // gone already
    }
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}

process.on('exit', killAll)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))

/** A temporary folder that is removed when this process ends. @param {string} name */
export function temporaryFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), `odradek-${name}-`))
  folders.add(folder)
  return folder
}

/** Removes a folder of `temporaryFolder` before the end. @param {string} folder */
export function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  folders.delete(folder)
}

/** Spawns a process that cannot outlive this one. @param {string[]} argv @param {import('node:child_process').SpawnOptions} options */
export function spawnBound(argv, options) {
  const bound = process.platform === 'linux' && onPath('setpriv') !== undefined ? ['setpriv', '--pdeathsig', 'KILL', '--', ...argv] : argv
  const [command = '', ...args] = bound
  const child = spawn(command, args, options)
  const { pid } = child
  if (pid !== undefined) {
    running.add(pid)
    child.once('exit', () => running.delete(pid))
  }
  return child
}

const firstPort = 15_000
const portRange = 16_000

/** @param {number} port @returns {Promise<boolean>} */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** What this process has given out, and may not have opened yet. @type {Set<number>} */
const given = new Set()

/**
 * Ports below the range from which the system takes those of outgoing connections, so that none is taken while its node is down. None is given out
 * twice, before they run short.
 * @param {number} count
 */
export async function freePorts(count) {
  /** @type {number[]} */
  const found = []
  if (given.size > portRange / 2) given.clear()
  while (found.length < count) {
    const port = firstPort + Math.floor(Math.random() * portRange)
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port)) found.push(port)
  }
  return found
}

/**
 * Waits until `probe` gives something other than undefined or false.
 * @template T
 * @param {string} what
 * @param {() => Promise<T> | T} probe failures count as "not yet"
 * @returns {Promise<Exclude<T, undefined | false>>}
 */
export async function until(what, probe, { timeoutMs = 30_000, everyMs = 20 } = {}) {
  const deadline = performance.now() + timeoutMs
  let last = ''
  for (;;) {
    try {
      const value = await probe()
      if (value !== undefined && value !== false) return /** @type {any} */ (value)
    } catch (error) {
      last = ` (last: ${error instanceof Error ? error.message : String(error)})`
    }
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}${last}`)
    await sleep(everyMs)
  }
}
