// What the benchmark runs on, and whether it can.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { kafkaVersion, onPath, root } from '../test/rig/peers.mjs'

/** @typedef {{ processor: string, processors: number, memoryGiB: number, system: string }} Machine */
/** @typedef {{ odradek: string, kafka: string, node: string, java: string }} Versions */

/** @returns {Machine} */
export function machine() {
  const found = cpus()
  return {
    processor: found[0]?.model.trim() || arch(),
    processors: found.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
  }
}

/** The last line of what a program prints, or nothing. @param {string} command @param {string[]} args */
function said(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  return status === 0 ? (stdout || stderr).trim() : ''
}

/** @returns {Versions} */
export function versions() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const commit = said('git', ['rev-parse', '--short', 'HEAD'])
  const java = onPath('java') === undefined ? '' : said('java', ['-version'])
  return {
    odradek: commit === '' ? version : `${version} (${commit})`,
    kafka: kafkaVersion,
    node: process.version.slice(1),
    java: /version "([^"]+)"/.exec(java)?.[1] ?? 'none',
  }
}

/** Over the last minute. */
export const load = () => Math.round((loadavg()[0] ?? 0) * 100) / 100

/** Bytes that are free where a folder is. @param {string} folder */
export async function room(folder) {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Writes files to the disk and takes what of them is in memory out of it. @param {readonly string[]} files @throws where the system cannot */
export function dropFromMemory(files) {
  const run = (/** @type {string} */ command, /** @type {string[]} */ args) => {
    const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${command} ${args[0] ?? ''}: ${error?.message ?? stderr}`)
  }
  run('sync', [...files])
  for (const file of files) run('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none'])
}
