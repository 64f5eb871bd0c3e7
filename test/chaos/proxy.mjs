// A TCP proxy that does to the connections through it what networks do. It stands for one link: whoever dials it, and the one address behind it.
//
// Each direction of each connection is a queue of pieces with the time at which they may go on; TCP's promise is kept (bytes of one connection
// never change their order), all else may be broken at run time:
//   delayMs, jitterMs    every piece waits so long; those of one connection keep their order, two connections overtake each other
//   spreadMs             each new connection draws a delay of its own: what was sent later on another connection comes first
//   bytesPerSecond       a slow line
//   pieceBytes, pieceMs  bytes come in small pieces with a pause between them
//   isBlocked            nothing comes through, the end of a connection neither: whoever waits learns nothing. What was held goes on afterwards,
//                        as if sent again. As in TCP, a direction whose opposite is blocked is not confirmed, and so dries up soon, and no
//                        connection is made; with `isConfirmed` it goes on (a middlebox that confirms what it does not deliver)
//   cutAfterBytes        a connection is reset after so many bytes in this direction, in the middle of whatever it is
// And at once: `reset()` (RST to both ends of all connections), `freeze()` (what is connected is dead without a word, new connections live),
// `halfOpen()` (the end behind the proxy is gone, the dialler is not told), `isClosedToNew` (dialled, and never connected through).
//
// A proxy listens only while what is behind it listens: a dead process refuses connections, and so must the proxy in front of it.
import { createConnection, createServer } from 'node:net'

/** Held for a direction before its sender is made to wait. */
const heldBytesMax = 262_144
const targetLooksEveryMs = 10
const dialTimeoutMs = 2000
/** What is not confirmed for so long is sent again (Linux: at least 200 ms), and nothing new beside it. */
const confirmWithinMs = 250

/**
 * What is done to one direction.
 * @typedef {{ delayMs: number, jitterMs: number, spreadMs: number, bytesPerSecond: number, pieceBytes: number, pieceMs: number, isBlocked: boolean, isConfirmed: boolean, cutAfterBytes: number }} Shape
 */

/** @type {Readonly<Shape>} */
export const clear = Object.freeze({
  delayMs: 0,
  jitterMs: 0,
  spreadMs: 0,
  bytesPerSecond: Infinity,
  pieceBytes: Infinity,
  pieceMs: 0,
  isBlocked: false,
  isConfirmed: false,
  cutAfterBytes: Infinity,
})

/** Chance that can be repeated (mulberry32). @param {number} seed @returns {() => number} from 0 to below 1 */
export function chance(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** RST. A socket that is already saying goodbye cannot be reset any more (uv_tcp_close_reset) and is closed. @param {import('node:net').Socket | undefined} socket */
function resetSocket(socket) {
  if (socket === undefined || socket.destroyed) return
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}

/** One direction of one connection. */
class Flow {
  /**
   * @param {import('node:net').Socket} from @param {import('node:net').Socket} to
   * @param {{ shape: Shape, back: Shape, random: () => number, isFrozen: () => boolean, onCut: () => void, onPassed: (bytes: number) => void }} link
   */
  constructor(from, to, link) {
    this.from = from
    this.to = to
    this.link = link
    /** @type {{ due: number, bytes: Buffer | 'end' | 'reset' }[]} */
    this.queue = []
    this.held = 0
    this.passed = 0
    this.lastDue = 0
    /** When the first byte went through that the blocked opposite direction does not confirm. @type {number | undefined} */
    this.unconfirmedSince = undefined
    this.ownDelayMs = link.shape.spreadMs * link.random()
    /** @type {NodeJS.Timeout | undefined} */
    this.timer = undefined
    this.isWaitingForDrain = false
    from.on('data', (chunk) => this.take(chunk))
    from.on('end', () => this.push('end', 0))
    from.on('error', () => this.push('reset', 0))
    to.on('drain', () => {
      this.isWaitingForDrain = false
      this.pump()
    })
  }

  /** @param {Buffer} chunk */
  take(chunk) {
    const { pieceBytes, pieceMs, bytesPerSecond } = this.link.shape
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = chunk.subarray(at, Math.min(chunk.length, at + pieceBytes))
      this.push(piece, (piece.length / bytesPerSecond) * 1000 + pieceMs)
    }
    if (this.held >= heldBytesMax) this.from.pause()
  }

  /** @param {Buffer | 'end' | 'reset'} bytes @param {number} lineMs how long it occupies the line */
  push(bytes, lineMs) {
    const { delayMs, jitterMs } = this.link.shape
    const now = performance.now()
    const due = Math.max(now + delayMs + this.ownDelayMs + jitterMs * this.link.random(), this.lastDue) + lineMs
    this.lastDue = due
    this.queue.push({ due, bytes })
    if (typeof bytes !== 'string') this.held += bytes.length
    this.pump()
  }

  isOpen() {
    const { shape, back, isFrozen } = this.link
    if (!back.isBlocked || back.isConfirmed) this.unconfirmedSince = undefined
    const waited = performance.now() - (this.unconfirmedSince ?? Infinity)
    return !shape.isBlocked && !isFrozen() && !(waited > confirmWithinMs)
  }

  /** Lets through whatever may go now, and comes back when the next may. */
  pump() {
    clearTimeout(this.timer)
    this.timer = undefined
    while (!this.isWaitingForDrain && this.isOpen()) {
      const next = this.queue[0]
      if (next === undefined) break
      const wait = next.due - performance.now()
      if (wait > 0.5) {
        this.timer = setTimeout(() => this.pump(), wait)
        break
      }
      this.queue.shift()
      this.pass(next.bytes)
    }
    if (this.held < heldBytesMax && this.from.isPaused()) this.from.resume()
  }

  /** @param {Buffer | 'end' | 'reset'} bytes */
  pass(bytes) {
    if (this.to.destroyed) return
    if (bytes === 'end') this.to.end()
    else if (bytes === 'reset') resetSocket(this.to)
    else {
      this.held -= bytes.length
      if (this.link.back.isBlocked && !this.link.back.isConfirmed) this.unconfirmedSince ??= performance.now()
      const room = this.link.shape.cutAfterBytes - this.passed
      this.passed += bytes.length
      this.link.onPassed(Math.min(bytes.length, Math.max(0, room)))
      if (bytes.length > room) {
        if (room > 0) this.to.write(bytes.subarray(0, room))
        // what was written should arrive before the reset does
        setTimeout(() => this.link.onCut(), 1)
      } else this.isWaitingForDrain = !this.to.write(bytes)
    }
  }

  stop() {
    clearTimeout(this.timer)
    this.queue.length = 0
  }
}

export class FaultyProxy {
  /** @param {{ name: string, port: number, targetPort: number, seed?: number }} options both ends on 127.0.0.1 */
  constructor({ name, port, targetPort, seed = 1 }) {
    this.name = name
    this.port = port
    this.targetPort = targetPort
    this.random = chance(seed)
    /** From the dialler to what is behind the proxy, and back. @type {{ forward: Shape, backward: Shape }} */
    this.shapes = { forward: { ...clear }, backward: { ...clear } }
    /** Connections are taken and never connected through. */
    this.isClosedToNew = false
    this.passedBytes = { forward: 0, backward: 0 }
    this.accepted = 0
    /** @type {Set<Connection>} */
    this.connections = new Set()
    /** @type {import('node:net').Server | undefined} */
    this.server = undefined
    this.isStopped = true
    /** @type {NodeJS.Timeout | undefined} */
    this.lookTimer = undefined
  }

  /** Listens as soon as the target does. */
  start() {
    this.isStopped = false
    this.look()
  }

  /** Whether a connection can be made now. */
  get lets() {
    const isCut = (/** @type {Shape} */ { isBlocked, isConfirmed }) => isBlocked && !isConfirmed
    return !this.isClosedToNew && !isCut(this.shapes.forward) && !isCut(this.shapes.backward)
  }

  get isListening() {
    return this.server !== undefined
  }

  /** Finds out whether the target listens, and does as it does. */
  look() {
    if (this.isStopped) return
    clearTimeout(this.lookTimer)
    this.lookTimer = undefined
    const probe = createConnection({ host: '127.0.0.1', port: this.targetPort })
    probe.setTimeout(dialTimeoutMs, () => probe.destroy())
    probe.once('connect', () => {
      probe.destroy()
      this.open()
    })
    probe.once('error', () => this.onRefused())
  }

  onRefused() {
    const { server } = this
    this.server = undefined
    server?.close()
    if (!this.isStopped) this.lookTimer ??= setTimeout(() => this.look(), targetLooksEveryMs)
  }

  open() {
    if (this.isStopped || this.server !== undefined) return
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => this.accept(near))
    this.server = server
    server.on('error', () => this.onRefused())
    server.listen(this.port, '127.0.0.1')
  }

  /** @param {import('node:net').Socket} near */
  accept(near) {
    this.accepted += 1
    this.connections.add(new Connection(this, near))
  }

  /** Changes a direction, or both, for the connections there are and those to come. @param {'forward' | 'backward' | 'both'} direction @param {Partial<Shape>} shape */
  shape(direction, shape) {
    for (const one of /** @type {const} */ (['forward', 'backward'])) {
      if (direction === one || direction === 'both') Object.assign(this.shapes[one], shape)
    }
    for (const connection of this.connections) connection.onShaped()
  }

  /** RST to both ends of every connection. */
  reset() {
    for (const connection of this.connections) connection.reset()
  }

  /** What is connected now carries nothing any more, in neither direction, and is not told; until `clear()`. */
  freeze() {
    for (const connection of this.connections) {
      connection.isFrozen = true
      connection.pump()
    }
  }

  /** What is connected now has no other end any more, and the dialler is not told. */
  halfOpen() {
    for (const connection of this.connections) connection.loseTarget()
  }

  /** No faults any more: what was held goes on. */
  clear() {
    this.isClosedToNew = false
    Object.assign(this.shapes.forward, clear)
    Object.assign(this.shapes.backward, clear)
    for (const connection of this.connections) connection.thaw()
  }

  stop() {
    this.isStopped = true
    clearTimeout(this.lookTimer)
    this.server?.close()
    this.server = undefined
    for (const connection of this.connections) connection.destroy()
  }
}

class Connection {
  /** @param {FaultyProxy} proxy @param {import('node:net').Socket} near */
  constructor(proxy, near) {
    this.proxy = proxy
    this.near = near
    this.isFrozen = false
    this.isLost = false
    /** @type {import('node:net').Socket | undefined} */
    this.far = undefined
    /** @type {Flow[]} */
    this.flows = []
    near.on('error', () => {})
    near.once('close', () => this.onClosed())
    near.pause()
    this.dial()
  }

  dial() {
    const { proxy, near } = this
    if (!proxy.lets) return
    const far = createConnection({ host: '127.0.0.1', port: proxy.targetPort, allowHalfOpen: true, noDelay: true })
    this.far = far
    far.on('error', (error) => {
      if ('code' in error && error.code === 'ECONNREFUSED') {
        proxy.onRefused()
        resetSocket(near)
      }
    })
    far.once('close', () => {
      this.onClosed()
      proxy.look()
    })
    far.once('end', () => proxy.look())
    const link = (/** @type {'forward' | 'backward'} */ direction) => ({
      shape: proxy.shapes[direction],
      back: proxy.shapes[direction === 'forward' ? 'backward' : 'forward'],
      random: proxy.random,
      isFrozen: () => this.isFrozen,
      onCut: () => this.reset(),
      onPassed: (bytes) => (proxy.passedBytes[direction] += bytes),
    })
    far.once('connect', () => {
      this.flows = [new Flow(near, far, link('forward')), new Flow(far, near, link('backward'))]
      near.resume()
    })
  }

  pump() {
    for (const flow of this.flows) flow.pump()
  }

  /** A dialler asks again for a connection that could not be made before. */
  onShaped() {
    if (this.far === undefined && !this.near.destroyed && this.proxy.lets) this.dial()
    this.pump()
  }

  reset() {
    resetSocket(this.near)
    resetSocket(this.far)
  }

  loseTarget() {
    this.isFrozen = true
    this.isLost = true
    resetSocket(this.far)
  }

  /** Of a connection that has no other end any more the dialler learns when it next says something: here, at once. */
  thaw() {
    this.isFrozen = false
    if (this.isLost) resetSocket(this.near)
    else this.onShaped()
  }

  /** One end is gone; the other hears of it when what was on its way has come through. */
  onClosed() {
    if (!this.near.destroyed || (this.far !== undefined && !this.far.destroyed)) return
    for (const flow of this.flows) flow.stop()
    this.proxy.connections.delete(this)
  }

  destroy() {
    this.near.destroy()
    this.far?.destroy()
  }
}
