import assert from 'node:assert/strict'
import type { Stand } from './stand.ts'
import type { Trial } from './trials.ts'

const none = Buffer.alloc(0)
const text = (it: string): Buffer => Buffer.from(it)

async function below(stand: Stand): Promise<void> {
  const watcher = stand.client()
  const writer = stand.client()
  await watcher.zk.create('/w', none, 'persistent')
  await watcher.zk.create('/other', none, 'persistent')
  await watcher.zk.watch('/w')
  await writer.zk.create('/w/a', none, 'persistent')
  await writer.zk.create('/other/x', none, 'persistent')
  await writer.zk.create('/w/a/b', none, 'persistent')
  await writer.zk.set('/w/a/b', text('1'), -1)
  await writer.zk.set('/w/a/b', text('2'), -1)
  await writer.zk.multi([
    { op: 'delete', path: '/w/a/b', version: -1 },
    { op: 'delete', path: '/w/a', version: -1 },
  ])
  await watcher.zk.sync('/w')
  const expected = ['created /w/a', 'created /w/a/b', 'changed /w/a/b', 'changed /w/a/b', 'deleted /w/a/b', 'deleted /w/a']
  assert.deepEqual(watcher.events, expected)
}

async function beforeItIsRead(stand: Stand): Promise<void> {
  const watcher = stand.client()
  const writer = stand.client()
  await watcher.zk.create('/w', text('0'), 'persistent')
  await watcher.zk.watch('/w')
  let seen = 0
  for (let at = 1; at <= 50; at += 1) {
    const written = writer.zk.set('/w', text(`${at}`), -1)
    const { stat } = await watcher.zk.get('/w')
    assert.ok(watcher.events.length >= stat.version, `version ${stat.version} was read after ${watcher.events.length} events`)
    seen = Math.max(seen, stat.version)
    await written
  }
  await watcher.zk.sync('/w')
  assert.equal(watcher.events.length, 50)
}

async function ofNothing(stand: Stand): Promise<void> {
  const { zk, events } = stand.client()
  await zk.watch('/later')
  await zk.create('/later', none, 'persistent')
  await zk.create('/later/a', none, 'ephemeral')
  await zk.delete('/later/a', 0)
  assert.deepEqual(events, ['created /later', 'created /later/a', 'deleted /later/a'])
}

async function whatWasMissed(stand: Stand): Promise<void> {
  const watcher = stand.client()
  const writer = stand.client()
  for (const path of ['/w', '/w/kept', '/w/changed', '/w/deleted', '/w/parent']) await writer.zk.create(path, none, 'persistent')
  await watcher.zk.sync('/')
  await watcher.zk.watch('/w')
  await watcher.zk.watch('/z')
  for (const name of await watcher.zk.children('/w')) await watcher.zk.get(`/w/${name}`)
  await watcher.zk.children('/w/parent')
  assert.equal(await watcher.zk.exists('/w/missing'), null)
  assert.equal(await watcher.zk.exists('/z'), null)
  watcher.network.silence()
  await writer.zk.set('/w/changed', text('1'), -1)
  await writer.zk.delete('/w/deleted', -1)
  await writer.zk.create('/w/parent/child', none, 'persistent')
  await writer.zk.create('/w/missing', none, 'persistent')
  await writer.zk.create('/z', none, 'persistent')
  assert.equal(watcher.events.length, 0)
  watcher.network.drop()
  watcher.network.mend()
  assert.equal((await watcher.zk.get('/w/changed')).data.toString(), '1')
  await watcher.zk.sync('/')
  for (const event of ['changed /w/changed', 'deleted /w/deleted', 'childrenChanged /w/parent', 'created /w/missing', 'created /z'])
    assert.ok(watcher.events.includes(event), `${event} in ${watcher.events.join(', ')}`)
  assert.ok(!watcher.events.some((it) => it.endsWith('/w/kept')))
  assert.ok(watcher.events.includes('childrenChanged /w'))
}

async function afterwards(stand: Stand): Promise<void> {
  const watcher = stand.client()
  const writer = stand.client()
  await writer.zk.create('/w', none, 'persistent')
  await writer.zk.create('/w/a', none, 'persistent')
  await watcher.zk.sync('/')
  await watcher.zk.watch('/w')
  await watcher.zk.get('/w/a')
  for (let round = 0; round < 3; round += 1) {
    watcher.network.drop()
    await watcher.zk.children('/w')
    watcher.events.length = 0
    await writer.zk.set('/w/a', text(`${round}`), -1)
    await writer.zk.set('/w/a', text(`${round}`), -1)
    await writer.zk.create(`/w/b${round}`, none, 'persistent')
    await watcher.zk.sync('/')
    const told = watcher.events.filter((it) => !it.startsWith('childrenChanged'))
    assert.deepEqual(told, ['changed /w/a', 'changed /w/a', `created /w/b${round}`])
  }
}

export const watchTrials: readonly Trial[] = [
  { name: 'a watch tells of all that happens at a node and below it, and of nothing else', run: below },
  { name: 'an event comes before the answer that shows it', run: beforeItIsRead },
  { name: 'a node that is not there yet can be watched', run: ofNothing },
  { name: 'what was missed without a connection is told on the next one', run: whatWasMissed },
  { name: 'watches go on after the connection was lost', run: afterwards },
]
