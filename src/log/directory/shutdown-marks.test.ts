import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DiskError } from '../../base/ports.ts'
import { Prng } from '../../base/prng.ts'
import { MemoryDisk } from '../../sim/memory-disk.ts'
import { silentLog, StillClock } from '../../sim/log-world.ts'
import { ShutdownMarks } from './shutdown-marks.ts'

class World {
  readonly disk = new MemoryDisk()

  constructor() {
    this.disk.makeDirectory('data')
    void this.disk.syncDirectory('')
  }

  /** The next process. */
  marks(disk = this.disk): ShutdownMarks {
    return new ShutdownMarks({ clock: new StillClock(), disk, log: silentLog }, 'data')
  }

  /** What the next process finds. */
  async found() {
    const { clean, brokerEpoch } = await this.marks().take()
    return [clean, brokerEpoch]
  }
}

describe('the marks of a log directory', () => {
  test('of a directory in which nobody ran say nothing', async () => {
    assert.deepEqual(await new World().found(), [false, -1])
  })

  test('of a broker that was killed count in the same run of the machine, and not after a loss of power', async () => {
    const world = new World()
    await world.marks().noteRunning(12)
    world.disk.kill()
    assert.deepEqual(await world.found(), [false, 12])
    assert.deepEqual(await world.found(), [false, 12], 'killed again before it has registered')
    world.disk.crash(new Prng(1))
    assert.deepEqual(await world.found(), [false, -1])
  })

  test('of a clean shutdown count after a loss of power too, once as such', async () => {
    const world = new World()
    const marks = world.marks()
    await marks.noteRunning(12)
    await marks.noteClean(12)
    world.disk.crash(new Prng(1))
    assert.deepEqual(await world.found(), [true, 12])
    world.disk.kill()
    assert.deepEqual(await world.found(), [false, 12], 'killed before it registered: nothing was lost')
    world.disk.crash(new Prng(1))
    assert.deepEqual(await world.found(), [false, -1])
  })

  test('of a broker that stopped before it registered keep the epoch that it found', async () => {
    const world = new World()
    await world.marks().noteClean(12)
    const marks = world.marks()
    await marks.take()
    await marks.noteClean(-1)
    assert.deepEqual(await world.found(), [true, 12])
  })

  test('are gone after an I/O error, but not because the disk was full', async () => {
    const world = new World()
    const full = world.marks()
    await full.noteRunning(12)
    full.onFailure(new DiskError('ENOSPC', 'data/t-0', 'write'))
    assert.deepEqual(await world.found(), [false, 12])
    const broken = world.marks()
    broken.onFailure(new DiskError('EIO', 'data/t-0', 'sync'))
    await broken.noteRunning(13)
    assert.deepEqual(await world.found(), [false, -1])
  })

  test('that cannot be written, or make no sense, count as a loss', async () => {
    const world = new World()
    await world.marks().noteRunning(12)
    world.disk.fault = (action) => (action === 'write' ? 'ENOSPC' : null)
    await world.marks().noteRunning(13)
    world.disk.fault = () => null
    assert.deepEqual(await world.found(), [false, 12], 'which is not the epoch of the last registration')
    for (const text of ['', '[]', '{"version":0,"brokerEpoch":12}', '{"version":0,"bootId":"boot 1","brokerEpoch":"12"}']) {
      await world.disk.replaceSmall('data/.odradek_running', text)
      assert.deepEqual(await world.found(), [false, -1])
    }
  })

  test('of a machine that does not tell its runs are those of clean shutdowns only', async () => {
    const world = new World()
    const mute = Object.assign(world.disk, { bootId: () => null })
    await world.marks(mute).noteRunning(12)
    assert.deepEqual(await world.found(), [false, -1])
    await world.marks(mute).noteClean(13)
    assert.deepEqual(await world.found(), [true, 13])
  })
})
