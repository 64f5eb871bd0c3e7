// What was measured, as it is kept: one file of JSON, written anew after every case, so that a run that was broken off goes on where it was. The
// page is made of nothing else.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

/** @typedef {import('./subject.mjs').System} System */
/**
 * @typedef {object} Measured one case with one system in one round
 * @property {string} name of the case
 * @property {System} system
 * @property {number} round from 1
 * @property {number | null} value null: it failed
 * @property {string} [why] it failed
 * @property {number} seconds it took, preparations included
 * @property {number} strangers processors that others used meanwhile
 * @property {Record<string, unknown>} details
 */
/**
 * @typedef {object} Results
 * @property {1} format
 * @property {string} began ISO 8601
 * @property {boolean} quick
 * @property {number} rounds
 * @property {number} loadBefore the system's load average when it began
 * @property {import('./machine.mjs').Machine} machine
 * @property {import('./machine.mjs').Versions} versions
 * @property {Measured[]} measured
 */

/** Others used this much of a processor: the figures beside it are not to be trusted. */
export const strangersMax = 0.15

/** @param {string} file @returns {Results} */
export function readResults(file) {
  const results = JSON.parse(readFileSync(file, 'utf8'))
  if (results.format !== 1 || !Array.isArray(results.measured)) throw new Error(`${file} is not a file of results`)
  return results
}

/**
 * Those of a run that was broken off, or new ones.
 * @param {string} file @param {Omit<Results, 'measured' | 'format'>} fresh
 * @throws when the file is of another build or of another kind of run: their figures are not to be mixed
 */
export function resume(file, fresh) {
  if (!existsSync(file)) return /** @type {Results} */ ({ format: 1, ...fresh, measured: [] })
  const found = readResults(file)
  const kind = (/** @type {Omit<Results, 'measured' | 'format'>} */ { quick, versions, machine }) =>
    JSON.stringify({ quick, versions, machine })
  if (kind(found) !== kind(fresh)) {
    throw new Error(`${file} is of another run (${JSON.stringify(found.versions)}, quick: ${found.quick}): name another file, or remove it`)
  }
  return { ...found, rounds: Math.max(found.rounds, fresh.rounds) }
}

/** @param {string} file @param {Results} results */
export function writeResults(file, results) {
  writeFileSync(`${file}.draft`, `${JSON.stringify(results, null, 1)}\n`)
  renameSync(`${file}.draft`, file)
}

/** What succeeded is not done again; what failed is. @param {Results} results @param {string} name @param {System} system @param {number} round */
export function isMeasured(results, name, system, round) {
  return results.measured.some((it) => it.name === name && it.system === system && it.round === round && it.value !== null)
}

/** In place of an earlier failure. @param {Results} results @param {Measured} measured @returns {Results} */
export function withMeasured(results, measured) {
  const others = results.measured.filter((it) => it.name !== measured.name || it.system !== measured.system || it.round !== measured.round)
  return { ...results, measured: [...others, measured] }
}

/** @param {readonly number[]} values at least one */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

/** @typedef {{ median: number, min: number, max: number, rounds: number }} Summary */

/** @param {Results} results @param {string} name @param {System} system @returns {Summary | null} null: there is no figure */
export function summaryOf(results, name, system) {
  const values = results.measured.flatMap((it) => (it.name === name && it.system === system && it.value !== null ? [it.value] : []))
  if (values.length === 0) return null
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), rounds: values.length }
}
