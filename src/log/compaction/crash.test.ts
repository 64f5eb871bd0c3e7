import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DiskError } from '../../base/ports.ts'
import { Prng } from '../../base/prng.ts'
import { batchHeaders } from '../../protocol/records/batch-header.ts'
import { type LogWorld, readAll } from '../../sim/log-world.ts'
import type { PartitionLog } from '../partition-log.ts'
import { compactedWorld, start, tryToClean } from './fixture.test.ts'
import { latestIn, RandomWriter } from './model-fixture.test.ts'

interface Story {
  readonly world: LogWorld
  readonly log: PartitionLog
  readonly writer: RandomWriter
}

/** A log with several segments, of which some were cleaned before: the same for the same seed. All is durable. */
async function begin(seed: number): Promise<Story> {
  const world = compactedWorld({ segmentBytes: 1200, deleteRetentionMs: 1000, indexIntervalBytes: 200 })
  const log = await world.open()
  const writer = new RandomWriter(new Prng(seed))
  for (let i = 0; i < 24; i++) writer.write(log)
  writer.endAll(log)
  log.roll(start)
  assert.equal((await tryToClean(world, log)).kind, 'cleaned')
  for (let i = 0; i < 14; i++) writer.write(log)
  writer.endAll(log)
  log.roll(start)
  world.clock.now += 1500
  await log.flush()
  world.recoveryPoint = log.recoveryPoint
  return { world, log, writer }
}

async function until<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    return null
  }
}

function stop(world: LogWorld, prng: Prng | null): void {
  if (prng === null) world.disk.kill()
  else world.disk.crash(prng)
}

async function check({ world, writer }: Story, log: PartitionLog, end: number): Promise<void> {
  assert.equal(log.logEndOffset, end)
  const content = await readAll(log)
  let next = 0
  for (const { header } of batchHeaders(content)) {
    assert.ok(header.baseOffset >= next, `batch at ${header.baseOffset} after ${next - 1}`)
    next = header.lastOffset + 1
  }
  assert.deepEqual(await latestIn(log, writer.model.abortedOffsets), writer.model.latest, 'as found')
  assert.deepEqual(
    world.disk.list('logs/t-0').filter((it) => /cleaned|swap|deleted/.test(it)),
    [],
  )
  const outcome = await tryToClean(world, log)
  assert.ok(outcome.kind === 'cleaned' || outcome.kind === 'nothing', outcome.kind)
  assert.deepEqual(await latestIn(log), writer.model.latest, 'after another cleaning')
  assert.equal(log.logEndOffset, end)
}

/** Dies at the change with number `at` of the cleaning, then (if `again` is not 0) at that of the recovery. False: the cleaning ended before. */
async function crashAt(seed: number, at: number, again: number, powerCut: boolean): Promise<boolean> {
  const story = await begin(seed)
  const { world } = story
  const prng = powerCut ? new Prng(seed * 1000 + at * 10 + again) : null
  const end = story.log.logEndOffset
  world.disk.crashAfter(world.disk.changes + at)
  const outcome = await tryToClean(world, story.log)
  const finished = outcome.kind === 'cleaned'
  stop(world, prng)
  if (again > 0) {
    world.disk.crashAfter(world.disk.changes + again)
    await until(() => world.open())
    stop(world, prng)
  }
  const reopened = await world.open()
  await check(story, reopened, end)
  return !finished
}

for (const powerCut of [false, true]) {
  test(`${powerCut ? 'a power cut' : 'a death'} at any change to the disk that a cleaning makes loses no value and no offset`, async () => {
    for (let seed = 1; seed <= 2; seed++) {
      let at = 0
      while (await crashAt(seed, at, 0, powerCut)) at += 1
      assert.ok(at > 10, `only ${at} changes`)
    }
  })

  test(`${powerCut ? 'a power cut' : 'a death'} in the recovery after that loses nothing either`, async () => {
    for (const again of [1, 3, 6]) {
      let at = 0
      while (await crashAt(5, at, again, powerCut)) at += 1
    }
  })
}

test('values that were deleted do not come back by a crash between two cleanings', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const prng = new Prng(seed)
    const story = await begin(seed)
    const { world, writer } = story
    let { log } = story
    let end = log.logEndOffset
    for (let round = 0; round < 4; round++) {
      world.disk.crashAfter(world.disk.changes + prng.pick([prng.between(1, 40), 100_000]))
      await tryToClean(world, log)
      const { cleanedOffset } = log
      const lowered: number[] = []
      world.disk.crash(prng)
      log = await world.open({ cleanedOffset, beforeUncleaning: (offset) => lowered.push(offset) })
      assert.equal(log.logEndOffset, end)
      for (let i = 0; i < 10; i++) writer.write(log)
      writer.endAll(log)
      log.roll(start)
      world.clock.now += 700
      await log.flush()
      world.recoveryPoint = log.recoveryPoint
      end = log.logEndOffset
    }
    const outcome = await tryToClean(world, log)
    assert.equal(outcome.kind, 'cleaned')
    assert.deepEqual(await latestIn(log), writer.model.latest, `seed ${seed}`)
  }
})
