import { NO_UUID } from '../../base/units.ts'
import type { PartitionImage } from '../../metadata/partition-image.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Handler, RequestOf, ResponseDraftOf } from '../../server/handlers.ts'
import type { BrokerContext } from './context.ts'
import { absentTopicError, isInternalTopic, operationsNotAsked, partitionEntry, topicOperations } from './topic-entries.ts'

type TopicEntry = NonNullable<ResponseDraftOf<'describeTopicPartitions'>['topics']>[number]
type Cursor = { readonly topicName: string; readonly partitionIndex: number }

/**
 * DescribeTopicPartitions (75, KIP-966): topics by name, at most min(`max.request.partition.size.limit`, the client's limit) partitions, and where
 * to go on. Names compare as Java's strings do, by UTF-16 units, which is what `<` does here. The rules are those of
 * DescribeTopicPartitionsRequestHandler.
 */
export function describeTopicPartitionsHandler(broker: BrokerContext): Handler<'describeTopicPartitions'> {
  return (request, context) => {
    if (!isCursorValid(request)) {
      return { throttleTimeMs: 0, topics: request.topics.map(({ name }) => absentEntry(name, ErrorCode.INVALID_REQUEST)), nextCursor: null }
    }
    const all = request.topics.length === 0
    const names = wantedNames(broker, request)
    const limit = Math.max(1, Math.min(broker.config.maxRequestPartitionSizeLimit, request.responsePartitionLimit))
    const page = new Page(broker, context.connection.listenerName, limit)
    const { cursor } = request
    for (const name of names) {
      const from = cursor !== null && cursor.topicName === name ? cursor.partitionIndex : 0
      if (!page.add(name, from, all)) break
    }
    return { throttleTimeMs: 0, topics: page.topics, nextCursor: page.nextCursor }
  }
}

/** A cursor stands at a partition of a topic that was asked for. */
function isCursorValid({ cursor, topics }: RequestOf<'describeTopicPartitions'>): boolean {
  if (cursor === null) return true
  return cursor.partitionIndex >= 0 && (topics.length === 0 || topics.some((it) => it.name === cursor.topicName))
}

function wantedNames(broker: BrokerContext, request: RequestOf<'describeTopicPartitions'>): readonly string[] {
  const { cursor } = request
  const names = new Set(request.topics.length === 0 ? broker.image.topics.names() : request.topics.map((it) => it.name))
  const sorted = [...names].sort((a, b) => (a < b ? -1 : 1))
  return cursor === null ? sorted : sorted.filter((name) => name >= cursor.topicName)
}

class Page {
  readonly topics: TopicEntry[] = []
  nextCursor: Cursor | null = null
  private readonly broker: BrokerContext
  private readonly listener: string
  private left: number

  constructor(broker: BrokerContext, listener: string, limit: number) {
    this.broker = broker
    this.listener = listener
    this.left = limit
  }

  /** False when the page is full and says where to go on. */
  add(name: string, from: number, skipAbsent: boolean): boolean {
    if (this.left <= 0) {
      this.nextCursor = { topicName: name, partitionIndex: 0 }
      return false
    }
    const topic = this.broker.image.topics.byName(name)
    if (topic === undefined) {
      if (!skipAbsent) this.topics.push(absentEntry(name, absentTopicError(name)))
      return true
    }
    const partitions = topic.partitions.slice(from, from + this.left).flatMap((it) => (it === undefined ? [] : [this.partition(it)]))
    this.left -= partitions.length
    this.topics.push({
      errorCode: ErrorCode.NONE,
      name,
      topicId: topic.id,
      isInternal: isInternalTopic(name),
      partitions,
      topicAuthorizedOperations: topicOperations,
    })
    const next = from + partitions.length
    if (next >= topic.partitions.length) return true
    this.nextCursor = { topicName: name, partitionIndex: next }
    return false
  }

  private partition(state: PartitionImage): NonNullable<TopicEntry['partitions']>[number] {
    const entry = partitionEntry(this.broker.image, state, { listener: this.listener, onlyReachable: false, namesMissingListeners: true })
    return { ...entry, eligibleLeaderReplicas: state.eligibleLeaderReplicas, lastKnownElr: state.lastKnownElr }
  }
}

function absentEntry(name: string, errorCode: ErrorCode): TopicEntry {
  return {
    errorCode,
    name,
    topicId: NO_UUID,
    isInternal: isInternalTopic(name),
    partitions: [],
    topicAuthorizedOperations: operationsNotAsked,
  }
}
