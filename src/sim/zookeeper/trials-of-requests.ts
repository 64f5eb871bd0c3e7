import assert from 'node:assert/strict'
import type { ZNode, ZooKeeperErrorCode } from '../../zookeeper/zookeeper.ts'
import type { Stand } from './stand.ts'
import type { Trial } from './trials.ts'

const none = Buffer.alloc(0)
const text = (it: string): Buffer => Buffer.from(it)

export function rejectsWith(code: ZooKeeperErrorCode, promise: Promise<unknown>, at = -1): Promise<void> {
  return assert.rejects(promise, { name: 'ZooKeeperError', code, at })
}

async function nodes(stand: Stand): Promise<void> {
  const { zk } = stand.client()
  assert.equal(await zk.create('/a', text('one'), 'persistent'), '/a')
  const first = await zk.get('/a')
  assert.equal(first.data.toString(), 'one')
  assert.equal(first.stat.version, 0)
  assert.equal(first.stat.czxid, first.stat.mzxid)
  assert.equal((await zk.set('/a', text('two'), 0)).version, 1)
  const second = await zk.get('/a')
  assert.equal(second.data.toString(), 'two')
  assert.ok(second.stat.mzxid > first.stat.mzxid)
  await zk.create('/a/b', none, 'persistent')
  await zk.create('/a/c', none, 'persistent')
  assert.deepEqual([...(await zk.children('/a'))].sort(), ['b', 'c'])
  assert.equal((await zk.exists('/a'))?.childCount, 2)
  assert.equal(await zk.exists('/nothing'), null)
  await zk.delete('/a/b', -1)
  assert.deepEqual(await zk.children('/a'), ['c'])
  assert.deepEqual(await zk.children('/'), ['a'])
}

async function refusals(stand: Stand): Promise<void> {
  const { zk } = stand.client()
  await zk.create('/a', none, 'persistent')
  await zk.create('/a/b', none, 'persistent')
  await zk.create('/e', none, 'ephemeral')
  await rejectsWith('nodeExists', zk.create('/a', none, 'persistent'))
  await rejectsWith('noNode', zk.create('/x/y', none, 'persistent'))
  await rejectsWith('noChildrenForEphemerals', zk.create('/e/y', none, 'persistent'))
  await rejectsWith('noNode', zk.get('/x'))
  await rejectsWith('noNode', zk.children('/x'))
  await rejectsWith('noNode', zk.set('/x', none, -1))
  await rejectsWith('noNode', zk.delete('/x', -1))
  await rejectsWith('badVersion', zk.set('/a', none, 7))
  await rejectsWith('badVersion', zk.delete('/a/b', 7))
  await rejectsWith('notEmpty', zk.delete('/a', 0))
  for (const path of ['', 'a', '/a/', '//a', '/a/../b', '/a\u0000']) await rejectsWith('badArguments', zk.exists(path))
}

async function sequences(stand: Stand): Promise<void> {
  const { zk } = stand.client()
  await zk.create('/s', none, 'persistent')
  assert.equal(await zk.create('/s/n-', none, 'persistentSequential'), '/s/n-0000000000')
  assert.equal(await zk.create('/s/m-', none, 'ephemeralSequential'), '/s/m-0000000001')
  assert.equal(await zk.create('/s/', none, 'persistentSequential'), '/s/0000000002')
  assert.equal((await zk.exists('/s/m-0000000001'))?.ephemeralOwner, zk.sessionId)
  assert.equal((await zk.exists('/s/n-0000000000'))?.ephemeralOwner, 0n)
}

async function multis(stand: Stand): Promise<void> {
  const { zk } = stand.client()
  await zk.create('/epoch', text('1'), 'persistent')
  const done = await zk.multi([
    { op: 'check', path: '/epoch', version: 0 },
    { op: 'create', path: '/t', data: text('t'), mode: 'persistent' },
    { op: 'create', path: '/t/p-', data: none, mode: 'persistentSequential' },
    { op: 'set', path: '/t', data: text('u'), version: 0 },
    { op: 'delete', path: '/t/p-0000000000', version: 0 },
  ])
  assert.deepEqual(
    done.map((it) => it.op),
    ['check', 'create', 'create', 'set', 'delete'],
  )
  assert.equal(done[1]?.op === 'create' ? done[1].path : '', '/t')
  assert.equal(done[2]?.op === 'create' ? done[2].path : '', '/t/p-0000000000')
  assert.equal(done[3]?.op === 'set' ? done[3].stat.version : -1, 1)
  const { stat } = await zk.get('/t')
  assert.equal(done[3]?.op === 'set' ? done[3].stat.mzxid : 0n, stat.mzxid)
  assert.deepEqual(await zk.multi([]), [])
}

async function refusedMultis(stand: Stand): Promise<void> {
  const { zk } = stand.client()
  await zk.create('/a', text('a'), 'persistent')
  const attempt = zk.multi([
    { op: 'set', path: '/a', data: text('b'), version: 0 },
    { op: 'create', path: '/new', data: none, mode: 'persistent' },
    { op: 'check', path: '/a', version: 0 },
    { op: 'delete', path: '/nothing', version: -1 },
  ])
  await assert.rejects(attempt, { code: 'badVersion', at: 2, path: '/a' })
  assert.equal((await zk.get('/a')).data.toString(), 'a')
  assert.equal((await zk.get('/a')).stat.version, 0)
  assert.equal(await zk.exists('/new'), null)
  await rejectsWith('noNode', zk.multi([{ op: 'check', path: '/nothing', version: 0 }]), 0)
  await rejectsWith('badArguments', zk.multi([{ op: 'check', path: 'nothing', version: 0 }]), 0)
}

async function order(stand: Stand): Promise<void> {
  const { zk } = stand.client()
  const settled: number[] = []
  const asked: Promise<unknown>[] = []
  const reads: Promise<ZNode>[] = []
  const ask = (promise: Promise<unknown>): void => {
    const at = asked.length
    asked.push(
      promise.then(
        () => settled.push(at),
        () => settled.push(at),
      ),
    )
  }
  ask(zk.create('/o', none, 'persistent'))
  for (let at = 0; at < 100; at += 1) {
    ask(zk.set('/o', text(`${at}`), at))
    ask(zk.set('/o', none, 1_000))
    const read = zk.get('/o')
    ask(read)
    reads.push(read)
  }
  await Promise.all(asked)
  assert.deepEqual(settled, [...settled.keys()])
  for (const [at, read] of reads.entries()) assert.equal((await read).data.toString(), `${at}`)
}

async function sizes(stand: Stand): Promise<void> {
  const { zk } = stand.client()
  const large = Buffer.alloc(700_000, 7)
  await zk.create('/large', large, 'persistent')
  assert.ok((await zk.get('/large')).data.equals(large))
  await rejectsWith('badArguments', zk.set('/large', Buffer.alloc(1_048_576), -1))
  await zk.create('/many', none, 'persistent')
  const names = Array.from({ length: 500 }, (_, at) => `a-name-that-is-somewhat-long-${at}`)
  await Promise.all(names.map((name) => zk.create(`/many/${name}`, none, 'persistent')))
  assert.deepEqual([...(await zk.children('/many'))].sort(), [...names].sort())
}

async function rights(stand: Stand): Promise<void> {
  const owner = stand.client({ digest: 'odradek:secret', isSensitive: (path) => path.startsWith('/users') })
  const other = stand.client()
  const same = stand.client({ digest: 'odradek:secret' })
  await owner.zk.create('/topics', text('t'), 'persistent')
  await owner.zk.create('/users', text('u'), 'persistent')
  await same.zk.sync('/')
  await other.zk.sync('/')
  assert.equal((await other.zk.get('/topics')).data.toString(), 't')
  await rejectsWith('noAuth', other.zk.set('/topics', none, -1))
  await rejectsWith('noAuth', other.zk.create('/topics/x', none, 'persistent'))
  await rejectsWith('noAuth', other.zk.get('/users'))
  assert.equal((await same.zk.set('/topics', text('v'), 0)).version, 1)
  assert.equal((await same.zk.get('/users')).data.toString(), 'u')
  owner.network.drop()
  assert.equal((await owner.zk.set('/users', text('w'), -1)).version, 1)
}

export const requestTrials: readonly Trial[] = [
  { name: 'nodes are made, read, changed and deleted', run: nodes },
  { name: 'what cannot be done is refused with the code that says why', run: refusals },
  { name: 'sequential nodes are numbered', run: sequences },
  { name: 'a multi is carried out as one', run: multis },
  { name: 'a multi that is refused changes nothing, and says which operation it was', run: refusedMultis },
  { name: 'requests are carried out and settled in the order of asking', run: order },
  { name: 'large data and long lists pass, what the server would drop is refused', run: sizes },
  { name: 'with a digest, nodes belong to their user', run: rights },
]
