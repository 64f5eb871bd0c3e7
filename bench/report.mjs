// The page and the chart, from a file of results alone.
import { cases, meets } from './cases.mjs'
import { chart, timesText } from './chart.mjs'
import { jvm } from './java.mjs'
import { strangersMax, summaryOf } from './results.mjs'
import { kafkaHeap, minInsync, replicas } from './subject.mjs'

/** @typedef {import('./results.mjs').Results} Results */
/** @typedef {import('./results.mjs').Summary} Summary */
/** @typedef {import('./cases.mjs').Case} Case */
/** @typedef {{ case: Case, ours: Summary | null, kafkas: Summary | null }} Row */

const chartName = 'benchmarks.svg'

/** Three digits that count, thousands apart. @param {number} value */
export function figureText(value) {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

/** @param {Summary | null} summary */
function summaryText(summary) {
  if (summary === null) return '–'
  const spread = summary.rounds === 1 ? '' : ` (${figureText(summary.min)}–${figureText(summary.max)})`
  return `${figureText(summary.median)}${spread}`
}

/** @param {Case} given */
function barText({ bar, unit }) {
  if (bar === null) return 'none set'
  const sign = bar.rule === 'at-least' ? '≥' : '≤'
  return bar.of === 'ratio' ? `${sign} ${bar.value} × Kafka` : `${sign} ${figureText(bar.value)} ${unit}`
}

/** @param {Row} row */
function verdict({ case: { bar }, ours, kafkas }) {
  if (bar === null) return ''
  if (ours === null || (bar.of === 'ratio' && kafkas === null)) return '?'
  return meets(bar, ours.median, kafkas?.median ?? Number.NaN) ? 'yes' : '**no**'
}

/** @param {Row} row */
const ratioOf = ({ ours, kafkas }) => (ours === null || kafkas === null || kafkas.median === 0 ? null : ours.median / kafkas.median)

/** How many times better we are. @param {Row} row */
function betterBy(row) {
  const ratio = ratioOf(row)
  if (ratio === null) return null
  return row.case.better === 'more' ? ratio : 1 / ratio
}

/** The goal in the same measure, for those of them that are ratios. @param {Case} given */
const goalOf = ({ bar }) => (bar === null || bar.of === 'figure' ? null : bar.rule === 'at-least' ? bar.value : 1 / bar.value)

/** @param {Results} results @returns {Row[]} */
export function rowsOf(results) {
  const measured = new Set(results.measured.map(({ name }) => name))
  return cases
    .filter(({ name }) => measured.has(name))
    .map((it) => ({ case: it, ours: summaryOf(results, it.name, 'odradek'), kafkas: summaryOf(results, it.name, 'kafka') }))
}

/** @param {Row} row */
function line(row) {
  const { title, unit } = row.case
  const ratio = ratioOf(row)
  const cells = [title, unit, summaryText(row.ours), summaryText(row.kafkas), ratio === null ? '–' : timesText(ratio), barText(row.case)]
  return `| ${[...cells, verdict(row)].join(' | ')} |`
}

/** @param {readonly Row[]} rows */
function losses(rows) {
  const missed = rows.filter((row) => verdict(row) === '**no**').map(({ case: { title } }) => title)
  const behind = rows.filter((row) => (betterBy(row) ?? 1) < 1).map(({ case: { title } }) => title)
  return [
    behind.length === 0 ? 'Kafka is ahead in none of these.' : `Kafka is ahead in: ${behind.join('; ')}.`,
    missed.length === 0 ? 'No goal is missed.' : `Goals that are missed: ${missed.join('; ')}.`,
  ]
}

/** @param {Results} results */
function doubts(results) {
  const disturbed = results.measured.filter(({ strangers }) => strangers > strangersMax)
  const failed = results.measured.filter(({ value }) => value === null)
  return [
    ...(results.quick
      ? ['This was a quick run: short, with cold virtual machines. It shows that all works, and no figure of it is to be quoted.']
      : []),
    ...(disturbed.length === 0
      ? []
      : [
          `While ${disturbed.length} of ${results.measured.length} measurements ran, something else used more than ${strangersMax * 100} % of a processor: ` +
            'these figures are worth less.',
        ]),
    ...failed.map(({ name, system, round, why }) => `Failed: ${name}, ${system}, round ${round}: ${(why ?? '').split('\n')[0]}`),
  ]
}

/** A detail of a measurement, where it has it. @param {unknown} details @param {...string} path */
function detail(details, ...path) {
  const value = path.reduce((found, key) => (typeof found === 'object' && found !== null ? Reflect.get(found, key) : undefined), details)
  return typeof value === 'number' ? value : null
}

/** What lies beside the figures: latency, processor, memory, bytes. @param {Results} results @param {readonly Row[]} rows */
function beside(results, rows) {
  /** @type {[string, (details: unknown) => number | null][]} */
  const columns = [
    ['p50 ms', (it) => detail(it, 'latency', 'p50')],
    ['p99 ms', (it) => detail(it, 'latency', 'p99')],
    ['p99.9 ms', (it) => detail(it, 'latency', 'p999')],
    ['max ms', (it) => detail(it, 'latency', 'max')],
    ["brokers' CPU, ms/MB", (it) => detail(it, 'brokers', 'cpuMsPerMB')],
    ['bytes through system calls per byte', (it) => detail(it, 'brokers', 'callBytesPerByte')],
    ['memory of three, MiB', (it) => detail(it, 'brokers', 'rssMiB') ?? detail(it, 'rssMiB')],
    ["generator's CPU, cores", (it) => detail(it, 'generatorCpu')],
  ]
  const body = rows.flatMap(({ case: { name, title } }) =>
    /** @type {const} */ (['odradek', 'kafka']).flatMap((system) => {
      const last = results.measured.filter((it) => it.name === name && it.system === system && it.value !== null).at(-1)
      const cells = columns.map(([, read]) => read(last?.details)).map((value) => (value === null ? '' : figureText(value)))
      return cells.every((cell) => cell === '') ? [] : [`| ${title} | ${system} | ${cells.join(' | ')} |`]
    }),
  )
  if (body.length === 0) return []
  const head = ['Case', 'System', ...columns.map(([name]) => name)]
  return ['## Beside the figures', '', 'Of the last round.', '', `| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...body, '']
}

/** @param {Results} results */
function conditions(results) {
  const { machine, versions, rounds, began, loadBefore } = results
  return [
    '## How it was measured',
    '',
    `- ${machine.processors} × ${machine.processor}, ${machine.memoryGiB} GiB, ${machine.system}; load average ${loadBefore} when it began (${began.slice(0, 10)}).`,
    `- Odradek ${versions.odradek} on Node ${versions.node}; Apache Kafka ${versions.kafka} on Java ${versions.java}, heap ${kafkaHeap} for each broker.`,
    `- Three brokers that are controllers too, on one machine with what makes the load; replication factor ${replicas}, min.insync.replicas ${minInsync}, acks=all, all else as it comes.`,
    `- ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, the systems alternating within each; a cluster is started afresh for each round and warmed up. Medians, with least and most in brackets.`,
    `- "Java" and "consume" are Kafka's own tools (\`${jvm.slice(1, 3).join(' ')}\`), the first tenth of the records not counted. The others use a generator of prepared batches, six partitions,`,
    '  one connection to each broker with five requests in flight where nothing else is said. Its latencies at a given rate count from when a request was due.',
    '- MB are millions of bytes of values; for fetches, of batches. Run it: `npm run bench`.',
    '',
  ]
}

/** @param {Results} results @returns {{ page: string, svg: string }} */
export function report(results) {
  const rows = rowsOf(results)
  const lines = rows.flatMap((row) => {
    const better = betterBy(row)
    return better === null ? [] : [{ title: row.case.title, better, goal: goalOf(row.case) }]
  })
  const page = [
    '# Beside Apache Kafka, in figures',
    '',
    'Made by `npm run bench`; not to be edited by hand.',
    '',
    ...doubts(results).flatMap((text) => [`> ${text}`, '']),
    `![How many times better than Apache Kafka, case by case](${chartName})`,
    '',
    '| Case | Unit | Odradek | Kafka | Odradek ÷ Kafka | Goal | Met |',
    '|---|---|---|---|---|---|---|',
    ...rows.map(line),
    '',
    ...losses(rows).flatMap((text) => [text, '']),
    ...conditions(results),
    ...beside(results, rows),
  ]
  return { page: `${page.join('\n').trimEnd()}\n`, svg: chart(lines, 'Times better than Apache Kafka (the mark is the goal)') }
}
