import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DiskError } from '../base/ports.ts'
import { Prng } from '../base/prng.ts'
import { MemoryDisk } from '../sim/memory-disk.ts'
import { makeBatch, silentLog, StillClock } from '../sim/log-world.ts'
import { defaultLogConfig } from './log-config.ts'
import { LogDirectory } from './log-directory.ts'
import { OpenFiles } from './open-files.ts'
import { TailBudget } from './tail.ts'

const topicId = 'AbCdEfGhIjKlMnOpQrStUv'
const identity = { clusterId: 'Cluster:1 = x', nodeId: 2, directoryId: 'DirectoryIdDirectoryIA' }
const config = { ...defaultLogConfig, segmentBytes: 4096 }

class World {
  readonly disk = new MemoryDisk()
  readonly files = new OpenFiles(this.disk, 50)
  offline: DiskError | null = null

  constructor() {
    this.disk.makeDirectory('data')
    void this.disk.syncDirectory('')
  }

  open(): LogDirectory {
    return LogDirectory.open(
      { clock: new StillClock(), disk: this.disk, log: silentLog },
      {
        path: 'data',
        shared: { files: this.files, tail: new TailBudget({ tailBytesMax: 1 << 20, tailBytesPerLogMax: 1 << 18 }) },
        producerIdExpirationMs: 86_400_000,
        onCorruption: 'refuse',
        openConcurrency: 4,
        onOffline: (error) => (this.offline = error),
      },
    )
  }

  async opened(): Promise<LogDirectory> {
    const directory = this.open()
    await directory.openAll(() => config)
    return directory
  }
}

describe('a log directory', () => {
  test('is locked for one process and belongs to one node of one cluster', () => {
    const world = new World()
    const directory = world.open()
    assert.throws(() => world.open(), { code: 'EAGAIN' })
    assert.equal(directory.identity, null)
    directory.format(identity)
    directory.abandon()
    const again = world.open()
    assert.deepEqual(again.identity, identity)
    assert.throws(() => again.format({ ...identity, nodeId: 3 }), /belongs to node 2/)
  })

  test('finds its partitions, checkpoints and topic ids again after a clean shutdown', async () => {
    const world = new World()
    const directory = await world.opened()
    assert.equal(directory.cleanShutdown, false)
    const log = await directory.create('a.b-1', 3, topicId, config)
    for (let i = 0; i < 100; i++) log.appendAsLeader(makeBatch({ valueBytes: 100 }), 4, 0)
    log.advanceLogStartOffset(10)
    await directory.create('empty', 0, topicId, config)
    await directory.closeCleanly(() => 77, 12)
    assert.equal(world.files.size, 0)
    const again = await world.opened()
    assert.deepEqual([again.cleanShutdown, again.previousBrokerEpoch], [true, 12])
    const found = again.logs.get('a.b-1-3')
    assert.deepEqual([found?.logStartOffset, found?.logEndOffset, found?.topicId, found?.latestEpoch], [10, 100, topicId, 4])
    assert.equal(again.checkpointedHighWatermark('a.b-1', 3), 77)
    assert.equal(again.logs.size, 2)
    again.abandon()
    assert.equal((await world.opened()).cleanShutdown, false, 'the mark counts once')
  })

  test('keeps what was flushed over a power cut, with the checkpoint that says so', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = new World()
      const directory = await world.opened()
      const log = await directory.create('t', 0, topicId, config)
      for (let i = 0; i < 60; i++) log.appendAsLeader(makeBatch({ valueBytes: 100 }), 1, 0)
      await directory.flushRolled()
      await directory.writeCheckpoints(() => 50)
      const { flushedOffset } = log
      assert.ok(flushedOffset > 0)
      world.disk.crash(new Prng(seed))
      world.files.closeAll()
      const again = await world.opened()
      assert.ok((again.logs.get('t-0')?.logEndOffset ?? 0) >= flushedOffset)
      assert.equal(again.logs.get('t-0')?.topicId, topicId)
      assert.equal(again.checkpointedHighWatermark('t', 0), 50)
    }
  })

  test('a truncation below a stored recovery point is not taken for a loss at the next start', async () => {
    const world = new World()
    const directory = await world.opened()
    const log = await directory.create('t', 0, topicId, config)
    for (let i = 0; i < 60; i++) log.appendAsLeader(makeBatch({ valueBytes: 100 }), 1, 0)
    await log.flush()
    await directory.writeCheckpoints(() => null)
    log.truncateTo(20)
    world.disk.kill()
    world.files.closeAll()
    const again = world.open()
    const opened = await again.openAll(() => config)
    assert.deepEqual(opened.failed, [])
    assert.equal(again.logs.get('t-0')?.logEndOffset, 20)
  })

  test('a partition created again under a removed name starts with nothing of the old one, also when the process dies', async () => {
    const world = new World()
    const directory = await world.opened()
    const log = await directory.create('t', 0, topicId, config)
    for (let i = 0; i < 60; i++) log.appendAsLeader(makeBatch({ valueBytes: 100 }), 1, 0)
    await log.flush()
    await directory.writeCheckpoints(() => 60)
    directory.remove('t', 0)
    const other = await directory.create('t', 0, 'ZzCdEfGhIjKlMnOpQrStUv', config)
    assert.deepEqual([other.logEndOffset, directory.checkpointedHighWatermark('t', 0)], [0, 0])
    world.disk.kill()
    world.files.closeAll()
    const again = await world.opened()
    assert.deepEqual([again.logs.get('t-0')?.logEndOffset, again.checkpointedHighWatermark('t', 0)], [0, 0])
    assert.equal(again.removeDeleted(), true)
    assert.equal(again.removeDeleted(), false)
    assert.deepEqual(
      world.disk.list('data').filter((name) => name.startsWith('t-')),
      ['t-0'],
    )
  })

  test('leaves foreign names alone and refuses names that are no topics', async () => {
    const world = new World()
    for (const name of ['lost+found', '__cluster_metadata-0', 't-01', 'x-0.00-stray', 'no-partition-'])
      world.disk.makeDirectory(`data/${name}`)
    const directory = await world.opened()
    assert.equal(directory.logs.size, 0)
    for (const name of ['../x', '..', '', 'a/b', 'x'.repeat(250), 'ü']) {
      await assert.rejects(directory.create(name, 0, topicId, config), RangeError)
    }
    await assert.rejects(directory.create('t', -1, topicId, config), RangeError)
  })

  test('goes offline with the first sync that fails', async () => {
    const world = new World()
    const directory = await world.opened()
    const log = await directory.create('t', 0, topicId, config)
    log.appendAsLeader(makeBatch(), 1, 0)
    world.disk.fault = (action) => (action === 'sync' ? 'EIO' : null)
    await assert.rejects(log.flush(), { code: 'EIO' })
    world.disk.fault = () => null
    assert.equal(world.offline?.code, 'EIO')
    await assert.rejects(
      directory.writeCheckpoints(() => null),
      { code: 'EIO' },
    )
    await assert.rejects(
      directory.closeCleanly(() => null, 5),
      { code: 'EIO' },
    )
    assert.equal((await world.opened()).cleanShutdown, false)
  })

  test('a corrupt partition does not keep the others from opening', async () => {
    const world = new World()
    const directory = await world.opened()
    for (const topic of ['a', 'b']) {
      const log = await directory.create(topic, 0, topicId, config)
      for (let i = 0; i < 10; i++) log.appendAsLeader(makeBatch(), 1, 0)
      await log.flush()
    }
    await directory.writeCheckpoints(() => null)
    world.disk.kill()
    world.files.closeAll()
    world.disk.open('data/a-0/00000000000000000000.log', { create: false }).write(200, [Buffer.from('rot')])
    const again = world.open()
    const { logs, failed } = await again.openAll(() => config)
    assert.deepEqual([logs.length, failed.length, failed[0]?.topic, failed[0]?.error.name], [1, 1, 'a', 'CorruptLogError'])
  })

  test('goes offline when its disk fails while a log is opened; want of room is no such failure', async () => {
    for (const [code, isOffline] of [
      ['EIO', true],
      ['ENOSPC', false],
    ] as const) {
      const world = new World()
      const directory = await world.opened()
      const log = await directory.create('t', 0, topicId, config)
      log.appendAsLeader(makeBatch(), 0, 0)
      directory.abandon()
      world.disk.kill()
      world.disk.removeTree('data/t-0/00000000000000000000.index')
      world.disk.fault = (_action, path) => (path.startsWith('data/t-0/') ? code : null)
      const { failed } = await world.open().openAll(() => config)
      assert.equal(failed.length, 1)
      assert.equal(world.offline?.code ?? null, isOffline ? code : null)
    }
  })

  test('a thousand empty partitions cost few calls, no open file, and no sync', async () => {
    const world = new World()
    const directory = await world.opened()
    world.disk.calls.clear()
    for (let i = 0; i < 1000; i++) (await directory.create('many', i, topicId, config)).assignEpochStart(0, 0)
    const calls = [...world.disk.calls.values()].reduce((sum, count) => sum + count, 0)
    assert.ok(calls <= 10_000, `${calls} calls`)
    assert.equal(world.files.size, 0)
    for (let i = 0; i < 1000; i++) directory.logs.get(`many-${i}`)?.appendAsLeader(makeBatch(), 1, 0)
    assert.ok(world.files.size <= 50)
  })
})

describe('a sync that fails on the way', () => {
  test('when the torn end of a log is cut: the directory is offline, and the log is not tried again', async () => {
    const world = new World()
    const directory = await world.opened()
    const log = await directory.create('t', 0, topicId, config)
    log.appendAsLeader(makeBatch(), 1, 0)
    await log.flush()
    const file = world.disk.open('data/t-0/00000000000000000000.log', { create: false })
    file.write(file.size(), [Buffer.alloc(30, 1)])
    world.disk.kill()
    world.files.closeAll()
    world.disk.fault = (action, path) => (action === 'sync' && path.endsWith('.log') ? 'EIO' : null)
    const again = world.open()
    const { failed } = await again.openAll(() => config)
    assert.equal(failed.length, 1)
    assert.equal(world.offline?.code, 'EIO')
    world.disk.fault = () => null
    await assert.rejects(again.create('t', 0, topicId, config), { code: 'EIO' })
  })

  test('when a checkpoint forgets what was removed: the directory is offline', async () => {
    const world = new World()
    const directory = await world.opened()
    const log = await directory.create('t', 0, topicId, config)
    log.appendAsLeader(makeBatch(), 1, 0)
    log.roll(0)
    await log.flush()
    await directory.writeCheckpoints(() => 1)
    directory.remove('t', 0)
    world.disk.fault = (action, path) => (action === 'sync' && path.includes('checkpoint') ? 'EIO' : null)
    await assert.rejects(directory.create('t', 0, topicId, config), { code: 'EIO' })
    assert.equal(world.offline?.code, 'EIO')
  })
})
