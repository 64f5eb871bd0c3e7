import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { DiskError } from '../../base/ports.ts'
import { checkLog, CrashWorld } from './fixture.test.ts'
import { type Operation, operations } from './operations.test.ts'

/** More on demand: what a loss of power leaves is drawn so many times at every point. */
const powerSeeds = Number(process.env['CRASH_SEEDS'] ?? '3')
/** The recovery from the crash at every so manieth point is cut off in its turn, at each of its points; from every one on demand. */
const recoveryStride = Number(process.env['CRASH_STRIDE'] ?? '6')

interface Point {
  readonly change: number
  readonly sectors: number
}

/** All changes to the disk that `work` makes, each at every border of a sector within. */
async function pointsOf(world: CrashWorld, work: () => Promise<unknown>): Promise<readonly Point[]> {
  const points: Point[] = []
  const first = world.disk.changes
  world.disk.onChange = (action, _path, sectors) => {
    const change = world.disk.changes - first
    for (let torn = 0; torn < (action === 'write' ? sectors : 1); torn++) points.push({ change, sectors: torn })
  }
  await work()
  world.disk.onChange = () => undefined
  // And after the last one.
  return [...points, { change: world.disk.changes - first, sectors: 0 }]
}

async function prepared(operation: Operation): Promise<CrashWorld> {
  const world = new CrashWorld(operation.config ?? {})
  await world.open()
  world.knownOf('t')
  await operation.prepare(world)
  return world
}

/** False when the crash came before its end. */
async function cutOff(world: CrashWorld, point: Point, work: () => Promise<unknown>): Promise<boolean> {
  world.disk.crashAfter(world.disk.changes + point.change, point.sectors)
  try {
    await work()
    return true
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    return false
  }
}

async function check(world: CrashWorld, died: boolean): Promise<void> {
  const directory = await world.open()
  while (directory.removeDeleted());
  assert.deepEqual(
    world.disk.list('data').filter((name) => name.endsWith('-delete')),
    [],
  )
  await checkLogs(world, died)
  await checkShortCuts(world)
  await checkLogs(world, died)
  await checkGoesOn(world)
}

async function checkLogs(world: CrashWorld, died: boolean): Promise<void> {
  for (const [topic, known] of world.known) {
    const log = world.directory.logs.get(`${topic}-0`)
    if (log === undefined || log.topicId === null) {
      assert.ok(!known.mustExist || (known.durable === 0 && !died) || known.end === 0, `${topic} is gone`)
      continue
    }
    if (known.mustExist || log.logEndOffset > 0) await checkLog(log, known, died)
    const litter = world.disk.list(log.directory).filter((name) => /\.(deleted|cleaned|swap|tmp)$/.test(name))
    assert.deepEqual(litter, [])
  }
}

/** What is derived from the batches is what they say: without it the log opens the same (S-3). */
async function checkShortCuts(world: CrashWorld): Promise<void> {
  const described = describeAll(world)
  world.crash(null)
  for (const topic of world.known.keys()) {
    const folder = `data/${topic}-0`
    if (!world.disk.exists(folder)) continue
    for (const name of world.disk.list(folder)) if (name.endsWith('index')) world.disk.remove(`${folder}/${name}`)
  }
  await world.open()
  assert.deepEqual(describeAll(world), described, 'indexes were a short cut only')
}

/** But for the epochs, which `checkLog` compares with the batches. */
function describeAll(world: CrashWorld): readonly unknown[] {
  const logs = [...world.directory.logs].sort(([a], [b]) => (a < b ? -1 : 1))
  return logs.map(([, log]) => ({ ...log.describe(), flushed: 0, epochs: [] }))
}

/** It takes appends, closes in order, and is the same when it is opened again. */
async function checkGoesOn(world: CrashWorld): Promise<void> {
  for (const log of world.directory.logs.values()) {
    const known = world.knownOf(log.topic)
    known.epoch = log.latestEpoch + 1
    known.append(log, { records: 3 })
  }
  const described = describeAll(world)
  await world.directory.closeCleanly((log) => log.logEndOffset, 1)
  world.crash(null)
  await world.open()
  assert.deepEqual(describeAll(world), described, 'as it was closed')
}

/** One crash, then (when there is a second point) one in the recovery. Returns the points of that recovery. */
async function oneCrash(operation: Operation, point: Point, seed: number | null, again: Point | null): Promise<readonly Point[]> {
  const world = await prepared(operation)
  await cutOff(world, point, () => operation.run(world))
  world.crash(seed)
  if (again !== null) {
    await cutOff(world, again, () => world.open())
    world.crash(seed)
    await check(world, seed === null)
    return []
  }
  const points = await pointsOf(world, () => world.open())
  world.crash(null)
  await check(world, seed === null)
  return points
}

interface Row {
  readonly name: string
  readonly points: number
  readonly torn: number
  crashes: number
  inRecovery: number
}

async function enumerate(operation: Operation): Promise<Row> {
  const whole = await prepared(operation)
  const points = await pointsOf(whole, () => operation.run(whole))
  const row = {
    name: operation.name,
    points: points.length,
    torn: points.filter(({ sectors }) => sectors > 0).length,
    crashes: 0,
    inRecovery: 0,
  }
  const seeds: readonly (number | null)[] = [null, ...Array.from({ length: powerSeeds }, (_, i) => i + 1)]
  for (const [i, point] of points.entries()) {
    for (const seed of seeds) {
      const where = `${operation.name}: ${seed === null ? 'death' : `loss of power ${seed}`} at change ${point.change}+${point.sectors}`
      const recovery = await told(where, () => oneCrash(operation, point, seed, null))
      row.crashes += 1
      // The second crash at all points of the recovery from a death, and from one loss of power.
      if ((seed !== null && seed > 1) || i % recoveryStride !== 0) continue
      for (const again of recovery) {
        await told(`${where}, then ${again.change}+${again.sectors} of the recovery`, () => oneCrash(operation, point, seed, again))
        row.inRecovery += 1
      }
    }
  }
  return row
}

async function told<T>(where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new Error(`${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

describe('after a crash at any point, and at any point of the recovery from it, a log directory is sound', () => {
  const rows: Row[] = []
  for (const operation of operations) {
    test(operation.name, async () => {
      const row = await enumerate(operation)
      rows.push(row)
      assert.ok(row.points > 2)
    })
  }
  after(() => {
    const lines = rows.map(
      ({ name, points, torn, crashes, inRecovery }) => `| ${name} | ${points} | ${torn} | ${crashes} | ${inRecovery} |`,
    )
    console.log(
      ['| operation | points | of these within a write | crashes | crashes in the recovery |', '|---|---|---|---|---|', ...lines].join(
        '\n',
      ),
    )
  })
})
