import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '../base/ports.ts'
import { FrameAssembler } from '../protocol/frame-assembler.ts'
import { ManualClock } from '../sim/manual-clock.ts'
import { MemoryNetwork } from '../sim/memory-network.ts'
import { ZooKeeperClient, type ZooKeeperOptions } from './client.ts'
import { writeAnswer, writeEvent } from './wire/answers.ts'
import { writeConnectResponse } from './wire/handshake.ts'
import { readRequest, type Request } from './wire/requests.ts'

/** A server that takes any session, and answers as it is told. */
class Server {
  readonly clock = new ManualClock()
  readonly network = new MemoryNetwork(this.clock)
  readonly states: string[] = []
  readonly events: string[] = []
  readonly asked: Request[] = []
  connections = 0
  handshake = writeConnectResponse({ timeoutMs: 3_000, sessionId: 5n, password: Buffer.alloc(16), readOnly: false })
  answer: (xid: number, request: Request) => Buffer | null = () => null
  private readonly prng = { uint32: () => 1, uuid: () => '' }

  async client(options: Partial<ZooKeeperOptions> = {}): Promise<ZooKeeperClient> {
    await this.network.listen('zk', 2181, (connection) => this.take(connection))
    const ports = { clock: this.clock, network: this.network, entropy: this.prng }
    const client = new ZooKeeperClient(ports, { connect: 'zk:2181', sessionTimeoutMs: 3_000, ...options })
    client.start({ onSession: (it) => void this.states.push(it), onWatch: ({ path }) => void this.events.push(path) })
    return client
  }

  private take(connection: Connection): void {
    this.connections += 1
    const assembler = new FrameAssembler(1 << 20)
    let isNew = true
    connection.start({
      onData: (bytes) => {
        assembler.push(bytes)
        for (let frame = assembler.next(); frame !== null; frame = assembler.next()) {
          if (isNew) connection.write([this.handshake])
          else this.onRequest(connection, frame)
          isNew = false
        }
      },
      onDrain: () => {},
      onClose: () => {},
    })
  }

  private onRequest(connection: Connection, frame: Buffer): void {
    const { xid, request } = readRequest(frame)
    this.asked.push(request)
    const answer = this.answer(xid, request)
    if (answer !== null) connection.write([answer])
  }

  /** What becomes of it before a ping is due. */
  async outcome(promise: Promise<unknown>): Promise<unknown> {
    let outcome: unknown = 'pending'
    promise.then(
      () => (outcome = 'done'),
      (error: unknown) => (outcome = error instanceof Error && 'code' in error ? error.code : error),
    )
    await this.clock.advance(200)
    return outcome
  }
}

const ok = (xid: number): Buffer => writeAnswer({ xid, zxid: 1n, error: 0 }, null)

test('an answer that is no answer fails a read, leaves a write unknown, and ends the connection', async () => {
  const server = new Server()
  server.answer = ok
  const client = await server.client()
  assert.equal(await server.outcome(client.get('/a')), 'marshallingError')
  assert.equal(await server.outcome(client.set('/a', Buffer.alloc(0), -1)), 'connectionLoss')
  assert.equal(server.connections, 3)
  assert.equal(server.states.filter((it) => it === 'disconnected').length, 2)
})

test('an answer to something else ends the connection', async () => {
  const server = new Server()
  server.answer = (xid) => ok(xid + 1)
  const client = await server.client()
  assert.equal(await server.outcome(client.delete('/a', -1)), 'connectionLoss')
})

test('a frame longer than the bound ends the connection before it is received', async () => {
  const server = new Server()
  server.answer = () => Buffer.from([0x7f, 0xff, 0xff, 0xff])
  const client = await server.client()
  assert.equal(await server.outcome(client.delete('/a', -1)), 'connectionLoss')
})

test('a multi with too few results is not taken for done', async () => {
  const server = new Server()
  server.answer = (xid) => writeAnswer({ xid, zxid: 1n, error: 0 }, { op: 'multi', results: [] })
  const client = await server.client()
  assert.equal(await server.outcome(client.multi([{ op: 'check', path: '/a', version: 0 }])), 'marshallingError')
})

test('events of no node and of no known type are passed over', async () => {
  const server = new Server()
  const strange = Buffer.from(writeEvent({ type: 'created', path: '/x' }))
  strange.writeInt32BE(-1, 20)
  server.answer = (xid) => Buffer.concat([strange, writeEvent({ type: 'created', path: '/y' }), ok(xid)])
  const client = await server.client()
  assert.equal(await server.outcome(client.delete('/a', -1)), 'done')
  assert.deepEqual(server.events, ['/y'])
})

test('a server that does not let us in is the end', async () => {
  const server = new Server()
  server.answer = (_, request) => (request.op === 'auth' ? writeAnswer({ xid: -4, zxid: 0n, error: -115 }, null) : null)
  const client = await server.client({ digest: 'u:p' })
  assert.equal(await server.outcome(client.exists('/a')), 'connectionLoss')
  assert.equal(await server.outcome(client.exists('/a')), 'authFailed')
  assert.equal(server.states.at(-1), 'authFailed')
  assert.equal(server.connections, 1)
})

test('a handshake that says nothing is given up, and the next attempt comes', async () => {
  const server = new Server()
  server.handshake = Buffer.alloc(0)
  await server.client()
  await server.clock.advance(10_000)
  assert.ok(server.connections >= 3 && server.connections < 30, `${server.connections} connections`)
  assert.deepEqual(server.states, [])
})

test('more requests than may wait are refused, and a closed client refuses all', async () => {
  const server = new Server()
  const client = await server.client({ requestsWaitingMax: 2 })
  const waiting = Promise.allSettled([client.exists('/a'), client.exists('/b')])
  assert.equal(await server.outcome(client.exists('/c')), 'systemError')
  const closing = client.close()
  await server.clock.advance(1_500)
  assert.equal(await server.outcome(closing), 'done')
  assert.equal(server.asked.at(-1)?.op, 'closeSession')
  for (const it of await waiting) assert.match(it.status === 'rejected' ? String(it.reason) : '', /connectionLoss/)
  assert.equal(await server.outcome(client.exists('/a')), 'sessionExpired')
})

test('a chroot is made from the top down before anything that waits is sent', async () => {
  const server = new Server()
  server.answer = (xid, request) =>
    writeAnswer(
      { xid, zxid: 1n, error: request.op === 'exists' ? -101 : request.op === 'create' && request.path === '/x' ? -110 : -6 },
      null,
    )
  const client = await server.client({ connect: 'zk:2181/x/y' })
  assert.equal(await server.outcome(client.delete('/a', 3)), 'unimplemented')
  assert.deepEqual(
    server.asked.map((it) => `${it.op} ${'path' in it ? it.path : ''}`),
    ['exists /x/y', 'create /x', 'create /x/y', 'delete /x/y/a'],
  )
})
