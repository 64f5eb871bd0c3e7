// A connection that takes answers as whole frames out of one buffer that is used again and again. A frame is valid only while it is handed over.
import { createConnection } from 'node:net'

const sizeBytes = 4
const connectTimeoutMs = 10_000

/** Cuts a stream into frames: whole ones are handed on where they lie, torn ones are gathered in a buffer that grows to the largest and is kept. */
export class FrameReader {
  /** @param {(frame: Buffer) => void} onFrame */
  constructor(onFrame) {
    this.onFrame = onFrame
    /** @type {Buffer} */
    this.gathered = Buffer.allocUnsafe(1024)
    this.filled = 0
  }

  /** @param {Buffer} chunk */
  take(chunk) {
    let at = 0
    while (at < chunk.length) {
      const left = chunk.length - at
      if (this.filled === 0 && left >= sizeBytes && left >= sizeBytes + sizeAt(chunk, at)) {
        const end = at + sizeBytes + sizeAt(chunk, at)
        this.onFrame(chunk.subarray(at + sizeBytes, end))
        at = end
      } else at += this.gather(chunk, at)
    }
  }

  /** Takes what the size or the frame still lacks; returns how much that was. @param {Buffer} chunk @param {number} at */
  gather(chunk, at) {
    const wanted = this.filled < sizeBytes ? sizeBytes : sizeBytes + sizeAt(this.gathered, 0)
    const taken = Math.min(wanted - this.filled, chunk.length - at)
    if (this.gathered.length < wanted) this.gathered = Buffer.concat([this.gathered.subarray(0, this.filled)], wanted)
    chunk.copy(this.gathered, this.filled, at, at + taken)
    this.filled += taken
    if (this.filled === wanted && wanted > sizeBytes) {
      this.filled = 0
      this.onFrame(this.gathered.subarray(sizeBytes, wanted))
    }
    return taken
  }
}

/** @param {Buffer} bytes @param {number} at */
function sizeAt(bytes, at) {
  const size = bytes.readInt32BE(at)
  if (size < 4) throw new Error(`a frame of ${size} bytes`)
  return size
}

/**
 * Answers that came at once are handed over between cork and uncork, so that the requests they set free leave in one write.
 * @param {number} port on 127.0.0.1
 * @param {{ receiveBytes: number, onFrame: (frame: Buffer) => void, onEnd: (error: Error) => void }} options `onEnd` when it is over, or failed
 * @returns {Promise<import('node:net').Socket>}
 */
export function open(port, { receiveBytes, onFrame, onEnd }) {
  return new Promise((resolve, reject) => {
    const reader = new FrameReader(onFrame)
    const socket = createConnection({
      host: '127.0.0.1',
      port,
      onread: {
        buffer: Buffer.allocUnsafe(receiveBytes),
        callback: (count, bytes) => {
          socket.cork()
          reader.take(Buffer.from(bytes.buffer, bytes.byteOffset, count))
          socket.uncork()
          return true
        },
      },
    })
    const timer = setTimeout(() => socket.destroy(new Error(`port ${port} did not answer within ${connectTimeoutMs} ms`)), connectTimeoutMs)
    socket.setNoDelay(true)
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(socket)
    })
    socket.on('error', (/** @type {Error} */ error) => {
      clearTimeout(timer)
      reject(error)
      onEnd(error)
    })
    socket.once('close', () => onEnd(new Error(`port ${port} closed the connection`)))
  })
}
