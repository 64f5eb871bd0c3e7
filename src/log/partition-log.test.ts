import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ErrorCode } from '../protocol/errors.ts'
import { asRead, LogWorld, makeBatch, readAll } from '../sim/log-world.ts'

describe('appending and reading', () => {
  test('a leader gives batches their offsets and epoch and reads them back, from memory and from the file', async () => {
    for (const world of [new LogWorld(), new LogWorld().withoutTail()]) {
      const log = await world.open()
      const written: Buffer[] = []
      for (let i = 0; i < 100; i++) {
        const batch = makeBatch({ records: 1 + (i % 3), valueBytes: 30 + i, timestamp: 1_000_000 + i })
        const outcome = log.appendAsLeader(batch, 3, world.clock.now)
        assert.equal(outcome.kind, 'appended')
        written.push(batch)
      }
      assert.equal(log.logEndOffset, 199)
      assert.ok(log.segmentCount > 3)
      assert.deepEqual(await readAll(log), Buffer.concat(written))
      assert.equal(written[1]?.readBigInt64BE(0), 1n)
      assert.equal(written[1]?.readInt32BE(12), 3)
    }
  })

  test('a read begins with the batch that holds the offset and stops before one that reaches the bound', async () => {
    for (const world of [new LogWorld(), new LogWorld().withoutTail()]) {
      const log = await world.open()
      for (let i = 0; i < 10; i++) log.appendAsLeader(makeBatch({ records: 10 }), 0, world.clock.now)
      const read = asRead(await log.read(15, 1e6, 45, false))
      assert.deepEqual([read.startOffset, read.endOffset], [10, 40])
      assert.equal(Buffer.concat(read.records).readBigInt64BE(0), 10n)
      assert.equal(asRead(await log.read(15, 1e6, 15, false)).sizeBytes, 0)
      assert.equal(asRead(await log.read(15, 1e6, 20, false)).endOffset, 20)
      assert.equal(asRead(await log.read(15, 1e6, 19, false)).sizeBytes, 0)
      assert.equal(asRead(await log.read(100, 1e6, 100, true)).sizeBytes, 0)
    }
  })

  test('a first batch above the bytes asked for comes whole, but only when one message is wanted at any size', async () => {
    for (const world of [new LogWorld({ segmentBytes: 1 << 20 }), new LogWorld({ segmentBytes: 1 << 20 }).withoutTail()]) {
      const log = await world.open()
      log.appendAsLeader(makeBatch({ valueBytes: 50_000 }), 0, world.clock.now)
      log.appendAsLeader(makeBatch({ valueBytes: 50_000 }), 0, world.clock.now)
      assert.equal(asRead(await log.read(0, 100, 2, false)).sizeBytes, 0)
      const read = asRead(await log.read(1, 100, 2, true))
      assert.deepEqual([read.startOffset, read.endOffset, read.records.length], [1, 2, 1])
    }
  })

  test('offsets outside the log are told apart from an empty read', async () => {
    const log = await new LogWorld().open()
    log.appendAsLeader(makeBatch(), 0, 0)
    assert.equal((await log.read(2, 100, 9, true)).kind, 'out-of-range')
    assert.equal((await log.read(1, 100, 9, true)).kind, 'read')
    log.advanceLogStartOffset(1)
    assert.equal((await log.read(0, 100, 9, true)).kind, 'out-of-range')
  })

  test('LogAppendTime overwrites the timestamp and mends the checksum', async () => {
    const world = new LogWorld({ timestampType: 'LogAppendTime' })
    const log = await world.open()
    const outcome = log.appendAsLeader(makeBatch({ timestamp: 5 }), 0, 777)
    assert.equal(outcome.kind === 'appended' && outcome.logAppendTime, 777)
    const again = await (await reopened(world)).read(0, 1000, 1, true)
    assert.equal(asRead(again).sizeBytes > 0, true)
  })

  test('a batch that is too large is refused and nothing has changed', async () => {
    const log = await new LogWorld({ maxMessageBytes: 500 }).open()
    const outcome = log.appendAsLeader(makeBatch({ valueBytes: 600 }), 0, 0)
    assert.equal(outcome.kind === 'refused' && outcome.error, ErrorCode.MESSAGE_TOO_LARGE)
    assert.equal(log.logEndOffset, 0)
  })

  test('the oldest appends leave the memory first, and reads go on from the files', async () => {
    const world = new LogWorld({ segmentBytes: 1 << 20 })
    const log = await world.open()
    const written: Buffer[] = []
    for (let i = 0; i < 400; i++) {
      const batch = makeBatch({ valueBytes: 5000, fill: i & 0xff })
      written.push(batch)
      log.appendAsLeader(batch, 0, 0)
    }
    assert.deepEqual(await readAll(log, 40_000), Buffer.concat(written))
  })
})

async function reopened(world: LogWorld): ReturnType<LogWorld['open']> {
  world.disk.kill()
  return world.open()
}

describe('a follower', () => {
  test('keeps offsets and epochs as they come, gaps and all, and ignores a cut-off last batch', async () => {
    const log = await new LogWorld().open()
    const batches = [makeBatch({ baseOffset: 0, leaderEpoch: 1 }), makeBatch({ baseOffset: 5, leaderEpoch: 2, records: 2 })]
    const outcome = log.appendAsFollower(Buffer.concat([...batches, makeBatch({ baseOffset: 7, leaderEpoch: 2 }).subarray(0, 70)]), 2)
    assert.equal(outcome.kind === 'appended' && outcome.batches, 2)
    assert.equal(log.logEndOffset, 7)
    assert.deepEqual(log.endOffsetForEpoch(1), { epoch: 1, endOffset: 5 })
    const read = asRead(await log.read(2, 1000, 7, true))
    assert.equal(read.startOffset, 5)
  })

  test('leaves out batches of a later epoch than the one it fetches under', async () => {
    const log = await new LogWorld().open()
    const batches = [makeBatch({ baseOffset: 0, leaderEpoch: 1 }), makeBatch({ baseOffset: 1, leaderEpoch: 2 })]
    const outcome = log.appendAsFollower(Buffer.concat(batches), 1)
    assert.equal(outcome.kind === 'appended' && outcome.skippedBatches, 1)
    assert.equal(log.logEndOffset, 1)
  })

  test('refuses a wrong checksum and an offset below its end', async () => {
    const log = await new LogWorld().open()
    const bad = makeBatch({ leaderEpoch: 0 })
    bad[bad.length - 1] = 0x7a
    const corrupt = log.appendAsFollower(bad, 5)
    assert.equal(corrupt.kind === 'refused' && corrupt.error, ErrorCode.CORRUPT_MESSAGE)
    log.appendAsFollower(makeBatch({ baseOffset: 0, leaderEpoch: 0, records: 3 }), 5)
    const late = log.appendAsFollower(makeBatch({ baseOffset: 2, leaderEpoch: 0 }), 5)
    assert.equal(late.kind === 'refused' && late.error, ErrorCode.OFFSET_OUT_OF_RANGE)
    assert.equal(log.logEndOffset, 3)
  })
})

describe('truncation', () => {
  test('cuts across segments, forgets later epochs, and the log goes on where it was cut', async () => {
    const world = new LogWorld()
    const log = await world.open()
    for (let i = 0; i < 100; i++) log.appendAsLeader(makeBatch({ valueBytes: 100 }), i < 50 ? 1 : 2, 0)
    const before = await readAll(log)
    log.truncateTo(30)
    assert.equal(log.logEndOffset, 30)
    assert.equal(log.latestEpoch, 1)
    assert.deepEqual(await readAll(log), before.subarray(0, 30 * (before.length / 100)))
    log.appendAsLeader(makeBatch(), 7, 0)
    assert.deepEqual(log.endOffsetForEpoch(1), { epoch: 1, endOffset: 30 })
    const size = (await readAll(log)).length
    assert.equal((await readAll(await reopened(world))).length, size)
  })

  test('within a batch takes the whole batch', async () => {
    const log = await new LogWorld().open()
    log.appendAsLeader(makeBatch({ records: 10 }), 1, 0)
    log.appendAsLeader(makeBatch({ records: 10 }), 1, 0)
    log.truncateTo(15)
    assert.equal(log.logEndOffset, 10)
  })

  test('at or above the end only drops epochs that begin there', async () => {
    const log = await new LogWorld().open()
    log.appendAsLeader(makeBatch(), 1, 0)
    log.assignEpochStart(2, 1)
    log.truncateTo(1)
    assert.equal(log.latestEpoch, 1)
    assert.equal(log.logEndOffset, 1)
  })

  test('fully starts the log anew at an offset, also after a restart', async () => {
    const world = new LogWorld()
    const log = await world.open()
    for (let i = 0; i < 100; i++) log.appendAsLeader(makeBatch({ valueBytes: 100 }), 1, 0)
    log.truncateFullyAndStartAt(5000)
    assert.deepEqual([log.logStartOffset, log.logEndOffset, log.latestEpoch], [5000, 5000, -1])
    const again = await reopened(world)
    assert.deepEqual([again.logStartOffset, again.logEndOffset], [5000, 5000])
    again.appendAsFollower(makeBatch({ baseOffset: 5000, leaderEpoch: 4 }), 4)
    assert.equal(again.logEndOffset, 5001)
  })

  test('while a read of the file is under way lets it see only what is left', async () => {
    const world = new LogWorld({ segmentBytes: 1 << 20 }).withoutTail()
    const log = await world.open()
    for (let i = 0; i < 50; i++) log.appendAsLeader(makeBatch({ valueBytes: 100 }), 1, 0)
    const reading = log.read(20, 10_000, 50, true)
    log.truncateTo(25)
    log.appendAsLeader(makeBatch({ fill: 0x7a }), 2, 0)
    const read = asRead(await reading)
    assert.deepEqual([read.startOffset, read.endOffset], [20, 25])
    assert.equal(asRead(await log.read(25, 10_000, 50, true)).endOffset, 26)
  })
})

describe('epochs', () => {
  test('the end of an epoch is told by the rules of OffsetForLeaderEpoch', async () => {
    const log = await new LogWorld().open()
    for (const [epoch, count] of [
      [2, 3],
      [4, 3],
      [7, 3],
    ] as const) {
      for (let i = 0; i < count; i++) log.appendAsLeader(makeBatch(), epoch, 0)
    }
    const table: readonly (readonly [number, number, number])[] = [
      [-1, -1, -1],
      [1, 1, 0],
      [2, 2, 3],
      [3, 2, 3],
      [4, 4, 6],
      [6, 4, 6],
      [7, 7, 9],
      [8, -1, -1],
    ]
    for (const [asked, epoch, endOffset] of table) assert.deepEqual(log.endOffsetForEpoch(asked), { epoch, endOffset })
    assert.deepEqual(
      [0, 3, 8, 20].map((offset) => log.epochForOffset(offset)),
      [2, 4, 7, 7],
    )
  })
})

describe('retention', () => {
  test('deletes whole old segments below the high watermark and raises the log start', async () => {
    const world = new LogWorld({ retentionMs: 1000 })
    const log = await world.open()
    for (let i = 0; i < 100; i++) log.appendAsLeader(makeBatch({ valueBytes: 100, timestamp: 1_000_000 + i * 100 }), 1, 0)
    assert.equal(log.deleteOldSegments(0, 1_020_000), 0)
    assert.ok(log.deleteOldSegments(60, 1_005_000) > 0)
    assert.ok(log.logStartOffset > 0 && log.logStartOffset <= 40)
    log.deleteOldSegments(100, 2_000_000)
    assert.deepEqual([log.logStartOffset, log.logEndOffset, log.segmentCount], [100, 100, 1])
    const again = await reopened(world)
    assert.deepEqual([again.logStartOffset, again.logEndOffset], [100, 100])
  })

  test('by size keeps at least retention.bytes', async () => {
    const log = await new LogWorld({ retentionMs: -1, retentionBytes: 6000 }).open()
    for (let i = 0; i < 100; i++) log.appendAsLeader(makeBatch({ valueBytes: 100 }), 1, 0)
    log.deleteOldSegments(100, 0)
    assert.ok(log.sizeBytes >= 6000 && log.sizeBytes < 6000 + 4096)
  })

  test('a raised log start deletes what lies wholly below it', async () => {
    const log = await new LogWorld().open()
    for (let i = 0; i < 100; i++) log.appendAsLeader(makeBatch({ valueBytes: 100 }), 1, 0)
    assert.equal(log.advanceLogStartOffset(50), true)
    assert.equal(log.advanceLogStartOffset(40), false)
    assert.equal(log.logStartOffset, 50)
    assert.equal(asRead(await log.read(50, 10, 100, true)).startOffset, 50)
    log.advanceLogStartOffset(1000)
    assert.equal(log.logStartOffset, 100)
  })
})

describe('rolling', () => {
  test('by time counts from the first batch of the segment', async () => {
    const log = await new LogWorld({ segmentMs: 1000 }).open()
    log.appendAsLeader(makeBatch({ timestamp: 1_000_000 }), 1, 0)
    log.appendAsLeader(makeBatch({ timestamp: 1_000_900 }), 1, 0)
    assert.equal(log.segmentCount, 1)
    log.appendAsLeader(makeBatch({ timestamp: 1_001_100 }), 1, 0)
    assert.equal(log.segmentCount, 2)
    assert.equal(log.rollIfDue(1_002_000), false)
    assert.equal(log.rollIfDue(1_003_000), true)
    assert.equal(log.rollIfDue(1_009_000), false)
  })

  test('happens when offsets grow beyond what an index can hold', async () => {
    const log = await new LogWorld().open()
    log.appendAsFollower(makeBatch({ baseOffset: 3_000_000_000, leaderEpoch: 1 }), 1)
    assert.equal(log.activeBaseOffset, 3_000_000_000)
    log.appendAsFollower(makeBatch({ baseOffset: 6_000_000_000, leaderEpoch: 1 }), 1)
    assert.deepEqual([log.segmentCount, log.activeBaseOffset], [2, 6_000_000_000])
    assert.equal(asRead(await log.read(3_000_000_001, 1e4, 7e9, true)).startOffset, 6_000_000_000)
  })
})

describe('a deleted log', () => {
  test('never shows what a new one holds under its name, and a flush under way does no harm', async () => {
    const world = new LogWorld({ segmentBytes: 400 }).withoutTail()
    const failures: string[] = []
    const log = await world.open({ onFailure: (error) => failures.push(error.code) })
    for (let i = 0; i < 20; i++) log.appendAsLeader(makeBatch({ valueBytes: 100 }), 1, 0)
    const flushing = log.flush()
    const reading = Promise.resolve(log.read(5, 100, 20, true))
    log.deleteOnDisk()
    const other = await world.open()
    for (let i = 0; i < 20; i++) other.appendAsLeader(makeBatch({ valueBytes: 100, fill: 0x7a }), 1, 0)
    await assert.rejects(flushing, { code: 'ENOENT' })
    await assert.rejects(reading, { code: 'ENOENT' })
    assert.throws(() => log.read(5, 100, 20, true), { code: 'ENOENT' })
    assert.throws(() => log.appendAsLeader(makeBatch(), 1, 0), { code: 'ENOENT' })
    assert.deepEqual(failures, [])
    assert.equal(log.failure, null)
  })
})
