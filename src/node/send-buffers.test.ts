import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SendBuffers } from './send-buffers.ts'

const mebibyte = 1024 * 1024

test('memory that came back is given out again, and only then', () => {
  const buffers = new SendBuffers()
  const first = buffers.take(mebibyte - 5)
  const second = buffers.take(mebibyte - 5)
  assert.equal(first.length, mebibyte - 5)
  assert.notEqual(first.buffer, second.buffer)
  buffers.giveBack(first.subarray(100, 200))
  assert.equal(buffers.take(mebibyte).buffer, first.buffer)
  assert.notEqual(buffers.take(mebibyte).buffer, first.buffer)
})

test('memory comes back once, however often it is said', () => {
  const buffers = new SendBuffers()
  const sent = buffers.take(mebibyte)
  buffers.giveBack(sent)
  buffers.giveBack(sent)
  assert.notEqual(buffers.take(mebibyte).buffer, buffers.take(mebibyte).buffer)
})

test('what was not given out is not taken back', () => {
  const buffers = new SendBuffers()
  const foreign = Buffer.alloc(mebibyte)
  assert.equal(buffers.isOut(foreign), false)
  buffers.giveBack(foreign)
  assert.notEqual(buffers.take(mebibyte).buffer, foreign.buffer)
})

test('small and very large buffers are ordinary ones', () => {
  const buffers = new SendBuffers()
  for (const bytes of [0, 61, 16 * 1024 - 1, 4 * mebibyte + 1]) {
    const buffer = buffers.take(bytes)
    assert.equal(buffer.length, bytes)
    assert.equal(buffers.isOut(buffer), false)
  }
})

test('no more than 32 MiB are kept', () => {
  const buffers = new SendBuffers()
  const taken = Array.from({ length: 40 }, () => buffers.take(mebibyte))
  for (const buffer of taken) buffers.giveBack(buffer)
  const known = new Set(taken.map((it) => it.buffer))
  const again = Array.from({ length: 40 }, () => buffers.take(mebibyte))
  assert.equal(again.filter((it) => known.has(it.buffer)).length, 32)
})
