// The faulty proxy, between plain sockets.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createConnection, createServer } from 'node:net'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts, until } from '../rig/processes.mjs'
import { FaultyProxy } from './proxy.mjs'

describe('a faulty proxy', () => {
  /** @type {FaultyProxy} */
  let proxy
  /** @type {import('node:net').Server} */
  let target
  /** @type {import('node:net').Socket[]} */
  let taken
  /** @type {import('node:net').Socket[]} */
  let dialled

  const listen = (port) => {
    target = createServer((socket) => {
      taken.push(socket)
      socket.on('error', () => {})
      socket.on('data', (chunk) => socket.write(chunk))
    })
    target.listen(port, '127.0.0.1')
    return once(target, 'listening')
  }

  /** A connection through the proxy that keeps what comes back. */
  const dial = async () => {
    const socket = createConnection({ host: '127.0.0.1', port: proxy.port })
    dialled.push(socket)
    const seen = { socket, text: '', end: '' }
    socket.on('data', (chunk) => (seen.text += String(chunk)))
    socket.on('end', () => (seen.end ||= 'FIN'))
    socket.on('error', (error) => (seen.end ||= 'code' in error ? String(error.code) : 'error'))
    await once(socket, 'connect')
    return seen
  }

  const says = async (seen, text) => {
    const begin = performance.now()
    seen.socket.write(text)
    await until(`${text} comes back`, () => seen.text.endsWith(text), { everyMs: 2, timeoutMs: 5000 })
    return performance.now() - begin
  }

  beforeEach(async () => {
    taken = []
    dialled = []
    const [port = 0, targetPort = 0] = await freePorts(2)
    await listen(targetPort)
    proxy = new FaultyProxy({ name: 'link', port, targetPort, seed: 7 })
    proxy.start()
    await until('the proxy listens', () => proxy.isListening)
    await sleep(5)
  })

  afterEach(() => {
    proxy.stop()
    for (const socket of [...taken, ...dialled]) socket.destroy()
    target.close()
  })

  test('lets bytes through, and the end of a connection in both directions', async () => {
    const seen = await dial()
    await says(seen, 'hello')
    taken.at(-1)?.end()
    await until('the end comes', () => seen.end === 'FIN')
    const other = await dial()
    await says(other, 'hello')
    const far = taken.at(-1)
    other.socket.end()
    await until('the end arrives', () => far?.readableEnded === true)
  })

  test('passes a reset on as a reset', async () => {
    const seen = await dial()
    await says(seen, 'a')
    taken.at(-1)?.resetAndDestroy()
    await until('the reset comes', () => seen.end === 'ECONNRESET')
  })

  test('delays each direction by itself', async () => {
    const seen = await dial()
    assert.ok((await says(seen, 'quick')) < 60)
    proxy.shape('forward', { delayMs: 100 })
    const there = await says(seen, 'one way')
    assert.ok(there >= 99 && there < 180, `${there} ms`)
    proxy.shape('backward', { delayMs: 100 })
    const andBack = await says(seen, 'both ways')
    assert.ok(andBack >= 199 && andBack < 290, `${andBack} ms`)
    proxy.clear()
    assert.ok((await says(seen, 'quick again')) < 60)
  })

  test('jitter never changes the order within a connection', async () => {
    const seen = await dial()
    proxy.shape('both', { jitterMs: 20 })
    let sent = ''
    for (let i = 0; i < 40; i += 1) {
      seen.socket.write(`${i},`)
      sent += `${i},`
      await sleep(1)
    }
    await until('all has come', () => seen.text.length === sent.length)
    assert.equal(seen.text, sent)
  })

  test('connections with delays of their own overtake each other', async () => {
    proxy.shape('forward', { spreadMs: 200 })
    const all = [await dial(), await dial(), await dial(), await dial()]
    await sleep(20)
    const times = await Promise.all(all.map((seen) => says(seen, 'x')))
    assert.ok(Math.max(...times) - Math.min(...times) > 20, times.join())
  })

  test('a slow line carries so many bytes in a second', async () => {
    const seen = await dial()
    await says(seen, 'x')
    proxy.shape('forward', { bytesPerSecond: 100_000 })
    const tookMs = await says(seen, `${'y'.repeat(20_000)}z`)
    assert.ok(tookMs >= 190 && tookMs < 400, `${tookMs} ms`)
  })

  test('bytes come in pieces', async () => {
    const seen = await dial()
    await says(seen, 'x')
    const sizes = []
    seen.socket.on('data', (chunk) => sizes.push(chunk.length))
    proxy.shape('backward', { pieceBytes: 3, pieceMs: 5 })
    await says(seen, '0123456789')
    assert.ok(sizes.length >= 3 && Math.max(...sizes) <= 6, sizes.join())
  })

  test('a blocked direction holds bytes and the end of the connection, and lets them go on afterwards', async () => {
    const seen = await dial()
    await says(seen, 'x')
    proxy.shape('backward', { isBlocked: true })
    seen.socket.write('held')
    await sleep(80)
    taken.at(-1)?.end()
    await sleep(50)
    assert.deepEqual([seen.text, seen.end], ['x', ''])
    proxy.clear()
    await until('it goes on', () => seen.text === 'xheld' && seen.end === 'FIN')
  })

  test('a blocked direction makes the sender wait rather than holding without bound', async () => {
    const seen = await dial()
    await says(seen, 'x')
    proxy.shape('forward', { isBlocked: true })
    for (let i = 0; i < 64; i += 1) seen.socket.write(Buffer.alloc(262_144))
    await sleep(200)
    assert.ok(seen.socket.writableLength > 0)
    proxy.clear()
    await until('all has come', () => seen.text.length === 1 + 64 * 262_144)
  })

  test('resets all connections at both ends', async () => {
    const one = await dial()
    const two = await dial()
    await says(one, 'x')
    await says(two, 'x')
    proxy.reset()
    await until('both know', () => one.end === 'ECONNRESET' && two.end === 'ECONNRESET')
    await until('the other ends know', () => taken.slice(-2).every((socket) => socket.destroyed))
    await says(await dial(), 'again')
  })

  test('a connection is cut in the middle of what it says', async () => {
    proxy.shape('backward', { cutAfterBytes: 5 })
    const seen = await dial()
    seen.socket.write('0123456789')
    await until('it is cut', () => seen.end === 'ECONNRESET')
    assert.equal(seen.text, '01234')
  })

  test('frozen connections are dead without a word while new ones live; they go on when cleared', async () => {
    const old = await dial()
    await says(old, 'x')
    proxy.freeze()
    old.socket.write('lost?')
    await says(await dial(), 'new')
    await sleep(50)
    assert.deepEqual([old.text, old.end], ['x', ''])
    proxy.clear()
    await until('it goes on', () => old.text === 'xlost?')
  })

  test('of a half-open connection the dialler learns nothing until it is cleared', async () => {
    const seen = await dial()
    await says(seen, 'x')
    proxy.halfOpen()
    await until('the other end is gone', () => taken.at(-1)?.destroyed === true)
    seen.socket.write('anyone?')
    await sleep(60)
    assert.deepEqual([seen.text, seen.end], ['x', ''])
    await says(await dial(), 'new')
    proxy.clear()
    await until('it is told', () => seen.end === 'ECONNRESET')
  })

  test('new connections lead nowhere while old ones live', async () => {
    const old = await dial()
    await says(old, 'x')
    proxy.isClosedToNew = true
    const fresh = await dial()
    fresh.socket.write('?')
    await says(old, 'y')
    await sleep(50)
    assert.deepEqual([fresh.text, fresh.end], ['', ''])
    proxy.clear()
    await until('it is made at last', () => fresh.text === '?')
  })

  test('what is not confirmed dries up: with one direction blocked the other carries on for a moment only, and no connection is made', async () => {
    const seen = await dial()
    await says(seen, 'x')
    const got = []
    taken.at(-1)?.on('data', (chunk) => got.push(String(chunk)))
    proxy.shape('backward', { isBlocked: true })
    seen.socket.write('a')
    await until('it arrives', () => got.join('') === 'a', { timeoutMs: 150 })
    await sleep(300)
    seen.socket.write('b')
    const fresh = await dial()
    fresh.socket.write('new')
    await sleep(60)
    assert.equal(got.join(''), 'a')
    proxy.clear()
    await until('all goes on', () => seen.text === 'xab' && fresh.text === 'new')
  })

  test('where a middlebox confirms what it does not deliver, the other direction carries on', async () => {
    const seen = await dial()
    await says(seen, 'x')
    const got = []
    taken.at(-1)?.on('data', (chunk) => got.push(String(chunk)))
    proxy.shape('backward', { isBlocked: true, isConfirmed: true })
    for (const letter of 'abc') {
      seen.socket.write(letter)
      await sleep(200)
    }
    assert.equal(got.join(''), 'abc')
  })

  test('refuses connections while nothing listens behind it, and takes them again soon after', async () => {
    const seen = await dial()
    await says(seen, 'x')
    const { targetPort } = proxy
    const begin = performance.now()
    target.close()
    for (const socket of taken) socket.resetAndDestroy()
    await until('it is told', () => seen.end === 'ECONNRESET')
    await until(
      'the proxy refuses',
      () =>
        dial().then(
          () => false,
          (error) => error.code === 'ECONNREFUSED',
        ),
      { everyMs: 1 },
    )
    assert.ok(performance.now() - begin < 100)
    await listen(targetPort)
    await until('the proxy listens again', () => proxy.isListening, { timeoutMs: 500 })
    await sleep(5)
    await says(await dial(), 'again')
  })
})
