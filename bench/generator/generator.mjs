// Runs plans in processes of their own, so that what makes the load does not wait for what measures it, and tells how much of a processor it took.
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { spawnBound } from '../../test/rig/processes.mjs'
import { Histogram } from './histogram.mjs'

const worker = fileURLToPath(new URL('worker.mjs', import.meta.url))

/** @typedef {{ count: number, p50: number, p99: number, p999: number, max: number }} Latency in milliseconds */

/**
 * @typedef {object} Load
 * @property {number} seconds measured
 * @property {number} requests
 * @property {number} records
 * @property {number} bytes of values that were acknowledged, or of batches that were fetched
 * @property {Record<string, number>} errors by code
 * @property {Latency} latency of produce requests; zeros for a fetch
 * @property {Latency} lateness of the generator itself, in an open loop
 * @property {boolean} complete all that it was to fetch has come; true for a produce
 * @property {number} cpuSeconds of the generator while it measured
 */

/** @param {any} json */
const summaryOf = (json) => (json === undefined ? new Histogram() : Histogram.fromJSON(json)).summary()

/**
 * @param {import('./plan.mjs').Plan} plan
 * @param {{ onMeasuring?: () => void, onMeasured?: () => void }} [moments] when the measured time begins and ends
 * @returns {Promise<Load>}
 */
export async function generate(plan, { onMeasuring = () => {}, onMeasured = () => {} } = {}) {
  const child = spawnBound([process.execPath, worker], { stdio: ['pipe', 'pipe', 'inherit'] })
  const gone = new Promise((resolve) => child.once('close', resolve))
  /** @type {any} */
  let last = {}
  if (child.stdin === null || child.stdout === null) throw new Error('no pipes')
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify(plan))
  createInterface({ input: child.stdout }).on('line', (line) => {
    last = JSON.parse(line)
    if (last.event === 'measuring') onMeasuring()
    if (last.event === 'measured') onMeasured()
  })
  await gone
  if (last.event !== 'result') throw new Error(`the load generator failed: ${last.why ?? 'it ended without a word'}`)
  const { seconds, requests, records, bytes, errors, complete = true, cpuSeconds } = last
  return {
    seconds,
    requests,
    records,
    bytes,
    errors,
    complete,
    cpuSeconds,
    latency: summaryOf(last.latency),
    lateness: summaryOf(last.lateness),
  }
}
