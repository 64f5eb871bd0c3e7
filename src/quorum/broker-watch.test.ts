import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contextOf } from '../sim/broker/fake-broker.ts'
import { ManualClock } from '../sim/manual-clock.ts'
import { MemoryNetwork } from '../sim/memory-network.ts'
import type { ConnectionContext } from '../server/handlers.ts'
import { BrokerWatch, type WatchedBroker } from './broker-watch.ts'

const host = '127.0.0.1'
const port = 9_001

/** A heartbeat connection that the test closes. */
function connection(id: number) {
  const closers: (() => void)[] = []
  const context: ConnectionContext = { ...contextOf(1).connection, id, onClose: (run) => (closers.push(run), () => {}) }
  return { context, close: () => closers.forEach((run) => run()), watchers: () => closers.length }
}

function setUp() {
  const clock = new ManualClock()
  const network = new MemoryNetwork(clock, { latencyMs: 1 })
  const broker: { now: WatchedBroker | undefined } = { now: { id: 1, epoch: 10, host, port, fenced: false } }
  const told: string[] = []
  const watch = new BrokerWatch({ clock, network }, () => broker.now, {
    onGone: (it, silentForMs) => told.push(`gone ${it.id} epoch ${it.epoch} after ${silentForMs < 100 ? 'less than 100 ms' : silentForMs}`),
    onConnectionLost: (it) => told.push(`lost ${it.id}`),
  })
  watch.activate([])
  const listen = () => network.listen(host, port, (it) => it.start({ onData: () => {}, onDrain: () => {}, onClose: () => {} }))
  return { clock, network, broker, told, watch, listen }
}

test('a broker whose connection closes and whose listener refuses twice is gone, within 100 ms', async () => {
  const { clock, told, watch } = setUp()
  const beat = connection(1)
  watch.onHeartbeat(1, beat.context)
  beat.close()
  assert.deepEqual(told, ['lost 1'])
  await clock.advance(1)
  assert.deepEqual(told, ['lost 1'], 'one refusal is not enough')
  await clock.advance(99)
  assert.deepEqual(told, ['lost 1', 'gone 1 epoch 10 after less than 100 ms'])
  await clock.advance(1_000)
  assert.equal(told.length, 2)
})

test('a broker that still listens is not gone: that its connection is lost is told, nothing more', async () => {
  const { clock, told, watch, listen } = setUp()
  await listen()
  const beat = connection(1)
  watch.onHeartbeat(1, beat.context)
  beat.close()
  await clock.advance(5_000)
  assert.deepEqual(told, ['lost 1'])
})

test('a host that says nothing proves nothing', async () => {
  const { clock, network, told, watch, listen } = setUp()
  await listen()
  network.freeze(host, port)
  const beat = connection(1)
  watch.onHeartbeat(1, beat.context)
  beat.close()
  await clock.advance(5_000)
  assert.deepEqual(told, ['lost 1'])
})

test('a broker that refuses once and then listens again has been restarted, and is not gone', async () => {
  const { clock, told, watch, listen } = setUp()
  const beat = connection(1)
  watch.onHeartbeat(1, beat.context)
  beat.close()
  await clock.advance(8)
  await listen()
  await clock.advance(5_000)
  assert.deepEqual(told, ['lost 1'])
})

test('a broker that has registered anew meanwhile is not taken for the one that died', async () => {
  const { clock, broker, told, watch } = setUp()
  const beat = connection(1)
  watch.onHeartbeat(1, beat.context)
  beat.close()
  await clock.advance(8)
  broker.now = { id: 1, epoch: 11, host, port, fenced: true }
  await clock.advance(5_000)
  assert.deepEqual(told, ['lost 1'])
})

test('only the connection of the newest heartbeat counts, and each is watched once', async () => {
  const { clock, told, watch } = setUp()
  const [old, fresh] = [connection(1), connection(2)]
  watch.onHeartbeat(1, old.context)
  watch.onHeartbeat(1, old.context)
  assert.equal(old.watchers(), 1)
  watch.onHeartbeat(1, fresh.context)
  old.close()
  await clock.advance(1_000)
  assert.deepEqual(told, [])
})

test('a fenced broker, one that is not registered, and a controller that is not active any more look at nobody', async () => {
  for (const change of ['fenced', 'unknown', 'inactive'] as const) {
    const { clock, broker, told, watch } = setUp()
    const beat = connection(1)
    watch.onHeartbeat(1, beat.context)
    if (change === 'fenced') broker.now = { id: 1, epoch: 10, host, port, fenced: true }
    if (change === 'unknown') broker.now = undefined
    if (change === 'inactive') watch.deactivate()
    beat.close()
    await clock.advance(1_000)
    assert.deepEqual(told, change === 'fenced' ? ['lost 1'] : [])
  }
})

test('a new active controller dials all who are believed alive, and learns who has died with the one before', async () => {
  const { clock, told, watch } = setUp()
  watch.activate([1])
  await clock.advance(100)
  assert.deepEqual(told, ['gone 1 epoch 10 after less than 100 ms'])
})

test('a controller that is deactivated while it looks fences nobody', async () => {
  const { clock, told, watch } = setUp()
  watch.activate([1])
  await clock.advance(5)
  watch.deactivate()
  await clock.advance(1_000)
  assert.deepEqual(told, [])
})
