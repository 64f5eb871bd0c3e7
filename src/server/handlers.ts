import { type Api, type ApiName, apis, type ListenerKind } from '../protocol/apis.ts'
import { codec } from '../protocol/codec.ts'
import { writeResponse } from '../protocol/frames.ts'
import type { Reader } from '../protocol/reader.ts'
import type { Draft, Message, Schema } from '../protocol/schema.ts'
import type { Millis } from '../base/units.ts'

/** What a handler may know of the connection that its request came through. */
export interface ConnectionContext {
  /** Unique within the process. */
  readonly id: number
  readonly listenerName: string
  readonly listenerKind: ListenerKind
  readonly clientHost: string
  readonly clientPort: number
  readonly localPort: number
  /** From the connection's ApiVersions request (KIP-511); empty before it. */
  readonly softwareName: string
  readonly softwareVersion: string
  /** The peer may still get an answer. */
  readonly isOpen: boolean
  /** Calls `run` once when the connection has closed, whoever closed it (at once if it already has). The result takes the call back. */
  onClose(run: () => void): () => void
  /** For the handler of ApiVersions. */
  softwareIs(name: string, version: string): void
  /**
   * The connection is that of another node of the cluster: replication must not wait for memory that only replication can free.
   * Its reading is never held back by the process-wide budgets.
   */
  exemptFromBudget(): void
}

export interface RequestContext {
  readonly connection: ConnectionContext
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  /** Null is told as '', as in Kafka. */
  readonly clientId: string
  /** Of the monotonic clock. */
  readonly receivedAt: Millis
}

/** What a handler answers to a request that wants no response (Produce with acks=0). */
export const noResponse: unique symbol = Symbol('no response')

export type RequestOf<Name extends ApiName> = Message<(typeof apis)[Name]['request']>
export type ResponseDraftOf<Name extends ApiName> = Draft<(typeof apis)[Name]['response']>
type Answer<Response> = Response | typeof noResponse

/**
 * Answers one kind of request, in the turn or later. Buffers in the request are views of the received frame: the handler may keep them.
 * Buffers in the answer must not change until they are sent. Throw MalformedError for a request that is not what it claims to be: it closes
 * the connection. Any other exception is a bug of ours: it is logged and closes the connection; an AssertionError ends the process.
 */
export type Handler<Name extends ApiName> = (
  request: RequestOf<Name>,
  context: RequestContext,
) => Answer<ResponseDraftOf<Name>> | Promise<Answer<ResponseDraftOf<Name>>>

/** Handlers by the API's name; parts from several places are put together with `{ ...a, ...b }`. */
export type Handlers = { readonly [Name in ApiName]?: Handler<Name> }

/** One API with the handler that serves it. */
export interface ServedApi {
  readonly api: Api
  /**
   * Decodes the body; answers with a whole frame, or null for no response. Bytes after the body are left alone, as by Kafka: librdkafka 2.16 asks
   * for all topics with a null array of four bytes, of which Metadata 9 and later read one. @throws MalformedError
   */
  serve(body: Reader, context: RequestContext): Buffer[] | null | Promise<Buffer[] | null>
}

/** By API key. */
export type HandlerTable = ReadonlyMap<number, ServedApi>

export function handlerTable(handlers: Handlers): HandlerTable {
  const table = new Map<number, ServedApi>()
  for (const name of Object.keys(apis) as ApiName[]) {
    const served = servedApi(name, handlers)
    if (served !== undefined) table.set(served.api.key, served)
  }
  return table
}

function servedApi<Name extends ApiName>(name: Name, handlers: Handlers): ServedApi | undefined {
  const handler: Handlers[Name] = handlers[name]
  return handler === undefined ? undefined : bind(apis[name], handler)
}

type AnyHandler<Request extends Schema, Response extends Schema> = (
  request: Message<Request>,
  context: RequestContext,
) => Answer<Draft<Response>> | Promise<Answer<Draft<Response>>>

function bind<Request extends Schema, Response extends Schema>(
  api: Api<Request, Response>,
  handler: AnyHandler<Request, Response>,
): ServedApi {
  const frame = (answer: Answer<Draft<Response>>, context: RequestContext): Buffer[] | null =>
    answer === noResponse ? null : writeResponse(api, context.apiVersion, context.correlationId, answer)
  return {
    api,
    serve(body, context) {
      const answer = handler(codec(api.request, context.apiVersion).read(body), context)
      return answer instanceof Promise ? answer.then((later) => frame(later, context)) : frame(answer, context)
    },
  }
}
