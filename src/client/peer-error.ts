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
