import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World } from './quorum-world.test.ts'

/**
 * Random lives of a few controllers over one ensemble: they append while connections break, fall silent, sessions expire, processes die and come back and the
 * ensemble is away. Held against the rules at every step: an epoch has one owner, only the owner of the newest one is heard, nobody leads beside another,
 * every listener is told what was accepted in the order in which it was; at the end all have all of it, and the znodes are its fold.
 */
const seeds = Number(process.env['ODRADEK_SEEDS'] ?? 10)
const steps = 60

async function step(world: World): Promise<void> {
  const { prng } = world
  const members = [...world.members.values()]
  for (const member of members) if (prng.chance(0.7)) member.host.write(prng.below(6))
  assert.ok(world.leaders().length <= 1, 'one leads at most')
  const victim = prng.pick(members)
  const what = prng.below(20)
  if (what < 4) victim.client?.cut(prng.below(200))
  else if (what === 4) victim.client?.cut(prng.between(2_500, 4_000))
  else if (what === 5) victim.client?.stall()
  else if (what === 6) victim.client?.stall(prng.below(5_000))
  else if (what === 7) victim.quorum.resign(victim.host.leading)
  else if (what === 8) await restart(world, victim.id, prng.chance(0.5))
  else if (what === 9) victim.host.writeTopic(prng.pick([1, 10, 900]))
  else if (what === 10 && prng.chance(0.3)) await outage(world)
  await world.run(prng.pick([1, 5, 20, 100, 700]))
}

async function restart(world: World, id: number, kill: boolean): Promise<void> {
  if (!kill) await world.members.get(id)?.quorum.stop()
  world.kill(id)
  await world.run(world.prng.below(300))
  await world.start(id)
}

async function outage(world: World): Promise<void> {
  world.ensemble.up = false
  for (const client of world.ensemble.clients) client.stall()
  await world.run(world.prng.below(6_000))
  world.ensemble.up = true
}

test(`${seeds} lives of controllers over ZooKeeper break no rule`, async () => {
  let records = 0
  let epochs = 0
  for (let seed = 1; seed <= seeds; seed += 1) {
    const world = new World(seed * 31)
    try {
      for (let id = 1; id <= 3; id += 1) await world.start(id)
      for (let at = 0; at < steps; at += 1) await step(world)
      await world.until('a leader, and all to have what it has', () => world.leaders().length === 1 && world.settled())
      await world.run(300)
      world.checkZnodes()
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}\n${world.lines.slice(-20).join('\n')}`, { cause: error })
    }
    records += world.history.records.length
    epochs += world.owners.size
  }
  assert.ok(records > seeds * 20 && epochs > seeds * 2, `${records} records in ${epochs} epochs`)
})
