import assert from 'node:assert/strict'
import { test } from 'node:test'
import { divergence, truncationOffset } from './truncation.ts'

const end = (epoch: number, endOffset: number) => ({ epoch, endOffset })

test('a leader sees where a replica parts from it', () => {
  assert.equal(divergence(-1, 10, end(-1, -1), end(5, 20)), null, 'a replica that does not say')
  assert.equal(divergence(3, 10, end(3, 10), end(5, 20)), null)
  assert.equal(divergence(3, 10, end(3, 15), end(5, 20)), null)
  assert.deepEqual(divergence(3, 10, end(3, 8), end(5, 20)), end(3, 8), 'it has more of the epoch')
  assert.deepEqual(divergence(3, 10, end(2, 12), end(5, 20)), end(2, 12), 'it has an epoch that the leader has not')
  assert.equal(divergence(4, 10, end(-1, -1), end(5, 20)), 'out of range', 'an epoch the leader knows nothing of')
  assert.equal(divergence(9, 10, end(-1, -1), end(-1, -1)), 'out of range', 'a leader that knows of no epoch')
  assert.deepEqual(divergence(9, 10, end(-1, -1), end(5, 20)), end(5, 20), 'an epoch in which nobody ever led')
})

test('a follower cuts where both logs still had the same epoch', () => {
  assert.equal(truncationOffset(end(3, 8), end(3, 10), 10), 8)
  assert.equal(truncationOffset(end(3, 12), end(3, 10), 14), 10)
  assert.equal(truncationOffset(end(3, 12), end(2, 6), 14), 6, 'it never had that epoch: back to the end of one before, and ask again')
  assert.equal(truncationOffset(end(3, 12), end(-1, -1), 10), 10, 'it knows no epochs')
})
