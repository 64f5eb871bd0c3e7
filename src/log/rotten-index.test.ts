import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../base/prng.ts'
import { asRead, LogWorld, makeBatch } from '../sim/log-world.ts'
import type { PartitionLog } from './partition-log.ts'

const batches = 40
const start = 1_000_000

/** Forty batches of one record in a closed segment, each with an entry in both indexes, none in memory; and one in the active segment. */
async function closedSegment() {
  const world = new LogWorld({ indexIntervalBytes: 0, segmentBytes: 1_000_000 }).withoutTail()
  const log = await world.open()
  for (let i = 0; i < batches; i++) log.appendAsLeader(makeBatch({ timestamp: start + i * 10 }), 1, 0)
  log.roll(start)
  log.appendAsLeader(makeBatch({ timestamp: start + batches * 10 }), 1, 0)
  await log.flush()
  return { world, log }
}

function spoil(world: LogWorld, suffix: string, change: (content: Buffer) => Buffer): void {
  const [name] = world.disk.list('logs/t-0').filter((it) => it.endsWith(suffix))
  const path = `logs/t-0/${name ?? ''}`
  const content = change(world.disk.readSmall(path))
  const file = world.disk.open(path, { create: false })
  file.truncate(content.length)
  file.write(0, [content])
  file.close()
}

/** From the last one back: a reader who goes on where he was needs no index. */
async function everyOffsetIsFound(log: PartitionLog, what: string): Promise<void> {
  for (let offset = batches - 1; offset >= 0; offset--) {
    const found = asRead(await log.read(offset, 1, batches + 1, true))
    assert.deepEqual([found.startOffset, found.endOffset], [offset, offset + 1], `${what}: offset ${offset}`)
  }
}

async function everyTimeIsFound(log: PartitionLog, what: string): Promise<void> {
  for (let i = 0; i <= batches; i++) {
    const found = await log.offsetForTimestamp(start + i * 10 - 5)
    assert.equal(found?.offset, i, `${what}: the record after ${i * 10 - 5} ms`)
  }
}

test('an index entry that leads out of its segment does not lead a reader past it', async () => {
  const { world, log } = await closedSegment()
  spoil(world, '.index', (content) => {
    for (let at = 0; at < content.length; at += 8) content.writeUInt32BE(1_000_000, at + 4)
    return content
  })
  await everyOffsetIsFound(log, 'all positions are too large')
})

test('whatever is in index files, all that is in the log is found, by offset and by time', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const prng = new Prng(seed)
    const { world, log } = await closedSegment()
    const change = (content: Buffer): Buffer => {
      const at = prng.below(content.length)
      const until = Math.min(content.length, at + prng.between(1, 60))
      for (let i = at; i < until; i++) content.writeUInt8(prng.pick([0, 1, 0x7f, 0xff, prng.below(256)]), i)
      return prng.chance(0.2) ? content.subarray(0, prng.below(content.length)) : content
    }
    spoil(world, '.index', change)
    spoil(world, '.timeindex', change)
    await everyTimeIsFound(log, `seed ${seed}`)
    await everyOffsetIsFound(log, `seed ${seed}`)
  }
})

test('a log is cut where it should be, whatever its indexes say, and goes on', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const prng = new Prng(seed)
    const { world, log } = await closedSegment()
    for (const suffix of ['.index', '.timeindex']) {
      spoil(world, suffix, (content) => {
        const at = prng.below(content.length)
        for (let i = at; i < Math.min(content.length, at + prng.between(1, 60)); i++) content.writeUInt8(prng.below(256), i)
        return content
      })
    }
    const end = prng.between(1, batches - 1)
    log.truncateTo(end)
    assert.equal(log.logEndOffset, end, `seed ${seed}`)
    for (let i = end; i < batches; i++) log.appendAsLeader(makeBatch({ timestamp: start + i * 10 }), 2, 0)
    await everyOffsetIsFound(log, `seed ${seed}, cut at ${end}`)
  }
})
