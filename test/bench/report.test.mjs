import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { chosen } from '../../bench/cases.mjs'
import { chart } from '../../bench/chart.mjs'
import { figureText, report } from '../../bench/report.mjs'
import { readResults } from '../../bench/results.mjs'
import { expected, legsOf } from '../../bench/run.mjs'

const recorded = readResults(fileURLToPath(new URL('samples/results.json', import.meta.url)))

/** The cells of a case's line. @param {string} page @param {string} title */
const cells = (page, title) =>
  page
    .split('\n')
    .find((line) => line.startsWith(`| ${title} |`))
    ?.split(' | ')
    .map((cell) => cell.replaceAll('|', '').trim())

test('a line has the medians with their spread, the ratio and whether the goal is met', () => {
  const { page } = report(recorded)
  assert.deepEqual(cells(page, '16 KB batches of 1 KiB'), [
    '16 KB batches of 1 KiB',
    'MB/s',
    '90 (80–100)',
    '15 (10–20)',
    '6.0 ×',
    '≥ 5 × Kafka',
    'yes',
  ])
  assert.deepEqual(cells(page, '1 KiB, Java defaults')?.slice(4), ['0.80 ×', '≥ 2 × Kafka', '**no**'])
})

test('less is better where the goal says at most', () => {
  const { page } = report(recorded)
  assert.equal(cells(page, 'ack at 5,000 × 1 KiB/s, p99')?.at(-1), 'yes')
})

test('where Kafka is ahead it is said, and what misses its goal', () => {
  const { page } = report(recorded)
  assert.match(page, /Kafka is ahead in: 1 KiB, Java defaults\./)
  assert.match(page, /Goals that are missed: 1 KiB, Java defaults; idle with 1,000 partitions\./)
})

test('a quick run, failures and other work on the machine are said first', () => {
  const { page } = report(recorded)
  const head = page.slice(0, page.indexOf('| Case'))
  assert.match(head, /quick run/)
  assert.match(head, /Failed: raw-900k, kafka, round 1: the load generator failed/)
  assert.match(head, /While 1 of \d+ measurements ran/)
})

test('a case without a figure of Kafka has no ratio, and no bar in the chart', () => {
  const { page, svg } = report(recorded)
  assert.equal(cells(page, '900 KB batches of 1 KiB')?.[4], '–')
  assert.ok(!svg.includes('900 KB'))
  assert.ok(svg.includes('16 KB batches of 1 KiB'))
})

test('the chart has the same length to the left for half as to the right for twice, and escapes titles', () => {
  const svg = chart(
    [
      { title: 'a < b', better: 2, goal: 1.5 },
      { title: 'c', better: 0.5, goal: null },
    ],
    'all & nothing',
  )
  const lengths = [...svg.matchAll(/<rect [^>]* width="([\d.]+)"/g)].map(([, length]) => Number(length))
  assert.ok(Math.abs((lengths[0] ?? 0) - (lengths[1] ?? 1)) < 0.2, lengths.join())
  assert.ok(svg.includes('a &lt; b') && svg.includes('all &amp; nothing'))
  assert.equal([...svg.matchAll(/class="goal"/g)].length, 1)
  assert.ok(svg.includes('prefers-color-scheme: dark'))
})

test('figures have three digits that count', () => {
  assert.deepEqual([3_123_456.7, 123.4, 12.345, 0.012345, 0].map(figureText), ['3,123,457', '123', '12.3', '0.0123', '0'])
})

test('the systems take turns in being first', () => {
  const legs = legsOf([], ['odradek', 'kafka'], 3)
  assert.equal(legs.map(({ system }) => system[0]).join(''), 'okkook')
  assert.deepEqual(
    legs.map(({ round }) => round),
    [1, 1, 2, 2, 3, 3],
  )
})

test('a quick run is expected to take about two minutes, and a case that is named is run in it too', () => {
  const legs = legsOf(chosen([], true), ['odradek', 'kafka'], 1)
  assert.ok(expected(legs, true) <= 150, `${expected(legs, true)} s`)
  assert.deepEqual(
    chosen(['start'], true).map(({ name }) => name),
    ['start-up'],
  )
  assert.throws(() => chosen(['nothing'], true), /no case begins with nothing/)
})
