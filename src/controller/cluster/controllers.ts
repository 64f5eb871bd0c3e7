import { hasControllerRegistration } from '../../metadata/metadata-version.ts'
import { METADATA_VERSION } from '../../metadata/supported-features.ts'
import type { ControllerRequest, ControllerResponse, RequestContext } from '../commands.ts'
import { done, refused } from '../outcome.ts'
import type { ControllerState, RecordBatch } from '../state.ts'

const CONTROLLERS = 2

/** ControllerRegistration (70) v0 (KIP-919): where a controller is and what it supports. The same incarnation again changes nothing. */
export function registerController(
  state: ControllerState,
  request: ControllerRequest<'controllerRegistration'>,
  out: RecordBatch,
): ControllerResponse<'controllerRegistration'> {
  const { metadataVersion } = state.image
  if (!hasControllerRegistration(metadataVersion)) {
    return {
      throttleTimeMs: 0,
      ...refused('UNSUPPORTED_VERSION', 'The current MetadataVersion is too old to support controller registrations.'),
    }
  }
  const range = request.features.find((feature) => feature.name === METADATA_VERSION)
  if (range === undefined || metadataVersion < range.minSupportedVersion || metadataVersion > range.maxSupportedVersion) {
    const message = `Unable to register because the controller does not support finalized version ${metadataVersion} of ${METADATA_VERSION}.`
    return { throttleTimeMs: 0, ...refused('UNSUPPORTED_VERSION', message) }
  }
  if (state.image.controllers.byId(request.controllerId)?.incarnationId !== request.incarnationId) {
    out.add('registerController', {
      controllerId: request.controllerId,
      incarnationId: request.incarnationId,
      zkMigrationReady: request.zkMigrationReady,
      endPoints: request.listeners.map(({ name, host, port, securityProtocol }) => ({ name, host, port, securityProtocol })),
      features: request.features.map(({ name, minSupportedVersion, maxSupportedVersion }) => ({
        name,
        minSupportedVersion,
        maxSupportedVersion,
      })),
    })
  }
  return { throttleTimeMs: 0, ...done }
}

/** DescribeCluster (60) v0–2 as a controller answers it (`bootstrap.controllers`): its "brokers" are the controllers. */
export function describeCluster(
  state: ControllerState,
  request: ControllerRequest<'describeCluster'>,
  context: RequestContext,
): ControllerResponse<'describeCluster'> {
  const { clusterId, nodeId } = state.settings
  if (context.version < 1 || request.endpointType !== CONTROLLERS) {
    const wrong = refused(
      'MISMATCHED_ENDPOINT_TYPE',
      'The request was sent to an endpoint of type CONTROLLER, but we wanted an endpoint of type BROKER',
    )
    return { throttleTimeMs: 0, ...wrong, endpointType: request.endpointType, clusterId, brokers: [] }
  }
  const brokers = [...state.image.controllers.all()].flatMap(({ id, endpoints }) => {
    const endpoint = endpoints.find((one) => one.name === context.listener)
    return endpoint === undefined ? [] : [{ brokerId: id, host: endpoint.host, port: endpoint.port, rack: null, isFenced: false }]
  })
  return { throttleTimeMs: 0, ...done, endpointType: CONTROLLERS, clusterId, controllerId: nodeId, brokers }
}
