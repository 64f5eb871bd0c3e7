import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../../base/prng.ts'
import { type RegisterOp, type RegisterValue, whyNotLinearizable } from './register.ts'

const read = (value: RegisterValue, start: number, end: number): RegisterOp => ({ kind: 'read', value, start, end })
const write = (value: RegisterValue, start: number, end: number): RegisterOp => ({ kind: 'write', value, start, end })

function isGood(...history: RegisterOp[]): boolean {
  return whyNotLinearizable(history, null) === null
}

test('what happens one after the other is read as it was written', () => {
  assert.ok(isGood())
  assert.ok(isGood(read(null, 0, 1)))
  assert.ok(isGood(write(1, 0, 1), read(1, 2, 3), write(2, 4, 5), read(2, 6, 7)))
})

test('a read that runs beside a write sees either value, two of them in one order', () => {
  assert.ok(isGood(write(1, 0, 10), read(null, 1, 2), read(1, 3, 4)))
  assert.ok(!isGood(write(1, 0, 10), read(1, 1, 2), read(null, 3, 4)))
  assert.ok(isGood(write(1, 0, 10), write(2, 0, 10), read(2, 11, 12)))
  assert.ok(isGood(write(1, 0, 10), write(2, 0, 10), read(1, 11, 12)))
  assert.ok(!isGood(write(1, 0, 10), write(2, 0, 10), read(1, 11, 12), read(2, 13, 14)))
})

test('an acknowledged write that is gone, or comes back, is found', () => {
  assert.ok(!isGood(write(1, 0, 1), read(null, 2, 3)))
  assert.ok(!isGood(write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)))
  assert.ok(!isGood(write(1, 0, 1), write(2, 2, 3), read(2, 4, 5), read(1, 6, 7)))
  assert.ok(!isGood(read(7, 0, 1)))
})

test('a value that is read before it was asked for is found', () => {
  assert.ok(!isGood(read(1, 0, 1), write(1, 2, 3)))
})

test('a write of unknown outcome may have happened, at any time after it was asked for, or not', () => {
  assert.ok(isGood(write(1, 0, Infinity), read(null, 5, 6)))
  assert.ok(isGood(write(1, 0, Infinity), read(null, 5, 6), read(1, 7, 8)))
  assert.ok(isGood(write(1, 0, Infinity), write(2, 1, 2), read(2, 3, 4), read(1, 5, 6)))
  assert.ok(!isGood(write(1, 0, Infinity), read(1, 5, 6), read(null, 7, 8)))
  assert.ok(!isGood(write(1, 4, Infinity), read(1, 2, 3)))
  assert.ok(!isGood(write(1, 0, Infinity), write(2, 1, 2), read(1, 3, 4), read(2, 5, 6), read(1, 7, 8)))
})

test('a deletion is a write of none, as often as it happens', () => {
  assert.ok(isGood(write(1, 0, 1), write(null, 2, 3), read(null, 4, 5), write(2, 6, 7), write(null, 8, 9), read(null, 10, 11)))
  assert.ok(!isGood(write(1, 0, 1), write(null, 2, 3), read(1, 4, 5)))
})

/** A register that is what it should be: every operation takes effect at one moment between its start and its end. */
function lived(prng: Prng, count: number): RegisterOp[] {
  const moments = Array.from({ length: count }, () => prng.fraction() * 4 * count).sort((a, b) => a - b)
  let value: RegisterValue = null
  return moments.flatMap((moment, at) => {
    const [start, end] = [moment - prng.fraction() * 8, moment + prng.fraction() * 8]
    if (prng.chance(0.5)) return [read(value, start, end)]
    const written: RegisterValue = prng.chance(0.1) ? null : at
    if (prng.chance(0.2)) {
      // Nobody is told; and half of these never happen
      if (prng.chance(0.5)) value = written
      return [write(written, start, Infinity)]
    }
    value = written
    return [write(value, start, end)]
  })
}

test('random histories of a good register are good, and mostly bad when one read saw something else', () => {
  const prng = new Prng(20)
  let bad = 0
  for (let round = 0; round < 300; round += 1) {
    const history = lived(prng, prng.between(1, 120))
    assert.equal(whyNotLinearizable(history, null), null, `round ${round}`)
    const reads = history.filter(({ kind }) => kind === 'read')
    const last = reads.at(-1)
    if (last === undefined) continue
    const spoilt = history.map((op) => (op === last ? { ...op, value: 12345 } : op))
    assert.notEqual(whyNotLinearizable(spoilt, null), null, `round ${round}, a value that nobody wrote`)
    const older = reads.at(-8)
    if (older === undefined || older.value === last.value) continue
    if (
      whyNotLinearizable(
        history.map((op) => (op === last ? { ...op, value: older.value } : op)),
        null,
      ) !== null
    )
      bad += 1
  }
  assert.ok(bad > 50, `${bad} old reads were found`)
})
