import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DiskError } from '../../base/ports.ts'
import { ManualClock } from '../../sim/manual-clock.ts'
import { MemoryDisk } from '../../sim/memory-disk.ts'
import { Ballast, ballastFileName } from './ballast.ts'
import { BallastedDisk } from './ballasted-disk.ts'

const kibibyte = 1024

function setUp(bytes = 64 * kibibyte) {
  const clock = new ManualClock()
  const disk = new MemoryDisk({ spaceBytes: 100 * 64 * kibibyte })
  disk.makeDirectory('/m')
  const lines: string[] = []
  const log = { write: (_level: string, event: string) => void lines.push(event) }
  const ballast = new Ballast({ clock, disk, log }, '/m', bytes)
  const size = () => (disk.exists(`/m/${ballastFileName}`) ? disk.readSmall(`/m/${ballastFileName}`).length : 0)
  const fill = () => {
    disk.open('/m/filler', { create: true }).write(0, [Buffer.alloc(disk.space().free)])
  }
  return { clock, disk, ballast, lines, size, fill, ballasted: new BallastedDisk(disk, ballast, 'all') }
}

describe('the ballast', () => {
  test('is taken at the start, no more than a fortieth of the disk', async () => {
    const { ballast, clock, size } = setUp()
    ballast.start()
    await clock.advance(10)
    assert.equal(size(), 64 * kibibyte)
    const large = setUp(100 * 64 * kibibyte)
    large.ballast.start()
    await large.clock.advance(10)
    assert.equal(large.size(), 160 * kibibyte)
  })

  test('is given up for a write that finds no room, and the write is made whole', async () => {
    const { ballast, ballasted, clock, disk, size, fill, lines } = setUp()
    ballast.start()
    await clock.advance(10)
    fill()
    const file = ballasted.open('/m/log', { create: true })
    file.write(0, [Buffer.alloc(1000, 7)])
    assert.deepEqual(disk.readSmall('/m/log'), Buffer.alloc(1000, 7))
    assert.equal(size(), 0)
    ballasted.replaceSmallSync('/m/quorum-state', 'vote')
    await ballasted.replaceSmall('/m/checkpoint', 'offsets')
    await file.writeAsync(1000, [Buffer.alloc(10)])
    assert.equal(disk.readSmall('/m/quorum-state').toString(), 'vote')
    assert.deepEqual(lines, ['ballast-given-up'])
  })

  test('gives room for no more than its size: then a write fails as on any full disk', async () => {
    const { ballast, ballasted, clock, fill } = setUp()
    ballast.start()
    await clock.advance(10)
    fill()
    const file = ballasted.open('/m/log', { create: true })
    assert.throws(() => file.write(0, [Buffer.alloc(65 * kibibyte)]), { code: 'ENOSPC' })
  })

  test('is taken again when four times its size is free, and not while the disk is full', async () => {
    const { ballast, clock, disk, size, fill } = setUp()
    ballast.start()
    await clock.advance(10)
    fill()
    ballast.giveUp(new DiskError('ENOSPC', '/m/log', 'write'))
    await clock.advance(10_000)
    assert.equal(size(), 0)
    disk.remove('/m/filler')
    await clock.advance(2_100)
    assert.equal(size(), 64 * kibibyte)
    ballast.stop()
  })

  test('is left alone by writes of records where only small files may have it, and by other failures', async () => {
    const { ballast, clock, disk, size, fill } = setUp()
    ballast.start()
    await clock.advance(10)
    fill()
    const small = new BallastedDisk(disk, ballast, 'small files')
    assert.throws(() => small.open('/m/0.log', { create: true }).write(0, [Buffer.alloc(10)]), { code: 'ENOSPC' })
    disk.fault = (action) => (action === 'write' ? 'EIO' : null)
    assert.throws(() => small.replaceSmallSync('/m/checkpoint', 'x'), { code: 'EIO' })
    disk.fault = () => null
    assert.equal(size(), 64 * kibibyte)
    small.replaceSmallSync('/m/checkpoint', 'x')
    assert.equal(size(), 0)
  })
})
