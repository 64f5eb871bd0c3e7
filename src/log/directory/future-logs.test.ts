import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DiskError } from '../../base/ports.ts'
import { makeBatch, readAll, silentLog, StillClock } from '../../sim/log-world.ts'
import { MemoryDisk } from '../../sim/memory-disk.ts'
import { defaultLogConfig } from '../log-config.ts'
import { LogDirectory } from '../log-directory.ts'
import { OpenFiles } from '../open-files.ts'
import type { PartitionLog } from '../partition-log.ts'
import { TailBudget } from '../tail.ts'

const topicId = 'AbCdEfGhIjKlMnOpQrStUv'
const config = { ...defaultLogConfig, segmentBytes: 2048, indexIntervalBytes: 100 }

class TwoDirectories {
  isFull = false
  readonly disk = new MemoryDisk({ fault: (action) => (this.isFull && action === 'write' ? 'ENOSPC' : null) })
  readonly files = new OpenFiles(this.disk, 50)

  constructor() {
    for (const path of ['a', 'b']) this.disk.makeDirectory(path)
    void this.disk.syncDirectory('')
  }

  async open(path: 'a' | 'b'): Promise<LogDirectory> {
    const directory = LogDirectory.open(
      { clock: new StillClock(), disk: this.disk, log: silentLog },
      {
        path,
        shared: { files: this.files, tail: new TailBudget({ tailBytesMax: 1 << 20, tailBytesPerLogMax: 1 << 18 }) },
        producerIdExpirationMs: 86_400_000,
        onCorruption: 'refuse',
        openConcurrency: 4,
      },
    )
    await directory.openAll(() => config)
    return directory
  }
}

async function copyAll(from: PartitionLog, to: PartitionLog): Promise<void> {
  while (to.logEndOffset < from.logEndOffset) {
    const got = await from.read(to.logEndOffset, 1 << 20, from.logEndOffset, true)
    assert.equal(got.kind, 'read')
    if (got.kind === 'read') for (const records of got.records) assert.equal(to.appendAsFollower(records, 99).kind, 'appended')
  }
}

async function moving() {
  const world = new TwoDirectories()
  const [a, b] = [await world.open('a'), await world.open('b')]
  const log = await a.create('t', 0, topicId, config)
  for (let i = 0; i < 40; i++) log.appendAsLeader(makeBatch({ valueBytes: 60, producerId: 7, baseSequence: i }), 3, 0)
  const future = await b.createFuture(log, topicId)
  await copyAll(log, future)
  await future.flush()
  return { world, a, b, log, future }
}

describe('a copy of a log in another directory', () => {
  test('is found again under its own name by the next start, with all that it had', async () => {
    const { world, a, b, future } = await moving()
    assert.match(future.directory, /^b\/t-0\.[0-9a-f]{32}-future$/)
    await a.closeCleanly(() => 0, 1)
    await b.closeCleanly(() => 0, 1)
    const again = await world.open('b')
    assert.equal(again.logs.size, 0)
    assert.deepEqual([again.futures.get('t-0')?.logEndOffset, again.futures.get('t-0')?.topicId], [40, topicId])
  })

  test('takes the place of the log, with its epochs and producers, and readers of the log go on in it', async () => {
    const { a, b, log } = await moving()
    log.assignEpochStart(5, 40)
    const before = await readAll(log)
    const producers = log.describeProducers()
    const next = b.promoteFuture(log, a)
    assert.deepEqual([a.logs.size, b.logs.get('t-0'), b.futures.size], [0, next, 0])
    assert.equal(next.directory, 'b/t-0')
    assert.equal(next.latestEpoch, 5)
    assert.deepEqual(next.describeProducers(), producers)
    assert.ok((await readAll(next)).equals(before))
    const read = await log.read(3, 100, 40, true)
    assert.ok(read.kind === 'read' && read.startOffset === 3, 'a read of the old log is answered by the new one')
    const again = next.appendAsLeader(makeBatch({ valueBytes: 60, producerId: 7, baseSequence: 39 }), 5, 0)
    assert.deepEqual([again.kind, next.logEndOffset], ['duplicate', 40])
    assert.equal(next.appendAsLeader(makeBatch({ valueBytes: 60, producerId: 7, baseSequence: 40 }), 5, 0).kind, 'appended')
  })

  test('leaves the log it replaced under its name until that is told to go', async () => {
    const { world, a, b, log } = await moving()
    const next = b.promoteFuture(log, a)
    assert.ok(world.disk.exists('a/t-0') && world.disk.exists('b/t-0'))
    await next.flush()
    a.removeReplaced('t', 0)
    assert.ok(!world.disk.exists('a/t-0'))
    while (a.removeDeleted());
    assert.deepEqual(
      world.disk.list('a').filter((name) => name.startsWith('t-')),
      [],
    )
    await a.closeCleanly(() => 0, 1)
    await b.closeCleanly(() => 40, 1)
    const [againA, againB] = [await world.open('a'), await world.open('b')]
    assert.deepEqual([againA.logs.size, againB.logs.get('t-0')?.logEndOffset], [0, 40])
    assert.equal(againB.checkpointedHighWatermark('t', 0), 40)
  })

  test('says no more of what is durable than the log did, until it is flushed under its new name', async () => {
    const { a, b, log, future } = await moving()
    assert.deepEqual([log.flushedOffset, future.flushedOffset], [0, 40])
    const next = b.promoteFuture(log, a)
    assert.equal(next.flushedOffset, 0)
    await next.flush()
    assert.equal(next.flushedOffset, 40)
  })

  test('that finds no room to take the place is still a copy, and the log goes on', async () => {
    const { world, a, b, log } = await moving()
    world.isFull = true
    assert.throws(() => b.promoteFuture(log, a), DiskError)
    assert.equal(a.logs.get('t-0'), log)
    assert.ok(b.futures.has('t-0'))
    world.isFull = false
    assert.equal(b.promoteFuture(log, a).logEndOffset, 40)
  })

  test('that is not wanted any more goes, and with it what did not open', async () => {
    const { world, b } = await moving()
    b.removeFuture('t', 0)
    assert.ok(!b.hasFuture('t-0'))
    while (b.removeDeleted());
    assert.deepEqual(
      world.disk.list('b').filter((name) => name.startsWith('t-')),
      [],
    )
  })
})
