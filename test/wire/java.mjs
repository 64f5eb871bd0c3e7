// Compiles and runs a Java program of a test folder against Kafka's jars.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { jarsFolder, root } from '../rig/peers.mjs'

/**
 * @param {string} name of the class
 * @param {string[]} args
 * @param {string[]} lines the input
 * @param {string} [folder] of `test/`
 * @returns {string[]} the lines of its output
 */
export function runJava(name, args, lines, folder = 'wire') {
  const classes = mkdtempSync(join(tmpdir(), 'odradek-wire-'))
  const jars = join(jarsFolder(), '*')
  try {
    const compiled = spawnSync('javac', ['-nowarn', '-d', classes, '-cp', jars, join(root, 'test', folder, `${name}.java`)], {
      encoding: 'utf8',
    })
    assert.equal(compiled.status, 0, compiled.stderr)
    const options = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx512m', '-cp', `${jars}${delimiter}${classes}`]
    const ran = spawnSync('java', [...options, name, ...args], { encoding: 'utf8', input: lines.join('\n'), maxBuffer: 1 << 30 })
    assert.equal(ran.status, 0, ran.stderr)
    return ran.stdout.trimEnd().split('\n')
  } finally {
    rmSync(classes, { recursive: true })
  }
}
