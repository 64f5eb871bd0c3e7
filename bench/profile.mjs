// Where a broker's time goes: three of our brokers under one kind of load, each with V8's sampling profiler on, and the functions in which the
// main thread of one of them was seen most.
//   node bench/profile.mjs --load 16k            batches of 16 KB; also 128k, 900k, and fetch: what is in memory, read again and again
//   node bench/profile.mjs --load idle --partitions 1000     nothing is done: what partitions cost by being there (6 under load)
//   --seconds 8 --top 25 --keep FOLDER           FOLDER keeps the .cpuprofile files, which Chrome's developer tools open
// Only the time under load counts, without that in which it was idle; what it waits for elsewhere is not seen.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { dist } from '../test/rig/build.mjs'
import { startCluster } from '../test/rig/cluster.mjs'
import { temporaryFolder } from '../test/rig/processes.mjs'
import { generate } from './generator/generator.mjs'
import { properties, Subject } from './subject.mjs'

const batches = { '16k': 16_000, '128k': 128_000, '900k': 900_000 }
const limits = { maxWaitMs: 500, maxBytes: 52_428_800, partitionMaxBytes: 1_048_576 }
const stopMs = 60_000
/** After a topic was made, until all that comes of it is done. */
const settleMs = 5_000

/** @typedef {{ functionName: string, url: string, lineNumber: number }} Frame */
/** @typedef {{ nodes: { id: number, callFrame: Frame, children?: number[] }[], startTime: number, samples: number[], timeDeltas: number[] }} Profile */

/** @param {Frame} frame */
function placeOf({ functionName, url, lineNumber }) {
  const file = url.startsWith('file:') ? fileURLToPath(url).replace(`${dist}/`, '') : url
  return `${functionName || '(anonymous)'}${file === '' ? '' : ` ${file.replace(/^.*node_modules\//, '')}:${lineNumber + 1}`}`
}

/** The places of a sample's stack, each once, the innermost first. @param {Profile} profile */
function stacksOf({ nodes }) {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]))
  return (/** @type {number} */ innermost) => {
    /** @type {Set<string>} */
    const places = new Set()
    for (let id = /** @type {number | undefined} */ (innermost); id !== undefined; id = parents.get(id))
      places.add(frames.get(id) ?? '(unknown)')
    return [...places]
  }
}

/**
 * The time of each function by itself, and with all that it calls, as shares of the time between two moments in which the thread was not idle; the
 * largest first.
 * @param {Profile} profile @param {{ fromMicros: number, untilMicros: number }} span on the system's monotonic clock, which V8 goes by too
 */
export function timesIn(profile, { fromMicros, untilMicros }) {
  const stackOf = stacksOf(profile)
  /** @type {Map<string, number>} */
  const own = new Map()
  /** @type {Map<string, number>} */
  const whole = new Map()
  let busy = 0
  let at = profile.startTime
  for (const [index, id] of profile.samples.entries()) {
    const micros = Math.max(0, profile.timeDeltas[index] ?? 0)
    at += micros
    const places = stackOf(id)
    const [place = ''] = places
    if (at < fromMicros || at >= untilMicros || place === '(idle)') continue
    busy += micros
    own.set(place, (own.get(place) ?? 0) + micros)
    for (const each of places) whole.set(each, (whole.get(each) ?? 0) + micros)
  }
  const shares = (/** @type {Map<string, number>} */ times) =>
    [...times].map(([place, micros]) => ({ place, share: micros / busy })).sort((a, b) => b.share - a.share)
  return { busySeconds: busy / 1e6, own: shares(own), whole: shares(whole) }
}

/** @param {string} folder where the profiles are written when the nodes end */
async function startProfiled(folder) {
  const cluster = await startCluster({ kind: 'odradek', properties, start: false })
  for (const node of cluster.nodes) {
    const own = join(folder, `node-${node.id}`)
    mkdirSync(own, { recursive: true })
    const argv = [process.execPath, '--cpu-prof', `--cpu-prof-dir=${own}`, join(dist, 'cli', 'main.js'), 'server', node.file]
    const { child, gone } = node.run(argv)
    node.child = child
    node.down = gone
  }
  await Promise.all(cluster.nodes.map((node) => node.waitListening()))
  await cluster.waitReady()
  return cluster
}

const nowMicros = () => Number(process.hrtime.bigint() / 1000n)

/** @param {Subject} subject @param {number} partitions @param {number} seconds */
async function idle(subject, partitions, seconds) {
  await subject.topic(partitions)
  await sleep(settleMs)
  const fromMicros = nowMicros()
  await sleep(seconds * 1000)
  return { bytes: 0, span: { fromMicros, untilMicros: nowMicros() } }
}

/**
 * Does the work; tells what bytes it moved, and when.
 * @param {Subject} subject @param {string} load @param {number} seconds @param {number} partitions
 */
async function work(subject, load, seconds, partitions) {
  const topic = await subject.topic(partitions)
  const led = await subject.led(topic)
  const span = { fromMicros: 0, untilMicros: 0 }
  const moments = { onMeasuring: () => (span.fromMicros ||= nowMicros()), onMeasured: () => (span.untilMicros = nowMicros()) }
  const batchBytes = Reflect.get(batches, load) ?? batches['128k']
  /** @type {import('./generator/plan.mjs').ProducePlan} */
  const plan = {
    kind: 'produce',
    topic,
    led,
    connections: 3,
    window: 5,
    content: { batchBytes, recordSize: 1024, codec: 'none' },
    idempotent: false,
    ratePerSecond: 0,
    warmUpSeconds: 3,
    seconds,
    bytesMax: load === 'fetch' ? 200e6 : 4e9,
  }
  const produced = await generate(plan, load === 'fetch' ? {} : moments)
  if (load !== 'fetch') return { bytes: produced.bytes, span }
  const until = performance.now() + seconds * 1000
  let bytes = 0
  while (performance.now() < until) {
    const reading = { topic, led, connections: 3, limits, warmUpSeconds: 0, seconds }
    const read = await generate({ kind: 'fetch', from: 'beginning', ...reading }, moments)
    bytes += read.bytes
  }
  return { bytes, span }
}

/** @param {string} title @param {readonly { place: string, share: number }[]} shares */
function show(title, shares) {
  const lines = shares.map(({ place, share }) => `${(share * 100).toFixed(1).padStart(6)} %  ${place}`)
  process.stdout.write(`\n  ${title}\n${lines.join('\n')}\n`)
}

async function main() {
  const { values } = parseArgs({
    options: {
      load: { type: 'string', default: '16k' },
      seconds: { type: 'string', default: '8' },
      top: { type: 'string', default: '25' },
      keep: { type: 'string' },
      partitions: { type: 'string' },
    },
  })
  if (!['fetch', 'idle'].includes(values.load) && !(values.load in batches))
    throw new Error(`--load wants ${Object.keys(batches).join(', ')}, fetch or idle`)
  const folder = values.keep === undefined ? temporaryFolder('profile') : resolve(values.keep)
  const cluster = await startProfiled(folder)
  const subject = new Subject('odradek', cluster)
  const seconds = Number(values.seconds)
  const { bytes, span } =
    values.load === 'idle'
      ? await idle(subject, Number(values.partitions ?? 1000), seconds)
      : await work(subject, values.load, seconds, Number(values.partitions ?? 6))
  process.stdout.write(`${values.load}: ${Math.round(bytes / 1e6)} MB\n`)
  for (const node of cluster.nodes) node.kill('SIGTERM')
  await Promise.all(cluster.nodes.map((node) => node.waitDown(stopMs)))
  for (const node of cluster.nodes) {
    const own = join(folder, `node-${node.id}`)
    // the newest one of thread 0, the main thread: CPU.date.time.pid.thread.number
    const file = readdirSync(own)
      .sort()
      .findLast((name) => name.split('.')[4] === '0')
    if (file === undefined) throw new Error(`node ${node.id} left no profile`)
    const { busySeconds, own: self, whole } = timesIn(JSON.parse(readFileSync(join(own, file), 'utf8')), span)
    process.stdout.write(`\nnode ${node.id}, main thread: ${busySeconds.toFixed(1)} s of work\n`)
    show('by itself', self.slice(0, Number(values.top)))
    const ours = whole.filter(({ place }) => / [a-z-]+\/[\w/-]+\.js:/.test(place))
    show('with all that it calls', ours.slice(0, Number(values.top)))
  }
  await cluster.stop()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main()
  process.exit(0)
}
