import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QuorumWorld } from '../sim/quorum-world.ts'

async function elected(world: QuorumWorld, limitMs = 2_000) {
  await world.until(() => world.leader() !== null, limitMs)
  const leader = world.leader()
  assert.ok(leader !== null)
  return leader
}

async function startAll(world: QuorumWorld, ids: readonly number[]) {
  for (const id of ids) await world.start(id)
}

function append(world: QuorumWorld, text: string): number {
  const leader = world.leader()
  assert.ok(leader !== null, 'somebody leads')
  const offset = leader.node.append(leader.witness.leading, [Buffer.from(text)])
  assert.ok(offset !== null, 'the leader appends')
  return offset
}

const everyoneHas = (world: QuorumWorld, count: number) => () =>
  [...world.members.values()].every((member) => member.server === null || member.witness.values.length === count)

test('a lone voter leads at once and commits by itself', async () => {
  const world = new QuorumWorld(1, 1)
  await world.start(1)
  const leader = await elected(world, 50)
  append(world, 'a')
  await world.until(() => leader.witness.values.length === 1, 20)
})

test('three voters and an observer elect a leader soon after the second voter is there, and all see what is committed', async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const world = new QuorumWorld(3, seed)
    await world.start(1)
    await world.clock.advance(1_000)
    await world.start(2)
    const took = await world.until(() => world.leader() !== null, 400)
    assert.ok(took <= 150, `a leader after ${took} ms with seed ${seed}`)
    await world.start(3)
    const observer = await world.start(4)
    for (let i = 0; i < 20; i += 1) append(world, `value ${i}`)
    await world.until(() => observer.witness.values.length === 20 && everyoneHas(world, 20)(), 1_000)
    assert.equal(observer.witness.leaders.at(-1)?.id, world.leader()?.id)
    assert.equal(observer.witness.leaders.at(-1)?.endpoint?.port, 9190 + (world.leader()?.id ?? 0))
  }
})

test('a killed leader is replaced within a quarter of a second, and comes back as a follower', async () => {
  const gaps: number[] = []
  for (let seed = 1; seed <= 15; seed += 1) {
    const world = new QuorumWorld(3, seed)
    await startAll(world, [1, 2, 3])
    const old = await elected(world)
    append(world, 'before')
    await world.until(everyoneHas(world, 1), 500)
    await world.clock.advance(3_000)
    world.kill(old.id, true)
    gaps.push(await world.until(() => world.leader() !== null, 3_000))
    append(world, 'after')
    await world.start(old.id)
    await world.until(everyoneHas(world, 2), 2_000)
  }
  gaps.sort((a, b) => a - b)
  assert.ok((gaps[7] ?? Infinity) <= 150, `half of the gaps within 150 ms: ${gaps.join(' ')}`)
  assert.ok((gaps.at(-1) ?? Infinity) <= 500, `all of the gaps within 500 ms: ${gaps.join(' ')}`)
})

test('a leader that is stopped dead is replaced about a fetch timeout later, and learns of it when it wakes', async () => {
  for (let seed = 1; seed <= 5; seed += 1) {
    const world = new QuorumWorld(3, seed)
    await startAll(world, [1, 2, 3])
    const old = await elected(world)
    await world.clock.advance(2_000)
    world.freeze(old.id)
    const took = await world.until(() => [...world.members.values()].some((it) => it !== old && it.witness.leading >= 0), 3_000)
    assert.ok(took <= 1_500, `a leader after ${took} ms`)
    world.thaw(old.id)
    await world.until(() => old.witness.leading < 0 && old.node.leader.id !== old.id && old.node.leader.id > 0, 2_000)
  }
})

test('a leader that is asked to stop hands over at once', async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const world = new QuorumWorld(3, seed)
    await startAll(world, [1, 2, 3])
    const old = await elected(world)
    await world.clock.advance(1_000)
    const start = world.clock.mono()
    const stopping = old.node.stop()
    await world.until(() => [...world.members.values()].some((it) => it !== old && it.witness.leading >= 0), 1_000)
    const took = world.clock.mono() - start
    assert.ok(took <= 40, `handed over in ${took} ms`)
    await world.until(() => old.node.describe() !== '', 10)
    await world.clock.advance(1_500)
    await stopping
  }
})

test('appends from within the listener are taken, and an append of a past epoch is not', async () => {
  const world = new QuorumWorld(3, 5)
  await startAll(world, [1, 2, 3])
  for (const member of world.members.values()) {
    member.witness.onLeading = (epoch) => {
      assert.equal(member.node.append(epoch, [Buffer.from('x'), Buffer.from('y')]), member.node.logEndOffset - 1)
    }
  }
  const leader = await elected(world)
  assert.equal(leader.node.append(leader.witness.leading - 1, [Buffer.from('z')]), null)
  await world.until(everyoneHas(world, 2), 500)
  leader.node.resign(leader.witness.leading)
  await world.until(() => leader.witness.leading < 0, 50)
  leader.node.redeliver()
  assert.deepEqual(leader.witness.values.slice(0, 2), ['x', 'y'])
})

test('a voter that was away long gets a snapshot and then the log; so does a new observer', async () => {
  const world = new QuorumWorld(3, 7)
  await startAll(world, [1, 2, 3])
  const leader = await elected(world)
  const away = [1, 2, 3].find((id) => id !== leader.id) ?? 0
  append(world, 'value 0')
  await world.until(everyoneHas(world, 1), 500)
  world.kill(away, true)
  for (let round = 0; round < 3; round += 1) {
    for (let i = 0; i < 50; i += 1) append(world, `round ${round} value ${i}`)
    await world.until(() => leader.witness.endOffset === leader.node.logEndOffset, 500)
    const values = leader.witness.values.map((value) => Buffer.from(value))
    let written = false
    void leader.node.writeSnapshot(leader.witness.endOffset, [values.slice(0, 10), values.slice(10)]).then(() => (written = true))
    await world.until(() => written, 500)
    assert.equal(leader.node.bytesSinceSnapshot, 0)
  }
  append(world, 'last')
  const back = await world.start(away)
  const observer = await world.start(9)
  await world.until(() => back.witness.values.length === 152 && observer.witness.values.length === 152, 2_000)
  assert.equal(back.witness.snapshots, 1)
  assert.equal(observer.witness.snapshots, 1)
  assert.deepEqual(back.witness.values, leader.witness.values)
  leader.node.redeliver()
  assert.equal(leader.witness.values.length, 152)
})

test('all three lose power at once: what was committed is there when they are back, snapshots included', async () => {
  for (let seed = 1; seed <= 5; seed += 1) {
    const world = new QuorumWorld(3, seed)
    await startAll(world, [1, 2, 3])
    const leader = await elected(world)
    for (let i = 0; i < 30; i += 1) append(world, `value ${i}`)
    await world.until(() => leader.witness.values.length === 30, 500)
    let written = false
    void leader.node
      .writeSnapshot(leader.witness.endOffset, [leader.witness.values.map((value) => Buffer.from(value))])
      .then(() => (written = true))
    await world.until(() => written, 500)
    append(world, 'one more')
    await world.until(() => leader.witness.values.length === 31, 500)
    for (const id of [1, 2, 3]) world.kill(id, true)
    await startAll(world, [1, 2, 3])
    await elected(world)
    await world.until(everyoneHas(world, 31), 2_000)
  }
})

test('a disk that fails is told of once, and the node says no more', async () => {
  const failures: string[] = []
  const world = new QuorumWorld(3, 3, { onFailure: (error) => failures.push(error.code) })
  await startAll(world, [1, 2, 3])
  const leader = await elected(world)
  leader.disk.fault = (action) => (action === 'sync' ? 'EIO' : null)
  append(world, 'lost')
  await world.until(() => failures.length === 1, 100)
  assert.equal(leader.node.append(leader.witness.leading, [Buffer.from('more')]), null)
  await world.until(() => [...world.members.values()].some((it) => it !== leader && it.witness.leading >= 0), 3_000)
  assert.deepEqual(failures, ['EIO'])
})
