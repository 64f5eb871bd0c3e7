import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchHeaders } from '../../protocol/records/batch-header.ts'
import { makeBatch } from '../../sim/log-world.ts'
import type { PartitionLog } from '../partition-log.ts'
import { append, clean, compactedWorld, start, tryToClean } from './fixture.test.ts'

test('a read that was under way when segments were exchanged looks again', async () => {
  const world = compactedWorld()
  const log = await world.open()
  for (let i = 0; i < 40; i++) append(log, ['a=1', `k${i}=1`])
  log.roll(start)
  append(log, ['z=1'])
  const cleaning = clean(world, log)
  let reads = 0
  let ended = false
  void cleaning.then(() => (ended = true))
  while (!ended) {
    const offset = (reads * 7) % 80
    const outcome = await log.read(offset, 200, log.logEndOffset, true)
    assert.ok(outcome.kind === 'read' && outcome.sizeBytes > 0)
    const [first] = batchHeaders(Buffer.concat(outcome.records))
    assert.ok(first !== undefined && first.header.lastOffset >= offset)
    reads += 1
  }
  assert.ok(reads > 5)
})

for (const [what, disturb] of [
  ['a truncation', (log: PartitionLog) => log.truncateTo(30)],
  ['a full truncation', (log: PartitionLog) => log.truncateFullyAndStartAt(500)],
  ['a rise of the log start', (log: PartitionLog) => log.advanceLogStartOffset(45)],
  ['a close', (log: PartitionLog) => log.abandon()],
] as const) {
  test(`${what} ends a cleaning, whenever it comes, and nothing of the cleaning is left`, async () => {
    for (let after = 0, ended = false; !ended; after++) {
      const world = compactedWorld({ segmentBytes: 400 })
      const log = await world.open()
      for (let i = 0; i < 4; i++) append(log, ['a=1', `k${i}=1`, `j${i % 3}=1`, 'b=1', ...Array.from({ length: 8 }, (_, n) => `n${n}=1`)])
      log.roll(start)
      append(log, ['z=1'])
      const cleaning = tryToClean(world, log, { ioBufferBytes: 4096 })
      void cleaning.then(() => (ended = true))
      for (let i = 0; i < after; i++) await Promise.resolve()
      if (!ended) disturb(log)
      const wasOver: boolean = ended
      const outcome = await cleaning
      ended = wasOver
      assert.ok(outcome.kind === 'aborted' || outcome.kind === 'cleaned', outcome.kind)
      if (what === 'a close') continue
      assert.deepEqual(
        world.disk.list('logs/t-0').filter((it) => /cleaned|swap/.test(it)),
        [],
      )
      assert.ok((log.cleanedOffset ?? 0) <= log.logEndOffset)
      log.appendAsLeader(makeBatch(), 1, start)
      const described = { ...log.describe(), flushed: 0 }
      world.disk.kill()
      assert.deepEqual({ ...(await world.open({ logStartOffset: log.logStartOffset })).describe(), flushed: 0 }, described)
    }
  })
}
