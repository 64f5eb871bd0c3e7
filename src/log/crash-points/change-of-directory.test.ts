import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DiskError } from '../../base/ports.ts'
import { Prng } from '../../base/prng.ts'
import { silentLog, StillClock } from '../../sim/log-world.ts'
import { MemoryDisk } from '../../sim/memory-disk.ts'
import { defaultLogConfig } from '../log-config.ts'
import { LogDirectory } from '../log-directory.ts'
import { OpenFiles } from '../open-files.ts'
import type { PartitionLog } from '../partition-log.ts'
import { TailBudget } from '../tail.ts'
import { checkLog, Known, topicId } from './fixture.test.ts'

const powerSeeds = Number(process.env['CRASH_SEEDS'] ?? '3')
const config = { ...defaultLogConfig, segmentBytes: 2500, indexIntervalBytes: 200 }

/** A log that moves from one directory to another: before its copy takes its place metadata says that it is in the other one. */
class Moving {
  readonly disk = new MemoryDisk()
  readonly clock = new StillClock()
  readonly known = new Known()
  private directories: readonly LogDirectory[] = []

  constructor() {
    for (const path of ['a', 'b']) this.disk.makeDirectory(path)
    void this.disk.syncDirectory('')
  }

  get a(): LogDirectory {
    return this.at(0)
  }

  get b(): LogDirectory {
    return this.at(1)
  }

  private at(index: number): LogDirectory {
    const directory = this.directories[index]
    assert.ok(directory !== undefined)
    return directory
  }

  async open(): Promise<void> {
    const files = new OpenFiles(this.disk, 6)
    const opened: LogDirectory[] = []
    for (const path of ['a', 'b']) {
      const directory = LogDirectory.open(
        { clock: this.clock, disk: this.disk, log: silentLog },
        {
          path,
          shared: { files, tail: new TailBudget({ tailBytesMax: 0, tailBytesPerLogMax: 0 }) },
          producerIdExpirationMs: 86_400_000,
          onCorruption: 'refuse',
          openConcurrency: 2,
        },
      )
      const { failed } = await directory.openAll(() => config)
      for (const { error } of failed) throw error
      opened.push(directory)
    }
    this.directories = opened
  }

  /** A log with some segments and a copy of a part of it. */
  async prepare(): Promise<void> {
    await this.open()
    const log = await this.a.create('t', 0, topicId, config)
    for (let i = 0; i < 12; i++) this.known.append(log, { producerId: i % 3, records: 1 + (i % 4), valueBytes: 40 + (i % 3) * 120 })
    await log.flush()
    this.known.flushed(log)
    const future = await this.b.createFuture(log, topicId)
    await copy(log, future)
    await future.flush()
    for (const directory of [this.a, this.b]) await directory.writeCheckpoints((it) => it.flushedOffset)
  }

  async run(): Promise<void> {
    const { a, b, known } = this
    const log = a.logs.get('t-0')
    const future = b.futures.get('t-0')
    assert.ok(log !== undefined && future !== undefined)
    for (let i = 0; i < 6; i++) known.append(log, { producerId: 4, valueBytes: 150 })
    await log.flush()
    known.flushed(log)
    await copy(log, future)
    await future.flush()
    known.append(log, { producerId: 4 })
    await copy(log, future)
    const next = b.promoteFuture(log, a)
    known.append(next, { producerId: 4, valueBytes: 150 })
    await next.flush()
    known.flushed(next)
    a.removeReplaced('t', 0)
    known.append(next, { producerId: 4 })
    while (a.removeDeleted());
    for (const directory of [a, b]) await directory.writeCheckpoints((it) => it.flushedOffset)
    known.append(next, { producerId: 4 })
  }

  crash(seed: number | null): void {
    if (seed === null) this.disk.kill()
    else this.disk.crash(new Prng(seed))
  }

  /** Where a broker looks for it: where metadata says, otherwise where it is. */
  log(): PartitionLog {
    const log = this.b.logs.get('t-0') ?? this.a.logs.get('t-0')
    assert.ok(log !== undefined, 'the log is in neither directory')
    return log
  }
}

async function copy(from: PartitionLog, to: PartitionLog): Promise<void> {
  while (to.logEndOffset < from.logEndOffset) {
    const got = await from.read(to.logEndOffset, 2_000, from.logEndOffset, true)
    assert.ok(got.kind === 'read')
    for (const records of got.records) assert.equal(to.appendAsFollower(records, 99).kind, 'appended')
  }
}

async function prepared(): Promise<Moving> {
  const world = new Moving()
  await world.prepare()
  return world
}

async function cutOff(world: Moving, change: number, sectors: number, work: () => Promise<void>): Promise<void> {
  world.disk.crashAfter(world.disk.changes + change, sectors)
  try {
    await work()
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
  }
}

async function pointsOf(world: Moving, work: () => Promise<void>): Promise<readonly (readonly [change: number, sectors: number])[]> {
  const points: [number, number][] = []
  const first = world.disk.changes
  world.disk.onChange = (action, _path, sectors) => {
    for (let torn = 0; torn < (action === 'write' ? sectors : 1); torn++) points.push([world.disk.changes - first, torn])
  }
  await work()
  world.disk.onChange = () => undefined
  return [...points, [world.disk.changes - first, 0]]
}

async function check(world: Moving, died: boolean): Promise<void> {
  await world.open()
  const log = world.log()
  await checkLog(log, world.known, died)
  // As a broker does, and once more from there
  if (world.a.logs.get('t-0') !== log) world.a.remove('t', 0)
  const end = log.logEndOffset
  const epoch = log.latestEpoch + 1
  world.known.epoch = epoch
  world.known.append(log, { records: 2 })
  await log.flush()
  await world.a.closeCleanly(() => null, 1)
  await world.b.closeCleanly(() => null, 1)
  world.crash(null)
  await world.open()
  assert.deepEqual([world.log().logEndOffset, world.log().latestEpoch], [end + 2, epoch])
}

test('a log that changes its directory is in one of them, with all that was promised, after a crash at any point and at any of the recovery', async () => {
  const whole = await prepared()
  const points = await pointsOf(whole, () => whole.run())
  assert.ok(points.length > 60, `${points.length} points`)
  const seeds: readonly (number | null)[] = [null, ...Array.from({ length: powerSeeds }, (_unused, i) => i + 1)]
  let recoveries = 0
  for (const [i, [change, sectors]] of points.entries()) {
    for (const seed of seeds) {
      const where = `${seed === null ? 'death' : `loss of power ${seed}`} at ${change}+${sectors}`
      try {
        const world = await again(change, sectors, seed)
        await check(world, seed === null)
        if (i % 8 === 0) recoveries += await crashInRecovery(change, sectors, seed)
      } catch (error) {
        throw new Error(`${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
      }
    }
  }
  assert.ok(recoveries > 0)
})

async function again(change: number, sectors: number, seed: number | null): Promise<Moving> {
  const world = await prepared()
  await cutOff(world, change, sectors, () => world.run())
  world.crash(seed)
  return world
}

/** How many points there were. */
async function crashInRecovery(change: number, sectors: number, seed: number | null): Promise<number> {
  const first = await again(change, sectors, seed)
  const points = await pointsOf(first, () => first.open())
  for (const [at, torn] of points) {
    const world = await again(change, sectors, seed)
    await cutOff(world, at, torn, () => world.open())
    world.crash(seed)
    await check(world, seed === null)
  }
  return points.length
}
