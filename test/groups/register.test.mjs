// The judge is judged: histories that are known to be good or bad.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { backwardSteps, linearizable } from './register.mjs'

/** @param {number} value @param {number} begin @param {number} [end] @returns {import('./register.mjs').Operation} */
const write = (value, begin, end = Infinity) => ({ kind: 'write', value, begin, end })
/** @param {number} value @param {number} begin @param {number} end @returns {import('./register.mjs').Operation} */
const read = (value, begin, end) => ({ kind: 'read', value, begin, end })
const fine = (...history) => assert.deepEqual(linearizable(history), { ok: true })
const broken = (...history) => assert.equal(linearizable(history).ok, false)

describe('the judge of committed offsets', () => {
  test('what one client does after another is read back', () => {
    fine()
    fine(read(-1, 0, 1))
    fine(write(5, 0, 1), read(5, 2, 3), write(7, 4, 5), read(7, 6, 7))
  })

  test('a commit that was acknowledged and is not there', () => {
    broken(write(5, 0, 1), read(-1, 2, 3))
    broken(write(5, 0, 1), write(7, 2, 3), read(5, 4, 5))
  })

  test('a value that nobody wrote', () => {
    broken(read(3, 0, 1))
    broken(write(5, 0, 1), read(6, 2, 3))
  })

  test('a read beside a write sees either', () => {
    fine(write(5, 0, 1), write(7, 2, 10), read(5, 3, 4), read(7, 5, 6))
    fine(write(5, 0, 1), write(7, 2, 10), read(5, 3, 9))
  })

  test('a read that goes back after another one saw the new value', () => {
    broken(write(5, 0, 1), write(7, 2, 10), read(7, 3, 4), read(5, 5, 6))
  })

  test('two writes at once end in one order only', () => {
    fine(write(5, 0, 10), write(7, 0, 10), read(5, 11, 12), read(5, 13, 14))
    fine(write(5, 0, 10), write(7, 0, 10), read(7, 11, 12))
    broken(write(5, 0, 10), write(7, 0, 10), read(5, 11, 12), read(7, 13, 14))
  })

  test('a write without an answer happens at some time or never, but not twice', () => {
    fine(write(5, 0, 1), write(7, 2), read(5, 3, 4), read(7, 5, 6))
    fine(write(5, 0, 1), write(7, 2), read(5, 3, 4))
    fine(write(5, 0, 1), write(7, 2), write(9, 3, 4), read(9, 5, 6), read(7, 7, 8))
    broken(write(5, 0, 1), write(7, 2), read(7, 3, 4), write(9, 5, 6), read(7, 7, 8))
    broken(write(5, 0, 1), read(7, 2, 3), write(7, 4))
  })

  test('a stale copy that answers after a new one took a write', () => {
    broken(write(1, 0, 1), write(2, 2, 3), read(2, 4, 5), read(1, 6, 7))
    broken(write(1, 0, 1), write(2, 2, 3), write(3, 4, 5), read(2, 6, 7), read(3, 8, 9))
  })

  test('a long history with much at once is judged in a moment', () => {
    const history = []
    for (let i = 0; i < 5000; i += 1) {
      const at = i * 10
      history.push(write(i, at, at + 14), read(i, at + 11, at + 18), read(i, at + 12, at + 17))
      if (i % 100 === 0) history.push(write(1_000_000 + i, at))
    }
    fine(...history)
    broken(...history, read(4000, 50_030, 50_040))
  })

  test('steps backward are told with who took them', () => {
    const by = (name, operation) => ({ ...operation, by: name })
    assert.deepEqual(backwardSteps([write(5, 0, 1), write(7, 2, 3), read(7, 4, 5)]), [])
    assert.deepEqual(backwardSteps([write(7, 0, 5), write(5, 1, 6)]), [])
    assert.deepEqual(backwardSteps([by('a', write(7, 0, 1)), by('b', write(5, 2, 3)), read(5, 4, 5)]), [
      'a write of 5 (b, at 2) after 7 (a, at 0) was acknowledged',
      'a read of 5 (at 4) after 7 (a, at 0) was acknowledged',
    ])
  })
})
