import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Timer } from '../../base/ports.ts'
import type { Millis } from '../../base/units.ts'
import { LogWorld, StillClock } from '../../sim/log-world.ts'
import { CleanerThrottle } from './cleaning-run.ts'
import { append, recordsOf, start, tryToClean } from './fixture.test.ts'

/** Every look at it takes a tenth of a millisecond; a timer comes when its time has come. */
class BusyClock extends StillClock {
  looks = 0
  waited: Millis = 0
  readonly pauses: Millis[] = []

  override mono(): Millis {
    this.looks += 1
    return this.looks / 10 + this.waited
  }

  override after(delay: Millis, run: () => void): Timer {
    this.waited += delay
    this.pauses.push(delay)
    return super.after(delay, run)
  }
}

class BusyWorld extends LogWorld {
  override readonly clock = new BusyClock()
}

async function dirtyLog() {
  const world = new BusyWorld({ cleanupCompact: true, segmentBytes: 1 << 20 })
  const log = await world.open()
  const records = Array.from({ length: 2000 }, (_, i) => `k${i % 7}=${i}`)
  for (let i = 0; i < 10; i++) append(log, records)
  log.roll(start)
  return { world, log }
}

test('a cleaning pauses again and again, also within a batch', async () => {
  const { world, log } = await dirtyLog()
  const outcome = await tryToClean(world, log, { ioBufferBytes: 1 << 20, throttle: new CleanerThrottle(world.clock) })
  assert.equal(outcome.kind, 'cleaned')
  assert.ok(world.clock.pauses.length >= 3, `${world.clock.pauses.length} pauses`)
  assert.equal(Math.max(...world.clock.pauses), 0)
  assert.equal((await recordsOf(log)).length, 7)
})

test('log.cleaner.io.max.bytes.per.second is not exceeded', async () => {
  const { world, log } = await dirtyLog()
  const bytes = log.sizeBytes
  const outcome = await tryToClean(world, log, {
    ioBufferBytes: 10_000,
    throttle: new CleanerThrottle(world.clock),
    bytesPerSecondMax: 100_000,
  })
  assert.ok(outcome.kind === 'cleaned' && outcome.bytesRead >= 2 * bytes)
  assert.ok(world.clock.mono() >= (outcome.bytesRead / 100_000) * 1000 * 0.95, `${world.clock.waited} ms for ${outcome.bytesRead} bytes`)
})

test('whoever wants no more of it has it ended within a moment, also while the throttle waits', async () => {
  const { world, log } = await dirtyLog()
  const outcome = await tryToClean(world, log, {
    throttle: new CleanerThrottle(world.clock),
    bytesPerSecondMax: 1,
    isStopped: () => world.clock.pauses.length > 2,
  })
  assert.equal(outcome.kind, 'aborted')
  assert.ok(world.clock.waited < 1000)
})
