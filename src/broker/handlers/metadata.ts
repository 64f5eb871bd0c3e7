import { NO_UUID } from '../../base/units.ts'
import type { TopicImage } from '../../metadata/topics-image.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Handler, RequestContext, RequestOf, ResponseDraftOf } from '../../server/handlers.ts'
import type { TopicMaker } from './auto-topics.ts'
import type { BrokerContext } from './context.ts'
import {
  absentTopicError,
  advertisedController,
  brokersOf,
  clusterOperations,
  isInternalTopic,
  operationsNotAsked,
  partitionEntry,
  topicOperations,
} from './topic-entries.ts'

type TopicEntry = NonNullable<ResponseDraftOf<'metadata'>['topics']>[number]

/**
 * Metadata (3), versions 0–13. An empty list means all topics in version 0 and none later, where null means all. A topic that is not there is made
 * if the client and `auto.create.topics.enable` allow it; this answer still says UNKNOWN_TOPIC_OR_PARTITION, and the client asks again. Topics can be
 * asked for by id from version 12. The controller that is told is a random live broker.
 */
export function metadataHandler(broker: BrokerContext, maker: TopicMaker): Handler<'metadata'> {
  return (request, context) => {
    const version = context.apiVersion
    const listener = context.connection.listenerName
    const alive = brokersOf(broker.image, listener).filter((it) => !it.fenced)
    const topics = wantedTopics(broker, request, context, maker)
    const asksForCluster = version >= 8 && version <= 10 && request.includeClusterAuthorizedOperations
    return {
      throttleTimeMs: 0,
      brokers: alive.map(({ nodeId, host, port, rack }) => ({ nodeId, host, port, rack })),
      clusterId: broker.clusterId,
      controllerId: advertisedController(alive, broker.entropy.uint32()),
      topics,
      clusterAuthorizedOperations: asksForCluster ? clusterOperations : operationsNotAsked,
      errorCode: ErrorCode.NONE,
    }
  }
}

/** Before version 12 a topic has a name and no id; otherwise all topics of the request are refused (InvalidRequestException in KafkaApis). */
function isWellNamed(request: RequestOf<'metadata'>, version: number): boolean {
  return version >= 12 || (request.topics ?? []).every((topic) => topic.name !== null && topic.topicId === NO_UUID)
}

function wantedTopics(broker: BrokerContext, request: RequestOf<'metadata'>, context: RequestContext, maker: TopicMaker): TopicEntry[] {
  const version = context.apiVersion
  const { topics: images } = broker.image
  const told = (topic: TopicImage): TopicEntry => topicEntry(broker, topic, request, context)
  if (request.topics === null || (version === 0 && request.topics.length === 0)) return [...images.all()].map(told)
  if (!isWellNamed(request, version)) return request.topics.map((it) => absentEntry(it.name ?? '', it.topicId, ErrorCode.INVALID_REQUEST))
  const ids = new Set(request.topics.map((it) => it.topicId).filter((id) => id !== NO_UUID))
  if (ids.size > 0) {
    return [...ids].map((id) => {
      const topic = images.byId(id)
      return topic === undefined ? absentEntry(null, id, ErrorCode.UNKNOWN_TOPIC_ID) : told(topic)
    })
  }
  const names = new Set(request.topics.flatMap((it) => (it.name === null ? [] : [it.name])))
  const found = [...names].map((name) => ({ name, topic: images.byName(name) }))
  const absent = found.filter((it) => it.topic === undefined).map((it) => it.name)
  if (absent.length > 0 && request.allowAutoTopicCreation && broker.config.autoCreateTopicsEnable) maker.make(absent, context)
  return found.map(({ name, topic }) => (topic === undefined ? absentEntry(name, NO_UUID, absentTopicError(name)) : told(topic)))
}

function topicEntry(broker: BrokerContext, topic: TopicImage, request: RequestOf<'metadata'>, context: RequestContext): TopicEntry {
  const { image } = broker
  const options = {
    listener: context.connection.listenerName,
    onlyReachable: context.apiVersion === 0,
    namesMissingListeners: context.apiVersion >= 6,
  }
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions: topic.partitions.flatMap((partition) => (partition === undefined ? [] : [partitionEntry(image, partition, options)])),
    topicAuthorizedOperations: context.apiVersion >= 8 && request.includeTopicAuthorizedOperations ? topicOperations : operationsNotAsked,
  }
}

function absentEntry(name: string | null, topicId: string, errorCode: ErrorCode): TopicEntry {
  return {
    errorCode,
    name,
    topicId,
    isInternal: name !== null && isInternalTopic(name),
    partitions: [],
    topicAuthorizedOperations: operationsNotAsked,
  }
}
