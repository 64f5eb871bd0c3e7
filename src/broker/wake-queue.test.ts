import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../base/units.ts'
import { ManualClock } from '../sim/manual-clock.ts'
import { type Sleeper, WakeQueue } from './wake-queue.ts'

/** Wants to be woken at one time after the other. */
class Planned implements Sleeper {
  readonly woken: number[] = []
  plan: number[]

  constructor(...plan: number[]) {
    this.plan = plan
  }

  wakeAt(): number {
    return this.plan[0] ?? NEVER
  }

  wake(now: number): void {
    this.woken.push(now)
    this.plan.shift()
  }
}

function setUp() {
  const clock = new ManualClock(0)
  return { clock, queue: new WakeQueue(clock) }
}

test('sleepers are woken at their times, in order, and again when they have a next one', async () => {
  const { clock, queue } = setUp()
  const [one, other] = [new Planned(30, 50), new Planned(10, 40)]
  queue.look(one)
  queue.look(other)
  await clock.advance(100)
  assert.deepEqual(
    [one.woken, other.woken],
    [
      [30, 50],
      [10, 40],
    ],
  )
  assert.equal(queue.size, 0)
})

test('who comes to want an earlier time is woken then, and only once', async () => {
  const { clock, queue } = setUp()
  const sleeper = new Planned(80)
  queue.look(sleeper)
  sleeper.plan = [20]
  queue.look(sleeper)
  await clock.advance(200)
  assert.deepEqual(sleeper.woken, [20])
})

test('who comes to want a later time is not woken before, even without being looked at', async () => {
  const { clock, queue } = setUp()
  const sleeper = new Planned(20)
  queue.look(sleeper)
  sleeper.plan = [90]
  await clock.advance(60)
  assert.deepEqual(sleeper.woken, [])
  await clock.advance(60)
  assert.deepEqual(sleeper.woken, [90])
})

test('who is forgotten is not woken, unless it is looked at again', async () => {
  const { clock, queue } = setUp()
  const sleeper = new Planned(20)
  queue.look(sleeper)
  queue.forget(sleeper)
  await clock.advance(50)
  assert.deepEqual(sleeper.woken, [])
  queue.look(sleeper)
  await clock.advance(1)
  assert.deepEqual(sleeper.woken, [50])
})

test('a sleeper whose time never moves on does not hold up the loop, nor the others', async () => {
  const { clock, queue } = setUp()
  const restless: Sleeper & { count: number } = { count: 0, wakeAt: () => 10, wake: () => void (restless.count += 1) }
  const other = new Planned(12)
  queue.look(restless)
  queue.look(other)
  await clock.advance(20)
  assert.deepEqual(other.woken, [12])
  assert.ok(restless.count >= 5 && restless.count <= 11, `${restless.count} times`)
})

test('one that is forgotten by another in the same wake is not woken', async () => {
  const { clock, queue } = setUp()
  const second = new Planned(10)
  const first = new Planned(10)
  first.wake = () => {
    first.plan = []
    queue.forget(second)
  }
  queue.look(first)
  queue.look(second)
  await clock.advance(50)
  assert.deepEqual(second.woken, [])
})

test('after stop nobody is woken', async () => {
  const { clock, queue } = setUp()
  const sleeper = new Planned(10)
  queue.look(sleeper)
  queue.stop()
  queue.look(new Planned(5))
  await clock.advance(50)
  assert.deepEqual(sleeper.woken, [])
})
