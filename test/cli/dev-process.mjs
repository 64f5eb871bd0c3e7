// `odradek dev` (and whatever else has a bootstrap line) as a process of a test: with a terminal (script of util-linux) or without.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { dist } from '../rig/build.mjs'
import { spawnBound, until } from '../rig/processes.mjs'

export const main = join(dist, 'cli', 'main.js')
const readyWithinMs = 60_000

/** @param {number} port @returns {Promise<boolean>} */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** A first port such that those of three nodes, and of their controllers, are free. */
export async function freeDevPort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 2700)
    const wanted = [0, 1, 2].flatMap((at) => [port + at, port + 1_000 + at])
    if ((await Promise.all(wanted.map(isFree))).every(Boolean)) return port
  }
}

/** The command lines of all processes that name a folder (Linux). @param {string} folder */
export function processesOf(folder) {
  return readdirSync('/proc')
    .filter((it) => /^\d+$/.test(it))
    .map((pid) => {
      try {
        return { pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') }
      } catch {
        return { pid: 0, command: '' }
      }
    })
    .filter(({ pid, command }) => pid !== process.pid && command.includes(folder))
}

export class DevProcess {
  /** @param {string[]} argv @param {{ terminal?: boolean, env?: NodeJS.ProcessEnv }} [options] */
  constructor(argv, { terminal = false, env = {} } = {}) {
    const quoted = argv.map((it) => `'${it}'`).join(' ')
    this.child = spawnBound(terminal ? ['script', '-qefc', quoted, '/dev/null'] : argv, {
      stdio: [terminal ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    this.output = ''
    this.errors = ''
    this.child.stdout?.on('data', (bytes) => (this.output += String(bytes)))
    this.child.stderr?.on('data', (bytes) => (this.errors += String(bytes)))
    /** @type {Promise<{ code: number | null, signal: string | null }>} */
    this.ended = new Promise((resolve) => this.child.once('close', (code, signal) => resolve({ code, signal })))
    this.hasEnded = false
    void this.ended.then(() => (this.hasEnded = true))
  }

  /** @param {string[]} args of `odradek` */
  static odradek(args, options = {}) {
    return new DevProcess([process.execPath, main, ...args], options)
  }

  /** Waits for a line; only what comes after the last one that was waited for counts. @param {RegExp} what */
  async says(what, timeoutMs = readyWithinMs) {
    let at = -1
    await until(
      `it says ${what}`,
      () => {
        at = this.output.search(what)
        if (at < 0 && this.hasEnded) throw new Error(`it has ended:\n${this.output}${this.errors}`)
        return at >= 0
      },
      { timeoutMs },
    ).catch((error) => assert.fail(`${error instanceof Error ? error.message : String(error)}\n${this.output}${this.errors}`))
    const found = this.output.slice(at)
    this.output = found.slice((what.exec(found)?.[0] ?? '').length)
    return found
  }

  /** Keys, one after the other. @param {string} keys */
  press(keys) {
    this.child.stdin?.write(keys)
  }
}
