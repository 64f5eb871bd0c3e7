import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durablePointFileName } from '../quorum/durable-point.ts'
import { QuorumWorld } from './quorum-world.ts'

const folder = (id: number): string => `/data/${id}/__cluster_metadata-0`

async function filled(voters: number): Promise<QuorumWorld> {
  const world = new QuorumWorld(voters, 1)
  for (let id = 1; id <= voters; id += 1) await world.start(id)
  await world.until(() => world.leader() !== null, 5_000)
  for (let value = 0; value < 20; value += 1) {
    const leader = world.leader()
    leader?.node.append(leader.witness.leading, [Buffer.from(`value ${value} ${'x'.repeat(100)}`)])
    await world.clock.advance(20)
  }
  return world
}

/** A bit in the middle of the log, which was synced. */
function spoil(world: QuorumWorld, id: number): void {
  const { disk } = world.member(id)
  const name = disk.list(folder(id)).find((it) => it.endsWith('.log')) ?? ''
  const file = disk.fileAt(`${folder(id)}/${name}`)
  assert.ok(file !== undefined && file.size > 1_000)
  const at = file.size >> 1
  const byte = Buffer.alloc(1)
  file.read(at, byte)
  file.rot(at, Buffer.of((byte[0] ?? 0) ^ 4))
}

test('a voter whose log has rot below its durable point does not vote until it has everything again', async () => {
  const world = await filled(3)
  const leader = world.leader()?.id ?? 1
  const [spoilt = 2, other = 3] = [1, 2, 3].filter((it) => it !== leader)
  world.kill(spoilt)
  spoil(world, spoilt)
  world.kill(leader)
  await world.start(spoilt)
  await world.clock.advance(8_000)
  assert.equal(world.leader(), null, 'who has lost something elects nobody')
  assert.equal(world.member(spoilt).witness.values.length, 0)
  await world.start(leader)
  await world.until(() => world.member(spoilt).witness.values.length === 20, 8_000)
  await world.until(() => world.lines.some((it) => it.includes('metadata-log-restored')), 8_000)
  const now = world.leader()?.id ?? 0
  world.kill(now)
  await world.until(() => world.leader() !== null, 8_000)
  assert.ok([spoilt, other, leader].includes(world.leader()?.id ?? 0), 'it votes again')
})

test('what is torn above the durable point is cut, and the voter votes', async () => {
  const world = await filled(3)
  world.kill(2)
  const { disk } = world.member(2)
  const name = disk.list(folder(2)).find((it) => it.endsWith('.log')) ?? ''
  const file = disk.fileAt(`${folder(2)}/${name}`)
  file?.write(file.size, Buffer.alloc(40, 7))
  await world.start(2)
  assert.ok(!world.lines.some((it) => it.includes('metadata-log-rotten')))
})

test('the only voter does not start on rot, keeps what it has, and says what can be done', async () => {
  const world = await filled(1)
  world.kill(1)
  spoil(world, 1)
  const { disk } = world.member(1)
  const logs = (): readonly string[] => disk.list(folder(1)).filter((it) => it.endsWith('.log'))
  const before = logs().map((name) => disk.readSmall(`${folder(1)}/${name}`))
  await assert.rejects(world.start(1), /only voter.*restore/)
  const after = logs().map((name) => disk.readSmall(`${folder(1)}/${name}`))
  assert.deepEqual(after, before)
  assert.ok(disk.exists(`${folder(1)}/${durablePointFileName}`))
})
