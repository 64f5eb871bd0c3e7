// A link that carries nothing and says nothing, between a client and a real ensemble over TCP: it must be noticed while the session still lives.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { FaultyProxy } from '../chaos/proxy.mjs'
import { freePorts, until } from '../rig/processes.mjs'
import { ports, startEnsemble, withoutZooKeeper, ZooKeeperClient } from './ensemble.mjs'

const sessionTimeoutMs = 3_000

describe('a black hole between a client and the ensemble', { skip: withoutZooKeeper() }, () => {
  /** @type {Awaited<ReturnType<typeof startEnsemble>>} */
  let ensemble
  /** @type {FaultyProxy[]} */
  let proxies

  before(async () => {
    ensemble = await startEnsemble()
    const found = await freePorts(3)
    proxies = ensemble.members.map(
      ({ clientPort }, at) => new FaultyProxy({ name: `zk-${at}`, port: found[at] ?? 0, targetPort: clientPort, seed: at }),
    )
    for (const proxy of proxies) proxy.start()
    await until('the proxies listen', () => proxies.every((it) => it.isListening))
  })
  after(async () => {
    for (const proxy of proxies ?? []) proxy.stop()
    await ensemble?.remove()
  })

  const connect = async () => {
    const states = []
    const zk = new ZooKeeperClient(ports, { connect: proxies.map((it) => `127.0.0.1:${it.port}`).join(','), sessionTimeoutMs })
    zk.start({ onSession: (state) => states.push({ state, at: performance.now() }), onWatch: () => {} })
    await zk.exists('/')
    return { zk, states, proxy: proxies.find((it) => [...it.connections].some(({ near }) => !near.destroyed)) }
  }

  for (const direction of /** @type {const} */ (['both', 'forward', 'backward'])) {
    test(
      `${direction}: noticed within two thirds of the timeout, and the session goes on at another server`,
      { timeout: 60_000 },
      async () => {
        const { zk, states, proxy } = await connect()
        assert.ok(proxy !== undefined)
        const { sessionId } = zk
        await zk.create(`/hole-${direction}`, Buffer.alloc(0), 'ephemeral')
        await sleep(sessionTimeoutMs / 2)
        const began = performance.now()
        proxy.shape(direction, { isBlocked: true })
        const lost = assert.rejects(zk.set(`/hole-${direction}`, Buffer.from('x'), -1), { code: 'connectionLoss' })
        await lost
        const noticed = performance.now() - began
        assert.equal(states.at(-1)?.state, 'disconnected')
        assert.ok(noticed <= (sessionTimeoutMs * 2) / 3 + 150, `noticed after ${noticed} ms`)
        assert.ok(performance.now() < zk.expiresAt)
        const stat = await zk.exists(`/hole-${direction}`)
        const back = performance.now() - began
        assert.equal(stat?.ephemeralOwner, sessionId)
        assert.ok(back < sessionTimeoutMs, `back after ${back} ms`)
        proxy.clear()
        process.stdout.write(`    noticed after ${noticed.toFixed(0)} ms, back after ${back.toFixed(0)} ms of ${sessionTimeoutMs}\n`)
        await zk.close()
      },
    )
  }

  test('all links dead: the own clock runs out before the session is told that it has expired', { timeout: 60_000 }, async () => {
    const { zk, states } = await connect()
    for (const proxy of proxies) proxy.freeze()
    for (const proxy of proxies) proxy.isClosedToNew = true
    await until('the own clock says so', () => performance.now() > zk.expiresAt, { timeoutMs: sessionTimeoutMs * 2 })
    assert.deepEqual(
      states.map(({ state }) => state),
      ['connected', 'disconnected'],
    )
    await sleep(1_500)
    for (const proxy of proxies) proxy.clear()
    await assert.rejects(zk.exists('/'), { code: 'sessionExpired' })
    assert.equal(states.at(-1)?.state, 'expired')
  })
})
