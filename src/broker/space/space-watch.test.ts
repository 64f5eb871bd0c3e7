import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ErrorCode } from '../../protocol/errors.ts'
import { batchOf, createTopic, produceRaw } from '../../sim/cluster-requests.ts'
import { ClusterWorld } from '../../sim/cluster-world.ts'

/** Three nodes with an idle topic of one partition, and one of its followers. */
async function idle(seed: number) {
  const world = new ClusterWorld(3, seed)
  await world.startAll()
  await createTopic(world, 't', 3)
  await produceRaw(world, world.leaderOf('t', 0), { topic: 't', partition: 0 }, batchOf('a'), { acks: -1 })
  const follower = [1, 2, 3].find((id) => id !== world.leaderOf('t', 0)) ?? 0
  const { disk } = world.node(follower)
  const isr = () => world.partition('t', 0)?.isr ?? []
  const lines = (event: string) => world.lines.filter((line) => line.includes(`node ${follower}`) && line.includes(event)).length
  return { world, follower, disk, isr, lines }
}

describe('the room of a broker', () => {
  test('that ends takes an idle replica out of its in-sync set, once and not by turns', async () => {
    const { world, follower, disk, isr, lines } = await idle(1)
    disk.spaceBytes = disk.usedSpace() + 10_000
    await world.clock.advance(20_000)
    assert.equal(isr().includes(follower), false)
    assert.equal(lines('replicas-left'), 1)
    assert.equal(lines('log-directory-full'), 1)
    assert.equal(lines('append-failed'), 0)
  })

  test('that comes and goes within a moment leaves no idle replica out', async () => {
    for (const fullMs of [500, 1_000, 1_003, 1_010, 1_500, 2_000, 2_010]) {
      const { world, disk, isr } = await idle(fullMs)
      disk.spaceBytes = disk.usedSpace() + 10_000
      await world.clock.advance(fullMs)
      disk.spaceBytes = Infinity
      await world.clock.advance(8_000)
      assert.equal(isr().length, 3, `full for ${fullMs} ms`)
    }
  })

  test('that a write did not find is tried again after a while, with a file that does not stay', async () => {
    const { world, follower, disk, isr, lines } = await idle(3)
    const leader = world.leaderOf('t', 0)
    let refuses = true
    world.node(leader).disk.fault = (action, path) =>
      refuses && action === 'write' && path.endsWith('.log') && path.includes('/t-0/') ? 'EDQUOT' : null
    const { errorCode } = await produceRaw(world, leader, { topic: 't', partition: 0 }, batchOf('b'), { acks: -1 })
    assert.equal(errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
    await world.clock.advance(1_000)
    assert.notEqual(world.leaderOf('t', 0), leader)
    refuses = false
    await world.clock.advance(8_000)
    assert.equal(isr().length, 3)
    assert.equal(lines('log-directory-full'), 0)
    assert.deepEqual(
      disk.list(`/data/${follower}`).filter((name) => name.includes('trial')),
      [],
    )
    assert.equal(world.node(leader).disk.exists(`/data/${leader}/.odradek-trial`), false)
  })

  test('that was lacking when a topic was made is used for it when it is there', async () => {
    const { world, follower, disk } = await idle(4)
    disk.fault = (action, path) => (path.includes('/u-0') && action !== 'remove' ? 'ENOSPC' : null)
    await createTopic(world, 'u', 3)
    await world.clock.advance(2_000)
    assert.equal(disk.exists(`/data/${follower}/u-0`), false)
    disk.fault = () => null
    await world.until(() => world.partition('u', 0)?.isr.includes(follower) === true && disk.exists(`/data/${follower}/u-0`), 15_000)
    await produceRaw(world, world.leaderOf('u', 0), { topic: 'u', partition: 0 }, batchOf('b'), { acks: -1 })
    assert.equal(world.recordsOf(follower, 'u', 0).length, 1)
  })
})
