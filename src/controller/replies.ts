import { unreachable } from '../base/assert.ts'
import { ErrorCode, type ErrorName } from '../protocol/errors.ts'
import type { ApiCommand, ApiReply, ControllerCommand, ControllerReply, ControllerResponse } from './commands.ts'
import { type Outcome, refused } from './outcome.ts'

/** The answer of a node that is not the active controller (any more): the outcome of what was sent is unknown to it. */
export function notController(command: ControllerCommand): ControllerReply {
  switch (command.api) {
    case 'activate':
    case 'fence':
    case 'brokerConnectionLost':
      return { api: command.api, response: { done: false }, notController: true }
    default:
      return { ...failedReply(command, 'NOT_CONTROLLER', 'This is not the correct controller for this cluster.'), notController: true }
  }
}

/** A whole request refused: the error where the API has a place for it, which for some is at each of its items. */
export function failedReply(command: ApiCommand, error: ErrorName, message: string): ApiReply {
  const outcome = refused(error, message)
  const code = { throttleTimeMs: 0, errorCode: ErrorCode[error] }
  switch (command.api) {
    case 'createTopics':
      return { api: command.api, response: { topics: command.request.topics.map(({ name }) => ({ name, ...outcome })) } }
    case 'deleteTopics': {
      const byName = command.request.topicNames.map((name) => ({ name, ...outcome }))
      const byId = command.request.topics.map(({ name, topicId }) => ({ name, topicId, ...outcome }))
      return { api: command.api, response: { responses: [...byName, ...byId] } }
    }
    case 'createPartitions':
      return {
        api: command.api,
        response: { throttleTimeMs: 0, results: command.request.topics.map(({ name }) => ({ name, ...outcome })) },
      }
    case 'alterConfigs':
    case 'incrementalAlterConfigs': {
      const responses = command.request.resources.map(({ resourceType, resourceName }) => ({ ...outcome, resourceType, resourceName }))
      return { api: command.api, response: { throttleTimeMs: 0, responses } }
    }
    case 'electLeaders':
      return { api: command.api, response: electionsRefused(command, outcome) }
    case 'alterPartitionReassignments':
      return { api: command.api, response: { throttleTimeMs: 0, ...outcome, responses: [] } }
    case 'listPartitionReassignments':
      return { api: command.api, response: { throttleTimeMs: 0, ...outcome, topics: [] } }
    case 'alterPartition':
      return { api: command.api, response: { ...code, topics: [] } }
    case 'updateFeatures':
      return { api: command.api, response: { throttleTimeMs: 0, ...outcome, results: [] } }
    case 'describeCluster':
      return { api: command.api, response: { throttleTimeMs: 0, ...outcome, clusterId: '', brokers: [] } }
    case 'brokerRegistration':
      return { api: command.api, response: code }
    case 'brokerHeartbeat':
      return { api: command.api, response: { ...code, shouldShutDown: false } }
    case 'unregisterBroker':
    case 'controllerRegistration':
      return { api: command.api, response: { throttleTimeMs: 0, ...outcome } }
    case 'assignReplicasToDirs':
      return { api: command.api, response: { ...code, directories: [] } }
    case 'allocateProducerIds':
      return { api: command.api, response: { ...code, producerIdStart: 0, producerIdLen: 0 } }
    default:
      return unreachable(command)
  }
}

/** v0 has no place for an error but at each partition. */
function electionsRefused(
  { request, context }: ApiCommand & { readonly api: 'electLeaders' },
  outcome: Outcome,
): ControllerResponse<'electLeaders'> {
  if (context.version > 0) return { throttleTimeMs: 0, errorCode: outcome.errorCode, replicaElectionResults: [] }
  const replicaElectionResults = (request.topicPartitions ?? []).map(({ topic, partitions }) => ({
    topic,
    partitionResult: partitions.map((partitionId) => ({ partitionId, ...outcome })),
  }))
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, replicaElectionResults }
}
