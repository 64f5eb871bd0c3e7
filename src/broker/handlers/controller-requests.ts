import { type Api, apis } from '../../protocol/apis.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Draft, Message, Schema } from '../../protocol/schema.ts'
import type { Handlers, RequestContext, RequestOf, ResponseDraftOf } from '../../server/handlers.ts'
import type { BrokerContext } from './context.ts'
import { forward } from './forwarding.ts'

/**
 * What the controller alone decides: CreateTopics (19), DeleteTopics (20), CreatePartitions (37), ElectLeaders (43),
 * AlterPartitionReassignments (45), ListPartitionReassignments (46), DescribeQuorum (55), UpdateFeatures (57), UnregisterBroker (64). The broker
 * passes them on as they are; when there is no controller to ask, each item is answered with the error, as in the request's getErrorResponse.
 */
export function controllerRequests(broker: BrokerContext): Handlers {
  return {
    createTopics: passingOn(broker, apis.createTopics, createTopicsFailed),
    deleteTopics: passingOn(broker, apis.deleteTopics, deleteTopicsFailed),
    createPartitions: passingOn(broker, apis.createPartitions, createPartitionsFailed),
    electLeaders: passingOn(broker, apis.electLeaders, electLeadersFailed),
    alterPartitionReassignments: passingOn(broker, apis.alterPartitionReassignments, alterReassignmentsFailed),
    listPartitionReassignments: passingOn(broker, apis.listPartitionReassignments, (_, errorCode) => failedWhole(errorCode)),
    describeQuorum: passingOn(broker, apis.describeQuorum, (_, errorCode) => failedWhole(errorCode)),
    updateFeatures: passingOn(broker, apis.updateFeatures, (_, errorCode) => failedWhole(errorCode)),
    unregisterBroker: passingOn(broker, apis.unregisterBroker, (_, errorCode) => failedWhole(errorCode)),
  }
}

function passingOn<Req extends Schema, Res extends Schema>(
  broker: BrokerContext,
  api: Api<Req, Res>,
  failed: (request: Message<Req>, error: ErrorCode, version: number) => Draft<Res>,
): (request: Message<Req>, context: RequestContext) => Promise<Draft<Res>> {
  return async (request, context) => {
    const outcome = await forward(broker, api, request, context)
    // an answer that was decoded in this version can be encoded in it
    return 'response' in outcome ? (outcome.response as Draft<Res>) : failed(request, outcome.error, context.apiVersion)
  }
}

export function failureMessage(error: ErrorCode): string {
  return error === ErrorCode.REQUEST_TIMED_OUT ? 'No active controller has answered in time.' : 'The controller did not take the request.'
}

function failedWhole(errorCode: ErrorCode) {
  return { throttleTimeMs: 0, errorCode, errorMessage: failureMessage(errorCode), topics: [] }
}

function createTopicsFailed(request: RequestOf<'createTopics'>, errorCode: ErrorCode): ResponseDraftOf<'createTopics'> {
  return { topics: request.topics.map(({ name }) => ({ name, errorCode, errorMessage: failureMessage(errorCode) })) }
}

/** Up to version 5 topics are named in `topicNames`. */
function deleteTopicsFailed(request: RequestOf<'deleteTopics'>, errorCode: ErrorCode): ResponseDraftOf<'deleteTopics'> {
  const errorMessage = failureMessage(errorCode)
  const byName = request.topicNames.map((name) => ({ name, errorCode, errorMessage }))
  return { responses: [...byName, ...request.topics.map(({ name, topicId }) => ({ name, topicId, errorCode, errorMessage }))] }
}

function createPartitionsFailed(request: RequestOf<'createPartitions'>, errorCode: ErrorCode): ResponseDraftOf<'createPartitions'> {
  const results = request.topics.map(({ name }) => ({ name, errorCode, errorMessage: failureMessage(errorCode) }))
  return { throttleTimeMs: 0, results }
}

/** Version 0 has no place for an error of the whole request. */
function electLeadersFailed(request: RequestOf<'electLeaders'>, errorCode: ErrorCode, version: number): ResponseDraftOf<'electLeaders'> {
  const errorMessage = failureMessage(errorCode)
  const replicaElectionResults = (request.topicPartitions ?? []).map(({ topic, partitions }) => ({
    topic,
    partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode, errorMessage })),
  }))
  return { throttleTimeMs: 0, ...(version >= 1 ? { errorCode } : {}), replicaElectionResults }
}

function alterReassignmentsFailed(
  request: RequestOf<'alterPartitionReassignments'>,
  errorCode: ErrorCode,
): ResponseDraftOf<'alterPartitionReassignments'> {
  const errorMessage = failureMessage(errorCode)
  const responses = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode, errorMessage })),
  }))
  return { throttleTimeMs: 0, errorCode, errorMessage, responses }
}
