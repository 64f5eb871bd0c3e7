import type { Millis } from '../base/units.ts'
import { apis } from '../protocol/apis.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { readRequestHeader, writeResponse } from '../protocol/frames.ts'
import type { RequestHeader } from '../protocol/messages/header.ts'
import type { ConnectionContext, HandlerTable, ServedApi } from './handlers.ts'

/** An API or version that is not served here. Kafka has no answer for it: the connection is closed (SocketServer.parseRequestHeader). */
export class RefusedRequest extends Error {
  override readonly name = 'RefusedRequest'
}

/** From a frame to the frame of its answer; null for none. @throws MalformedError, RefusedRequest, and what the handler throws */
export function dispatch(
  table: HandlerTable,
  connection: ConnectionContext,
  frame: Buffer,
  receivedAt: Millis,
): Buffer[] | null | Promise<Buffer[] | null> {
  const { header, body } = readRequestHeader(frame, (key) => table.get(key)?.api)
  const { requestApiKey: apiKey, requestApiVersion: apiVersion, correlationId } = header
  const served = table.get(apiKey)
  if (served === undefined || !served.api.listeners.includes(connection.listenerKind)) {
    throw new RefusedRequest(`API ${apiKey} is not served by a ${connection.listenerKind} listener`)
  }
  if (apiVersion < served.api.versionMin || apiVersion > served.api.versionMax) return unsupportedVersion(served, header)
  return served.serve(body, { connection, apiKey, apiVersion, correlationId, clientId: header.clientId ?? '', receivedAt })
}

/** ApiVersions of a client that is newer than we: the body is not parsed, the answer is in version 0 and names what we have (KIP-511). */
function unsupportedVersion({ api }: ServedApi, { requestApiVersion, correlationId }: RequestHeader): Buffer[] {
  if (api.key === apis.apiVersions.key && requestApiVersion > api.versionMax) {
    const apiKeys = [{ apiKey: api.key, minVersion: api.versionMin, maxVersion: api.versionMax }]
    return writeResponse(apis.apiVersions, 0, correlationId, { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys })
  }
  throw new RefusedRequest(`version ${requestApiVersion} of ${api.name} is not served, only ${api.versionMin} to ${api.versionMax}`)
}
