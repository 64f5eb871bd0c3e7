import { type Api, apis } from '../../protocol/apis.ts'
import { codec } from '../../protocol/codec.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { readResponse, requestHeaderVersion } from '../../protocol/frames.ts'
import { defaultPrincipalData } from '../../protocol/messages/default-principal-data.ts'
import { requestHeader } from '../../protocol/messages/header.ts'
import { MalformedError } from '../../protocol/reader.ts'
import type { Draft, Message, Schema } from '../../protocol/schema.ts'
import { Writer } from '../../protocol/writer.ts'
import type { RequestContext } from '../../server/handlers.ts'
import { NoControllerError } from '../controller-channel.ts'
import { addressBytes } from './address-bytes.ts'
import type { BrokerContext } from './context.ts'

/**
 * Passing a client's request on to the active controller, as Kafka's ForwardingManager does: the whole request, header included, in an Envelope
 * (58) that says who sent it and from where. The version is the client's; the answer comes back in that version.
 */
export type Forwarded<Res> = { readonly response: Res } | { readonly error: ErrorCode }

const principalVersion = 0
/** Who a connection without authentication is (KafkaPrincipal.ANONYMOUS). */
const anonymous = principalBytes('User', 'ANONYMOUS')

function principalBytes(type: string, name: string): Buffer {
  const writer = new Writer()
  writer.int16(principalVersion)
  codec(defaultPrincipalData, principalVersion).write(writer, { type, name, tokenAuthenticated: false })
  return writer.toBuffer()
}

/**
 * An `error` when there is no answer to pass back: REQUEST_TIMED_OUT when no controller has answered within `request.timeout.ms`,
 * UNKNOWN_SERVER_ERROR when the controller did not take the envelope. @throws MalformedError when it does not know the version: the connection
 * is closed, as in Kafka, so that the client asks for the versions again.
 */
export async function forward<Req extends Schema, Res extends Schema>(
  broker: BrokerContext,
  api: Api<Req, Res>,
  body: Message<Req>,
  context: RequestContext,
): Promise<Forwarded<Message<Res>>> {
  const version = context.apiVersion
  const envelope = {
    requestData: requestBytes(api, version, body, context),
    requestPrincipal: anonymous,
    clientHostAddress: addressBytes(context.connection.clientHost),
  }
  try {
    const options = { timeoutMs: broker.config.requestTimeoutMs, errorOf: (response: { readonly errorCode: number }) => response.errorCode }
    const answer = await broker.controller.request(apis.envelope, apis.envelope.versionMax, envelope, options)
    if (answer.errorCode === ErrorCode.UNSUPPORTED_VERSION)
      throw new MalformedError(`the controller does not know ${api.name} version ${version}`)
    if (answer.errorCode !== ErrorCode.NONE || answer.responseData === null) {
      broker.log.write('warn', 'forwarding-refused', `the controller refused ${api.name} with error ${answer.errorCode}`)
      return { error: ErrorCode.UNKNOWN_SERVER_ERROR }
    }
    return { response: readResponse(api, version, answer.responseData).body }
  } catch (error) {
    if (!(error instanceof NoControllerError)) throw error
    return { error: ErrorCode.REQUEST_TIMED_OUT }
  }
}

function requestBytes<Req extends Schema>(api: Api<Req>, version: number, body: Message<Req>, context: RequestContext): Buffer {
  const writer = new Writer()
  codec(requestHeader, requestHeaderVersion(api, version)).write(writer, {
    requestApiKey: api.key,
    requestApiVersion: version,
    correlationId: context.correlationId,
    clientId: context.clientId,
  })
  // what has been decoded can be encoded in the same version
  codec(api.request, version).write(writer, body as Draft<Req>)
  return writer.toBuffer()
}
