import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Member, World } from './quorum-world.test.ts'

async function cluster(seed: number, count = 3): Promise<World> {
  const world = new World(seed)
  for (let id = 1; id <= count; id += 1) await world.start(id)
  await world.until('a leader', () => world.leaders().length === 1)
  return world
}

function leaderOf(world: World): Member {
  const [leader] = world.leaders()
  assert.ok(leader !== undefined)
  return leader
}

test('one of three is elected, what it appends reaches all, and the znodes are the fold of it', async () => {
  const world = await cluster(1)
  const leader = leaderOf(world)
  assert.equal(leader.host.leading, 1)
  for (let at = 0; at < 40; at += 1) {
    leader.host.write(5)
    await world.run(5)
  }
  await world.until('all to have it', () => world.settled())
  assert.ok(world.history.records.length > 60)
  world.checkZnodes()
  assert.equal([...world.members.values()].filter((it) => it.host.snapshots > 0).length, 1, 'only the leader began with a snapshot')
})

test('a leader that stops is replaced at once, and those who have it all go on without a snapshot', async () => {
  const world = await cluster(2)
  const leader = leaderOf(world)
  leader.host.write(20)
  await world.until('all to have it', () => world.settled())
  const stopped = world.clock.mono()
  await leader.quorum.stop()
  world.kill(leader.id)
  await world.until('another leader', () => world.leaders().length === 1)
  assert.ok(world.clock.mono() - stopped < 200)
  assert.equal(leaderOf(world).host.leading, 2)
  leaderOf(world).host.write(20)
  await world.until('all to have it', () => world.settled())
  for (const member of world.members.values()) assert.equal(member.host.snapshots, member.host.leading >= 0 ? 1 : 0)
  world.checkZnodes()
})

test('a leader that dies is replaced when its session is over, and not before', async () => {
  const world = await cluster(3)
  const died = world.clock.mono()
  world.kill(leaderOf(world).id)
  await world.until('another leader', () => world.leaders().length === 1)
  const gap = world.clock.mono() - died
  assert.ok(gap > 1_900 && gap < 3_300, `after ${gap} ms`)
})

test('a leader that hears nothing leads no more before another can', async () => {
  const world = await cluster(4)
  const leader = leaderOf(world)
  leader.host.write(5)
  await world.run(50)
  const silentAt = world.clock.mono()
  leader.client?.stall(4_000)
  leader.host.write(5)
  while (leader.quorum.leads(1)) {
    await world.run(10)
    assert.ok(world.leaders().length <= 1)
  }
  assert.ok(world.clock.mono() - silentAt <= 3_000)
  await world.until('it to lead again, or another', () => world.leaders().length === 1)
  await world.until('all to have it', () => world.settled())
  world.checkZnodes()
})

test('a connection that is lost while batches are under way costs neither a batch nor the leadership', async () => {
  for (let seed = 10; seed < 30; seed += 1) {
    const world = await cluster(seed, 1)
    const leader = leaderOf(world)
    leader.host.write(10)
    for (let at = 0; at < 10; at += 1) {
      leader.host.write(7)
      await world.run(world.prng.below(6))
      leader.client?.cut(world.prng.below(30))
      leader.host.write(3)
    }
    await world.until('all to be committed', () => world.settled())
    assert.equal(leader.host.leading, 1, world.lines.join('\n'))
    world.checkZnodes()
  }
})

test('without an ensemble nobody leads, and all comes back by itself with it', async () => {
  const world = await cluster(5)
  leaderOf(world).host.write(10)
  await world.until('all to have it', () => world.settled())
  world.ensemble.up = false
  for (const client of world.ensemble.clients) client.stall()
  await world.run(20_000)
  assert.equal(world.leaders().length, 0)
  world.ensemble.up = true
  await world.until('a leader', () => world.leaders().length === 1)
  leaderOf(world).host.write(10)
  await world.until('all to have it', () => world.settled())
  world.checkZnodes()
})

test('the leader is told to give way by taking /controller away, as with Kafka', async () => {
  const world = await cluster(6)
  world.ensemble.carryOut(0n, [{ op: 'delete', path: '/controller', version: -1 }])
  await world.until('the next epoch', () => world.leaders()[0]?.host.leading === 2)
})

test('a batch that is too large for one multi is whole after a crash anywhere in it, or not there', async () => {
  let journals = 0
  for (let seed = 40; seed < 44; seed += 1) {
    const world = await cluster(seed, 2)
    const leader = leaderOf(world)
    leader.host.write(3)
    await world.until('all to have it', () => world.settled())
    leader.host.writeTopic(1000)
    await world.run(world.prng.below(60))
    world.kill(leader.id)
    await world.until('another leader', () => world.leaders().length === 1)
    leaderOf(world).host.write(5)
    await world.until('all to have it', () => world.settled())
    await world.run(200)
    world.checkZnodes()
    const left = [...world.ensemble.texts()].filter(([path]) => path.startsWith('/odradek/journal/'))
    assert.deepEqual(left, [])
    journals += world.journals
  }
  assert.ok(journals > 1, `${journals} multis with a journal`)
})

test('a cluster of Apache Kafka is left alone', async () => {
  const world = new World(7)
  world.ensemble.carryOut(0n, [{ op: 'create', path: '/controller_epoch', data: Buffer.from('7'), mode: 'persistent' }])
  const refused: string[] = []
  const member = await world.start(1, (error) => refused.push(error.message))
  await world.run(1_000)
  assert.match(refused[0] ?? '', /holds a cluster of Apache Kafka.*chroot/)
  assert.equal(member.host.leading, -1)
  assert.equal([...world.ensemble.texts()].length, 1)
})
