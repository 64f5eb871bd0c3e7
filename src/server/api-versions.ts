import { type Api, apis, type ListenerKind } from '../protocol/apis.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Handler, HandlerTable, ResponseDraftOf } from './handlers.ts'

export interface ApiVersionRange {
  readonly apiKey: number
  readonly minVersion: number
  readonly maxVersion: number
}

/** Features as ApiVersions tells them; asked at each request, as they change with the metadata. */
export type FeatureVersions = Pick<ResponseDraftOf<'apiVersions'>, 'supportedFeatures' | 'finalizedFeatures' | 'finalizedFeaturesEpoch'>

/**
 * What is advertised: the APIs of this kind of listener that have a handler. Produce is advertised from version 0 on broker listeners though
 * only 3 and later are served: old librdkafka would do without compression otherwise (KAFKA-18659, ApiKeys.PRODUCE_API_VERSIONS_RESPONSE_MIN_VERSION).
 */
export function apiVersionsFor(kind: ListenerKind, table: HandlerTable): readonly ApiVersionRange[] {
  return [...table.values()]
    .filter(({ api }) => api.listeners.includes(kind))
    .map(({ api }) => ({ apiKey: api.key, minVersion: advertisedMin(api), maxVersion: api.versionMax }))
    .sort((a, b) => a.apiKey - b.apiKey)
}

function advertisedMin(api: Api): number {
  return api.key === apis.produce.key ? 0 : api.versionMin
}

/** The rule of ApiVersionsRequest.isValid for the names and versions of client software. */
const softwareText = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/** Answers ApiVersions. `table` is asked late, as the handler is itself part of the table. */
export function apiVersionsHandler(kind: ListenerKind, table: () => HandlerTable, features: () => FeatureVersions): Handler<'apiVersions'> {
  let apiKeys: readonly ApiVersionRange[] | undefined
  return (request, context) => {
    const named = softwareText.test(request.clientSoftwareName) && softwareText.test(request.clientSoftwareVersion)
    if (context.apiVersion >= 3 && !named) return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] }
    if (context.apiVersion >= 3) context.connection.softwareIs(request.clientSoftwareName, request.clientSoftwareVersion)
    apiKeys ??= apiVersionsFor(kind, table())
    const known = features()
    // A feature that starts at 0 breaks clients that know versions up to 3 (KAFKA-17492).
    const supported = known.supportedFeatures?.filter((it) => context.apiVersion >= 4 || (it.minVersion ?? 0) > 0) ?? []
    return { errorCode: ErrorCode.NONE, apiKeys, throttleTimeMs: 0, ...known, supportedFeatures: supported }
  }
}
