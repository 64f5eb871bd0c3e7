import assert from 'node:assert/strict'
import type { Stand } from './stand.ts'
import { rejectsWith } from './trials-of-requests.ts'
import type { Trial } from './trials.ts'

const none = Buffer.alloc(0)
const text = (it: string): Buffer => Buffer.from(it)

async function keeps(stand: Stand): Promise<void> {
  const { zk, network, states } = stand.client()
  const other = stand.client()
  await zk.create('/e', none, 'ephemeral')
  const { sessionId } = zk
  for (let round = 0; round < 4; round += 1) {
    const lost = zk.set('/e', none, -1)
    await stand.wait(0)
    network.drop()
    await lost.catch(() => {})
    await zk.get('/e')
  }
  assert.equal(zk.sessionId, sessionId)
  assert.equal((await zk.exists('/e'))?.ephemeralOwner, sessionId)
  assert.deepEqual(states, ['connected', ...Array<string[]>(4).fill(['disconnected', 'connected']).flat()])
  await stand.wait(stand.sessionTimeoutMs * 1.5)
  assert.equal(states.length, 9)
  await other.zk.sync('/')
  assert.notEqual(await other.zk.exists('/e'), null)
}

async function waits(stand: Stand): Promise<void> {
  const { zk, network } = stand.client()
  await zk.create('/a', none, 'persistent')
  network.silence()
  const sent = zk.set('/a', text('sent'), 0)
  await stand.wait(1)
  network.drop()
  const waiting = [zk.set('/a', text('waited'), 0), zk.exists('/a'), zk.create('/b', none, 'persistent')] as const
  network.mend()
  await rejectsWith('connectionLoss', sent)
  assert.equal((await waiting[0]).version, 1)
  assert.equal((await waiting[1])?.version, 1)
  assert.equal(await waiting[2], '/b')
}

async function goodbye(stand: Stand): Promise<void> {
  const leaving = stand.client()
  const other = stand.client()
  await leaving.zk.create('/e', none, 'ephemeral')
  const last = leaving.zk.create('/p', none, 'persistent')
  const began = stand.now()
  await Promise.all([leaving.zk.close(), leaving.zk.close()])
  assert.equal(await last, '/p')
  await other.zk.sync('/')
  assert.equal(await other.zk.exists('/e'), null)
  assert.ok(stand.now() - began < stand.sessionTimeoutMs)
  await rejectsWith('sessionExpired', leaving.zk.exists('/p'))
  assert.deepEqual(leaving.states, ['connected'])
}

async function silence(stand: Stand): Promise<void> {
  const { zk, network, states } = stand.client()
  await zk.create('/e', none, 'ephemeral')
  await stand.wait(stand.sessionTimeoutMs)
  const began = stand.now()
  network.silence()
  const waiting = zk.get('/e')
  waiting.catch(() => {})
  await stand.until('the silent link was noticed', () => states.includes('disconnected'))
  const took = stand.now() - began
  assert.ok(took <= (zk.sessionTimeoutMs * 2) / 3 + 100, `noticed after ${took} ms of ${zk.sessionTimeoutMs}`)
  assert.ok(stand.now() < zk.expiresAt, 'the session is still good')
  await rejectsWith('connectionLoss', waiting)
  network.mend()
  assert.equal((await zk.get('/e')).stat.ephemeralOwner, zk.sessionId)
}

async function expiry(stand: Stand): Promise<void> {
  const gone = stand.client()
  const other = stand.client()
  await other.zk.watch('/')
  await gone.zk.create('/e', none, 'ephemeral')
  gone.network.silence()
  await stand.until('the ephemeral node is gone', () => other.events.includes('deleted /e'))
  // An ensemble may be early by half a tick, a quarter of the shortest session.
  assert.ok(stand.now() >= gone.zk.expiresAt - stand.sessionTimeoutMs / 4, 'not before its own clock says so')
  const waiting = gone.zk.get('/e')
  gone.network.mend()
  await rejectsWith('sessionExpired', waiting)
  await rejectsWith('sessionExpired', gone.zk.exists('/e'))
  assert.equal(gone.states.at(-1), 'expired')
  const dials = gone.network.dials
  await stand.wait(stand.sessionTimeoutMs)
  assert.equal(gone.network.dials, dials, 'an expired session is left alone')
}

async function moved(stand: Stand, isElsewhere: boolean): Promise<void> {
  const { zk, network, states } = stand.client()
  await zk.create('/a', none, 'persistent')
  const first = network.connectedTo
  const others = [0, 1, 2].map((at) => stand.ensemble.clientPort(at)).filter((it) => it !== first)
  if (!isElsewhere) for (const port of others) network.refused.add(port)
  network.hold()
  const lost = zk.set('/a', text('late'), -1)
  lost.catch(() => {})
  await stand.until('another connection', () => states.length === 3)
  assert.equal(network.connectedTo !== first, isElsewhere)
  await rejectsWith('connectionLoss', lost)
  assert.equal((await zk.set('/a', text('after'), -1)).version, 1)
  network.mend()
  await stand.wait(stand.sessionTimeoutMs / 4)
  await zk.sync('/')
  const { data, stat } = await zk.get('/a')
  assert.equal(data.toString(), 'after', 'the write of the lost connection came too late')
  assert.equal(stat.version, 1)
}

async function clock(stand: Stand): Promise<void> {
  const { zk } = stand.client()
  assert.equal(zk.expiresAt, 0)
  assert.equal(zk.sessionTimeoutMs, 0)
  await zk.exists('/')
  assert.equal(zk.sessionTimeoutMs, stand.sessionTimeoutMs)
  for (let round = 0; round < 10; round += 1) {
    const left = zk.expiresAt - stand.now()
    assert.ok(left <= stand.sessionTimeoutMs && left >= stand.sessionTimeoutMs / 2, `${left} ms are left`)
    await stand.wait(stand.sessionTimeoutMs / 5)
  }
}

export const sessionTrials: readonly Trial[] = [
  { name: 'a session lives on over connections that are lost, and over silence of its user', run: keeps },
  { name: 'what was sent and not answered is a connectionLoss, what waits is carried out', run: waits },
  { name: 'a session that says goodbye takes its ephemeral nodes with it at once', run: goodbye },
  { name: 'a link that is silent is given up within two thirds of the timeout', run: silence },
  { name: 'a session that has expired is told so, and is not used again', run: expiry },
  { name: 'a write of a lost connection is not carried out after one of the next', run: (stand) => moved(stand, true) },
  { name: 'nor when the next one is to the same server', run: (stand) => moved(stand, false) },
  { name: 'the own clock tells how long the session is good for', run: clock },
]
