// What is to be measured, as data. A bar is either a ratio of our figure to Kafka's in the same run, or a figure of ours by itself; `at-least` where
// more is better, `at-most` where less is. All of them: three brokers, replication factor 3, min.insync.replicas 2, acks=all.

/** @typedef {{ of: 'ratio' | 'figure', rule: 'at-least' | 'at-most', value: number }} Bar */
/** @typedef {'producer-perf' | 'consumer-perf' | 'end-to-end' | 'raw-produce' | 'raw-fetch' | 'process'} Tool what does the work */
/** @typedef {{ name: string, title: string, tool: Tool, unit: string, needs: readonly ('java' | 'linux')[], settings: Readonly<Record<string, number | string>>, bar: Bar }} Case */

const large = { 'batch.size': 131_072, 'linger.ms': 10 }
const ratio = (/** @type {Bar['rule']} */ rule, /** @type {number} */ value) => /** @type {Bar} */ ({ of: 'ratio', rule, value })
const figure = (/** @type {Bar['rule']} */ rule, /** @type {number} */ value) => /** @type {Bar} */ ({ of: 'figure', rule, value })

/** @param {string} name @param {string} title @param {Tool} tool @param {string} unit @param {Case['settings']} settings @param {Bar} bar @returns {Case} */
function java(name, title, tool, unit, settings, bar) {
  return { name, title, tool, unit, needs: ['java'], settings, bar }
}

/** @param {string} name @param {string} title @param {Tool} tool @param {string} unit @param {Case['settings']} settings @param {Bar} bar @returns {Case} */
function raw(name, title, tool, unit, settings, bar) {
  return { name, title, tool, unit, needs: tool === 'process' ? ['linux'] : [], settings, bar }
}

/** @type {readonly Case[]} */
export const cases = [
  java('java-1k', '1 KiB, Java defaults', 'producer-perf', 'MB/s', { recordSize: 1024 }, ratio('at-least', 2)),
  java('java-100', '100 B, Java defaults', 'producer-perf', 'records/s', { recordSize: 100 }, ratio('at-least', 2)),
  java('java-1k-128k', '1 KiB, 128 KiB batches', 'producer-perf', 'MB/s', { recordSize: 1024, ...large }, ratio('at-least', 1.5)),
  java('java-100-128k', '100 B, 128 KiB batches', 'producer-perf', 'records/s', { recordSize: 100, ...large }, ratio('at-least', 1.5)),
  java(
    'java-lz4',
    '1 KiB, lz4, 128 KiB batches',
    'producer-perf',
    'MB/s',
    { recordSize: 1024, 'batch.size': 131_072, 'compression.type': 'lz4' },
    ratio('at-least', 1.5),
  ),
  java('consume-1k', 'consume 1 KiB', 'consumer-perf', 'MB/s', { recordSize: 1024 }, ratio('at-least', 1.2)),
  java('consume-100', 'consume 100 B', 'consumer-perf', 'records/s', { recordSize: 100 }, ratio('at-least', 1.2)),
  java('ack-p99', 'ack at 5,000 × 1 KiB/s, p99', 'producer-perf', 'ms', { recordSize: 1024, throughput: 5000 }, ratio('at-most', 0.3)),
  java('end-to-end-p99', 'end to end, one at a time, p99', 'end-to-end', 'ms', { recordSize: 512 }, ratio('at-most', 0.5)),
  raw('raw-16k', '16 KB batches of 1 KiB', 'raw-produce', 'MB/s', { batchBytes: 16_000, recordSize: 1024 }, ratio('at-least', 5)),
  raw('raw-128k', '128 KB batches of 1 KiB', 'raw-produce', 'MB/s', { batchBytes: 128_000, recordSize: 1024 }, ratio('at-least', 5)),
  raw('raw-900k', '900 KB batches of 1 KiB', 'raw-produce', 'MB/s', { batchBytes: 900_000, recordSize: 1024 }, ratio('at-least', 2.5)),
  raw('raw-100', '100 B, best batch size', 'raw-produce', 'records/s', { recordSize: 100 }, figure('at-least', 3_000_000)),
  raw('partitions', 'cost per record, 1 → 1,000 partitions', 'raw-produce', '×', { from: 1, to: 1000 }, figure('at-most', 1.3)),
  raw('connections', 'cost per record, 1 → 500 connections', 'raw-produce', '×', { from: 1, to: 500 }, figure('at-most', 1.3)),
  raw('cpu', 'processor per produced MB', 'raw-produce', 'ms/MB', { batchBytes: 128_000, recordSize: 1024 }, ratio('at-most', 0.5)),
  raw('idle', 'idle with 1,000 partitions', 'process', '% of a core', { partitions: 1000 }, figure('at-most', 3)),
  raw('start-up', 'start with 1,000 partitions after a clean stop', 'process', 's', { partitions: 1000 }, figure('at-most', 3)),
]

/** Whether a case is within its bar. @param {Bar} bar @param {number} ours @param {number} kafkas looked at for ratios only */
export function meets(bar, ours, kafkas) {
  const value = bar.of === 'ratio' ? ours / kafkas : ours
  return bar.rule === 'at-least' ? value >= bar.value : value <= bar.value
}
