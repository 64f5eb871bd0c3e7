import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grouped } from './grouped.ts'

test('groups and what is in them keep the order in which they came', () => {
  const groups = grouped([5, 2, 8, 1, 4], (it) => (it % 2 === 0 ? 'even' : 'odd'))
  assert.deepEqual(
    [...groups],
    [
      ['odd', [5, 1]],
      ['even', [2, 8, 4]],
    ],
  )
})
