import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deadlines } from './deadlines.ts'
import { Prng } from './prng.ts'
import { NEVER } from './units.ts'

test('what is due comes out in the order of its time, once', () => {
  const deadlines = new Deadlines<string>()
  deadlines.set('b', 20, 'second')
  deadlines.set('a', 10, 'first')
  assert.equal(deadlines.wakeAt(), 10)
  assert.equal(deadlines.take(9), null)
  assert.equal(deadlines.take(30), 'first')
  assert.equal(deadlines.take(30), 'second')
  assert.equal(deadlines.take(30), null)
  assert.equal(deadlines.wakeAt(), NEVER)
})

test('a deadline that was moved comes at its new time only', () => {
  const deadlines = new Deadlines<string>()
  deadlines.set('later', 10, 'x')
  deadlines.set('later', 50, 'y')
  deadlines.set('sooner', 100, 'z')
  deadlines.set('sooner', 5, 'z')
  assert.equal(deadlines.wakeAt(), 5)
  assert.equal(deadlines.take(49), 'z')
  assert.equal(deadlines.take(49), null)
  assert.equal(deadlines.wakeAt(), 50)
  assert.equal(deadlines.take(50), 'y')
  assert.equal(deadlines.size, 0)
})

test('a deadline that was cancelled never comes, also when its key is used again', () => {
  const deadlines = new Deadlines<string>()
  deadlines.set('kept', 90, 'kept')
  deadlines.set('a', 10, 'old')
  deadlines.cancel('a')
  assert.equal(deadlines.wakeAt(), 90)
  deadlines.set('a', 20, 'new')
  assert.equal(deadlines.take(15), null)
  assert.equal(deadlines.take(20), 'new')
})

test('postponed deadlines keep their order and their distances', () => {
  const deadlines = new Deadlines<string>()
  deadlines.set('a', 10, 'a')
  deadlines.set('b', 12, 'b')
  deadlines.postpone(100)
  assert.equal(deadlines.wakeAt(), 110)
  assert.equal(deadlines.take(111), 'a')
  assert.equal(deadlines.take(111), null)
  assert.equal(deadlines.take(112), 'b')
})

test('it agrees with a plain map through ten thousand random steps', () => {
  const random = new Prng(7)
  const deadlines = new Deadlines<string>()
  const model = new Map<string, number>()
  let now = 0
  for (let step = 0; step < 10_000; step += 1) {
    const key = `k${random.below(20)}`
    const choice = random.below(10)
    if (choice < 6) {
      const at = now + random.below(50)
      deadlines.set(key, at, `${key}@${at}`)
      model.set(key, at)
    } else if (choice < 7) {
      deadlines.cancel(key)
      model.delete(key)
    } else now += random.below(20)
    assert.equal(deadlines.wakeAt(), Math.min(NEVER, ...model.values()))
    for (let due = deadlines.take(now); due !== null; due = deadlines.take(now)) {
      const [name = '', at] = due.split('@')
      assert.equal(model.get(name), Number(at))
      assert.equal(Math.min(...model.values()), Number(at))
      model.delete(name)
    }
    assert.ok([...model.values()].every((at) => at > now))
  }
})
