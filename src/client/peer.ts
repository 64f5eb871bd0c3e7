import type { Ports } from '../base/ports.ts'
import type { Millis } from '../base/units.ts'
import type { Api } from '../protocol/apis.ts'
import type { Draft, Message, Schema } from '../protocol/schema.ts'

export type PeerPorts = Pick<Ports, 'clock' | 'entropy' | 'network'>

/** Why a request has no answer. */
export type PeerErrorCode =
  /** Nothing listens there: positive proof from the peer's kernel. The request was not sent. */
  | 'ECONNREFUSED'
  /** No connection within the time, or another failure of dialling. The request was not sent. */
  | 'EUNREACHABLE'
  /** The connection ended (FIN or RST) before the answer came: the request may or may not have been carried out. */
  | 'ECLOSED'
  /** No answer within the request's time; the connection is given up with all that is on it. */
  | 'ETIMEDOUT'
  /** The answer is not what it claims to be; the connection is given up. */
  | 'EMALFORMED'
  /** `close()` was called. */
  | 'ESHUTDOWN'
  /** `requestsWaitingMax` requests are on their way already. The request was not sent. */
  | 'EBUSY'
  /** The peer does not serve this API in a version that we know (only after `negotiate`). */
  | 'EUNSUPPORTED'

export class PeerError extends Error {
  override readonly name = 'PeerError'
  readonly code: PeerErrorCode
  constructor(code: PeerErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

export interface PeerOptions {
  readonly host: string
  readonly port: number
  /** Sent in each request's header. */
  readonly clientId: string
  /** For a connection to be made (`socket.connection.setup.timeout.ms`); 10,000 when left out. */
  readonly dialTimeoutMs?: Millis
  /** After a failed attempt, the pause before the next; doubles up to the maximum, with a fifth of chance. 10 and 500 when left out. */
  readonly reconnectBackoffMs?: Millis
  readonly reconnectBackoffMaxMs?: Millis
  /** Requests without an answer; 1,000 when left out. */
  readonly requestsWaitingMax?: number
  /** A longer answer counts as malformed; 1 GiB when left out. */
  readonly responseBytesMax?: number
  readonly onConnected?: () => void
  /** An established connection has ended: `code` null for FIN, otherwise the operating system's. Not called after `close()`. */
  readonly onClosed?: (code: string | null) => void
  /** An attempt to connect has failed; `code` is the operating system's (`ECONNREFUSED`, `ETIMEDOUT`, …). */
  readonly onDialFailed?: (code: string) => void
}

export interface RequestOptions {
  /** From now until the answer, dialling included. */
  readonly timeoutMs: Millis
}

/**
 * One remote node, over one connection that is made when it is needed and made again when it is lost. Requests are pipelined and answered
 * in order. A request that has been sent is never sent a second time: its failure is the caller's to judge.
 */
export declare class Peer {
  readonly host: string
  readonly port: number
  constructor(ports: PeerPorts, options: PeerOptions)
  get connected(): boolean
  /** Requests that wait for an answer, those not yet sent included. */
  get waiting(): number
  /** Rejects with PeerError. Buffers in the answer are views of the received frame. */
  request<Req extends Schema, Res extends Schema>(
    api: Api<Req, Res>,
    version: number,
    body: Draft<Req>,
    options: RequestOptions,
  ): Promise<Message<Res>>
  /** As `request`, but gives the answer's frame as it came, header included, without its size. */
  requestFrame<Req extends Schema>(api: Api<Req>, version: number, body: Draft<Req>, options: RequestOptions): Promise<Buffer>
  /** A request that has no answer (Produce with acks=0). Resolves when it has been handed to the connection. */
  send<Req extends Schema>(api: Api<Req>, version: number, body: Draft<Req>, options: RequestOptions): Promise<void>
  /** Makes the connection if it is not there. Rejects with PeerError. */
  connect(options: RequestOptions): Promise<void>
  /** Ends the connection now and rejects what waits with ESHUTDOWN. Idempotent. */
  close(): void
}
