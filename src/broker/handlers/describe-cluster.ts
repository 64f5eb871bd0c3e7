import { ErrorCode } from '../../protocol/errors.ts'
import type { Handler, ResponseDraftOf } from '../../server/handlers.ts'
import type { BrokerContext } from './context.ts'
import { advertisedController, brokersOf, clusterOperations, operationsNotAsked } from './topic-entries.ts'

const endpointTypeBroker = 1
const endpointTypeController = 2

/** DescribeCluster (60), versions 0–2, of a broker's listener: KIP-919's endpoint type says what the client believes to speak to. */
export function describeClusterHandler(broker: BrokerContext): Handler<'describeCluster'> {
  return (request, context) => {
    if (request.endpointType === endpointTypeController) {
      const message = 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER'
      return failed(ErrorCode.MISMATCHED_ENDPOINT_TYPE, message, request.endpointType)
    }
    if (request.endpointType !== endpointTypeBroker) {
      return failed(ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, 'Unsupported endpoint type', request.endpointType)
    }
    const all = brokersOf(broker.image, context.connection.listenerName)
    const alive = all.filter((it) => !it.fenced)
    const withFenced = context.apiVersion >= 2
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      ...(context.apiVersion >= 1 ? { endpointType: endpointTypeBroker } : {}),
      clusterId: broker.clusterId,
      controllerId: advertisedController(alive, broker.entropy.uint32()),
      brokers: (withFenced && request.includeFencedBrokers ? all : alive).map(({ nodeId, host, port, rack, fenced }) => ({
        brokerId: nodeId,
        host,
        port,
        rack,
        ...(withFenced ? { isFenced: fenced } : {}),
      })),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? clusterOperations : operationsNotAsked,
    }
  }
}

function failed(errorCode: ErrorCode, errorMessage: string, endpointType: number): ResponseDraftOf<'describeCluster'> {
  return { throttleTimeMs: 0, errorCode, errorMessage, endpointType, clusterId: '', brokers: [] }
}
