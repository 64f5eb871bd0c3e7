import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '../base/ports.ts'
import { Prng } from '../base/prng.ts'
import { apis } from '../protocol/apis.ts'
import { FrameAssembler } from '../protocol/frame-assembler.ts'
import { writeResponse } from '../protocol/frames.ts'
import { ManualClock } from '../sim/manual-clock.ts'
import { MemoryNetwork } from '../sim/memory-network.ts'
import { negotiate } from './negotiation.ts'
import { Peer, PeerError, type PeerOptions } from './peer.ts'
import { probe } from './probe.ts'

/** A broker that keeps what it is asked and answers when it is told. */
class Broker {
  readonly asked: { readonly key: number; readonly version: number; readonly id: number }[] = []
  connection: Connection | null = null
  connections = 0
  answer: (id: number, version: number, key: number) => readonly Buffer[] | null = (id) =>
    writeResponse(apis.listOffsets, 7, id, { topics: [] })

  readonly take = (connection: Connection): void => {
    this.connection = connection
    this.connections += 1
    const assembler = new FrameAssembler(1 << 20)
    connection.start({
      onData: (bytes) => {
        assembler.push(bytes)
        for (let frame = assembler.next(); frame !== null; frame = assembler.next()) {
          const request = { key: frame.readInt16BE(0), version: frame.readInt16BE(2), id: frame.readInt32BE(4) }
          this.asked.push(request)
          const answer = this.answer(request.id, request.version, request.key)
          if (answer !== null) connection.write(answer)
        }
      },
      onDrain: () => {},
      onClose: () => {},
    })
  }
}

class World {
  readonly clock = new ManualClock()
  readonly network = new MemoryNetwork(this.clock)
  readonly broker = new Broker()
  readonly story: string[] = []

  peer(options: Partial<PeerOptions> = {}): Peer {
    const prng = new Prng(1)
    const entropy = { uint32: () => prng.uint32(), uuid: () => prng.uuid() }
    return new Peer(
      { clock: this.clock, network: this.network, entropy },
      {
        host: 'b',
        port: 9092,
        clientId: 'n1',
        onConnected: () => void this.story.push('connected'),
        onClosed: (code) => void this.story.push(`closed ${code}`),
        onDialFailed: (code) => void this.story.push(`failed ${code}`),
        ...options,
      },
    )
  }

  async listen(): Promise<void> {
    await this.network.listen('b', 9092, this.broker.take)
  }
}

const ask = (peer: Peer, timeoutMs = 1_000) => peer.request(apis.listOffsets, 7, { replicaId: -1, topics: [] }, { timeoutMs })
const outcome = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'answered',
    (error: unknown) => (error instanceof PeerError ? error.code : String(error)),
  )

test('requests are pipelined over one connection that is made when it is needed', async () => {
  const world = new World()
  await world.listen()
  const peer = world.peer()
  assert.equal(peer.connected, false)
  const asked = [ask(peer), ask(peer), ask(peer)].map(outcome)
  await world.clock.settle()
  assert.deepEqual(await Promise.all(asked), ['answered', 'answered', 'answered'])
  assert.deepEqual(
    world.broker.asked.map((it) => it.id),
    [0, 1, 2],
  )
  assert.equal(world.broker.connections, 1)
  assert.equal(peer.waiting, 0)
})

test('a refused connection rejects what waits at once, and the next attempt comes after a pause that grows', async () => {
  const world = new World()
  const peer = world.peer({ reconnectBackoffMs: 100, reconnectBackoffMaxMs: 1_000 })
  const first = outcome(ask(peer))
  await world.clock.settle()
  assert.equal(await first, 'ECONNREFUSED')
  assert.deepEqual(world.story, ['failed ECONNREFUSED'])
  const second = outcome(ask(peer, 10_000))
  await world.clock.advance(70)
  assert.equal(world.story.length, 1)
  await world.clock.advance(60)
  assert.equal(await second, 'ECONNREFUSED')
  await world.listen()
  const third = outcome(ask(peer, 10_000))
  await world.clock.advance(260)
  assert.equal(await third, 'answered')
})

test('a request that gets no answer in its time fails with ETIMEDOUT, and takes the connection and those behind it along', async () => {
  const world = new World()
  await world.listen()
  world.broker.answer = () => null
  const peer = world.peer()
  const short = outcome(ask(peer, 500))
  const long = outcome(ask(peer, 5_000))
  await world.clock.advance(501)
  assert.deepEqual([await short, await long], ['ETIMEDOUT', 'ECLOSED'])
  assert.deepEqual(world.story, ['connected', 'closed ETIMEDOUT'])
  assert.equal(peer.connected, false)
})

test('a frozen peer: an attempt to connect that hangs ends with the time of the request', async () => {
  const world = new World()
  await world.listen()
  world.network.freeze('b', 9092)
  const peer = world.peer({ dialTimeoutMs: 2_000 })
  const asked = outcome(ask(peer, 500))
  await world.clock.advance(600)
  assert.equal(await asked, 'ETIMEDOUT')
  const later = outcome(ask(peer, 5_000))
  await world.clock.advance(2_000)
  assert.equal(await later, 'EUNREACHABLE')
})

test('a connection that ends rejects what is on it, tells so, and the next request makes a new one', async () => {
  const world = new World()
  await world.listen()
  world.broker.answer = () => null
  const peer = world.peer()
  const lost = outcome(ask(peer))
  await world.clock.settle()
  world.broker.connection?.destroy()
  await world.clock.settle()
  assert.equal(await lost, 'ECLOSED')
  assert.deepEqual(world.story, ['connected', 'closed ECONNRESET'])
  world.broker.answer = (id) => writeResponse(apis.listOffsets, 7, id, { topics: [] })
  const next = outcome(ask(peer))
  await world.clock.settle()
  assert.equal(await next, 'answered')
  world.broker.connection?.end()
  await world.clock.settle()
  assert.equal(world.story.at(-1), 'closed null')
})

test('an answer that is not what it claims to be closes the connection', async () => {
  const answers: readonly ((id: number) => Buffer)[] = [
    (id) => Buffer.concat(writeResponse(apis.listOffsets, 7, id + 1, { topics: [] })),
    (id) => Buffer.concat([...writeResponse(apis.listOffsets, 7, id, { topics: [] })]).fill(0x7f, 8),
    () => Buffer.from([0xff, 0xff, 0xff, 0xff]),
    () => Buffer.from([0, 0, 0, 1, 1]),
  ]
  for (const answer of answers) {
    const world = new World()
    await world.listen()
    world.broker.answer = (id) => [answer(id)]
    const peer = world.peer()
    const asked = [outcome(ask(peer)), outcome(ask(peer))]
    await world.clock.settle()
    assert.deepEqual(await Promise.all(asked), ['EMALFORMED', 'ECLOSED'])
    assert.equal(peer.connected, false)
  }
})

test('a request without an answer does not disturb the order of the others', async () => {
  const world = new World()
  await world.listen()
  world.broker.answer = (id, _version, key) => (key === 0 ? null : writeResponse(apis.listOffsets, 7, id, { topics: [] }))
  const peer = world.peer()
  const sent = peer.send(apis.produce, 9, { acks: 0, timeoutMs: 10, topicData: [] }, { timeoutMs: 100 })
  const asked = outcome(ask(peer))
  await world.clock.settle()
  await sent
  assert.equal(await asked, 'answered')
})

test('closing rejects what waits, and all that comes after', async () => {
  const world = new World()
  await world.listen()
  world.broker.answer = () => null
  const peer = world.peer()
  const asked = outcome(ask(peer))
  await world.clock.settle()
  peer.close()
  assert.deepEqual([await asked, await outcome(ask(peer))], ['ESHUTDOWN', 'ESHUTDOWN'])
  const early = world.peer()
  const queued = outcome(ask(early))
  early.close()
  await world.clock.settle()
  assert.equal(await queued, 'ESHUTDOWN')
  assert.equal(world.story.filter((it) => it.startsWith('closed')).length, 0)
})

test('more requests than requestsWaitingMax are refused', async () => {
  const world = new World()
  const peer = world.peer({ requestsWaitingMax: 2 })
  const asked = [ask(peer), ask(peer), ask(peer)].map(outcome)
  await world.clock.settle()
  assert.deepEqual(await Promise.all(asked), ['ECONNREFUSED', 'ECONNREFUSED', 'EBUSY'])
})

test('negotiation falls back to version 0 and finds the highest common version', async () => {
  const world = new World()
  await world.listen()
  world.broker.answer = (id, version) =>
    writeResponse(apis.apiVersions, 0, id, {
      errorCode: version > 2 ? 35 : 0,
      apiKeys:
        version > 2
          ? []
          : [
              { apiKey: 1, minVersion: 0, maxVersion: 11 },
              { apiKey: 3, minVersion: 90, maxVersion: 99 },
            ],
    })
  const peer = world.peer()
  const asked = negotiate(peer, { timeoutMs: 1_000 })
  await world.clock.settle()
  const versions = await asked
  assert.equal(versions.best(apis.fetch), 11)
  assert.equal(versions.best(apis.fetch, 8), 8)
  assert.equal(versions.best(apis.metadata), undefined)
  assert.throws(() => versions.require(apis.produce), { code: 'EUNSUPPORTED' })
})

test('a probe tells refused from silent', async () => {
  const world = new World()
  const ask = async () => {
    const asked = probe(world.network, 'b', 9092, 100)
    await world.clock.advance(101)
    return asked
  }
  assert.equal(await ask(), 'refused')
  await world.listen()
  assert.equal(await ask(), 'listening')
  world.network.freeze('b', 9092)
  assert.equal(await ask(), 'unknown')
})
