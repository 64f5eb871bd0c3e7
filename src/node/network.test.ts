import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Connection, Listener, Log } from '../base/ports.ts'
import { Peer } from '../client/peer.ts'
import { probe } from '../client/probe.ts'
import { apis } from '../protocol/apis.ts'
import { handlerTable } from '../server/handlers.ts'
import { serve } from '../server/serve.ts'
import { SystemClock } from './clock.ts'
import { SystemEntropy } from './entropy.ts'
import { SystemNetwork } from './network.ts'
import { SendBuffers } from './send-buffers.ts'

const log: Log = { write: () => {} }
const buffers = new SendBuffers()
const ports = { clock: new SystemClock(), entropy: new SystemEntropy(), network: new SystemNetwork(log, { buffers }), log }

/** Two ends of one real connection, with what each has seen. */
async function pair(t: TestContext) {
  let taken: (end: End) => void
  const accepted = new Promise<End>((resolve) => (taken = resolve))
  const listener: Listener = await ports.network.listen('127.0.0.1', 0, (connection) => taken(new End(connection)))
  t.after(() => listener.close())
  const near = new End(await ports.network.dial('127.0.0.1', listener.port, { timeoutMs: 1_000 }))
  const far = await accepted
  t.after(() => [near, far].forEach((end) => end.connection.destroy()))
  return { near, far }
}

class End {
  readonly connection: Connection
  received = 0
  drains = 0
  private onEvent: () => void = () => {}
  closed: string | null | undefined

  constructor(connection: Connection) {
    this.connection = connection
    connection.start({
      onData: (bytes) => this.note(() => (this.received += bytes.length)),
      onDrain: () => this.note(() => (this.drains += 1)),
      onClose: (code) => this.note(() => (this.closed = code)),
    })
  }

  private note(change: () => void): void {
    change()
    this.onEvent()
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.onEvent = resolve))
  }
}

test('an unread peer makes write say false, and drain comes once it reads', async (t) => {
  const { near, far } = await pair(t)
  far.connection.pause()
  const piece = Buffer.alloc(1 << 20)
  let sent = 0
  while (near.connection.write([piece])) {
    sent += 1
    assert.ok(sent < 100, 'the kernel does not take everything')
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(near.connection.pendingBytes() > 0)
  far.connection.resume()
  await near.until(() => near.drains === 1)
  assert.equal(near.connection.pendingBytes(), 0)
  await far.until(() => far.received === (sent + 1) * piece.length)
})

test('an orderly end delivers what was written, then closes both ends without a code', async (t) => {
  const { near, far } = await pair(t)
  near.connection.write([Buffer.alloc(500_000)])
  near.connection.end()
  await far.until(() => far.closed !== undefined)
  assert.equal(far.received, 500_000)
  assert.equal(far.closed, null)
  await near.until(() => near.closed !== undefined)
  assert.equal(near.closed, null)
})

test('writing to a connection that is gone is no error', async (t) => {
  const { near, far } = await pair(t)
  far.connection.destroy()
  await near.until(() => near.closed !== undefined)
  assert.equal(near.connection.write([Buffer.from('x')]), true)
  near.connection.end()
  near.connection.destroy()
})

test('a port in use and a port where nobody listens have the codes of the system', async (t) => {
  const listener = await ports.network.listen('127.0.0.1', 0, () => {})
  t.after(() => listener.close())
  await assert.rejects(
    ports.network.listen('127.0.0.1', listener.port, () => {}),
    { name: 'NetworkError', code: 'EADDRINUSE' },
  )
  assert.equal(await probe(ports.network, '127.0.0.1', listener.port, 1_000), 'listening')
  await listener.close()
  await assert.rejects(ports.network.dial('127.0.0.1', listener.port, { timeoutMs: 1_000 }), { name: 'NetworkError', code: 'ECONNREFUSED' })
  assert.equal(await probe(ports.network, '127.0.0.1', listener.port, 1_000), 'refused')
})

test('a server answers a pipelining peer over real sockets, large answers included', async (t) => {
  const body = Buffer.alloc(3_000_000, 5)
  const handlers = handlerTable({
    listOffsets: () => Promise.resolve({ topics: [] }),
    fetch: () => ({ responses: [{ topic: 't', partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 1, records: body }] }] }),
  })
  const server = await serve(ports, { host: '127.0.0.1', port: 0, listenerName: 'PLAINTEXT', listenerKind: 'broker' }, handlers)
  const peer = new Peer(ports, { host: '127.0.0.1', port: server.port, clientId: 'c' })
  t.after(() => peer.close())
  const options = { timeoutMs: 5_000 }
  const small = Array.from({ length: 100 }, () => peer.request(apis.listOffsets, 7, { replicaId: -1, topics: [] }, options))
  const large = Array.from({ length: 5 }, () => peer.request(apis.fetch, 12, { maxWaitMs: 1, minBytes: 1, topics: [] }, options))
  await Promise.all(small)
  for (const answer of await Promise.all(large)) {
    const records = answer.responses[0]?.partitions[0]?.records
    assert.ok(Buffer.isBuffer(records) && records.equals(body))
  }
  await server.close({ graceMs: 1_000 })
  await assert.rejects(peer.request(apis.listOffsets, 7, { replicaId: -1, topics: [] }, options), { name: 'PeerError' })
})

/** The clock's timers do not keep a process alive. */
function stayAlive(t: TestContext): void {
  const timer = setInterval(() => {}, 1_000)
  t.after(() => clearInterval(timer))
}

test('ends of turn run after the microtasks of a turn, with what they set going, before the next timer', async (t) => {
  stayAlive(t)
  const { clock } = ports
  const story: string[] = []
  await new Promise<void>((resolve) => {
    clock.after(0, () => {
      clock.after(0, () => {
        story.push('next')
        resolve()
      })
      clock.endOfTurn(() => {
        story.push('end')
        void Promise.resolve()
          .then(() => undefined)
          .then(() => clock.endOfTurn(() => story.push('end of what the end set going')))
      })
      void Promise.resolve()
        .then(() => undefined)
        .then(() => story.push('microtask'))
    })
  })
  assert.deepEqual(story, ['microtask', 'end', 'end of what the end set going', 'next'])
})

test('a timer is never early, and a cancelled one never comes', async (t) => {
  stayAlive(t)
  const { clock } = ports
  const early: number[] = []
  let cancelled = 0
  clock.after(1, () => (cancelled += 1)).cancel()
  await Promise.all(
    Array.from({ length: 50 }, (_, at) => {
      const asked = clock.mono()
      return new Promise<void>((resolve) =>
        clock.after(at / 7, () => {
          if (clock.mono() - asked < at / 7) early.push(at)
          resolve()
        }),
      )
    }),
  )
  assert.deepEqual(early, [])
  assert.equal(cancelled, 0)
})

/** Fills the kernel's buffers of a connection, so that what is written next waits. @returns the bytes */
async function fill(end: End): Promise<number> {
  const piece = Buffer.alloc(1 << 20)
  let sent = 1
  for (; end.connection.write([piece]); sent += 1) await new Promise((resolve) => setImmediate(resolve))
  return sent * piece.length
}

test('memory that was lent for sending comes back when the kernel has taken it, and not before', async (t) => {
  const { near, far } = await pair(t)
  far.connection.pause()
  const before = await fill(near)
  const lent = buffers.take(300_000)
  near.connection.write([Buffer.alloc(10), lent])
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(buffers.isOut(lent), true)
  far.connection.resume()
  await far.until(() => far.received === before + 10 + lent.length)
  await near.until(() => near.drains > 0)
  assert.equal(buffers.isOut(lent), false)
})

test('memory that was lent for sending does not come back from a connection that broke', async (t) => {
  const { near, far } = await pair(t)
  far.connection.pause()
  await fill(near)
  const lent = buffers.take(300_000)
  near.connection.write([lent])
  near.connection.destroy()
  await near.until(() => near.closed !== undefined)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(buffers.isOut(lent), true)
})
