// Kafka's own performance tools, each in a process of its own with the virtual machine's settings of Kafka's scripts, and what they print as numbers.
import { join } from 'node:path'
import { jarsFolder, log4j } from '../test/rig/peers.mjs'
import { spawnBound } from '../test/rig/processes.mjs'

const heap = '512m'
const classes = {
  'producer-perf': 'org.apache.kafka.tools.ProducerPerformance',
  'consumer-perf': 'org.apache.kafka.tools.ConsumerPerformance',
  'end-to-end': 'org.apache.kafka.tools.EndToEndLatency',
}

/** @typedef {keyof typeof classes} JavaTool */

/** How the tools are called, for the page. */
export const jvm = ['java', `-Xmx${heap}`, `-Xms${heap}`, '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-Djava.awt.headless=true']

/** What a tool prints on its standard output. @param {JavaTool} tool @param {readonly string[]} args @returns {Promise<string>} */
export async function runTool(tool, args) {
  const argv = [...jvm, `-Dlog4j2.configurationFile=${log4j('log4j2.yaml')}`, '-cp', join(jarsFolder(), '*'), classes[tool], ...args]
  const child = spawnBound(argv, { stdio: ['ignore', 'pipe', 'pipe'] })
  const texts = { out: '', err: '' }
  child.stdout?.on('data', (chunk) => (texts.out += String(chunk)))
  child.stderr?.on('data', (chunk) => (texts.err = (texts.err + String(chunk)).slice(-5000)))
  const status = await new Promise((resolve) => child.once('close', resolve))
  if (status !== 0) throw new Error(`${tool} ended with ${String(status)}: ${texts.err || texts.out.slice(-2000)}`)
  return texts.out
}

/**
 * @param {{ bootstrap: string, topic: string, records: number, warmUp: number, recordSize: number, throughput: number, properties: readonly string[] }} options
 * `warmUp`: so many of the records do not count; `throughput`: records a second, -1 without bound
 */
export function producerPerf({ bootstrap, topic, records, warmUp, recordSize, throughput, properties }) {
  const numbers = ['--num-records', `${records}`, '--warmup-records', `${warmUp}`, '--record-size', `${recordSize}`]
  const rest = ['--throughput', `${throughput}`, '--command-property', `bootstrap.servers=${bootstrap}`, 'acks=all', ...properties]
  return ['--topic', topic, ...numbers, ...rest]
}

/** @param {{ bootstrap: string, topic: string, records: number }} options */
export function consumerPerf({ bootstrap, topic, records }) {
  return ['--bootstrap-server', bootstrap, '--topic', topic, '--num-records', `${records}`, '--timeout', '60000']
}

/** @param {{ bootstrap: string, topic: string, records: number, recordSize: number }} options */
export function endToEnd({ bootstrap, topic, records, recordSize }) {
  const what = ['--bootstrap-server', bootstrap, '--topic', topic, '--num-records', `${records}`]
  return [...what, '--producer-acks', 'all', '--record-size', `${recordSize}`]
}

const summary =
  /^(\d+)( steady state)? records sent, ([\d.]+) records\/sec \(([\d.]+) MB\/sec\), ([\d.]+) ms avg latency, ([\d.]+) ms max latency, (\d+) ms 50th, (\d+) ms 95th, (\d+) ms 99th, (\d+) ms 99\.9th\.$/gm

/** The last summary of ProducerPerformance, which is the one without the warm-up where there was one. @param {string} text */
export function producerFigures(text) {
  const match = [...text.matchAll(summary)].at(-1)
  if (match === null || match === undefined) throw new Error(`ProducerPerformance printed no summary: ${text.slice(-500)}`)
  const [records = 0, recordsPerSecond = 0, , , max = 0, p50 = 0, , p99 = 0, p999 = 0] = [match[1], ...match.slice(3)].map(Number)
  return { records, recordsPerSecond, latency: { p50, p99, p999, max } }
}

/** ConsumerPerformance: what was fetched in the time of fetching, without the joining of the group. @param {string} text */
export function consumerFigures(text) {
  const lines = text.split('\n').map((line) => line.split(',').map((cell) => cell.trim()))
  const head = lines.find((cells) => cells[0] === 'start.time')
  const row = head === undefined ? undefined : lines[lines.indexOf(head) + 1]
  const cell = (/** @type {string} */ name) => Number(row?.[head?.indexOf(name) ?? -1] ?? Number.NaN)
  const records = cell('data.consumed.in.nMsg')
  const recordsPerSecond = cell('fetch.nMsg.sec')
  if (!Number.isFinite(records) || !Number.isFinite(recordsPerSecond)) {
    throw new Error(`ConsumerPerformance printed no figures: ${text.slice(-500)}`)
  }
  return { records, recordsPerSecond }
}

/** EndToEndLatency, in milliseconds; its percentiles are whole ones. @param {string} text */
export function endToEndFigures(text) {
  const average = /^Avg latency: ([\d.]+) ms$/m.exec(text)
  const percentiles = /^Percentiles: 50th = (\d+), 99th = (\d+), 99\.9th = (\d+)$/m.exec(text)
  if (average === null || percentiles === null) throw new Error(`EndToEndLatency printed no figures: ${text.slice(-500)}`)
  const [p50 = 0, p99 = 0, p999 = 0] = percentiles.slice(1).map(Number)
  return { average: Number(average[1]), latency: { p50, p99, p999 } }
}
