import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DiskError } from '../base/ports.ts'
import { MemoryDisk } from '../sim/memory-disk.ts'
import { LogWorld, makeBatch, readAll } from '../sim/log-world.ts'

describe('a disk that fails', () => {
  test('full in the middle of an append leaves the log as it was, and appends go on when there is room', async () => {
    const world = new LogWorld({ segmentBytes: 1 << 20 })
    const log = await world.open()
    for (let i = 0; i < 20; i++) log.appendAsLeader(makeBatch({ producerId: 7, baseSequence: i }), 1, 0)
    const before = { content: await readAll(log), described: log.describe(), producers: log.describeProducers() }
    world.disk.spaceBytes = (world.disk.space().total === Infinity ? before.content.length : 0) + 150
    assert.throws(
      () => log.appendAsLeader(makeBatch({ valueBytes: 5000, producerId: 7, baseSequence: 20 }), 2, 0),
      (error) => error instanceof DiskError && error.code === 'ENOSPC',
    )
    assert.deepEqual(log.describe(), before.described)
    assert.deepEqual(log.describeProducers(), before.producers)
    assert.equal(log.failure, null)
    assert.deepEqual(await readAll(log), before.content)
    world.disk.spaceBytes = Infinity
    assert.equal(log.appendAsLeader(makeBatch({ producerId: 7, baseSequence: 20 }), 2, 0).kind, 'appended')
    world.disk.kill()
    assert.equal((await world.open()).logEndOffset, 21)
  })

  test('that cannot even undo a write makes the log unusable and says so once', async () => {
    const disk = new MemoryDisk()
    const world = new LogWorld({}, disk)
    const failures: string[] = []
    const log = await world.open({ onFailure: (error) => failures.push(error.code) })
    log.appendAsLeader(makeBatch(), 1, 0)
    disk.fault = (action, path) => (path.endsWith('.log') && (action === 'write' || action === 'truncate') ? 'EIO' : null)
    assert.throws(() => log.appendAsLeader(makeBatch(), 1, 0), { code: 'EIO' })
    disk.fault = () => null
    assert.throws(() => log.appendAsLeader(makeBatch(), 1, 0), { code: 'EIO' })
    assert.deepEqual(failures, ['EIO'])
    assert.equal(log.logEndOffset, 1)
  })

  test('whose sync fails is never asked again, and nothing counts as durable', async () => {
    const disk = new MemoryDisk()
    const world = new LogWorld({}, disk)
    const log = await world.open()
    log.appendAsLeader(makeBatch(), 1, 0)
    disk.fault = (action) => (action === 'sync' ? 'EIO' : null)
    await assert.rejects(log.flush(), { code: 'EIO' })
    disk.fault = () => null
    await assert.rejects(log.flush(), { code: 'EIO' })
    assert.throws(() => log.appendAsLeader(makeBatch(), 1, 0), { code: 'EIO' })
    assert.equal(log.flushedOffset, 0)
  })

  test('that fails in the middle of a truncation makes the log unusable, and the next start finds a sound one', async () => {
    const disk = new MemoryDisk()
    const world = new LogWorld({}, disk)
    const log = await world.open()
    for (let i = 0; i < 100; i++) log.appendAsLeader(makeBatch({ valueBytes: 100 }), 1, 0)
    disk.fault = (action) => (action === 'truncate' ? 'EIO' : null)
    assert.throws(() => log.truncateTo(30), { code: 'EIO' })
    disk.fault = () => null
    assert.throws(() => log.appendAsLeader(makeBatch(), 2, 0), { code: 'EIO' })
    disk.kill()
    const again = await world.open()
    assert.ok(again.logEndOffset >= 30 && again.logEndOffset <= 100)
  })

  test('that is full when a segment must be rolled refuses the append and keeps the old segment', async () => {
    const disk = new MemoryDisk()
    const world = new LogWorld({ segmentBytes: 400 }, disk)
    const log = await world.open()
    log.appendAsLeader(makeBatch({ valueBytes: 250 }), 1, 0)
    disk.fault = (action, path) => (action === 'create' && path.endsWith('.log') ? 'ENOSPC' : null)
    assert.throws(() => log.appendAsLeader(makeBatch({ valueBytes: 250 }), 1, 0), { code: 'ENOSPC' })
    assert.equal(log.segmentCount, 1)
    disk.fault = () => null
    assert.equal(log.appendAsLeader(makeBatch({ valueBytes: 250 }), 1, 0).kind, 'appended')
    assert.equal(log.segmentCount, 2)
  })
})

describe('bytes that are not what was written', () => {
  test('above the recovery point are a torn tail and cut; below it the log refuses to open, unless told to cut', async () => {
    const world = new LogWorld({ segmentBytes: 1 << 20 })
    const log = await world.open()
    for (let i = 0; i < 10; i++) log.appendAsLeader(makeBatch(), 1, 0)
    const batchBytes = log.sizeBytes / 10
    await log.flush()
    world.disk.kill()
    world.disk.open('logs/t-0/00000000000000000000.log', { create: false }).write(5 * batchBytes + 70, [Buffer.from('rot')])
    world.recoveryPoint = 3
    assert.equal((await world.open({ onCorruption: 'refuse' })).logEndOffset, 5)
    world.recoveryPoint = 8
    await assert.rejects(world.open({ onCorruption: 'refuse' }), { name: 'CorruptLogError', soundUntil: 5 })
    assert.equal((await world.open({ onCorruption: 'cut' })).logEndOffset, 5)
  })

  test('an index of nonsense is made anew, also after a clean shutdown', async () => {
    const world = new LogWorld()
    const log = await world.open()
    for (let i = 0; i < 100; i++) log.appendAsLeader(makeBatch({ valueBytes: 100 }), 1, 0)
    const content = await readAll(log)
    await log.close()
    for (const name of world.disk.list('logs/t-0')) {
      if (!name.endsWith('index')) continue
      const file = world.disk.open(`logs/t-0/${name}`, { create: false })
      file.write(file.size() - (file.size() % 12), [Buffer.alloc(24, 0x7f)])
    }
    const again = await world.withoutTail().open({ cleanShutdown: true })
    assert.deepEqual(await readAll(again), content)
  })
})
