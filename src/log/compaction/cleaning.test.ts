import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canCompressZstd } from '../../protocol/compression/compression.ts'
import { batchHeaders } from '../../protocol/records/batch-header.ts'
import { decodeRecords } from '../../protocol/records/records.ts'
import { readAll } from '../../sim/log-world.ts'
import { append, batchesSeen, clean, compactedWorld, recordsOf, start, tryToClean } from './fixture.test.ts'

test('of each key the last record stays, with its offset, and the log ends where it ended', async () => {
  const world = compactedWorld()
  const log = await world.open()
  append(log, ['a=1', 'b=1', 'a=2'])
  append(log, ['c=1', 'b=2'])
  log.roll(start)
  append(log, ['a=3'])
  const done = await clean(world, log)
  assert.deepEqual(await recordsOf(log), ['2 a=2', '3 c=1', '4 b=2', '5 a=3'])
  assert.equal(log.logEndOffset, 6)
  assert.equal(done.cleanedOffset, 5)
  assert.equal(log.cleanedOffset, 5)
  assert.deepEqual(
    (await batchesSeen(log)).map((it) => it.range),
    ['0-2', '3-4', '5-5'],
    'batches keep first and last offset',
  )
})

test('the active segment is left alone', async () => {
  const world = compactedWorld()
  const log = await world.open()
  append(log, ['a=1', 'a=2'])
  assert.deepEqual(await tryToClean(world, log), { kind: 'nothing' })
  assert.deepEqual(await recordsOf(log), ['0 a=1', '1 a=2'])
})

test('what is not committed supersedes nothing', async () => {
  const world = compactedWorld()
  const log = await world.open()
  append(log, ['a=1'])
  log.roll(start)
  append(log, ['a=2'])
  log.roll(start)
  append(log, ['b=1'])
  assert.equal((await clean(world, log, {}, 1)).cleanedOffset, 1)
  assert.deepEqual(await recordsOf(log), ['0 a=1', '1 a=2', '2 b=1'])
  assert.deepEqual(await tryToClean(world, log, {}, 1), { kind: 'nothing' })
})

test('a record without a key goes', async () => {
  const world = compactedWorld()
  const log = await world.open()
  append(log, ['=1', 'a=1', '=2'])
  log.roll(start)
  await clean(world, log)
  assert.deepEqual(await recordsOf(log), ['1 a=1'])
})

test('a batch of which nothing stays goes, but for the last one of a segment', async () => {
  const world = compactedWorld()
  const log = await world.open()
  append(log, ['a=1'])
  append(log, ['a=2', 'b=2'])
  append(log, ['=3'])
  log.roll(start)
  await clean(world, log)
  const seen = await batchesSeen(log)
  assert.deepEqual(
    seen.map((it) => [it.range, it.records]),
    [
      ['1-2', 2],
      ['3-3', 0],
    ],
  )
  const again = await world.open()
  assert.equal(again.logEndOffset, 4, 'also after a start')
})

test('a tombstone stays for delete.retention.ms after the first cleaning that saw it, and then goes', async () => {
  const world = compactedWorld({ deleteRetentionMs: 1000 })
  const log = await world.open()
  append(log, ['a=1', 'b=1'])
  append(log, ['a', 'c=1'])
  log.roll(start)
  world.clock.now = start + 50_000
  await clean(world, log)
  assert.deepEqual(await recordsOf(log), ['1 b=1', '2 a', '3 c=1'])
  assert.deepEqual(
    (await batchesSeen(log)).map((it) => it.horizon),
    [null, start + 51_000],
  )
  const content = await readAll(log)
  const times = [...batchHeaders(content)].flatMap(({ at }) => decodeRecords(content, at).map((it) => it.timestamp))
  assert.deepEqual(times, [start + 1, start, start + 1], 'timestamps are what they were')
  append(log, ['d=1'])
  log.roll(start)
  world.clock.now = start + 50_999
  await clean(world, log)
  assert.deepEqual(await recordsOf(log), ['1 b=1', '2 a', '3 c=1', '4 d=1'])
  append(log, ['e=1'])
  log.roll(start)
  world.clock.now = start + 51_000
  await clean(world, log)
  assert.deepEqual(await recordsOf(log), ['1 b=1', '3 c=1', '4 d=1', '5 e=1'])
})

test('the greatest timestamp of a batch is that of a record that is there', async () => {
  const world = compactedWorld()
  const log = await world.open()
  append(log, ['a=1', 'b=1', 'c=1'])
  append(log, ['c=2', 'b=2'])
  log.roll(start)
  await clean(world, log)
  assert.deepEqual(
    (await batchesSeen(log)).map((it) => it.maxTimestamp),
    [start, start + 1],
  )
  assert.deepEqual(await log.offsetOfMaxTimestamp(), { timestamp: start + 1, offset: 4, leaderEpoch: 0 })
})

test('an empty batch has no time that anybody could look for', async () => {
  const world = compactedWorld()
  const log = await world.open()
  append(log, ['a=1'])
  append(log, ['=late', '=later'])
  log.roll(start)
  append(log, ['b=1'])
  await clean(world, log)
  assert.deepEqual(await log.offsetOfMaxTimestamp(), { timestamp: start, offset: 0, leaderEpoch: 0 })
  assert.equal(await log.offsetForTimestamp(start + 1), null)
  world.disk.kill()
  assert.deepEqual(await (await world.open()).offsetOfMaxTimestamp(), { timestamp: start, offset: 0, leaderEpoch: 0 })
})

test('a batch is compressed in its own codec, or in gzip where this Node cannot write that', async () => {
  const world = compactedWorld()
  const log = await world.open()
  const codecs = ['gzip', 'snappy', 'lz4', ...(canCompressZstd ? (['zstd'] as const) : [])] as const
  for (const codec of codecs) append(log, [`${codec}=1`, 'same=1'], { codec })
  if (!canCompressZstd) log.appendAsFollower(zstdBatch(log.logEndOffset), 0)
  append(log, ['same=2'])
  log.roll(start)
  const done = await clean(world, log)
  const seen = await batchesSeen(log)
  const kept = canCompressZstd ? codecs : [...codecs, 'gzip']
  assert.deepEqual(
    seen.map((it) => it.codec),
    [...kept, 'none'],
  )
  assert.equal(done.batchesInSubstituteCodec, canCompressZstd ? 0 : 1)
  assert.equal((await recordsOf(log)).length, 5)
})

/** Records x=1 and same=1, compressed by zstd. */
const zstdBatchBase64 =
  'AAAAAAAAAAAAAABTAAAAAAJtoksXAAQAAAABAAAAAAAPQkAAAAAAAA9CQP//////////////////AAAAAii1L/0EWKkAABAAAAACeAIxABYAAAIIc2FtZQIxACjpojM='

function zstdBatch(offset: number): Buffer {
  const batch = Buffer.from(zstdBatchBase64, 'base64')
  batch.writeBigInt64BE(BigInt(offset), 0)
  return batch
}

test('the last batch of a producer stays, empty, for its sequence; the one before it goes', async () => {
  const world = compactedWorld()
  const log = await world.open()
  append(log, ['a=1', 'b=1'], { producerId: 7, baseSequence: 0 })
  append(log, ['a=2', 'b=2'], { producerId: 7, baseSequence: 2 })
  append(log, ['a=3', 'b=3'])
  log.roll(start)
  await clean(world, log)
  assert.deepEqual(
    (await batchesSeen(log)).map((it) => [it.range, it.records, it.sequence]),
    [
      ['2-3', 0, 2],
      ['4-5', 2, -1],
    ],
  )
  world.disk.kill()
  for (const name of world.disk.list('logs/t-0')) if (name.endsWith('.snapshot')) world.disk.remove(`logs/t-0/${name}`)
  const again = await world.open()
  assert.deepEqual(
    again.describeProducers().map((it) => [it.producerId, it.lastSequence]),
    [[7, 3]],
  )
})

test('min.compaction.lag.ms keeps a segment from being cleaned while a record in it is younger', async () => {
  const world = compactedWorld({ minCompactionLagMs: 5000 })
  const log = await world.open()
  append(log, ['a=1', 'a=2'], { timestamp: start })
  log.roll(start)
  append(log, ['a=3'])
  world.clock.now = start + 5000
  assert.equal((await tryToClean(world, log)).kind, 'nothing')
  world.clock.now = start + 5002
  assert.equal((await clean(world, log)).cleanedOffset, 2)
})

test('max.compaction.lag.ms makes a cleaning due, however clean the log, and rolls the active segment in time', async () => {
  const world = compactedWorld({ maxCompactionLagMs: 10_000 })
  const log = await world.open()
  append(log, ['a=1'])
  assert.equal(log.rollIfDue(start + 10_000), false)
  assert.equal(log.rollIfDue(start + 10_001), true)
  assert.equal(log.planCleaning(1, start + 10_000)?.isOverdue, false)
  assert.equal(log.planCleaning(1, start + 10_001)?.isOverdue, true)
})

test('the dirty ratio is the share of the bytes that no cleaning has seen', async () => {
  const world = compactedWorld()
  const log = await world.open()
  append(log, ['a=1'])
  log.roll(start)
  append(log, ['b=1'])
  log.roll(start)
  assert.equal(log.planCleaning(2, start)?.dirtyRatio, 1)
  await clean(world, log, {}, 2)
  assert.equal(log.planCleaning(2, start)?.dirtyRatio, 0)
  append(log, ['c=1'])
  append(log, ['d=1'])
  log.roll(start)
  assert.equal(log.planCleaning(4, start)?.dirtyRatio, 0.5)
})

test('segments become one while they fit into segment.bytes, and are found as one after a start', async () => {
  const world = compactedWorld()
  const log = await world.open()
  for (let i = 0; i < 10; i++) {
    append(log, ['a=1', `k${i}=1`])
    log.roll(start)
  }
  assert.equal(log.segmentCount, 11)
  await clean(world, log)
  assert.equal(log.segmentCount, 2)
  assert.equal((await recordsOf(log)).length, 11)
  await log.close()
  const again = await world.open({ cleanShutdown: true })
  assert.equal(again.segmentCount, 2)
  assert.equal((await recordsOf(again)).length, 11)
  const small = await world.open({ config: { ...world.config, segmentBytes: 200 } })
  append(small, ['z=1'])
  small.roll(start)
  await clean(world, small)
  assert.equal(small.segmentCount, 3, 'what is larger than the limit stays alone')
})

test('a map that is full ends the round, and the next ones bring the same', async () => {
  const world = compactedWorld()
  const log = await world.open()
  for (let i = 0; i < 30; i++) {
    append(log, [`k${i % 13}=${i}`, `j${i % 7}=${i}`])
    if (i % 4 === 0) log.roll(start)
  }
  log.roll(start)
  let rounds = 0
  while ((await tryToClean(world, log, { dedupeBytesMax: 24 * 6 })).kind === 'cleaned') rounds += 1
  assert.ok(rounds > 3, `${rounds} rounds`)
  const left = await recordsOf(log)
  assert.equal(left.length, 20)
  assert.equal(new Set(left.map((it) => it.split(/[ =]/)[1])).size, 20)
  assert.equal(log.logEndOffset, 60)
})

test('what comes after a full map is not judged in that round', async () => {
  const world = compactedWorld()
  const log = await world.open()
  append(log, ['a=1', 'b=1', 'c=1', '=x', 'c=2'])
  log.roll(start)
  assert.equal((await clean(world, log, { dedupeBytesMax: 24 * 3 })).cleanedOffset, 2)
  assert.deepEqual(await recordsOf(log), ['0 a=1', '1 b=1', '2 c=1', '3 =x', '4 c=2'])
  await clean(world, log)
  assert.deepEqual(await recordsOf(log), ['0 a=1', '1 b=1', '4 c=2'])
})

test('what does not check is not rewritten: the cleaning ends, the log is as it was', async () => {
  const world = compactedWorld()
  const log = await world.open()
  append(log, ['a=1', 'a=2'])
  log.roll(start)
  const file = world.disk.open('logs/t-0/00000000000000000000.log', { create: false })
  file.write(file.size() - 2, [Buffer.from([0x55])])
  const outcome = await tryToClean(world, log)
  assert.equal(outcome.kind, 'uncleanable')
  assert.deepEqual(
    world.disk.list('logs/t-0').filter((it) => /cleaned|swap/.test(it)),
    [],
  )
})

test('a full disk ends the cleaning, and it goes better when there is space', async () => {
  const world = compactedWorld()
  const log = await world.open()
  append(log, ['a=1', 'b=2', 'a=2'])
  log.roll(start)
  append(log, ['c=1'])
  world.disk.spaceBytes = world.disk.space().total - world.disk.space().free + 20
  world.disk.fault = (action, path) => (action === 'write' && path.endsWith('.cleaned') ? 'ENOSPC' : null)
  assert.equal((await tryToClean(world, log)).kind, 'failed')
  assert.equal(log.failure, null)
  world.disk.fault = () => null
  world.disk.spaceBytes = Infinity
  await clean(world, log)
  assert.deepEqual(await recordsOf(log), ['1 b=2', '2 a=2', '3 c=1'])
})

test('a sync that fails retires the directory', async () => {
  const world = compactedWorld()
  const log = await world.open()
  append(log, ['a=1', 'a=2'])
  log.roll(start)
  world.disk.fault = (action, path) => (action === 'sync' && path.endsWith('.cleaned') ? 'EIO' : null)
  assert.equal((await tryToClean(world, log)).kind, 'failed')
  assert.equal(log.failure?.code, 'EIO')
})

test('batches of a follower that are empty, or leave gaps, are taken as they are', async () => {
  const world = compactedWorld()
  const log = await world.open()
  append(log, ['a=1'])
  append(log, ['a=2', '=1'])
  append(log, ['=3'])
  log.roll(start)
  append(log, ['b=1'])
  await clean(world, log)
  const other = compactedWorld()
  const follower = await other.open()
  assert.equal(follower.appendAsFollower(await readAll(log), 0).kind, 'appended')
  assert.equal(follower.logEndOffset, log.logEndOffset)
  assert.deepEqual(await recordsOf(follower), await recordsOf(log))
})

test('segments adjoin after a cleaning: the log is whole also when its topic is compacted no more, and it starts after a crash', async () => {
  const world = compactedWorld({ segmentBytes: 300 })
  const log = await world.open()
  for (let i = 0; i < 30; i++) append(log, ['a=1', 'b=1', ...(i % 9 === 0 ? [`k${i}=1`] : [])])
  log.roll(start)
  await clean(world, log)
  assert.ok(log.segmentCount > 2)
  const before = await recordsOf(log)
  world.disk.kill()
  const again = await world.open({ config: { ...world.config, cleanupCompact: false, cleanupDelete: true } })
  assert.deepEqual(await recordsOf(again), before)
  assert.equal(again.logEndOffset, log.logEndOffset)
})

test('with compact,delete old segments go, and what is left is compacted', async () => {
  const world = compactedWorld({ cleanupDelete: true, retentionMs: 10_000, segmentMs: 5000 })
  const log = await world.open()
  append(log, ['a=1', 'a=2', 'b=1'])
  log.roll(start)
  world.clock.now += 8000
  append(log, ['c=1', 'c=2'], { timestamp: start + 8000 })
  log.roll(world.clock.now)
  assert.equal(log.planCleaning(5, world.clock.now)?.firstDirtyOffset, 0)
  assert.equal(log.deleteOldSegments(5, start + 11_000), 1)
  assert.equal(log.planCleaning(5, world.clock.now)?.firstDirtyOffset, 3)
  await clean(world, log)
  assert.deepEqual(await recordsOf(log), ['4 c=2'])
  assert.equal(log.logStartOffset, 3)
})
