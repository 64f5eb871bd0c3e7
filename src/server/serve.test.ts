import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection, LogLevel } from '../base/ports.ts'
import { apis } from '../protocol/apis.ts'
import { FrameAssembler } from '../protocol/frame-assembler.ts'
import { readResponse, writeRequest } from '../protocol/frames.ts'
import { MalformedError } from '../protocol/reader.ts'
import { ManualClock } from '../sim/manual-clock.ts'
import { MemoryNetwork, type MemoryNetworkOptions } from '../sim/memory-network.ts'
import { apiVersionsHandler } from './api-versions.ts'
import { type Handlers, handlerTable, type HandlerTable, noResponse } from './handlers.ts'
import { MemoryBudget } from './memory-budget.ts'
import { serve, type ServeOptions } from './serve.ts'

interface Line {
  readonly level: LogLevel
  readonly event: string
  readonly message: string
}

class World {
  readonly clock = new ManualClock()
  readonly network: MemoryNetwork
  readonly lines: Line[] = []

  constructor(options: MemoryNetworkOptions = {}) {
    this.network = new MemoryNetwork(this.clock, options)
  }

  readonly log = { write: (level: LogLevel, event: string, message: string) => void this.lines.push({ level, event, message }) }

  async serve(handlers: Handlers, options: Partial<ServeOptions> = {}) {
    const table: HandlerTable = handlerTable({
      apiVersions: apiVersionsHandler(
        options.listenerKind ?? 'broker',
        () => table,
        () => ({}),
      ),
      ...handlers,
    })
    return serve(
      { clock: this.clock, network: this.network, log: this.log },
      { host: 'b', port: 9092, listenerName: 'PLAINTEXT', listenerKind: 'broker', ...options },
      table,
    )
  }

  async client(): Promise<TestClient> {
    const dialled = this.network.dial('b', 9092, { timeoutMs: 1000 })
    await this.clock.settle()
    return new TestClient(await dialled)
  }

  events(): string[] {
    return this.lines.map((line) => line.event)
  }
}

class TestClient {
  readonly frames: Buffer[] = []
  closed: string | null | undefined
  readonly connection: Connection
  private readonly assembler = new FrameAssembler(1 << 30)

  constructor(connection: Connection) {
    this.connection = connection
    connection.start({
      onData: (bytes) => {
        this.assembler.push(bytes)
        for (let frame = this.assembler.next(); frame !== null; frame = this.assembler.next()) this.frames.push(frame)
      },
      onDrain: () => {},
      onClose: (code) => (this.closed = code),
    })
  }

  ids(): number[] {
    return this.frames.map((frame) => frame.readInt32BE(0))
  }

  listOffsets(correlationId: number): void {
    this.connection.write(listOffsets(correlationId))
  }
}

const listOffsets = (correlationId: number) => writeRequest(apis.listOffsets, 7, correlationId, 'c', { replicaId: -1, topics: [] })
const produce = (correlationId: number, bytes: number) =>
  writeRequest(apis.produce, 9, correlationId, 'c', {
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: 't', partitionData: [{ index: 0, records: Buffer.alloc(bytes, 1) }] }],
  })

function deferred<T>() {
  const resolvers: ((value: T) => void)[] = []
  return { resolvers, next: () => new Promise<T>((resolve) => void resolvers.push(resolve)) }
}

test('pipelined requests are dispatched at once and answered in the order of the requests', async () => {
  const world = new World()
  const { resolvers, next } = deferred<{ topics: [] }>()
  await world.serve({ listOffsets: next, metadata: () => ({ topics: [], brokers: [] }) })
  const client = await world.client()
  client.listOffsets(1)
  client.connection.write(writeRequest(apis.metadata, 9, 2, 'c', { topics: [] }))
  client.listOffsets(3)
  await world.clock.settle()
  assert.equal(resolvers.length, 2)
  resolvers[1]?.({ topics: [] })
  await world.clock.settle()
  assert.deepEqual(client.ids(), [])
  resolvers[0]?.({ topics: [] })
  await world.clock.settle()
  assert.deepEqual(client.ids(), [1, 2, 3])
})

test('all answers of a turn leave in one write', async () => {
  const world = new World({ pieceBytesMax: 1 << 20 })
  await world.serve({ listOffsets: () => ({ topics: [] }) })
  const client = await world.client()
  client.connection.write(Array.from({ length: 10 }, (_, id) => Buffer.concat(listOffsets(id))))
  await world.clock.settle()
  assert.deepEqual(client.ids(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('a handler that answers with silence sends nothing and holds up nobody', async () => {
  const world = new World()
  await world.serve({ produce: () => noResponse, listOffsets: () => ({ topics: [] }) })
  const client = await world.client()
  client.connection.write(produce(1, 10))
  client.listOffsets(2)
  await world.clock.settle()
  assert.deepEqual(client.ids(), [2])
})

test('a request of many pieces is put together, whatever the pieces are', async () => {
  for (const pieceBytesMax of [1, 3, 5_000]) {
    const world = new World({ pieceBytesMax })
    let seen = 0
    await world.serve({
      produce: (request) => {
        const records = request.topicData[0]?.partitionData[0]?.records
        assert.ok(Buffer.isBuffer(records) && records.every((byte) => byte === 1))
        seen += records.length
        return { responses: [] }
      },
    })
    const client = await world.client()
    client.connection.write([...produce(1, 20_000), ...produce(2, 7)])
    await world.clock.settle()
    assert.equal(seen, 20_007)
    assert.deepEqual(client.ids(), [1, 2])
  }
})

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const framed = (...parts: readonly Buffer[]): Buffer => Buffer.concat([int32(parts.reduce((sum, it) => sum + it.length, 0)), ...parts])
const good = Buffer.concat(listOffsets(9)).subarray(4)
const withKey = (key: number, version: number): Buffer => {
  const bytes = Buffer.from(good)
  bytes.writeInt16BE(key, 0)
  bytes.writeInt16BE(version, 2)
  return framed(bytes)
}

const badFrames: readonly (readonly [string, Buffer, string])[] = [
  ['a frame of 2 GiB', int32(0x7fffffff), 'malformed-request'],
  ['a frame of negative size', int32(-1), 'malformed-request'],
  ['an empty frame', int32(0), 'malformed-request'],
  ['a frame one byte too long for socket.request.max.bytes', int32(104_857_601), 'malformed-request'],
  ['garbage', Buffer.from('GET / HTTP/1.1\r\nHost: broker\r\n\r\n'), 'malformed-request'],
  ['a frame too short for a header', framed(Buffer.alloc(7)), 'malformed-request'],
  ['a client id longer than the frame', framed(good.subarray(0, 8), Buffer.from([0x7f, 0xff, 1])), 'malformed-request'],
  ['a body cut short', framed(good.subarray(0, -2)), 'malformed-request'],
  ['a version too new', withKey(apis.listOffsets.key, 99), 'unsupported-request'],
  ['a version too old', withKey(apis.listOffsets.key, 0), 'unsupported-request'],
  ['a negative version', withKey(apis.listOffsets.key, -1), 'unsupported-request'],
  ['a negative version of ApiVersions', withKey(apis.apiVersions.key, -1), 'unsupported-request'],
  ['an API that has no handler', withKey(apis.deleteTopics.key, 6), 'unsupported-request'],
  ['an API of another kind of listener', withKey(apis.vote.key, 0), 'unsupported-request'],
  ['an API that does not exist', withKey(12_345, 0), 'unsupported-request'],
]

for (const [what, bytes, event] of badFrames) {
  test(`${what} closes the connection with one log line, and others go on`, async () => {
    const world = new World()
    await world.serve({ listOffsets: () => ({ topics: [] }), vote: () => ({ errorCode: 0, topics: [] }) })
    const bystander = await world.client()
    const client = await world.client()
    client.listOffsets(1)
    client.connection.write([bytes])
    await world.clock.advance(10)
    assert.deepEqual(world.events(), [event])
    assert.notEqual(client.closed, undefined)
    assert.deepEqual(client.ids(), [1], 'what was asked before is answered')
    bystander.listOffsets(7)
    await world.clock.settle()
    assert.deepEqual(bystander.ids(), [7])
  })
}

test('bytes after the body of a request are left alone', async () => {
  const world = new World()
  await world.serve({ listOffsets: () => ({ topics: [] }) })
  const client = await world.client()
  client.connection.write([framed(good, Buffer.alloc(3))])
  client.listOffsets(10)
  await world.clock.settle()
  assert.deepEqual(client.ids(), [9, 10])
  assert.deepEqual(world.events(), [])
})

test('ApiVersions that is too new is answered in version 0 with error 35 and the range', async () => {
  const world = new World()
  await world.serve({})
  const client = await world.client()
  const bytes = Buffer.alloc(40, 0xee)
  bytes.writeInt16BE(18, 0)
  bytes.writeInt16BE(77, 2)
  bytes.writeInt32BE(5, 4)
  bytes.writeInt16BE(-1, 8)
  bytes.writeUInt8(0, 10)
  client.connection.write([framed(bytes)])
  await world.clock.settle()
  const { correlationId, body } = readResponse(apis.apiVersions, 0, client.frames[0] ?? Buffer.alloc(0))
  assert.equal(correlationId, 5)
  assert.equal(body.errorCode, 35)
  assert.deepEqual(
    body.apiKeys.map((it) => [it.apiKey, it.minVersion, it.maxVersion]),
    [[18, 0, 4]],
  )
  assert.equal(client.closed, undefined)
})

test('ApiVersions tells what has a handler on this kind of listener, Produce from version 0', async () => {
  const world = new World()
  await world.serve({ produce: () => noResponse, vote: () => ({ errorCode: 0, topics: [] }), fetch: () => ({ responses: [] }) })
  const client = await world.client()
  client.connection.write(writeRequest(apis.apiVersions, 4, 1, 'c', { clientSoftwareName: 'x', clientSoftwareVersion: '1.0' }))
  client.connection.write(writeRequest(apis.apiVersions, 3, 2, 'c', { clientSoftwareName: 'x y', clientSoftwareVersion: '1.0' }))
  await world.clock.settle()
  const bodies = client.frames.map((frame, at) => readResponse(apis.apiVersions, 4 - at, frame).body)
  assert.deepEqual(
    bodies[0]?.apiKeys.map((it) => [it.apiKey, it.minVersion, it.maxVersion]),
    [
      [0, 0, 13],
      [1, 4, 18],
      [18, 0, 4],
    ],
  )
  assert.equal(bodies[1]?.errorCode, 42)
})

test('a handler that finds its request malformed, or that fails, closes the connection with one line', async () => {
  for (const [error, event] of [
    [new MalformedError('lies'), 'malformed-request'],
    [new TypeError('bug'), 'request-failed'],
  ] as const) {
    for (const later of [false, true]) {
      const world = new World()
      const listOffsets = () => {
        if (later) return Promise.reject(error)
        throw error
      }
      await world.serve({ listOffsets })
      const client = await world.client()
      client.listOffsets(1)
      await world.clock.advance(10)
      assert.deepEqual(world.events(), [event])
      assert.notEqual(client.closed, undefined)
    }
  }
})

test('half a frame is given a minute, then the connection is closed with a line that says why', async () => {
  const world = new World()
  const server = await world.serve({})
  const client = await world.client()
  client.connection.write([int32(1000), Buffer.alloc(500)])
  await world.clock.advance(59_000)
  assert.equal(server.connectionCount, 1)
  await world.clock.advance(3_000)
  assert.equal(server.connectionCount, 0)
  assert.deepEqual(world.events(), ['incomplete-frame'])
  assert.match(world.lines[0]?.message ?? '', /504 bytes of a request of 1000/)
})

test('a byte now and then does not keep an incomplete frame alive', async () => {
  const world = new World()
  const server = await world.serve({})
  const client = await world.client()
  client.connection.write([int32(100_000)])
  for (let second = 0; second < 63; second += 1) {
    client.connection.write([Buffer.alloc(1)])
    await world.clock.advance(1_000)
  }
  assert.equal(server.connectionCount, 0)
  assert.deepEqual(world.events(), ['incomplete-frame'])
})

test('an idle connection is closed after its time, one with a request in work is not', async () => {
  const world = new World()
  const { next } = deferred<{ topics: [] }>()
  const server = await world.serve({ listOffsets: next }, { limits: { idleMsMax: 10_000 } })
  const idle = await world.client()
  const busy = await world.client()
  busy.listOffsets(1)
  await world.clock.advance(12_000)
  assert.notEqual(idle.closed, undefined)
  assert.equal(busy.closed, undefined)
  assert.equal(server.connectionCount, 1)
})

test('no more than inFlightRequestsMax requests of a connection are in work', async () => {
  const world = new World()
  const { resolvers, next } = deferred<{ topics: [] }>()
  await world.serve({ listOffsets: next }, { limits: { inFlightRequestsMax: 3 } })
  const client = await world.client()
  client.connection.write(Array.from({ length: 10_000 }, (_, id) => Buffer.concat(listOffsets(id))))
  await world.clock.settle()
  assert.equal(resolvers.length, 3)
  for (let at = 0; at < 10_000; at += 1) {
    resolvers[at]?.({ topics: [] })
    if (at % 3 === 2) await Promise.resolve()
    if (at % 1000 === 999 || resolvers.length === at + 1) await world.clock.settle()
  }
  await world.clock.settle()
  assert.equal(client.frames.length, 10_000)
  assert.deepEqual(client.ids().slice(0, 5), [0, 1, 2, 3, 4])
})

test('a peer that does not read its answers is not given more than the bound, and is served on when it reads', async () => {
  const world = new World()
  const body = Buffer.alloc(100_000, 7)
  let handled = 0
  const memory = new MemoryBudget()
  await world.serve(
    {
      fetch: () => {
        handled += 1
        return { responses: [{ topic: 't', partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 1, records: body }] }] }
      },
    },
    { memory, limits: { pendingResponseBytesMax: 300_000 } },
  )
  const client = await world.client()
  client.connection.pause()
  const fetch = Buffer.concat(writeRequest(apis.fetch, 11, 1, 'c', { maxWaitMs: 0, minBytes: 1, topics: [] }))
  client.connection.write(Array.from({ length: 100 }, () => fetch))
  await world.clock.advance(5_000)
  assert.ok(handled <= 4, `${handled} requests were handled`)
  assert.ok(memory.responseBytes >= 300_000 && memory.responseBytes < 500_000, `${memory.responseBytes}`)
  client.connection.resume()
  await world.clock.settle()
  assert.equal(handled, 100)
  assert.equal(client.frames.length, 100)
  assert.equal(memory.responseBytes, 0)
  assert.equal(memory.requestBytes, 0)
})

test('when memory for answers is short, a reader that stands still is cut off', async () => {
  const world = new World()
  const memory = new MemoryBudget(1_000_000, 150_000)
  const body = Buffer.alloc(200_000, 7)
  const records = [{ topic: 't', partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 1, records: body }] }]
  const server = await world.serve({ fetch: () => ({ responses: records }), listOffsets: () => ({ topics: [] }) }, { memory })
  const still = await world.client()
  still.connection.pause()
  still.connection.write(writeRequest(apis.fetch, 11, 1, 'c', { maxWaitMs: 0, minBytes: 1, topics: [] }))
  await world.clock.settle()
  const other = await world.client()
  other.listOffsets(1)
  await world.clock.advance(4_000)
  assert.deepEqual(world.events(), ['stalled-reader'])
  assert.equal(server.connectionCount, 1)
  assert.deepEqual(other.ids(), [1], 'who waited for memory is served once it is there')
})

test('the request budget holds back large requests, not small ones, and everything is given back', async () => {
  const world = new World()
  const memory = new MemoryBudget(300_000, 1_000_000)
  const { resolvers, next } = deferred<{ responses: [] }>()
  await world.serve({ produce: next, listOffsets: () => ({ topics: [] }) }, { memory })
  const clients = await Promise.all([1, 2, 3, 4, 5].map(() => world.client()))
  for (const client of clients) client.connection.write(produce(1, 200_000))
  await world.clock.settle()
  assert.ok(resolvers.length < 5, `${resolvers.length} are in work`)
  assert.ok(memory.requestBytes < 700_000, `${memory.requestBytes} bytes`)
  const small = await world.client()
  small.listOffsets(1)
  await world.clock.settle()
  assert.deepEqual(small.ids(), [1])
  for (let at = 0; at < 5; at += 1) {
    resolvers[at]?.({ responses: [] })
    await world.clock.settle()
  }
  for (const client of clients) assert.deepEqual(client.ids(), [1])
  assert.equal(memory.requestBytes, 0)
})

test('what was counted for a connection is given back when it goes', async () => {
  const world = new World()
  const memory = new MemoryBudget()
  const { resolvers, next } = deferred<{ responses: [] }>()
  const server = await world.serve({ produce: next }, { memory })
  const client = await world.client()
  client.connection.write([...produce(1, 5_000), int32(9_000), Buffer.alloc(4_000)])
  await world.clock.settle()
  assert.ok(memory.requestBytes > 9_000)
  client.connection.destroy()
  await world.clock.settle()
  assert.equal(server.connectionCount, 0)
  assert.equal(memory.requestBytes, 0)
  resolvers[0]?.({ responses: [] })
  await world.clock.settle()
  assert.equal(memory.requestBytes, 0)
})

test('connections beyond max.connections and max.connections.per.ip are closed at once', async () => {
  const world = new World()
  const server = await world.serve({}, { limits: { connectionsPerIpMax: 2 } })
  const clients = [await world.client(), await world.client(), await world.client()]
  await world.clock.settle()
  assert.equal(server.connectionCount, 2)
  assert.notEqual(clients[2]?.closed, undefined)
  assert.deepEqual(world.events(), ['connection-refused'])
  clients[0]?.connection.end()
  await world.clock.settle()
  await world.client()
  assert.equal(server.connectionCount, 2)
})

test('lines about bad connections are bounded in number', async () => {
  const world = new World()
  await world.serve({})
  for (let at = 0; at < 50; at += 1) (await world.client()).connection.write([int32(-1)])
  await world.clock.advance(2_000)
  assert.equal(world.lines.filter((line) => line.event === 'malformed-request').length, 20)
  assert.match(world.lines.at(-1)?.message ?? '', /30 more lines/)
})

test('a closing listener lets the answers of requests in work leave, and takes nothing new', async () => {
  const world = new World()
  const { resolvers, next } = deferred<{ topics: [] }>()
  const server = await world.serve({ listOffsets: next })
  const idle = await world.client()
  const busy = await world.client()
  busy.listOffsets(1)
  await world.clock.settle()
  let done = false
  void server.close({ graceMs: 1_000 }).then(() => (done = true))
  busy.listOffsets(2)
  await world.clock.settle()
  assert.notEqual(idle.closed, undefined)
  assert.equal(done, false)
  resolvers[0]?.({ topics: [] })
  await world.clock.settle()
  assert.deepEqual(busy.ids(), [1])
  assert.equal(resolvers.length, 1)
  assert.equal(done, true)
  await assert.rejects(Promise.all([world.network.dial('b', 9092, { timeoutMs: 10 }), world.clock.advance(20)]), { code: 'ECONNREFUSED' })
})

test('a closing listener waits no longer than its grace', async () => {
  const world = new World()
  const server = await world.serve({ listOffsets: () => new Promise<never>(() => {}) })
  const client = await world.client()
  client.listOffsets(1)
  await world.clock.settle()
  let done = false
  void server.close({ graceMs: 1_000 }).then(() => (done = true))
  await world.clock.advance(1_001)
  assert.equal(done, true)
  assert.notEqual(client.closed, undefined)
})

test('a handler learns that its connection has gone, once', async () => {
  const world = new World()
  let closes = 0
  await world.serve({
    listOffsets: (_request, { connection }) => {
      connection.onClose(() => void (closes += 1))
      connection.onClose(() => void (closes += 100))()
      return new Promise<never>(() => {})
    },
  })
  const client = await world.client()
  client.listOffsets(1)
  await world.clock.settle()
  client.connection.end()
  await world.clock.settle()
  assert.equal(closes, 1)
})
