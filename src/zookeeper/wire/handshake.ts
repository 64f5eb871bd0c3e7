import { JuteReader, JuteWriter } from './jute.ts'

/** org.apache.zookeeper.proto.ConnectRequest: the first frame of a connection. */
export interface ConnectRequest {
  /** A server that has not seen it yet refuses. */
  readonly lastZxidSeen: bigint
  readonly timeoutMs: number
  /** 0 for a new session. */
  readonly sessionId: bigint
  readonly password: Buffer
  /** A server without a quorum will do. */
  readonly readOnly: boolean
}

/** `timeoutMs` 0: the session has expired. */
export interface ConnectResponse {
  readonly timeoutMs: number
  readonly sessionId: bigint
  readonly password: Buffer
  readonly readOnly: boolean
}

const protocolVersion = 0
export const passwordBytes = 16

export function writeConnectRequest(request: ConnectRequest): Buffer {
  const to = new JuteWriter().int(protocolVersion).long(request.lastZxidSeen).int(request.timeoutMs)
  return to.long(request.sessionId).buffer(request.password).bool(request.readOnly).frame()
}

/** @throws ZooKeeperError (`marshallingError`) */
export function readConnectRequest(frame: Buffer): ConnectRequest {
  const from = new JuteReader(frame)
  from.int()
  return {
    lastZxidSeen: from.long(),
    timeoutMs: from.int(),
    sessionId: from.long(),
    password: from.buffer() ?? Buffer.alloc(passwordBytes),
    // Clients before 3.4 do not say it.
    readOnly: from.remaining > 0 && from.bool(),
  }
}

export function writeConnectResponse(response: ConnectResponse): Buffer {
  const to = new JuteWriter().int(protocolVersion).int(response.timeoutMs).long(response.sessionId)
  return to.buffer(response.password).bool(response.readOnly).frame()
}

/** @throws ZooKeeperError (`marshallingError`) */
export function readConnectResponse(frame: Buffer): ConnectResponse {
  const from = new JuteReader(frame)
  from.int()
  return {
    timeoutMs: from.int(),
    sessionId: from.long(),
    password: from.buffer() ?? Buffer.alloc(passwordBytes),
    readOnly: from.remaining > 0 && from.bool(),
  }
}
