import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeId } from '../../base/units.ts'
import { DIRECTORY_LOST } from '../../metadata/partition-image.ts'
import { apis } from '../../protocol/apis.ts'
import { ask, createTopic, requestMs, textsOf } from '../../sim/cluster-requests.ts'
import { ClusterWorld } from '../../sim/cluster-world.ts'

const limit = { timeoutMs: requestMs }
const place = { topic: 't', partition: 0 }
const count = 40
const expected = Array.from({ length: count }, (_unused, at) => `value ${String(at).padStart(4, '0')} ${'x'.repeat(130_000)}`)

/** Records of one size, in segments of some of them. No node has any of it in memory: all were stopped in order and started again. */
async function filled(seed: number, replicas = 3, properties: Readonly<Record<string, string>> = {}) {
  const world = new ClusterWorld(3, seed, properties)
  await world.startAll()
  await createTopic(world, 't', replicas, { 'segment.bytes': '1048576' })
  const client = world.client()
  for (const value of expected) await world.run(client.produce(place, [{ value: Buffer.from(value) }], limit))
  for (const id of [1, 2, 3]) await restart(world, id, replicas)
  return world
}

async function restart(world: ClusterWorld, id: NodeId, replicas: number, between = (): void => {}): Promise<void> {
  const { life } = world.node(id)
  assert.ok(life !== null)
  await world.run(life.broker.stop().then(() => life.controller.stop()))
  world.kill(id)
  between()
  world.start(id)
  await world.untilAllServe(20_000)
  await world.until(() => isrOf(world).length === replicas && world.leaderOf('t', 0) >= 0, 30_000)
}

const isrOf = (world: ClusterWorld) => world.partition('t', 0)?.isr ?? []
const rootOf = (world: ClusterWorld, id: NodeId) => world.node(id).config.logDirs[0] ?? ''
const strays = (world: ClusterWorld, id: NodeId) =>
  world
    .node(id)
    .disk.list(rootOf(world, id))
    .filter((name) => name.endsWith('-stray'))

function files(world: ClusterWorld, id: NodeId, suffix: string): readonly string[] {
  const folder = `${rootOf(world, id)}/t-0`
  return world
    .node(id)
    .disk.list(folder)
    .filter((name) => name.endsWith(suffix))
    .map((name) => `${folder}/${name}`)
}

/** Damages a file under the hands of whoever has it. */
function damage(world: ClusterWorld, id: NodeId, path: string, change: (content: Buffer) => Buffer): void {
  const file = world.node(id).disk.open(path, { create: false })
  const content = Buffer.alloc(file.size())
  file.read(0, content)
  const after = change(content)
  file.truncate(after.length)
  file.write(0, [after])
  file.close()
}

const batchBytes = (content: Buffer): number => content.readInt32BE(8) + 12

const damages: readonly (readonly [string, (content: Buffer) => Buffer])[] = [
  [
    'a flipped bit in a record',
    (content) => {
      const at = batchBytes(content) * 2 + 70
      content.writeUInt8((content[at] ?? 0) ^ 8, at)
      return content
    },
  ],
  [
    'a flipped bit in an offset that no checksum covers',
    (content) => {
      const at = batchBytes(content) * 2 + 7
      content.writeUInt8((content[at] ?? 0) ^ 1, at)
      return content
    },
  ],
  [
    'a flipped sign of a leader epoch, which no checksum covers',
    (content) => {
      const at = batchBytes(content) * 2 + 12
      content.writeUInt8((content[at] ?? 0) ^ 0x80, at)
      return content
    },
  ],
  ['a block of zeros', (content) => content.fill(0, 100, 300)],
  ['a file that was cut', (content) => content.subarray(0, batchBytes(content) * 3)],
  [
    'a valid batch of before in the place of another',
    (content) => {
      const size = batchBytes(content)
      content.copy(content, size * 3, size, size * 2)
      return content
    },
  ],
  [
    'a valid batch of after in the place of another',
    (content) => {
      const size = batchBytes(content)
      content.copy(content, size, size * 3, size * 4)
      return content
    },
  ],
]

/** What is looked at when the log is opened. */
function spoilEnd(world: ClusterWorld, id: NodeId): void {
  const last = files(world, id, '.log').findLast((path) => world.node(id).disk.readSmall(path).length > 0) ?? ''
  damage(world, id, last, (content) => content.fill(0x55, content.length - 5))
}

async function allRecords(world: ClusterWorld): Promise<readonly string[]> {
  const client = world.client()
  const texts: string[] = []
  while (texts.length < count) {
    const { records } = await world.run(client.fetch(place, texts.length, { ...limit, maxWaitMs: 100 }))
    texts.push(...textsOf(records))
  }
  client.close()
  return texts
}

for (const [name, change] of damages) {
  test(`a leader that comes across ${name} hands over, is fetched again, and nobody is given anything of it`, async () => {
    const world = await filled(1)
    const id = world.leaderOf('t', 0)
    damage(world, id, files(world, id, '.log')[1] ?? '', change)
    assert.deepEqual(await allRecords(world), expected)
    await world.until(() => strays(world, id).length === 1, 10_000)
    assert.notEqual(world.leaderOf('t', 0), id)
    await world.until(() => isrOf(world).length === 3, 30_000)
    assert.equal(world.partition('t', 0)?.directories.includes(DIRECTORY_LOST), false)
    const bytes = [1, 2, 3].map((node) => Buffer.concat(files(world, node, '.log').map((path) => world.node(node).disk.readSmall(path))))
    assert.ok(
      bytes.every((it) => it.equals(bytes[0] ?? Buffer.alloc(0))),
      'all replicas are the same again',
    )
  })
}

test('rot below the recovery point that a start comes across is no torn tail: nothing is cut, the replica is fetched again', async () => {
  const world = await filled(2)
  const id = [1, 2, 3].find((it) => it !== world.leaderOf('t', 0)) ?? 1
  await restart(world, id, 3, () => spoilEnd(world, id))
  assert.equal(strays(world, id).length, 1)
  assert.deepEqual(await allRecords(world), expected)
})

test('a log that does not open for its rot, of a topic that was deleted meanwhile, is set aside', async () => {
  const world = await filled(6)
  const id = [1, 2, 3].find((it) => it !== world.leaderOf('t', 0)) ?? 1
  const { life } = world.node(id)
  assert.ok(life !== null)
  await world.run(life.broker.stop().then(() => life.controller.stop()))
  world.kill(id)
  spoilEnd(world, id)
  const other = id === 1 ? 2 : 1
  await ask(world, other, apis.deleteTopics, { topics: [{ name: 't' }], timeoutMs: requestMs })
  world.start(id)
  await world.untilAllServe(20_000)
  await world.until(() => strays(world, id).length === 1, 10_000)
  assert.equal(world.node(id).disk.exists(`${rootOf(world, id)}/t-0`), false)
})

test('a log that does not open for its rot, and that nobody could make up for, is set aside when its topic is deleted', async () => {
  const world = await filled(8, 1)
  const id = world.leaderOf('t', 0)
  const { life } = world.node(id)
  assert.ok(life !== null)
  await world.run(life.broker.stop().then(() => life.controller.stop()))
  world.kill(id)
  spoilEnd(world, id)
  world.start(id)
  await world.untilAllServe(20_000)
  assert.deepEqual(strays(world, id), [])
  assert.equal(world.node(id).disk.exists(`${rootOf(world, id)}/t-0`), true)
  await ask(world, id === 1 ? 2 : 1, apis.deleteTopics, { topics: [{ name: 't' }], timeoutMs: requestMs })
  await world.until(() => strays(world, id).length === 1, 10_000)
  assert.equal(world.node(id).disk.exists(`${rootOf(world, id)}/t-0`), false)
})

test('the only replica serves what is sound, refuses the rest, and keeps everything', async () => {
  const world = await filled(3, 1)
  const id = world.leaderOf('t', 0)
  damage(world, id, files(world, id, '.log')[1] ?? '', (content) => content.fill(0, 100, 200))
  const client = world.client()
  const first = await world.run(client.fetch(place, 0, { ...limit, maxWaitMs: 100 }))
  assert.ok(textsOf(first.records).length > 0)
  const second = Number(/(\d{20})\.log$/.exec(files(world, id, '.log')[1] ?? '')?.[1])
  await assert.rejects(world.run(client.fetch(place, second, { timeoutMs: 1_000, maxWaitMs: 100 })), /CORRUPT_MESSAGE/)
  const third = Number(/(\d{20})\.log$/.exec(files(world, id, '.log')[2] ?? '')?.[1])
  const after = await world.run(client.fetch(place, third, { ...limit, maxWaitMs: 100 }))
  assert.equal(textsOf(after.records)[0], expected[third])
  assert.deepEqual([world.leaderOf('t', 0), strays(world, id)], [id, []])
  assert.ok(world.lines.some((line) => line.includes('no other replica is in sync, so nothing is thrown away')))
})

test('an index that leads astray is dropped, and the replica stays', async () => {
  const world = await filled(4)
  const id = world.leaderOf('t', 0)
  for (const path of files(world, id, '.index')) {
    damage(world, id, path, (content) => {
      for (let at = 7; at < content.length; at += 8) content.writeUInt8((content[at] ?? 0) ^ 1, at)
      return content
    })
  }
  const client = world.client()
  for (let offset = 0; offset < count; offset += 3) {
    const { records } = await world.run(client.fetch(place, offset, { ...limit, maxWaitMs: 100 }))
    assert.ok(textsOf(records).includes(expected[offset] ?? ''))
  }
  assert.deepEqual([world.leaderOf('t', 0), strays(world, id)], [id, []])
  assert.ok(world.lines.some((line) => line.includes('does not fit its log')))
})

test('the scrubber finds what nobody reads, on a follower too, and the replica is fetched again', async () => {
  const properties = { 'odradek.log.scrub.interval.ms': '2000', 'odradek.log.scrub.bytes.per.second': '100000000' }
  const world = await filled(5, 3, properties)
  const id = [1, 2, 3].find((it) => it !== world.leaderOf('t', 0)) ?? 1
  await world.clock.advance(5_000)
  assert.deepEqual(
    [1, 2, 3].flatMap((it) => strays(world, it)),
    [],
    'what is sound stays',
  )
  damage(world, id, files(world, id, '.log')[0] ?? '', (content) => content.fill(1, 500, 501))
  await world.until(() => strays(world, id).length === 1, 5_000)
  await world.until(() => isrOf(world).length === 3, 30_000)
  assert.equal(world.partition('t', 0)?.directories.includes(DIRECTORY_LOST), false)
  assert.deepEqual(await allRecords(world), expected)
})

test('what the disk does not give any more is rot too', async () => {
  const properties = { 'odradek.log.scrub.interval.ms': '2000', 'odradek.log.scrub.bytes.per.second': '100000000' }
  const world = await filled(6, 3, properties)
  const id = world.leaderOf('t', 0)
  const path = files(world, id, '.log')[2] ?? ''
  world.node(id).disk.readFault = (it) => (it === path && strays(world, id).length === 0 ? 'EIO' : null)
  await world.until(() => strays(world, id).length === 1, 10_000)
  await world.until(() => isrOf(world).length === 3, 30_000)
  assert.deepEqual(await allRecords(world), expected)
})
