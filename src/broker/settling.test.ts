import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DiskError } from '../base/ports.ts'
import { StillClock } from '../sim/log-world.ts'
import { Settling } from './settling.ts'

/** A log whose flushes end when they are told to. */
class SlowLog {
  logEndOffset = 0
  flushedOffset = 0
  config = { flushMessages: 1 }
  flushes = 0
  private target = 0
  private settle: ((error?: DiskError) => void) | null = null

  flush(): Promise<void> {
    this.flushes += 1
    this.target = this.logEndOffset
    return new Promise((resolve, reject) => {
      this.settle = (error) => (error === undefined ? resolve() : reject(error))
    })
  }

  async ends(error?: DiskError): Promise<void> {
    if (error === undefined) this.flushedOffset = this.target
    this.settle?.(error)
    await turns()
  }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

function world(flushMessages: number) {
  const log = new SlowLog()
  log.config = { flushMessages }
  const rises: number[] = []
  const settling: Settling = new Settling(log, new StillClock(), () => rises.push(settling.offset))
  const append = (count: number): void => {
    log.logEndOffset += count
    settling.look()
  }
  return { log, settling, rises, append }
}

test('with flush.messages=1 nothing counts before its sync, and one sync covers all that came while the last one ran', async () => {
  const { log, settling, rises, append } = world(1)
  append(2)
  append(1)
  assert.deepEqual([settling.offset, settling.isSettled, log.flushes], [0, false, 0], 'no append waits')
  await turns()
  assert.equal(log.flushes, 1)
  append(4)
  append(3)
  await log.ends()
  assert.deepEqual([settling.offset, rises, log.flushes], [3, [3], 2])
  await log.ends()
  assert.deepEqual([settling.offset, settling.isSettled, rises, log.flushes], [10, true, [3, 10], 2])
})

test('with flush.messages=N fewer than N messages count without a sync, and the append that brings the Nth waits for one', async () => {
  const { log, settling, append } = world(10)
  append(9)
  assert.deepEqual([settling.offset, log.flushes], [9, 0])
  append(1)
  append(5)
  assert.equal(settling.offset, 9)
  await turns()
  await log.ends()
  assert.deepEqual([settling.offset, log.flushes], [15, 1])
  append(9)
  assert.equal(settling.offset, 24)
})

test('without flush.messages all counts at once, and nothing is synced', async () => {
  const { log, settling, append } = world(Number.MAX_SAFE_INTEGER)
  append(1_000_000)
  await turns()
  assert.deepEqual([settling.offset, log.flushes], [1_000_000, 0])
})

test('whoever waits is told when his offset counts, and only then', async () => {
  const { log, settling, append } = world(1)
  const told: string[] = []
  append(2)
  settling.await(2, (counts) => told.push(`2 ${counts}`))
  await turns()
  append(2)
  settling.await(4, (counts) => told.push(`4 ${counts}`))
  await log.ends()
  assert.deepEqual(told, ['2 true'])
  settling.await(1, (counts) => told.push(`1 ${counts}`))
  await log.ends()
  assert.deepEqual(told, ['2 true', '1 true', '4 true'])
})

test('after a flush that failed nothing counts, nobody is kept waiting, and nothing is tried again', async () => {
  const { log, settling, append } = world(1)
  const told: boolean[] = []
  append(2)
  settling.await(2, (counts) => told.push(counts))
  await turns()
  await log.ends(new DiskError('EIO', 'f', 'sync'))
  append(2)
  settling.await(4, (counts) => told.push(counts))
  await turns()
  assert.deepEqual([settling.offset, told, log.flushes], [0, [false, false], 1])
})

test('switched on while there is much that is not synced, it takes nothing back, and what comes next waits for all of it', async () => {
  const { log, settling, append } = world(Number.MAX_SAFE_INTEGER)
  append(100)
  log.config = { flushMessages: 1 }
  settling.look()
  assert.equal(settling.offset, 100)
  append(1)
  assert.equal(settling.offset, 100)
  await turns()
  await log.ends()
  assert.equal(settling.offset, 101)
  log.config = { flushMessages: Number.MAX_SAFE_INTEGER }
  append(1)
  assert.deepEqual([settling.offset, log.flushes], [102, 1])
})

test('a truncation takes the mark with it', async () => {
  const { log, settling, append } = world(1)
  append(10)
  await turns()
  await log.ends()
  log.logEndOffset = 6
  log.flushedOffset = 5
  settling.look()
  assert.deepEqual([settling.offset, settling.isSettled], [6, true])
})

test('a log that is found with what may not be synced does not count beyond what was', async () => {
  const log = new SlowLog()
  log.logEndOffset = 10
  log.flushedOffset = 4
  const settling = new Settling(log, new StillClock(), () => {})
  assert.deepEqual([settling.offset, settling.isSettled], [4, false])
  await turns()
  await log.ends()
  assert.equal(settling.offset, 10)
})

test('while it is held no flush begins; a log that takes the place of another goes on with what is promised', async () => {
  const { log, settling, rises, append } = world(1)
  append(3)
  await turns()
  await log.ends()
  settling.hold(true)
  append(2)
  await turns()
  assert.deepEqual([settling.offset, log.flushes], [3, 1])
  const done: boolean[] = []
  settling.await(5, (counts) => done.push(counts))
  const next = new SlowLog()
  next.logEndOffset = 5
  next.flushedOffset = 3
  settling.goOnIn(next)
  await turns()
  assert.deepEqual([settling.offset, next.flushes, done], [3, 0, []])
  settling.hold(false)
  await turns()
  assert.equal(next.flushes, 1)
  await next.ends()
  assert.deepEqual([settling.offset, settling.isSettled, done, rises], [5, true, [true], [3, 5]])
})

test('a flush of a log whose place was taken says nothing, and what others have flushed counts', async () => {
  const { log, settling, append } = world(1)
  append(3)
  await turns()
  const next = new SlowLog()
  next.logEndOffset = 3
  settling.goOnIn(next)
  assert.equal(settling.isSettled, false)
  next.flushedOffset = 3
  await log.ends(new DiskError('ENOENT', 't-0', 'use after close of'))
  assert.deepEqual([settling.offset, settling.isSettled, next.flushes], [3, true, 0])
})
