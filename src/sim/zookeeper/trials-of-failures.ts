import assert from 'node:assert/strict'
import type { Stand } from './stand.ts'
import type { Trial } from './trials.ts'

const none = Buffer.alloc(0)
const text = (it: string): Buffer => Buffer.from(it)

async function servers(stand: Stand): Promise<number[]> {
  const leader = await stand.ensemble.leader()
  return [leader, (leader + 1) % 3]
}

/** A server dies and comes back, while clients write. */
async function deaths(stand: Stand): Promise<void> {
  const { zk, states } = stand.client()
  await zk.create('/e', none, 'ephemeral')
  await zk.create('/n', text('0'), 'persistent')
  const { sessionId } = zk
  let written = 0
  for (const which of [0, 1]) {
    const server = (await servers(stand))[which] ?? 0
    await stand.ensemble.kill(server)
    for (let tries = 0; tries < 5; tries += 1) {
      written += 1
      for (let isDone = false; !isDone;) isDone = await atLeastOnce(zk.set('/n', text(`${written}`), -1))
    }
    assert.equal((await zk.get('/n')).data.toString(), `${written}`)
    stand.ensemble.launch(server)
    await stand.ensemble.serve()
  }
  assert.equal(zk.sessionId, sessionId)
  assert.equal((await zk.exists('/e'))?.ephemeralOwner, sessionId)
  assert.ok(!states.includes('expired'))
}

async function atLeastOnce(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    (error: unknown) => {
      assert.equal(error instanceof Error && 'code' in error ? error.code : error, 'connectionLoss')
      return false
    },
  )
}

/** Two of three are gone: nothing is committed, requests wait, and all goes on when they are back. */
async function majority(stand: Stand): Promise<void> {
  const { zk, states } = stand.client()
  await zk.create('/n', text('0'), 'persistent')
  const gone = await servers(stand)
  for (const server of gone) await stand.ensemble.kill(server)
  await stand.until('the last server drops its clients', () => states.at(-1) === 'disconnected')
  let isDone = false
  const waiting = zk.set('/n', text('1'), 0).then((stat) => {
    isDone = true
    return stat.version
  })
  await stand.wait(stand.sessionTimeoutMs)
  assert.ok(!isDone)
  for (const server of gone) stand.ensemble.launch(server)
  assert.equal(await waiting, 1)
  await stand.ensemble.serve()
}

async function syncs(stand: Stand): Promise<void> {
  const clients = [stand.client(), stand.client(), stand.client(), stand.client()]
  const writer = stand.client()
  await writer.zk.create('/n', none, 'persistent')
  for (let at = 1; at <= 25; at += 1) {
    await writer.zk.set('/n', text(`${at}`), -1)
    const seen = await Promise.all(clients.map(({ zk }) => Promise.all([zk.sync('/n'), zk.get('/n')])))
    for (const [, { data }] of seen) assert.equal(data.toString(), `${at}`)
  }
}

async function refusedDials(stand: Stand): Promise<void> {
  const { zk, network } = stand.client()
  await zk.exists('/')
  network.refused.add(stand.ensemble.clientPort(0)).add(stand.ensemble.clientPort(1))
  for (let round = 0; round < 3; round += 1) {
    network.drop()
    await zk.exists('/')
    assert.equal(network.connectedTo, stand.ensemble.clientPort(2))
  }
}

export const failureTrials: readonly Trial[] = [
  { name: 'a read after a sync shows all that was written before it', run: syncs },
  { name: 'servers that refuse are passed over', run: refusedDials },
  { name: 'the leader and a follower die, one after the other: sessions and data live on', run: deaths },
  { name: 'without a majority requests wait, and are carried out when it is back', run: majority },
]
