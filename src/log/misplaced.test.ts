import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LogWorld, makeBatch } from '../sim/log-world.ts'

/** A log of ten batches of one size in one segment, after a crash; a batch of its file lies in the place of another. */
async function crashed(from: number, to: number, keep = 10) {
  const world = new LogWorld()
  const log = await world.open({ config: { ...world.config, segmentBytes: 1_000_000 } })
  for (let i = 0; i < 10; i++) log.appendAsLeader(makeBatch({ producerId: 7, baseSequence: i }), 1, 0)
  log.abandon()
  const [name] = world.disk.list('logs/t-0').filter((it) => it.endsWith('.log'))
  const file = world.disk.open(`logs/t-0/${name ?? ''}`, { create: false })
  const content = Buffer.alloc(file.size())
  file.read(0, content)
  const size = content.length / 10
  content.copy(content, to * size, from * size, (from + 1) * size)
  file.truncate(keep * size)
  file.write(0, [content.subarray(0, keep * size)])
  file.close()
  return world
}

test('a batch of later in the place of another ends the log before it, not behind it', async () => {
  for (const [from, to, keep, end] of [
    [5, 4, 10, 4],
    [8, 2, 10, 2],
    [9, 8, 9, 8],
    [2, 6, 10, 6],
  ] as const) {
    const world = await crashed(from, to, keep)
    const log = await world.open({ recoveryPoint: 0 })
    assert.deepEqual([log.logStartOffset, log.logEndOffset], [0, end], `${from} in the place of ${to}`)
    assert.equal(log.describeProducers()[0]?.lastSequence, end - 1, 'its producer is where the log ends')
    assert.equal(log.appendAsLeader(makeBatch({ producerId: 7, baseSequence: end }), 1, 0).kind, 'appended')
  }
})

test('below the recovery point it is rot, and nothing is cut', async () => {
  for (const [from, to] of [
    [5, 4],
    [2, 6],
  ] as const) {
    const world = await crashed(from, to)
    await assert.rejects(world.open({ recoveryPoint: 9, onCorruption: 'refuse' }), /below the recovery point 9/)
  }
})

/** A log of three batches whose last one claims another offset, which no checksum covers. */
async function renumbered(baseOffset: bigint, stop: 'crash' | 'clean') {
  const world = new LogWorld()
  const log = await world.open({ config: { ...world.config, segmentBytes: 1_000_000 } })
  for (let i = 0; i < 3; i++) log.appendAsLeader(makeBatch({ producerId: 7, baseSequence: i }), 1, 0)
  if (stop === 'clean') await log.close()
  else log.abandon()
  const [name] = world.disk.list('logs/t-0').filter((it) => it.endsWith('.log'))
  const file = world.disk.open(`logs/t-0/${name ?? ''}`, { create: false })
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(baseOffset)
  file.write((file.size() / 3) * 2, [bytes])
  file.close()
  return world
}

test('a batch that claims an offset far beyond its segment ends the log before it', async () => {
  for (const offset of [9n, 1n << 40n, (1n << 62n) + 2n]) {
    const world = await renumbered(offset, 'crash')
    const config = { ...world.config, indexIntervalBytes: 0 }
    assert.equal((await world.open({ recoveryPoint: 0, config })).logEndOffset, 2, `${offset}`)
    const rotten = await renumbered(offset, 'crash')
    await assert.rejects(rotten.open({ recoveryPoint: 3, onCorruption: 'refuse' }), /below the recovery point 3/)
  }
})

test('after a clean shutdown too', async () => {
  for (const offset of [9n, 1n << 40n]) {
    const world = await renumbered(offset, 'clean')
    await assert.rejects(world.open({ recoveryPoint: 3, cleanShutdown: true, onCorruption: 'refuse' }), /below the recovery point 3/)
  }
})
