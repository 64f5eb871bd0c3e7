import type { Epoch, NodeId } from '../base/units.ts'
import type { ServerConfig } from '../config/server-config.ts'
import type { ApiReply, ControllerApi, ControllerCommand, ControllerReply, ControllerResponse } from '../controller/commands.ts'
import type { ClusterImage } from '../metadata/image.ts'
import { supportedFeatures } from '../metadata/supported-features.ts'
import { apiByKey, apis } from '../protocol/apis.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { frameSizeBytes, readRequestHeader } from '../protocol/frames.ts'
import { within } from '../protocol/schema.ts'
import { apiVersionsHandler, type FeatureVersions } from '../server/api-versions.ts'
import { type ConnectionContext, type Handler, type Handlers, type HandlerTable, handlerTable } from '../server/handlers.ts'
import type { ControllerQuorum } from './metadata-log-server.ts'
import { metadataLogHandlers, raftHandlers } from './raft-handlers.ts'

export interface ControllerSurroundings {
  readonly quorum: ControllerQuorum
  readonly clusterId: string
  readonly config: ServerConfig
  image(): ClusterImage
  /** Null while this node is not the active controller. */
  activeEpoch(): Epoch | null
  submit(command: ControllerCommand, answer: (reply: ControllerReply) => void): void
  onHeartbeat(broker: NodeId, connection: ConnectionContext): void
}

/** APIs that the ledger answers as they are; a client may send them here itself (`bootstrap.controllers`), or through a broker's Envelope. */
const ledgerApis: readonly ControllerApi[] = [
  'createTopics',
  'deleteTopics',
  'createPartitions',
  'alterConfigs',
  'incrementalAlterConfigs',
  'electLeaders',
  'alterPartitionReassignments',
  'listPartitionReassignments',
  'alterPartition',
  'updateFeatures',
  'describeCluster',
  'brokerRegistration',
  'unregisterBroker',
  'allocateProducerIds',
  'controllerRegistration',
  'assignReplicasToDirs',
]

/** ApiKeys.forwardable: what a broker may pass on in an Envelope. */
const forwardable: ReadonlySet<number> = new Set(
  [
    apis.createTopics,
    apis.deleteTopics,
    apis.createPartitions,
    apis.alterConfigs,
    apis.incrementalAlterConfigs,
    apis.electLeaders,
    apis.alterPartitionReassignments,
    apis.listPartitionReassignments,
    apis.updateFeatures,
    apis.unregisterBroker,
    apis.describeQuorum,
  ].map((api) => api.key),
)

/** All that a controller's listener serves. */
export function controllerHandlers(around: ControllerSurroundings): HandlerTable {
  const ledger = Object.fromEntries(ledgerApis.map((api) => [api, ledgerHandler(around, api)])) as Handlers
  const handlers: Handlers = {
    ...(around.quorum.votes ? raftHandlers(around.quorum) : metadataLogHandlers(around.quorum)),
    ...ledger,
    brokerHeartbeat: heartbeatHandler(around),
    envelope: envelopeHandler(around, () => table),
    apiVersions: apiVersionsHandler(
      'controller',
      () => table,
      () => features(around),
    ),
  }
  const table = handlerTable(handlers)
  return table
}

function ask<K extends ControllerApi>(
  around: ControllerSurroundings,
  command: Extract<ControllerCommand, { api: K }>,
): Promise<ControllerResponse<K>> {
  return new Promise((resolve) => {
    around.submit(command, (reply) => resolve((reply as Extract<ApiReply, { api: K }>).response as ControllerResponse<K>))
  })
}

function ledgerHandler<K extends ControllerApi>(around: ControllerSurroundings, api: K): Handler<K> {
  return (request, context) => {
    const command = { api, request, context: { version: context.apiVersion, listener: context.connection.listenerName } }
    return ask(around, command as unknown as Extract<ControllerCommand, { api: K }>)
  }
}

function heartbeatHandler(around: ControllerSurroundings): Handler<'brokerHeartbeat'> {
  return (request, context) => {
    if (around.activeEpoch() !== null) around.onHeartbeat(request.brokerId, context.connection)
    // Who has no session is kept fenced, however well it is heard here
    const lost = around.quorum.brokerSessions?.isLost(request.brokerId) === true
    const command = {
      api: 'brokerHeartbeat',
      request: lost ? { ...request, wantFence: true } : request,
      context: { version: context.apiVersion, listener: context.connection.listenerName },
    } as const
    return ask<'brokerHeartbeat'>(around, command)
  }
}

/**
 * A client's request, passed on by a broker (KIP-590). The answer is the answer's bytes; that this node is not (or no longer) the active controller
 * is said by the envelope itself, so that the broker looks for the one that is.
 */
function envelopeHandler(around: ControllerSurroundings, table: () => HandlerTable): Handler<'envelope'> {
  return async (request, context) => {
    const epoch = around.activeEpoch()
    if (epoch === null) return { responseData: null, errorCode: ErrorCode.NOT_CONTROLLER }
    const { header, body } = readRequestHeader(request.requestData, (key) => apiByKey.get(key))
    const served = table().get(header.requestApiKey)
    if (served === undefined || !forwardable.has(header.requestApiKey)) return { responseData: null, errorCode: ErrorCode.INVALID_REQUEST }
    if (!within(served.api.request.validVersions, header.requestApiVersion))
      return { responseData: null, errorCode: ErrorCode.UNSUPPORTED_VERSION }
    const frame = await served.serve(body, {
      ...context,
      apiKey: header.requestApiKey,
      apiVersion: header.requestApiVersion,
      correlationId: header.correlationId,
      clientId: header.clientId ?? '',
    })
    if (around.activeEpoch() !== epoch) return { responseData: null, errorCode: ErrorCode.NOT_CONTROLLER }
    const whole = frame === null ? null : Buffer.concat(frame)
    return { responseData: whole === null ? null : whole.subarray(frameSizeBytes), errorCode: ErrorCode.NONE }
  }
}

function features(around: ControllerSurroundings): FeatureVersions {
  const { finalized } = around.image().features
  return {
    supportedFeatures: supportedFeatures.map((it) => ({ name: it.name, minVersion: it.min, maxVersion: it.max })),
    finalizedFeatures: [...finalized].map(([name, level]) => ({ name, minVersionLevel: level, maxVersionLevel: level })),
    finalizedFeaturesEpoch: around.quorum.highWatermark - 1,
  }
}
