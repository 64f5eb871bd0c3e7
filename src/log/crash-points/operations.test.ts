import assert from 'node:assert/strict'
import type { LogConfig } from '../log-config.ts'
import { type CrashWorld, otherTopicId } from './fixture.test.ts'

/** Something that a log directory does, from a state that is the same each time. */
export interface Operation {
  readonly name: string
  readonly config?: Partial<LogConfig>
  /** Not part of what is cut off: all that it wrote is there and durable, as far as `run` does not say otherwise. */
  readonly prepare: (world: CrashWorld) => Promise<void>
  readonly run: (world: CrashWorld) => Promise<void>
}

/** A log with some segments, all of it durable. */
async function filled(world: CrashWorld, batches = 14): Promise<void> {
  await world.create('t')
  for (let i = 0; i < batches; i++) {
    if (i % 5 === 4) world.knownOf('t').epoch += 1
    world.append('t', { producerId: i % 3, records: 1 + (i % 4), valueBytes: 40 + (i % 3) * 120, timestamp: 1_000_000 + i * 10 })
  }
  await world.flush('t')
  await world.checkpoint()
}

const hour = 3_600_000

export const operations: readonly Operation[] = [
  {
    name: 'a partition is made and written',
    prepare: async () => undefined,
    run: async (world) => {
      await world.create('t')
      for (let i = 0; i < 3; i++) world.append('t', { producerId: 1 })
      await world.flush('t')
      await world.checkpoint()
    },
  },
  {
    name: 'append',
    prepare: (world) => filled(world, 3),
    run: async (world) => {
      world.append('t', { producerId: 1 })
      world.append('t', { valueBytes: 1000, records: 2 })
      world.append('t', { producerId: 7, valueBytes: 300 })
    },
  },
  {
    name: 'append of one large batch over many sectors',
    config: { segmentBytes: 20_000 },
    prepare: (world) => filled(world, 3),
    run: async (world) => {
      world.append('t', { valueBytes: 5000, records: 2, producerId: 1 })
      await world.flush('t')
    },
  },
  {
    name: 'roll by size, with flush of what was rolled and checkpoint',
    prepare: (world) => filled(world, 3),
    run: async (world) => {
      for (let i = 0; i < 12; i++) world.append('t', { valueBytes: 250, producerId: i % 2 })
      await world.directory.flushRolled()
      await world.checkpoint()
    },
  },
  {
    name: 'roll by time',
    config: { segmentMs: hour },
    prepare: (world) => filled(world, 3),
    run: async (world) => {
      world.clock.now += 2 * hour
      assert.ok(world.log('t').rollIfDue(world.clock.now))
      world.append('t', { timestamp: world.clock.now, producerId: 2 })
      world.append('t', { timestamp: world.clock.now + 2 * hour })
      await world.directory.flushRolled()
    },
  },
  {
    name: 'roll by a full index',
    config: { segmentIndexBytes: 24, indexIntervalBytes: 1, segmentBytes: 1 << 20 },
    prepare: (world) => filled(world, 2),
    run: async (world) => {
      for (let i = 0; i < 8; i++) world.append('t', { producerId: 1 })
      await world.flush('t')
    },
  },
  {
    name: 'truncation within a segment, and other batches after it',
    prepare: filled,
    run: async (world) => {
      const at = world.knownOf('t').end - 2
      world.knownOf('t').truncates(at)
      world.log('t').truncateTo(world.knownOf('t').end)
      for (let i = 0; i < 3; i++) world.append('t', { valueBytes: 90, producerId: 4 })
      await world.flush('t')
      await world.checkpoint()
    },
  },
  {
    name: 'truncation over several segments, and other batches after it',
    prepare: (world) => filled(world, 30),
    run: async (world) => {
      const known = world.knownOf('t')
      known.truncates(known.batches[8]?.end ?? 0)
      world.log('t').truncateTo(known.end)
      for (let i = 0; i < 3; i++) world.append('t', { valueBytes: 90, producerId: 4 })
      await world.flush('t')
    },
  },
  {
    name: 'truncation of everything to a later start',
    prepare: filled,
    run: async (world) => {
      const known = world.knownOf('t')
      const start = known.end + 100
      known.restartsAt(start)
      world.log('t').truncateFullyAndStartAt(start)
      for (let i = 0; i < 3; i++) world.append('t', { producerId: 4 })
      await world.flush('t')
      await world.checkpoint()
    },
  },
  {
    name: 'retention by size',
    prepare: (world) => filled(world, 30),
    run: async (world) => {
      const log = world.log('t')
      log.config = { ...log.config, retentionBytes: 3000 }
      world.knownOf('t').startAtMost = log.logEndOffset
      assert.ok(log.deleteOldSegments(log.logEndOffset, world.clock.now) > 0)
      await world.checkpoint()
    },
  },
  {
    name: 'retention by time, of all there is',
    config: { retentionMs: hour },
    prepare: filled,
    run: async (world) => {
      world.clock.now += 2 * hour
      const log = world.log('t')
      world.knownOf('t').startAtMost = log.logEndOffset
      assert.ok(log.deleteOldSegments(log.logEndOffset, world.clock.now) > 0)
      await world.checkpoint()
      world.append('t', { timestamp: world.clock.now })
      await world.flush('t')
    },
  },
  {
    name: 'DeleteRecords, and the checkpoint of the log start',
    prepare: (world) => filled(world, 20),
    run: async (world) => {
      const known = world.knownOf('t')
      const offset = (known.batches[12]?.base ?? 0) + 1
      known.startAtMost = offset
      assert.ok(world.log('t').advanceLogStartOffset(offset))
      await world.checkpoint()
      world.append('t')
      known.startAtMost = known.end
      world.log('t').advanceLogStartOffset(known.end)
      await world.checkpoint()
    },
  },
  {
    name: 'flush and checkpoints while it is written',
    prepare: filled,
    run: async (world) => {
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 4; j++) world.append('t', { valueBytes: 150, producerId: j })
        await world.flush('t')
        world.append('t')
        await world.checkpoint()
      }
    },
  },
  {
    name: 'a new leader epoch and its checkpoint',
    prepare: filled,
    run: async (world) => {
      for (let i = 0; i < 3; i++) {
        world.knownOf('t').epoch += 2
        world.append('t')
        world.log('t').saveEpochs()
      }
      await world.flush('t')
    },
  },
  {
    name: 'producer snapshots of many producers',
    prepare: (world) => filled(world, 3),
    run: async (world) => {
      for (let i = 0; i < 30; i++) world.append('t', { producerId: 100 + i, records: 1 })
      world.log('t').roll(world.clock.now)
      for (let i = 0; i < 10; i++) world.append('t', { producerId: 100 + i, records: 1 })
      await world.flush('t')
      await world.checkpoint()
    },
  },
  {
    name: 'a topic is deleted: renamed at once, removed later',
    prepare: filled,
    run: async (world) => {
      await world.create('u')
      world.append('u')
      await world.flush('u')
      world.knownOf('t').mustExist = false
      world.directory.remove('t', 0)
      await world.checkpoint()
      while (world.directory.removeDeleted());
      await world.checkpoint()
    },
  },
  {
    name: 'a topic is deleted and made again under its name',
    prepare: filled,
    run: async (world) => {
      world.knownOf('t').mustExist = false
      world.directory.remove('t', 0)
      await world.create('t', otherTopicId)
      while (world.directory.removeDeleted());
      await world.checkpoint()
    },
  },
  {
    name: 'a clean shutdown',
    prepare: filled,
    run: async (world) => {
      for (let i = 0; i < 5; i++) world.append('t', { producerId: 1, valueBytes: 150 })
      await world.directory.closeCleanly((log) => log.logEndOffset, 7)
    },
  },
  {
    name: 'a start after a clean shutdown',
    prepare: async (world) => {
      await filled(world)
      await world.directory.closeCleanly((log) => log.logEndOffset, 7)
      world.crash(null)
    },
    run: async (world) => {
      await world.open()
      world.append('t', { producerId: 1 })
      await world.flush('t')
      await world.checkpoint()
    },
  },
]
