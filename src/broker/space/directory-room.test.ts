import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DirectoryRoom, lowWatermark } from './directory-room.ts'

const mebibyte = 1024 ** 2
const small = (free: number) => ({ free: free * mebibyte, total: 100 * mebibyte })

describe('the room of a log directory', () => {
  test('ends at a twentieth of a small disk, at a gibibyte of a large one, and where the configuration says', () => {
    assert.equal(lowWatermark(-1, 100 * mebibyte), 5 * mebibyte)
    assert.equal(lowWatermark(-1, 10 ** 13), 1024 ** 3)
    assert.equal(lowWatermark(-1, Infinity), 1024 ** 3)
    assert.equal(lowWatermark(7, 10 ** 13), 7)
    assert.equal(lowWatermark(0, 10 ** 13), 0)
  })

  test('ends below the low watermark and is tried only well above it', () => {
    const room = new DirectoryRoom(-1)
    assert.equal(room.measured(0, small(5)), 'as before')
    assert.equal(room.measured(1, small(4.9)), 'full')
    assert.equal(room.measured(2, small(7.4)), 'as before')
    assert.equal(room.measured(3, small(7.5)), 'try')
    assert.equal(room.isFull, true)
    room.tried(3, true)
    assert.equal(room.isFull, false)
  })

  test('ends when a write finds none, whatever the file system says, and is not tried at once', () => {
    const room = new DirectoryRoom(-1)
    assert.equal(room.refused(1_000), 'full')
    assert.equal(room.refused(1_001), 'as before')
    assert.equal(room.measured(5_000, small(90)), 'as before')
    assert.equal(room.measured(5_001, small(90)), 'try')
    room.tried(5_001, false)
    assert.equal(room.measured(6_000, small(90)), 'as before')
    assert.equal(room.measured(9_001, small(90)), 'try')
  })

  test('without a watermark ends only by a refusal', () => {
    const room = new DirectoryRoom(0)
    assert.equal(room.measured(0, small(0)), 'as before')
    assert.equal(room.refused(0), 'full')
  })
})
