import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeAnomaly } from './describe.ts'
import { goodOptions, recordGoodHistory } from './good-history.ts'
import { judge } from './judge.ts'
import { HistoryRecorder } from './recorder.ts'

test('ten thousand good histories have nothing wrong in them', () => {
  for (let seed = 1; seed <= 10_000; seed += 1) {
    const found = judge(recordGoodHistory(seed, 15, new HistoryRecorder()), goodOptions)
    assert.deepEqual(found.map(describeAnomaly), [], `seed ${seed}`)
  }
})

test('long good histories have nothing wrong in them', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const found = judge(recordGoodHistory(seed, 1_500, new HistoryRecorder()), goodOptions)
    assert.deepEqual(found.map(describeAnomaly), [], `seed ${seed}`)
  }
})

test('the same seed is the same history', () => {
  const record = (): string => {
    let text = ''
    recordGoodHistory(7, 300, new HistoryRecorder((line) => (text += line)))
    return text
  }
  assert.equal(record(), record())
})
