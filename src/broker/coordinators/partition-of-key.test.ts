import assert from 'node:assert/strict'
import { test } from 'node:test'
import { javaHashCode, partitionOfKey } from './partition-of-key.ts'

test('the hash is that of a Java string', () => {
  assert.equal(javaHashCode(''), 0)
  assert.equal(javaHashCode('group'), 98629247)
  assert.equal(javaHashCode('polygenelubricants'), -2147483648)
  assert.equal(javaHashCode('héllo🦆'), javaHashCode('h\u00e9llo\ud83e\udd86'))
})

test('a key falls on a partition as in Kafka, the least hash on the first', () => {
  assert.equal(partitionOfKey('polygenelubricants', 50), 0)
  assert.equal(partitionOfKey('group', 50), 98629247 % 50)
  assert.equal(partitionOfKey('group', 1), 0)
})
