import { connect, createServer, type Socket } from 'node:net'
import { assert } from '../base/assert.ts'
import { type Connection, type ConnectionEvents, type Listener, type Log, type Network, NetworkError } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'
import { SendBuffers } from './send-buffers.ts'

/** Bytes that the kernel has not taken from which `write` says false. */
const unsentBytesMax = 65_536
/** A peer whose machine has gone is noticed by the kernel in the end, also when nothing is sent. */
const keepAliveAfterMs: Millis = 10_000

/**
 * TCP by node:net. Received buffers are handed over as `data` events give them: each is exactly as long as what was read and belongs to
 * the receiver, as the port promises. Reading into one reused buffer (`onread`) was measured at 1.4 times the rate of an idle sink, but everything
 * that is kept would have to be copied out of it, and for accepted sockets Node offers it only through a private handle.
 */
export class SystemNetwork implements Network {
  private readonly log: Log
  private readonly backlog: number
  private readonly buffers: SendBuffers

  /** `buffers`: those of the disk whose reads are sent. */
  constructor(
    log: Log,
    { backlog = 511, buffers = new SendBuffers() }: { readonly backlog?: number; readonly buffers?: SendBuffers } = {},
  ) {
    this.log = log
    this.backlog = backlog
    this.buffers = buffers
  }

  dial(host: string, port: number, options: { readonly timeoutMs: Millis }): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveAfterMs })
      const refuse = (error: Error): void => {
        clearTimeout(timer)
        socket.destroy()
        reject(networkError(error, `dial ${host}:${port}`))
      }
      const timer = setTimeout(
        () => refuse(new NetworkError('ETIMEDOUT', `dial ${host}:${port}: no connection within ${options.timeoutMs} ms`)),
        options.timeoutMs,
      )
      timer.unref()
      socket.once('error', refuse)
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.off('error', refuse)
        resolve(new SystemConnection(socket, host, port, this.buffers))
      })
    })
  }

  listen(host: string, port: number, onConnection: (connection: Connection) => void): Promise<Listener> {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveAfterMs }, (socket) => {
        const { remoteAddress, remotePort } = socket
        // It was reset before it was accepted.
        if (remoteAddress === undefined || remotePort === undefined) return void socket.on('error', () => {}).destroy()
        onConnection(new SystemConnection(socket, plainAddress(remoteAddress), remotePort, this.buffers))
      })
      server.once('error', (error) => reject(networkError(error, `listen ${host}:${port}`)))
      server.listen({ ...(host === '' ? {} : { host }), port, backlog: this.backlog, exclusive: true }, () => {
        server.on('error', (error) =>
          this.log.write('error', 'accept-failed', `Taking a connection on port ${port} failed: ${error.message}.`),
        )
        const address = server.address()
        assert(address !== null && typeof address === 'object', 'a TCP server has an address')
        // Does not wait for the connections that are open: they are not the listener's.
        const close = (): Promise<void> => {
          server.close()
          return Promise.resolve()
        }
        resolve({ host: address.address, port: address.port, close })
      })
    })
  }
}

/** IPv4 through an IPv6 socket is shown as the IPv4 that it is. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

function networkError(error: Error, action: string): NetworkError {
  if (error instanceof NetworkError) return error
  const code = (error as NodeJS.ErrnoException).code ?? 'EUNKNOWN'
  return new NetworkError(code, `${action}: ${error.message === '' ? code : error.message}`)
}

class SystemConnection implements Connection {
  readonly remoteHost: string
  readonly remotePort: number
  readonly localPort: number
  private readonly socket: Socket
  private readonly buffers: SendBuffers
  private events: ConnectionEvents | null = null
  private code: string | null = null
  private awaitsDrain = false

  constructor(socket: Socket, remoteHost: string, remotePort: number, buffers: SendBuffers) {
    this.socket = socket
    this.buffers = buffers
    this.remoteHost = remoteHost
    this.remotePort = remotePort
    this.localPort = socket.localPort ?? 0
    socket.on('error', (error: NodeJS.ErrnoException) => (this.code = error.code ?? 'EUNKNOWN'))
  }

  start(events: ConnectionEvents): void {
    assert(this.events === null, 'a connection is started once')
    this.events = events
    this.socket.on('data', (bytes) => events.onData(bytes))
    this.socket.on('drain', () => {
      if (!this.awaitsDrain) return
      this.awaitsDrain = false
      events.onDrain()
    })
    this.socket.on('close', () => events.onClose(this.code))
  }

  write(buffers: readonly Buffer[]): boolean {
    const { socket } = this
    // A socket that is ending or gone takes nothing; its end is on its way.
    if (!socket.writable) return true
    socket.cork()
    for (const buffer of buffers) this.send(buffer)
    socket.uncork()
    // What the kernel took at once does not count, whatever the stream said meanwhile.
    this.awaitsDrain = socket.writableLength >= unsentBytesMax
    return !this.awaitsDrain
  }

  /** Memory of which a part could not be sent is left to the collector. */
  private send(buffer: Buffer): void {
    if (!this.buffers.isOut(buffer)) return void this.socket.write(buffer)
    this.socket.write(buffer, (error) => {
      if (error === null || error === undefined) this.buffers.giveBack(buffer)
    })
  }

  pendingBytes(): number {
    return this.socket.writableLength
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  end(): void {
    this.socket.end()
    // Whatever still comes is not looked at, but has to be read for the peer's end to be seen.
    this.socket.resume()
  }

  destroy(): void {
    this.socket.destroy()
  }
}
