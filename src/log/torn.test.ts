import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LogWorld, makeBatch } from '../sim/log-world.ts'

const batches = 10

/** Ten batches of one size in one segment, whose process has died; then its file is changed. */
async function died(change: (content: Buffer, size: number) => Buffer) {
  const world = new LogWorld()
  const log = await world.open({ config: { ...world.config, segmentBytes: 1_000_000 } })
  for (let i = 0; i < batches; i++) log.appendAsLeader(makeBatch({ producerId: 7, baseSequence: i }), 1, 0)
  log.abandon()
  const [name] = world.disk.list('logs/t-0').filter((it) => it.endsWith('.log'))
  const file = world.disk.open(`logs/t-0/${name ?? ''}`, { create: false })
  const content = Buffer.alloc(file.size())
  file.read(0, content)
  const after = change(content, content.length / batches)
  file.truncate(after.length)
  file.write(0, [after])
  file.close()
  return world
}

const start = { recoveryPoint: 0, onCorruption: 'refuse', machineRanOn: true } as const

function flip(at: number, content: Buffer): Buffer {
  content.writeUInt8((content[at] ?? 0) ^ 1, at)
  return content
}

function misplaced(content: Buffer, size: number): Buffer {
  content.copy(content, 4 * size, 5 * size, 6 * size)
  return content
}

describe('a log whose process has died while the machine ran on', () => {
  test('ends with its last whole batch, wherever the last write was cut off', async () => {
    for (const left of [1, 16, 17, 60, 61, 64]) {
      const world = await died((content, size) => content.subarray(0, 9 * size + left))
      assert.equal((await world.open(start)).logEndOffset, 9, `${left} bytes`)
    }
  })

  const rot: readonly (readonly [string, (content: Buffer, size: number) => Buffer])[] = [
    ['a flipped bit in the middle', (content, size) => flip(4 * size + 63, content)],
    ['a flipped bit in its last batch', (content, size) => flip(9 * size + 63, content)],
    ['a length that reaches beyond the end, in the middle', (content, size) => flip(4 * size + 9, content)],
    ['a length that reaches beyond the end, in its last batch', (content, size) => flip(9 * size + 9, content)],
    ['a block of zeros', (content, size) => content.fill(0, 9 * size)],
    ['a magic that is none', (content, size) => flip(9 * size + 16, content)],
    ['a batch of later in the place of another', (content, size) => misplaced(content, size)],
  ]
  for (const [name, change] of rot) {
    test(`is not cut for ${name}`, async () => {
      const world = await died(change)
      await assert.rejects(world.open(start), /which no process leaves that dies/)
    })

    test(`is cut for ${name} when the machine has not run on`, async () => {
      const world = await died(change)
      assert.ok((await world.open({ ...start, machineRanOn: false })).logEndOffset < batches)
    })
  }
})
