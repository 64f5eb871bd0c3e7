import { apis, type Api } from './apis.ts'
import { codec } from './codec.ts'
import { requestHeader, type RequestHeader, responseHeader } from './messages/header.ts'
import { MalformedError, Reader } from './reader.ts'
import { type Draft, type Message, type Schema, within } from './schema.ts'
import { Writer } from './writer.ts'

/** Bytes of the int32 that precedes every request and response. */
export const frameSizeBytes = 4

/** The header's version follows from the message's: flexible requests have header 2, the others 1. */
export function requestHeaderVersion(api: Api, version: number): number {
  return within(api.request.flexibleVersions, version) ? 2 : 1
}

/** As for requests, with KIP-511's exception: the answer to ApiVersions always has header 0, for a client that knows nothing yet. */
export function responseHeaderVersion(api: Api, version: number): number {
  return api.key !== apis.apiVersions.key && within(api.response.flexibleVersions, version) ? 1 : 0
}

export interface IncomingRequest {
  readonly header: RequestHeader
  /** Stands at the first byte of the body. */
  readonly body: Reader
}

/**
 * Reads the header of a request from a frame (without its size). Works for APIs and versions that we do not serve too: the fields that
 * every header has come first. @throws MalformedError
 */
export function readRequestHeader(frame: Buffer, apiOf: (key: number) => Api | undefined): IncomingRequest {
  if (frame.length < 8) throw new MalformedError(`a request of ${frame.length} bytes has no header`)
  const api = apiOf(frame.readInt16BE(0))
  const body = new Reader(frame)
  const version = api === undefined ? 1 : requestHeaderVersion(api, frame.readInt16BE(2))
  const header = codec(requestHeader, version).read(body)
  return { header, body }
}

/** A response as a frame, size included: a list of buffers for one gathered write. */
export function writeResponse<S extends Schema>(api: Api<Schema, S>, version: number, correlationId: number, body: Draft<S>): Buffer[] {
  const writer = new Writer()
  writer.int32(0)
  codec(responseHeader, responseHeaderVersion(api, version)).write(writer, { correlationId })
  codec(api.response, version).write(writer, body)
  return finishFrame(writer)
}

export function writeRequest<S extends Schema>(
  api: Api<S>,
  version: number,
  correlationId: number,
  clientId: string | null,
  body: Draft<S>,
): Buffer[] {
  const writer = new Writer()
  writer.int32(0)
  codec(requestHeader, requestHeaderVersion(api, version)).write(writer, {
    requestApiKey: api.key,
    requestApiVersion: version,
    correlationId,
    clientId,
  })
  codec(api.request, version).write(writer, body)
  return finishFrame(writer)
}

function finishFrame(writer: Writer): Buffer[] {
  const size = writer.size - frameSizeBytes
  const parts = writer.finish()
  parts[0]?.writeInt32BE(size, 0)
  return parts
}

/** Reads a response (without its size) whose request is known. @throws MalformedError */
export function readResponse<S extends Schema>(
  api: Api<Schema, S>,
  version: number,
  frame: Buffer,
): { readonly correlationId: number; readonly body: Message<S> } {
  const reader = new Reader(frame)
  const { correlationId } = codec(responseHeader, responseHeaderVersion(api, version)).read(reader)
  const body = codec(api.response, version).read(reader)
  reader.expectEnd(api.response.name)
  return { correlationId, body }
}
