// What is to be measured, as data. A bar is either a ratio of our figure to Kafka's in the same run, or a figure of ours by itself; `at-least` where
// more is better, `at-most` where less is. All of them: three brokers, replication factor 3, min.insync.replicas 2, acks=all.
// The tools are in `works.mjs`; `amount` is how much of its work each does, in a whole run and in a quick one (null: a quick run leaves it out).

/** @typedef {{ of: 'ratio' | 'figure', rule: 'at-least' | 'at-most', value: number }} Bar */
/** @typedef {keyof typeof import('./works.mjs').works} Tool what does the work */
/** @typedef {Readonly<Record<string, number | string | readonly number[]>>} Settings */
/** @typedef {'more' | 'less'} Better which figures are the better ones */
/**
 * @typedef {object} Case
 * @property {string} name
 * @property {string} title
 * @property {Tool} tool
 * @property {string} unit
 * @property {Better} better
 * @property {boolean} needsJava Kafka's tools do the work
 * @property {Settings} settings
 * @property {{ full: number, quick: number | null }} amount records for Kafka's tools, seconds for the others
 * @property {number} seconds about how long it takes with one system in a whole run, its preparations included
 * @property {Bar | null} bar null: no goal was set, the figure is shown
 */

const large = { 'batch.size': 131_072, 'linger.ms': 10 }
const ratio = (/** @type {Bar['rule']} */ rule, /** @type {number} */ value) => /** @type {Bar} */ ({ of: 'ratio', rule, value })
const figure = (/** @type {Bar['rule']} */ rule, /** @type {number} */ value) => /** @type {Bar} */ ({ of: 'figure', rule, value })

const javaTools = new Set(['producer-perf', 'consumer-perf', 'end-to-end'])

/** @param {Omit<Case, 'needsJava' | 'better'> & { better?: Better }} given @returns {Case} */
const of = (given) => ({ needsJava: javaTools.has(given.tool), better: given.bar?.rule === 'at-most' ? 'less' : 'more', ...given })

/** @type {readonly Case[]} */
const withJava = [
  of({
    name: 'java-1k',
    title: '1 KiB, Java defaults',
    tool: 'producer-perf',
    unit: 'MB/s',
    settings: { recordSize: 1024 },
    amount: { full: 500_000, quick: 40_000 },
    seconds: 30,
    bar: ratio('at-least', 2),
  }),
  of({
    name: 'java-100',
    title: '100 B, Java defaults',
    tool: 'producer-perf',
    unit: 'records/s',
    settings: { recordSize: 100 },
    amount: { full: 4_000_000, quick: null },
    seconds: 30,
    bar: ratio('at-least', 2),
  }),
  of({
    name: 'java-1k-128k',
    title: '1 KiB, 128 KiB batches',
    tool: 'producer-perf',
    unit: 'MB/s',
    settings: { recordSize: 1024, ...large },
    amount: { full: 1_000_000, quick: null },
    seconds: 25,
    bar: ratio('at-least', 1.5),
  }),
  of({
    name: 'java-100-128k',
    title: '100 B, 128 KiB batches',
    tool: 'producer-perf',
    unit: 'records/s',
    settings: { recordSize: 100, ...large },
    amount: { full: 10_000_000, quick: 800_000 },
    seconds: 25,
    bar: ratio('at-least', 1.5),
  }),
  of({
    name: 'java-lz4',
    title: '1 KiB, lz4, 128 KiB batches',
    tool: 'producer-perf',
    unit: 'MB/s',
    settings: { recordSize: 1024, 'batch.size': 131_072, 'compression.type': 'lz4' },
    amount: { full: 1_000_000, quick: null },
    seconds: 30,
    bar: ratio('at-least', 1.5),
  }),
  of({
    name: 'consume-1k',
    title: 'consume 1 KiB',
    tool: 'consumer-perf',
    unit: 'MB/s',
    settings: { recordSize: 1024 },
    amount: { full: 2_000_000, quick: 200_000 },
    seconds: 35,
    bar: ratio('at-least', 1.2),
  }),
  of({
    name: 'consume-100',
    title: 'consume 100 B',
    tool: 'consumer-perf',
    unit: 'records/s',
    settings: { recordSize: 100 },
    amount: { full: 10_000_000, quick: null },
    seconds: 30,
    bar: ratio('at-least', 1.2),
  }),
  of({
    name: 'ack-p99',
    title: 'ack at 5,000 × 1 KiB/s, p99',
    tool: 'producer-perf',
    unit: 'ms',
    settings: { recordSize: 1024, throughput: 5000 },
    amount: { full: 150_000, quick: 20_000 },
    seconds: 40,
    bar: ratio('at-most', 0.3),
  }),
  of({
    name: 'end-to-end-p99',
    title: 'end to end, one at a time, p99',
    tool: 'end-to-end',
    unit: 'ms',
    settings: { recordSize: 512 },
    amount: { full: 10_000, quick: null },
    seconds: 35,
    bar: ratio('at-most', 0.5),
  }),
]

const perBroker = { partitions: 6, connections: 3, window: 5, recordSize: 1024 }

/** @type {readonly Case[]} */
const raw = [
  of({
    name: 'raw-16k',
    title: '16 KB batches of 1 KiB',
    tool: 'raw-produce',
    unit: 'MB/s',
    settings: { ...perBroker, batchBytes: 16_000 },
    amount: { full: 10, quick: 1.5 },
    seconds: 18,
    bar: ratio('at-least', 5),
  }),
  of({
    name: 'raw-128k',
    title: '128 KB batches of 1 KiB',
    tool: 'raw-produce',
    unit: 'MB/s',
    settings: { ...perBroker, batchBytes: 128_000 },
    amount: { full: 10, quick: 1.5 },
    seconds: 18,
    bar: ratio('at-least', 5),
  }),
  of({
    name: 'raw-900k',
    title: '900 KB batches of 1 KiB',
    tool: 'raw-produce',
    unit: 'MB/s',
    settings: { ...perBroker, batchBytes: 900_000 },
    amount: { full: 10, quick: 1.5 },
    seconds: 20,
    bar: ratio('at-least', 2.5),
  }),
  of({
    name: 'raw-100',
    title: '100 B, best batch size',
    tool: 'raw-best',
    unit: 'records/s',
    settings: { ...perBroker, recordSize: 100, batches: [128_000, 400_000, 900_000] },
    amount: { full: 6, quick: null },
    seconds: 40,
    bar: figure('at-least', 3_000_000),
  }),
  of({
    name: 'raw-ack-p99',
    title: 'ack of 500 batches of 10 × 1 KiB/s, p99',
    tool: 'raw-latency',
    unit: 'ms',
    settings: { ...perBroker, batchBytes: 10_600, ratePerSecond: 500 },
    amount: { full: 20, quick: 3 },
    seconds: 28,
    bar: ratio('at-most', 0.3),
  }),
  of({
    name: 'cpu',
    title: "brokers' processor time per produced MB",
    tool: 'raw-cost',
    unit: 'ms/MB',
    settings: { ...perBroker, batchBytes: 128_000 },
    amount: { full: 10, quick: 1.5 },
    seconds: 18,
    bar: ratio('at-most', 0.5),
  }),
  of({
    name: 'raw-fetch',
    title: 'fetch what is in memory',
    tool: 'raw-fetch',
    unit: 'MB/s',
    settings: { ...perBroker, batchBytes: 128_000, megabytes: 1000 },
    amount: { full: 20, quick: null },
    seconds: 25,
    bar: null,
  }),
  of({
    name: 'tail',
    title: 'fetch at the tail while 128 KB batches come',
    tool: 'raw-tail',
    unit: 'MB/s',
    settings: { ...perBroker, batchBytes: 128_000 },
    amount: { full: 10, quick: null },
    seconds: 20,
    bar: null,
  }),
  of({
    name: 'cold',
    title: 'ack of 500 batches of 10 × 1 KiB/s while another topic is read from disk, p99',
    tool: 'raw-cold',
    unit: 'ms',
    settings: { ...perBroker, batchBytes: 128_000, megabytes: 1000, ratePerSecond: 500 },
    amount: { full: 15, quick: null },
    seconds: 45,
    better: 'less',
    bar: null,
  }),
  of({
    name: 'connections',
    title: 'cost per record, 1 connection to a broker → 500 in all',
    tool: 'raw-connections',
    unit: '×',
    settings: { partitions: 6, recordSize: 1024, batchBytes: 16_000, to: 500 },
    amount: { full: 8, quick: null },
    seconds: 30,
    bar: figure('at-most', 1.3),
  }),
  of({
    name: 'partitions',
    title: 'cost per record, 1 → 1,000 partitions',
    tool: 'raw-partitions',
    unit: '×',
    settings: { recordSize: 1024, batchBytes: 16_000, to: 1000 },
    amount: { full: 8, quick: null },
    seconds: 45,
    bar: figure('at-most', 1.3),
  }),
]

/** @type {readonly Case[]} */
const processes = [
  of({
    name: 'idle',
    title: 'idle with 1,000 partitions',
    tool: 'idle',
    unit: '% of a core',
    settings: { partitions: 1000 },
    amount: { full: 30, quick: 4 },
    seconds: 45,
    bar: figure('at-most', 3),
  }),
  of({
    name: 'start-up',
    title: 'start with 1,000 partitions after a clean stop',
    tool: 'start-up',
    unit: 's',
    settings: { partitions: 1000 },
    amount: { full: 1, quick: null },
    seconds: 35,
    bar: figure('at-most', 3),
  }),
]

/** In the order in which they are run: those that restart the cluster come last. @type {readonly Case[]} */
export const cases = [...withJava, ...raw, ...processes]

/**
 * The cases whose names begin with one of the words; all of them when there is none.
 * @param {readonly string[]} words @param {boolean} quick
 * @throws for a word that no name begins with
 */
export function chosen(words, quick) {
  for (const word of words) {
    if (!cases.some(({ name }) => name.startsWith(word))) {
      throw new Error(`no case begins with ${word}: ${cases.map(({ name }) => name).join(', ')}`)
    }
  }
  // who is named is run, in a quick run too
  if (words.length > 0) return cases.filter(({ name }) => words.some((word) => name.startsWith(word)))
  return cases.filter(({ amount }) => !quick || amount.quick !== null)
}

/** Of a case's work; what a quick run would leave out does a tenth when it is asked for by name. @param {Case} given @param {boolean} quick */
export function amountOf({ amount }, quick) {
  return quick ? (amount.quick ?? Math.ceil(amount.full / 10)) : amount.full
}

/** Whether a case is within its bar. @param {Bar} bar @param {number} ours @param {number} kafkas looked at for ratios only */
export function meets(bar, ours, kafkas) {
  const value = bar.of === 'ratio' ? ours / kafkas : ours
  return bar.rule === 'at-least' ? value >= bar.value : value <= bar.value
}
