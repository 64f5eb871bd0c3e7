// A bare client over one socket, on the project's own schemas: for what the rig must ask a cluster itself, and for tests that say things no
// decent client says. Every wait has an end.
import { createConnection } from 'node:net'
import { apis, readResponse, writeRequest } from './build.mjs'

export { apis }

const replyTimeoutMs = 10_000

/** @typedef {string} ApiName the name of an API as src/protocol/apis.ts has it */

export class Wire {
  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.socket = socket
    this.correlation = 0
    this.clientId = 'odradek-rig'
    /** @type {Buffer} */
    this.received = Buffer.alloc(0)
    /** @type {{ resolve: (frame: Buffer) => void, reject: (error: Error) => void, timer: NodeJS.Timeout }[]} */
    this.waiting = []
    this.closed = new Promise((resolve) => socket.once('close', () => resolve(undefined)))
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('data', (chunk) => this.onData(chunk))
    socket.on('close', () => this.failAll(new Error('the broker closed the connection')))
  }

  /** @param {Buffer} chunk */
  onData(chunk) {
    this.received = Buffer.concat([this.received, chunk])
    while (this.received.length >= 4 && this.received.length >= 4 + this.received.readInt32BE(0)) {
      const end = 4 + this.received.readInt32BE(0)
      const frame = this.received.subarray(4, end)
      this.received = this.received.subarray(end)
      const next = this.waiting.shift()
      if (next === undefined) continue
      clearTimeout(next.timer)
      next.resolve(frame)
    }
  }

  /** @param {Error} error */
  failAll(error) {
    for (const { reject, timer } of this.waiting.splice(0)) {
      clearTimeout(timer)
      reject(error)
    }
  }

  /** The next response frame (without its size). @returns {Promise<Buffer>} */
  nextFrame(timeoutMs = replyTimeoutMs) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.failAll(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
      this.waiting.push({ resolve, reject, timer })
      if (this.socket.destroyed) this.failAll(new Error('the broker closed the connection'))
    })
  }

  /** One request and its answer. @param {ApiName} name @param {number} version @param {object} body @returns {Promise<any>} */
  async call(name, version, body, timeoutMs = replyTimeoutMs) {
    const answer = this.nextFrame(timeoutMs)
    this.send(name, version, body)
    return readResponse(apis[name], version, await answer).body
  }

  /** A request whose answer nobody waits for. @param {ApiName} name @param {number} version @param {object} body */
  send(name, version, body) {
    this.correlation += 1
    this.socket.write(Buffer.concat(writeRequest(apis[name], version, this.correlation, this.clientId, body)))
  }

  /** @param {Buffer} bytes */
  raw(bytes) {
    this.socket.write(bytes)
  }

  close() {
    this.socket.destroy()
  }
}

/** @param {number} port @returns {Promise<Wire>} */
export function connect(port, timeoutMs = 2000) {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    const timer = setTimeout(() => socket.destroy(new Error(`connecting to port ${port}: no answer within ${timeoutMs} ms`)), timeoutMs)
    socket.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(new Wire(socket))
    })
  })
}

/** One request on a connection of its own. @param {number} port @param {ApiName} name @param {number} version @param {object} body */
export async function ask(port, name, version, body, timeoutMs = 2000) {
  const wire = await connect(port, timeoutMs)
  try {
    return await wire.call(name, version, body, timeoutMs)
  } finally {
    wire.close()
  }
}
