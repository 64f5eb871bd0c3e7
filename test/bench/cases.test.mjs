import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cases, meets } from '../../bench/cases.mjs'

test('no two cases have the same name', () => {
  assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length)
})

test("a ratio is ours by Kafka's, and the bar itself is enough", () => {
  assert.equal(meets({ of: 'ratio', rule: 'at-least', value: 2 }, 20, 10), true)
  assert.equal(meets({ of: 'ratio', rule: 'at-least', value: 2 }, 19, 10), false)
  assert.equal(meets({ of: 'ratio', rule: 'at-most', value: 0.5 }, 5, 10), true)
  assert.equal(meets({ of: 'ratio', rule: 'at-most', value: 0.5 }, 6, 10), false)
})

test("a figure does not look at Kafka's", () => {
  assert.equal(meets({ of: 'figure', rule: 'at-most', value: 3 }, 3, Number.NaN), true)
  assert.equal(meets({ of: 'figure', rule: 'at-least', value: 3 }, 2, 0), false)
})
