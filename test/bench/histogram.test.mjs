import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram } from '../../bench/generator/histogram.mjs'

/** @param {number[]} values */
function of(values) {
  const histogram = new Histogram()
  for (const value of values) histogram.record(value)
  return histogram
}

/** A series that is the same each time, over six orders of magnitude. @param {number} count */
const series = (count) => Array.from({ length: count }, (_, index) => Math.floor(10 ** (((index * 7919) % 1009) / 168)))

test('an empty histogram has zeros', () => {
  assert.deepEqual(new Histogram().summary(), { count: 0, p50: 0, p99: 0, p999: 0, max: 0 })
})

test('values below 256 µs are read out exactly', () => {
  const histogram = of(Array.from({ length: 200 }, (_, index) => index + 1))
  assert.equal(histogram.quantile(0.5), 100)
  assert.equal(histogram.quantile(0.99), 198)
  assert.equal(histogram.quantile(1), 200)
})

test('a quantile is never below the exact one and at most 1/128 above it', () => {
  const values = series(5000)
  const histogram = of(values)
  const sorted = values.toSorted((a, b) => a - b)
  for (const share of [0, 0.01, 0.5, 0.9, 0.99, 0.999, 1]) {
    const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? 0
    const read = histogram.quantile(share)
    assert.ok(read >= exact && read <= exact * (1 + 1 / 128), `share ${share}: ${read} for ${exact}`)
  }
})

test('each power of two and its neighbours keep the bound', () => {
  for (let power = 0; power < 40; power += 1) {
    for (const value of [2 ** power - 1, 2 ** power, 2 ** power + 1]) {
      const read = of([value, 2 ** 40 - 1]).quantile(0.5)
      assert.ok(read >= value && read <= value * (1 + 1 / 128), `${read} for ${value}`)
    }
  }
})

test('a merge is what recording both series into one would have made', () => {
  const values = series(3000)
  const merged = of(values.slice(0, 1000))
  merged.merge(of(values.slice(1000)))
  merged.merge(new Histogram())
  assert.deepEqual(merged, of(values))
})

test('what is too small or too large counts at the ends', () => {
  const histogram = of([-5, 2 ** 50])
  assert.equal(histogram.min, 0)
  assert.equal(histogram.max, 2 ** 40 - 1)
  assert.equal(histogram.count, 2)
})
