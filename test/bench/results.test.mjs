import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { isMeasured, median, readResults, resume, summaryOf, withMeasured, writeResults } from '../../bench/results.mjs'

const folder = mkdtempSync(join(tmpdir(), 'odradek-results-'))
after(() => rmSync(folder, { recursive: true }))

const fresh = {
  began: '2026-01-01T00:00:00.000Z',
  quick: true,
  rounds: 2,
  loadBefore: 0,
  machine: { processor: 'p', processors: 2, memoryGiB: 24, system: 'Linux' },
  versions: { odradek: '1', kafka: '2', node: '3', java: '4' },
}

/** @param {number | null} value @param {number} [round] @returns {import('../../bench/results.mjs').Measured} */
const measured = (value, round = 1) => ({ name: 'raw-16k', system: 'kafka', round, value, seconds: 1, strangers: 0, details: {} })

test('a run that was broken off goes on: what succeeded is there, what failed is done again', () => {
  const file = join(folder, 'resumed.json')
  const first = withMeasured(resume(file, fresh), measured(5))
  writeResults(file, withMeasured(first, measured(null, 2)))
  const again = resume(file, { ...fresh, rounds: 3 })
  assert.equal(again.rounds, 3)
  assert.ok(isMeasured(again, 'raw-16k', 'kafka', 1))
  assert.ok(!isMeasured(again, 'raw-16k', 'kafka', 2))
  assert.ok(!isMeasured(again, 'raw-16k', 'odradek', 1))
})

test('figures of two builds, or of quick and whole runs, are not mixed', () => {
  const file = join(folder, 'other.json')
  writeResults(file, resume(file, fresh))
  assert.throws(() => resume(file, { ...fresh, quick: false }), /of another run/)
  assert.throws(() => resume(file, { ...fresh, versions: { ...fresh.versions, odradek: '1.1' } }), /of another run/)
})

test('another file is refused', () => {
  assert.throws(() => readResults(new URL('../../package.json', import.meta.url).pathname), /not a file of results/)
})

test('a later figure takes the place of a failure', () => {
  const results = withMeasured(withMeasured(resume(join(folder, 'none.json'), fresh), measured(null)), measured(7))
  assert.equal(results.measured.length, 1)
  assert.deepEqual(summaryOf(results, 'raw-16k', 'kafka'), { median: 7, min: 7, max: 7, rounds: 1 })
})

test('the median of an even number lies between the two in the middle', () => {
  assert.equal(median([4, 1, 3]), 3)
  assert.equal(median([4, 1, 3, 2]), 2.5)
})

test('without any figure there is no summary', () => {
  assert.equal(summaryOf(withMeasured(resume(join(folder, 'none.json'), fresh), measured(null)), 'raw-16k', 'kafka'), null)
})
