import { DiskError } from '../../base/ports.ts'
import type { Offset } from '../../base/units.ts'
import { CorruptLogError, type TimestampedOffset } from '../../log/outcomes.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Handler, RequestOf, ResponseDraftOf } from '../../server/handlers.ts'
import type { BrokerContext, ServedPartition } from './context.ts'
import { ledPartition } from './partition-access.ts'

type TopicRequest = RequestOf<'listOffsets'>['topics'][number]
type PartitionRequest = TopicRequest['partitions'][number]
type TopicResult = NonNullable<ResponseDraftOf<'listOffsets'>['topics']>[number]
type Result = NonNullable<TopicResult['partitions']>[number]

/** ListOffsetsRequest: what a negative timestamp asks for, and the version from which it may. */
const latest = -1
const earliest = -2
const maxTimestamp = -3
const earliestLocal = -4
const latestTiered = -5
const earliestPendingUpload = -6
const sinceVersion: ReadonlyMap<number, number> = new Map([
  [latest, 1],
  [earliest, 1],
  [maxTimestamp, 7],
  [earliestLocal, 8],
  [latestTiered, 9],
  [earliestPendingUpload, 11],
])

/** ListOffsetsRequest.CONSUMER_REPLICA_ID and DEBUGGING_REPLICA_ID; others are replicas, which see to the end of the log. */
const consumerReplicaId = -1
const debuggingReplicaId = -2

/** Before version 5 a client does not know OFFSET_NOT_AVAILABLE, and asks again at LEADER_NOT_AVAILABLE. */
const offsetNotAvailableSince = 5

/**
 * ListOffsets (2), versions 1–11. A consumer sees up to the high watermark; read_committed is the same as long as there are no transactions. A new
 * leader whose high watermark has not reached the start of its epoch does not know the latest offset yet: OFFSET_NOT_AVAILABLE. There is no tiered
 * storage: its offsets are -1, and the earliest local one is the earliest.
 */
export function listOffsetsHandler(broker: BrokerContext): Handler<'listOffsets'> {
  return async (request, context) => {
    const look = new OffsetLook(broker, request.replicaId, context.apiVersion)
    const topics = request.topics.map(async (topic): Promise<TopicResult> => {
      const repeated = repeatedIndexes(topic)
      const partitions = topic.partitions.map(async (it) =>
        repeated.has(it.partitionIndex) ? failed(it, ErrorCode.INVALID_REQUEST) : await look.at(topic.name, it),
      )
      return { name: topic.name, partitions: await Promise.all(partitions) }
    })
    return { throttleTimeMs: 0, topics: await Promise.all(topics) }
  }
}

function repeatedIndexes(topic: TopicRequest): ReadonlySet<number> {
  const seen = new Set<number>()
  const repeated = new Set<number>()
  for (const { partitionIndex } of topic.partitions) {
    if (seen.has(partitionIndex)) repeated.add(partitionIndex)
    seen.add(partitionIndex)
  }
  return repeated
}

function failed(request: PartitionRequest, errorCode: ErrorCode): Result {
  return { partitionIndex: request.partitionIndex, errorCode, timestamp: -1, offset: -1, leaderEpoch: -1 }
}

class OffsetLook {
  private readonly broker: BrokerContext
  private readonly replicaId: number
  private readonly version: number

  constructor(broker: BrokerContext, replicaId: number, version: number) {
    this.broker = broker
    this.replicaId = replicaId
    this.version = version
  }

  async at(topic: string, request: PartitionRequest): Promise<Result> {
    const since = request.timestamp >= 0 ? 0 : sinceVersion.get(request.timestamp)
    if (since === undefined || this.version < since) return failed(request, ErrorCode.UNSUPPORTED_VERSION)
    const partition = this.access(topic, request)
    if (typeof partition === 'number') return failed(request, partition)
    try {
      return await this.offsetOf(partition, request)
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof CorruptLogError)) throw error
      this.broker.log.write('error', 'list-offsets-failed', `${topic}-${request.partitionIndex}: ${error.message}`)
      return failed(request, ErrorCode.KAFKA_STORAGE_ERROR)
    }
  }

  /** A debugging client may ask any replica. */
  private access(topic: string, request: PartitionRequest): ServedPartition | ErrorCode {
    const any = this.replicaId === debuggingReplicaId ? this.broker.partition(topic, request.partitionIndex) : undefined
    if (any !== undefined) return any
    const access = ledPartition(this.broker, topic, request.partitionIndex, request.currentLeaderEpoch)
    return 'error' in access ? access.error : access.partition
  }

  private async offsetOf(partition: ServedPartition, request: PartitionRequest): Promise<Result> {
    const { log, replica } = partition
    switch (request.timestamp) {
      case latest:
        if (this.isBehind(partition)) return failed(request, this.notAvailable())
        return this.found(request, this.visibleEnd(partition), replica.leaderEpoch)
      case earliest:
      case earliestLocal:
        return this.found(request, log.logStartOffset, log.epochForOffset(log.logStartOffset))
      case latestTiered:
      case earliestPendingUpload:
        return this.found(request, -1, -1)
      case maxTimestamp:
        return this.timed(partition, request, await log.offsetOfMaxTimestamp())
      default:
        return this.timed(partition, request, await log.offsetForTimestamp(request.timestamp))
    }
  }

  /** What lies beyond the end that the client may see is not told (Partition.fetchOffsetForTimestamp). */
  private timed(partition: ServedPartition, request: PartitionRequest, record: TimestampedOffset | null): Result {
    if (record !== null && record.offset < this.visibleEnd(partition)) {
      const { timestamp, offset, leaderEpoch } = record
      return { ...this.found(request, offset, leaderEpoch), timestamp }
    }
    return this.isBehind(partition) ? failed(request, this.notAvailable()) : failed(request, ErrorCode.NONE)
  }

  private found(request: PartitionRequest, offset: Offset, leaderEpoch: number): Result {
    const epoch = this.version >= 4 ? { leaderEpoch } : {}
    return { partitionIndex: request.partitionIndex, errorCode: ErrorCode.NONE, timestamp: -1, offset, ...epoch }
  }

  private visibleEnd(partition: ServedPartition): Offset {
    return this.replicaId === consumerReplicaId ? partition.replica.highWatermark : partition.log.logEndOffset
  }

  private isBehind(partition: ServedPartition): boolean {
    return this.replicaId === consumerReplicaId && partition.replica.highWatermark < partition.replica.epochStartOffset
  }

  private notAvailable(): ErrorCode {
    return this.version >= offsetNotAvailableSince ? ErrorCode.OFFSET_NOT_AVAILABLE : ErrorCode.LEADER_NOT_AVAILABLE
  }
}
