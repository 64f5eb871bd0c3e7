import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { consumerFigures, endToEndFigures, producerFigures, producerPerf } from '../../bench/java.mjs'

/** What Kafka's tools printed. @param {string} name */
const sample = (name) => readFileSync(new URL(`samples/${name}.txt`, import.meta.url), 'utf8')

test('of ProducerPerformance the summary without the warm-up counts', () => {
  assert.deepEqual(producerFigures(sample('producer-perf-warm-up')), {
    records: 4500,
    recordsPerSecond: 7120.253165,
    latency: { p50: 341, p99: 447, p999: 450, max: 450 },
  })
})

test('without a warm-up its only summary counts, and no line of progress', () => {
  const latency = { p50: 139, p99: 224, p999: 224, max: 597 }
  assert.deepEqual(producerFigures(sample('producer-perf')), { records: 20_000, recordsPerSecond: 20_242.91498, latency })
})

test('of ConsumerPerformance the rate of fetching counts', () => {
  assert.deepEqual(consumerFigures(sample('consumer-perf')), { records: 20_444, recordsPerSecond: 176_241.3793 })
})

test('EndToEndLatency has whole milliseconds', () => {
  assert.deepEqual(endToEndFigures(sample('end-to-end')), { average: 9.7263, latency: { p50: 7, p99: 89, p999: 89 } })
})

test('a tool that printed no figures is an error that shows what it printed', () => {
  assert.throws(() => producerFigures('Exception in thread'), /no summary: Exception in thread/)
  assert.throws(() => consumerFigures('start.time, end.time\n'), /no figures/)
  assert.throws(() => endToEndFigures(''), /no figures/)
})

test("the producer's tool gets acks=all and the settings of the case", () => {
  const given = { bootstrap: 'h:1', topic: 't', records: 11, warmUp: 1, recordSize: 5, throughput: -1, properties: ['linger.ms=10'] }
  const args = producerPerf(given)
  assert.deepEqual(args.slice(args.indexOf('--command-property')), [
    '--command-property',
    'bootstrap.servers=h:1',
    'acks=all',
    'linger.ms=10',
  ])
  assert.equal(args[args.indexOf('--warmup-records') + 1], '1')
})
