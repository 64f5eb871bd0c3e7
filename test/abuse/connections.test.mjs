// Bad input on the connection: garbage, frames that lie about their length, half frames, unread answers, wrong versions, many connections.
// Whatever comes, the right answer or a closed connection follows, and a well-behaved client is served all the while.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { createConnection } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { apis, ErrorCode, readResponse, writeRequest } from '../rig/build.mjs'
import { startCluster, underTest, until } from '../rig/cluster.mjs'
import { connect } from '../rig/wire.mjs'

const kafkaBreaks = underTest === 'kafka' && 'Apache Kafka takes the memory and runs out of it'

/** @type {Awaited<ReturnType<typeof startCluster>>} */
let cluster
/** @type {number} */
let port
/** @type {import('../rig/wire.mjs').Wire} a client that behaves, connected from the first test to the last */
let goodClient

before(async () => {
  cluster = await startCluster({ nodes: 1 })
  port = cluster.nodes[0]?.port ?? 0
  goodClient = await connect(port)
})
after(async () => {
  goodClient?.close()
  await cluster?.stop()
})
afterEach(async () => {
  const { brokers } = await goodClient.call('metadata', 12, { topics: [] })
  assert.equal(brokers.length, 1, 'the client that was there all the time is served')
  const fresh = await connect(port)
  assert.equal((await fresh.call('apiVersions', 3, { clientSoftwareName: 'test', clientSoftwareVersion: '1' })).errorCode, 0)
  fresh.close()
})

const sized = (bytes, size = bytes.length) => {
  const head = Buffer.alloc(4)
  head.writeInt32BE(size)
  return Buffer.concat([head, bytes])
}
const frame = (name, version, body) => Buffer.concat(writeRequest(apis[name], version, 1, 'abuse', body))
/** A request header (version 1) with any key and version. */
const header = (key, version, rest = Buffer.alloc(0)) => {
  const bytes = Buffer.alloc(10)
  bytes.writeInt16BE(key, 0)
  bytes.writeInt16BE(version, 2)
  bytes.writeInt32BE(77, 4)
  bytes.writeInt16BE(-1, 8)
  return sized(Buffer.concat([bytes, rest]))
}

/** Expects the broker to hang up after these bytes. */
async function isClosed(bytes, { to = port, withinMs = 5000 } = {}) {
  const wire = await connect(to)
  wire.raw(bytes)
  const closed = await Promise.race([wire.closed.then(() => true), sleep(withinMs, false, { ref: false })])
  wire.close()
  assert.equal(closed, true, `still open after ${bytes.length} bytes ${bytes.subarray(0, 32).toString('hex')}`)
}

/** A seeded stream of bytes. */
function* noise(seed) {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state >>> 24
  }
}

test('other protocols and plain text are hung up on', async () => {
  await isClosed(Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))
  await isClosed(Buffer.from('160301020001000001fc0303', 'hex'))
  await isClosed(Buffer.from('SSH-2.0-OpenSSH_9.2p1\r\n'))
})

test('200 connections of garbage do no harm, on either listener', async () => {
  const bytes = noise(42)
  for (let i = 0; i < 200; i += 1) {
    const garbage = Buffer.from(Array.from({ length: 1 + (i % 97) * 7 }, () => bytes.next().value ?? 0))
    const wire = await connect(i % 4 === 0 ? (cluster.nodes[0]?.controllerPort ?? 0) : port)
    // half of them in a frame of the right length, so that it is the header and the body that are garbage
    wire.raw(i % 2 === 0 ? garbage : sized(garbage))
    setTimeout(() => wire.close(), 50).unref()
  }
  await sleep(100)
})

test('a frame of 2 GiB, of a negative length, and an empty one are hung up on', async () => {
  await isClosed(Buffer.from('7fffffff', 'hex'))
  await isClosed(Buffer.from('80000000', 'hex'))
  await isClosed(Buffer.from('ffffffff', 'hex'))
  await isClosed(Buffer.from('00000000', 'hex'))
  await isClosed(Buffer.from('7fffffff', 'hex'), { to: cluster.nodes[0]?.controllerPort })
})

test('a length that is claimed but never sent takes no memory', { skip: kafkaBreaks }, async () => {
  const before = cluster.rssMiB()
  const wires = await Promise.all(Array.from({ length: 50 }, () => connect(port)))
  for (const wire of wires) wire.raw(sized(Buffer.from([0, 3, 0, 12, 0, 0, 0, 1]), 100 * 1024 * 1024))
  await sleep(300)
  assert.ok(cluster.rssMiB() - before < 100, `${before} MiB became ${cluster.rssMiB()} MiB`)
  for (const wire of wires) wire.close()
})

test('half a frame is waited for; the rest may come byte by byte', async () => {
  const wire = await connect(port)
  const bytes = frame('apiVersions', 3, { clientSoftwareName: 'slow', clientSoftwareVersion: '1' })
  const answer = wire.nextFrame()
  for (const byte of bytes) {
    wire.raw(Buffer.from([byte]))
    await sleep(5)
  }
  assert.equal(readResponse(apis.apiVersions, 3, await answer).body.errorCode, 0)
  wire.close()
})

test('a connection cut in the middle of a frame is forgotten', async () => {
  const bytes = frame('metadata', 12, { topics: null })
  for (let length = 0; length < bytes.length; length += 1) {
    const wire = await connect(port)
    wire.raw(bytes.subarray(0, length))
    if (length % 2 === 0) wire.socket.resetAndDestroy()
    else wire.socket.end(() => wire.close())
  }
})

test('pipelined requests are answered in the order they came', async () => {
  const wire = await connect(port)
  const count = 500
  const answers = Array.from({ length: count }, () => wire.nextFrame())
  const bytes = Array.from({ length: count }, (_, i) =>
    Buffer.concat(i % 2 === 0 ? writeRequest(apis.metadata, 12, i, null, { topics: [] }) : writeRequest(apis.apiVersions, 0, i, '', {})),
  )
  wire.raw(Buffer.concat(bytes))
  const order = (await Promise.all(answers)).map((it) => it.readInt32BE(0))
  assert.equal(
    order.findIndex((id, i) => id !== i),
    -1,
  )
  wire.close()
})

test('answers that nobody reads do not fill the memory of the broker', { skip: kafkaBreaks }, async () => {
  const topics = Array.from({ length: 20 }, (_, i) => ({
    name: `unread-${i}`,
    numPartitions: 50,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }))
  const made = await goodClient.call('createTopics', 7, { topics, timeoutMs: 30_000, validateOnly: false }, 30_000)
  assert.ok(made.topics.every(({ errorCode }) => errorCode === 0))
  const before = cluster.rssMiB()
  const sockets = Array.from({ length: 20 }, () => createConnection({ host: '127.0.0.1', port }))
  const request = frame('metadata', 12, { topics: null })
  for (const socket of sockets) {
    socket.on('error', () => {})
    socket.pause()
    for (let i = 0; i < 200; i += 1) socket.write(request)
  }
  for (let i = 0; i < 20; i += 1) {
    const started = performance.now()
    await goodClient.call('metadata', 12, { topics: [] })
    assert.ok(performance.now() - started < 2000, 'the others wait for nobody')
    await sleep(50)
  }
  // all answers together are about 20 x 200 x 30 KB
  assert.ok(cluster.rssMiB() - before < 150, `${before} MiB became ${cluster.rssMiB()} MiB`)
  for (const socket of sockets) socket.destroy()
})

describe('versions and APIs', () => {
  test('ApiVersions in a version to come is answered in version 0 with what there is', async () => {
    const wire = await connect(port)
    const answer = wire.nextFrame()
    wire.raw(header(apis.apiVersions.key, 127, Buffer.from([0])))
    const { body } = readResponse(apis.apiVersions, 0, await answer)
    assert.equal(body.errorCode, ErrorCode.UNSUPPORTED_VERSION)
    assert.ok(body.apiKeys.some(({ apiKey }) => apiKey === apis.apiVersions.key))
    wire.close()
  })

  test('an unknown API and versions outside of the advertised ones are hung up on', async () => {
    await isClosed(header(999, 0))
    await isClosed(header(-1, 0))
    await isClosed(header(apis.metadata.key, 99))
    await isClosed(header(apis.metadata.key, -1))
    await isClosed(header(apis.produce.key, 0x7fff))
    await isClosed(header(apis.vote.key, 0)) // not of this listener
  })

  test('every advertised API answers a request of defaults or hangs up, in its lowest and highest version', async () => {
    const { apiKeys } = await goodClient.call('apiVersions', 3, { clientSoftwareName: 'test', clientSoftwareVersion: '1' })
    for (const { apiKey, minVersion, maxVersion } of apiKeys) {
      const api = Object.values(apis).find(({ key }) => key === apiKey)
      if (api === undefined) continue
      for (const version of [Math.max(minVersion, api.versionMin), Math.min(maxVersion, api.versionMax)]) {
        const wire = await connect(port)
        const answer = wire.nextFrame(5000).then(
          (bytes) => readResponse(api, version, bytes) !== undefined,
          (error) => /closed/.test(String(error)) || Promise.reject(new Error(`${api.name} ${version}: ${error}`)),
        )
        wire.raw(Buffer.concat(writeRequest(api, version, 9, 'defaults', api === apis.produce ? { acks: -1 } : {})))
        assert.equal(await answer, true)
        wire.close()
      }
    }
  })
})

describe('bodies', () => {
  test('a body that ends too early, and counts and lengths that lie, are hung up on', async () => {
    const whole = frame('metadata', 12, { topics: [{ name: 'x' }] }).subarray(4)
    for (let length = 8; length < whole.length; length += 1) await isClosed(sized(whole.subarray(0, length)))
    const int32 = (value) => {
      const bytes = Buffer.alloc(4)
      bytes.writeInt32BE(value)
      return bytes
    }
    await isClosed(header(apis.metadata.key, 4, int32(0x7fffffff))) // 2^31-1 topics
    await isClosed(header(apis.metadata.key, 4, int32(-2)))
    await isClosed(header(apis.metadata.key, 4, Buffer.concat([int32(1), Buffer.from('7fff61', 'hex')]))) // a name of 32767 bytes, one there
    await isClosed(header(apis.metadata.key, 4, Buffer.concat([int32(1), Buffer.from('fffe', 'hex')])))
  })

  test('an unknown tagged field is passed over; a tag that lies about its size is hung up on', async () => {
    const wire = await connect(port)
    const answer = await wire.call('metadata', 12, { topics: [], unknownTags: [{ tag: 9999, bytes: Buffer.from('new') }] })
    assert.equal(answer.brokers.length, 1)
    wire.close()
    const whole = frame('metadata', 12, { topics: [] })
    const bytes = Buffer.concat([whole.subarray(4, whole.length - 1), Buffer.from('018f4effffffff07', 'hex')])
    await isClosed(sized(bytes))
  })

  test('a long client id and none at all are taken', async () => {
    for (const clientId of [null, '', 'x'.repeat(30_000), '__proto__', '\u0000\u0001', 'ü🙂']) {
      const wire = await connect(port)
      const answer = wire.nextFrame()
      wire.raw(Buffer.concat(writeRequest(apis.metadata, 12, 5, clientId, { topics: [] })))
      assert.equal((await answer).readInt32BE(0), 5)
      wire.close()
    }
  })
})

test('1,000 idle connections are held, and 1,000 more come and go', async () => {
  const idle = []
  for (let i = 0; i < 20; i += 1) idle.push(...(await Promise.all(Array.from({ length: 50 }, () => connect(port, 10_000)))))
  assert.equal(idle.filter(({ socket }) => !socket.destroyed).length, 1000)
  const last = idle.at(-1)
  assert.ok(last !== undefined)
  assert.equal((await last.call('metadata', 12, { topics: [] })).brokers.length, 1)
  for (let i = 0; i < 1000; i += 1) (await connect(port, 10_000)).socket.resetAndDestroy()
  for (const wire of idle) wire.close()
  await until('the broker has let go of them', async () => (await connect(port)).close() === undefined)
})

test('the broker is the process that it was at the beginning', () => {
  assert.ok(cluster.nodes[0]?.isUp)
})
