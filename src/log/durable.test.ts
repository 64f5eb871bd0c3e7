import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DiskError } from '../base/ports.ts'
import { Prng } from '../base/prng.ts'
import type { Offset } from '../base/units.ts'
import { LogWorld, makeBatch, readAll } from '../sim/log-world.ts'
import type { PartitionLog } from './partition-log.ts'

async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

test('two flushes at once: what one has begun to sync the other does not call durable', async () => {
  const world = new LogWorld()
  const log = await world.open()
  const waiting: (() => void)[] = []
  world.disk.settle = () => new Promise((resolve) => waiting.push(resolve))
  log.appendAsLeader(makeBatch(), 1, 0)
  const first = log.flush()
  await turns()
  log.appendAsLeader(makeBatch(), 1, 0)
  const second = log.flush()
  let firstIsOver = false
  void first.then(() => (firstIsOver = true))
  for (let steps = 0; !firstIsOver; steps++) {
    assert.ok(steps < 20)
    assert.equal(log.flushedOffset, 0, `after ${steps} of the first one's syncs`)
    waiting.shift()?.()
    await turns()
  }
  assert.equal(log.flushedOffset, 1)
  world.disk.settle = () => Promise.resolve()
  for (const go of waiting) go()
  await second
  assert.equal(log.flushedOffset, 2)
})

test('a blocking flush beside another that is under way syncs all again itself', async () => {
  const world = new LogWorld()
  const log = await world.open()
  let go = (): void => {}
  world.disk.settle = () => new Promise((resolve) => (go = resolve))
  world.disk.syncsLate = true
  log.appendAsLeader(makeBatch(), 1, 0)
  const slow = log.flush().catch(() => {})
  await turns()
  log.flushNow()
  assert.equal(log.flushedOffset, 1)
  world.disk.crash(new Prng(1))
  world.disk.settle = () => Promise.resolve()
  go()
  await slow
  assert.equal((await world.open()).logEndOffset, 1)
})

test('a sync that has failed is never tried again, by whichever way', async () => {
  const world = new LogWorld()
  const log = await world.open()
  log.appendAsLeader(makeBatch(), 1, 0)
  world.disk.fault = (action) => (action === 'sync' ? 'EIO' : null)
  const beside = log.flush()
  await Promise.all([assert.rejects(log.flush(), { code: 'EIO' }), assert.rejects(beside, { code: 'EIO' })])
  world.disk.fault = () => null
  const { changes } = world.disk
  await assert.rejects(log.flush(), { code: 'EIO' })
  await assert.rejects(log.flushRolled(), { code: 'EIO' })
  await assert.rejects(log.close(), { code: 'EIO' })
  assert.throws(() => log.flushNow(), { code: 'EIO' })
  assert.throws(() => log.appendAsLeader(makeBatch(), 1, 0), { code: 'EIO' })
  assert.equal(world.disk.changes, changes, 'nothing more was written')
})

/** Appends, each time awaiting the flush as `flush.messages=1` does, with appends that come while one runs; tells what was durable when the disk died. */
async function durableWork(log: PartitionLog, prng: Prng): Promise<Offset> {
  let durable = 0
  let failed = false
  const flushes: Promise<void>[] = []
  for (let i = 0; i < 24 && !failed; i++) {
    try {
      log.appendAsLeader(makeBatch({ valueBytes: 150, fill: i }), 1 + Math.floor(i / 9), 0)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      break
    }
    const flushed = log.flush().then(
      () => void (durable = Math.max(durable, log.flushedOffset)),
      () => void (failed = true),
    )
    flushes.push(flushed)
    if (prng.chance(0.6)) await flushed
  }
  await Promise.all(flushes)
  return durable
}

test('whatever change to the disk is the last before a power cut, all that a flush had called durable is there, over rolls and epochs', async () => {
  let points = 0
  let survived = 0
  for (let seed = 1; seed <= 3; seed++) {
    for (let at = 1; ; at++) {
      const world = new LogWorld({ segmentBytes: 700, indexIntervalBytes: 200 }).withoutTail()
      world.disk.syncsLate = true
      const log = await world.open()
      const before = world.disk.changes
      world.disk.crashAfter(before + at)
      const durable = await durableWork(log, new Prng(seed))
      const whole = world.disk.changes < before + at
      world.disk.crash(new Prng(seed * 1_000 + at))
      const recovered = await world.open()
      assert.ok(recovered.logEndOffset >= durable, `seed ${seed}, change ${at}: ${recovered.logEndOffset} of ${durable}`)
      assert.ok((await readAll(recovered)).length > 0 || durable === 0)
      points += 1
      survived += durable
      if (whole) break
    }
  }
  assert.ok(points > 200 && survived > 1_000, `${points} points, ${survived} batches durable`)
})
