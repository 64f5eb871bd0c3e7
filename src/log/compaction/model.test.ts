import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../../base/prng.ts'
import type { PartitionLog } from '../partition-log.ts'
import { clean, compactedWorld, start, tryToClean } from './fixture.test.ts'
import { dataOf, latestIn, RandomWriter } from './model-fixture.test.ts'

async function oneSeed(seed: number): Promise<void> {
  const prng = new Prng(seed)
  const world = compactedWorld({ segmentBytes: prng.pick([600, 2000, 100_000]), deleteRetentionMs: 1000 })
  let log = await world.open()
  const writer = new RandomWriter(prng)
  for (let round = 0; round < 6; round++) {
    for (let i = prng.between(1, 40); i > 0; i--) writer.write(log)
    if (prng.chance(0.5)) log.roll(start)
    world.clock.now += prng.pick([0, 300, 1500])
    const end = log.logEndOffset
    const outcome = await tryToClean(world, log, { ioBufferBytes: prng.pick([100, 5000]) })
    if (outcome.kind === 'cleaned') writer.model.clean(outcome.cleanedOffset, world.clock.wall(), 1000)
    else assert.equal(outcome.kind, 'nothing')
    assert.deepEqual(await dataOf(log), writer.model.lines, `round ${round}`)
    assert.equal(log.logEndOffset, end)
    if (!prng.chance(0.3)) continue
    const producers = log.describeProducers()
    world.disk.kill()
    for (const name of world.disk.list('logs/t-0')) if (prng.chance(0.5) && name.endsWith('index')) world.disk.remove(`logs/t-0/${name}`)
    log = await world.open()
    assert.equal(log.logEndOffset, end)
    assert.deepEqual(byId(log.describeProducers()), byId(producers))
  }
}

function byId(list: ReturnType<PartitionLog['describeProducers']>): unknown {
  return [...list]
    .sort((a, b) => a.producerId - b.producerId)
    .map(({ producerId, lastSequence, currentTxnStartOffset }) => [producerId, lastSequence, currentTxnStartOffset])
}

/** More on demand: COMPACTION_SEEDS="from-to". */
const [seedFrom, seedTo] = (process.env['COMPACTION_SEEDS'] ?? '1-60').split('-').map(Number)

test('whatever was written, a cleaning leaves what a simple model says', async () => {
  for (let seed = seedFrom ?? 1; seed <= (seedTo ?? 60); seed++) {
    await oneSeed(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error })
    })
  }
})

test('many small rounds leave the same values as one', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const one = compactedWorld({ deleteRetentionMs: 1e9 })
    const many = compactedWorld({ deleteRetentionMs: 1e9 })
    const logs = [await one.open(), await many.open()] as const
    for (const log of logs) {
      const writer = new RandomWriter(new Prng(seed))
      for (let i = 0; i < 60; i++) writer.write(log)
      writer.endAll(log)
      log.roll(start)
    }
    await clean(one, logs[0])
    while ((await tryToClean(many, logs[1], { dedupeBytesMax: 24 * 5 })).kind === 'cleaned') assert.ok(true)
    assert.deepEqual(await latestIn(logs[1]), await latestIn(logs[0]))
  }
})
