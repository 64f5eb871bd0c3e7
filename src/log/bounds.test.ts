import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryDisk } from '../sim/memory-disk.ts'
import { asRead, LogWorld, makeBatch, readAll } from '../sim/log-world.ts'
import { OpenFiles } from './open-files.ts'
import { Tail, TailBudget } from './tail.ts'

test('no more files are open than allowed, but a pinned one stays until it is let go', async () => {
  const disk = new MemoryDisk()
  const files = new OpenFiles(disk, 2)
  for (const path of ['a', 'b', 'c']) files.use(path, true).write(0, [Buffer.from(path)])
  assert.equal(files.size, 2)
  const into = Buffer.alloc(1)
  const pinned = files.pinned('a', async (file) => {
    files.use('b')
    files.use('c')
    files.forget('a')
    await Promise.resolve()
    return file.read(0, into)
  })
  assert.equal(await pinned, 1)
  assert.equal(into.toString(), 'a')
  assert.ok(files.size <= 2)
})

test('the tails of all logs together stay within their budget, the oldest append going first', () => {
  const budget = new TailBudget({ tailBytesMax: 10_000, tailBytesPerLogMax: 6_000 })
  const tails = [new Tail(budget), new Tail(budget)]
  for (let i = 0; i < 100; i++) {
    for (const tail of tails) tail.push(i, i, i, Buffer.alloc(700))
    assert.ok(budget.bytes <= 10_000)
  }
  for (const tail of tails) {
    assert.ok(tail.startOffset > 90 && tail.startOffset < 100)
    assert.equal(tail.take(tail.startOffset, Infinity).length, 100 - tail.startOffset)
    tail.clear()
    assert.equal(tail.startOffset, Infinity)
  }
  assert.equal(budget.bytes, 0)
})

test('many tiny appends are kept within bounds as well', () => {
  const budget = new TailBudget({ tailBytesMax: 1 << 20, tailBytesPerLogMax: 1 << 16 })
  const tail = new Tail(budget)
  for (let i = 0; i < 10_000; i++) tail.push(i, i, i, Buffer.alloc(70))
  assert.ok(tail.take(0, Infinity).length < 250)
})

test('what a compaction or a deletion left is settled at the next start', async () => {
  const world = new LogWorld()
  const log = await world.open()
  for (let i = 0; i < 100; i++) log.appendAsLeader(makeBatch({ valueBytes: 100 }), 1, 0)
  await log.close()
  const [first, second] = world.disk.list('logs/t-0').filter((name) => name.endsWith('.log'))
  assert.ok(first !== undefined && second !== undefined)
  const kept = world.disk.readSmall(`logs/t-0/${first}`)
  const put = (name: string, content: Buffer): void => world.disk.open(`logs/t-0/${name}`, { create: true }).write(0, [content])
  // A finished compaction of the first segment that kept its later half, an unfinished one of the second, a deletion half done.
  const half = kept.subarray(kept.length / 2)
  put(`${first}.swap`, half)
  put(`${second}.cleaned`, Buffer.from('unfinished'))
  put('00000000000000009999.index.deleted', Buffer.alloc(8))
  put('00000000000000009999.index', Buffer.alloc(8))
  const before = await readAll(await world.open({ cleanShutdown: true, config: { ...world.config, cleanupCompact: true } }))
  const names = world.disk.list('logs/t-0')
  assert.ok(!names.some((name) => /swap|cleaned|deleted|9999/.test(name)))
  assert.deepEqual(before.subarray(0, half.length), half)
})

test('a search by time finds the first record at or after it, whatever the order of the timestamps', async () => {
  const log = await new LogWorld({ indexIntervalBytes: 200 }).open()
  const times: number[] = []
  for (let i = 0; i < 200; i++) {
    const timestamp = 1_000_000 + ((i * 37) % 100) + i * 5
    log.appendAsLeader(makeBatch({ timestamp, records: 2 }), 3, 0)
    times.push(timestamp, timestamp + 1)
  }
  for (let wanted = 1_000_000; wanted < 1_001_120; wanted += 13) {
    const offset = times.findIndex((time) => time >= wanted)
    const expected = offset < 0 ? null : { offset, timestamp: times[offset], leaderEpoch: 3 }
    assert.deepEqual(await log.offsetForTimestamp(wanted), expected)
  }
  const greatest = Math.max(...times)
  assert.deepEqual(await log.offsetOfMaxTimestamp(), { offset: times.indexOf(greatest), timestamp: greatest, leaderEpoch: 3 })
  log.advanceLogStartOffset(120)
  assert.equal((await log.offsetForTimestamp(0))?.offset, 120)
})

test('every offset is found through the indexes as by a full scan', async () => {
  const world = new LogWorld({ indexIntervalBytes: 200 }).withoutTail()
  const log = await world.open()
  const bases: number[] = []
  for (let i = 0; i < 150; i++) {
    const base = log.logEndOffset + (i % 9 === 0 ? 4 : 0)
    log.appendAsFollower(makeBatch({ baseOffset: base, leaderEpoch: 1, records: 1 + (i % 5), valueBytes: i % 50 }), 1)
    for (let offset = bases.length; offset < log.logEndOffset; offset++) bases.push(base)
  }
  for (let offset = 0; offset < log.logEndOffset; offset++) {
    assert.equal(asRead(await log.read(offset, 1, log.logEndOffset, true)).startOffset, bases[offset], `offset ${offset}`)
  }
})
