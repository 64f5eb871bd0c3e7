import { DiskError } from '../../base/ports.ts'
import type { Millis, Offset } from '../../base/units.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Handler, RequestOf, ResponseDraftOf } from '../../server/handlers.ts'
import type { BrokerContext, ServedPartition } from './context.ts'
import { ledPartition } from './partition-access.ts'
import { isInternalTopic } from './topic-entries.ts'

type PartitionRequest = RequestOf<'deleteRecords'>['topics'][number]['partitions'][number]
type TopicResult = NonNullable<ResponseDraftOf<'deleteRecords'>['topics']>[number]
type Result = NonNullable<TopicResult['partitions']>[number]

/** DeleteRecordsRequest.HIGH_WATERMARK: delete all that is committed. */
const toHighWatermark: Offset = -1
const noWatermark: Offset = -1

/**
 * DeleteRecords (21), versions 0–2. The leader moves its log start at once; the answer waits until the live replicas have moved theirs (the low
 * watermark), or for the request's timeout: REQUEST_TIMED_OUT, with the deletion standing.
 */
export function deleteRecordsHandler(broker: BrokerContext): Handler<'deleteRecords'> {
  return async (request) => {
    const deadline = broker.clock.mono() + Math.max(0, request.timeoutMs)
    const topics = request.topics.map(async ({ name, partitions }): Promise<TopicResult> => {
      return { name, partitions: await Promise.all(partitions.map(async (it) => await deleteFrom(broker, name, it, deadline))) }
    })
    return { throttleTimeMs: 0, topics: await Promise.all(topics) }
  }
}

function failed(request: PartitionRequest, errorCode: ErrorCode): Result {
  return { partitionIndex: request.partitionIndex, lowWatermark: noWatermark, errorCode }
}

function deleteFrom(broker: BrokerContext, topic: string, request: PartitionRequest, deadline: Millis): Result | Promise<Result> {
  if (isInternalTopic(topic)) return failed(request, ErrorCode.INVALID_TOPIC_EXCEPTION)
  const access = ledPartition(broker, topic, request.partitionIndex, -1)
  if ('error' in access) return failed(request, access.error)
  const { partition } = access
  const { cleanupCompact, cleanupDelete } = partition.log.config
  if (cleanupCompact && !cleanupDelete) return failed(request, ErrorCode.POLICY_VIOLATION)
  const { highWatermark } = partition.replica
  const target = request.offset === toHighWatermark ? highWatermark : request.offset
  if (target < 0 || target > highWatermark) return failed(request, ErrorCode.OFFSET_OUT_OF_RANGE)
  try {
    partition.moveLogStart(target)
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    broker.log.write('error', 'delete-records-failed', `${topic}-${request.partitionIndex}: ${error.message}`)
    return failed(request, ErrorCode.KAFKA_STORAGE_ERROR)
  }
  return lowWatermarkReached(broker, partition, target, deadline)
}

function lowWatermarkReached(
  broker: BrokerContext,
  partition: ServedPartition,
  target: Offset,
  deadline: Millis,
): Result | Promise<Result> {
  const result = (errorCode: ErrorCode): Result => ({
    partitionIndex: partition.partition,
    lowWatermark: partition.isLeader ? partition.replica.lowWatermark : noWatermark,
    errorCode,
  })
  const settled = (): Result | undefined => {
    if (!partition.isLeader) return result(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    return partition.replica.lowWatermark >= target ? result(ErrorCode.NONE) : undefined
  }
  const atOnce = settled()
  if (atOnce !== undefined) return atOnce
  return new Promise((resolve) => {
    const finish = (final: Result): void => {
      unwatch()
      timer.cancel()
      resolve(final)
    }
    const timer = broker.clock.after(Math.max(0, deadline - broker.clock.mono()), () => finish(result(ErrorCode.REQUEST_TIMED_OUT)))
    const unwatch = partition.watchLowWatermark(() => {
      const now = settled()
      if (now !== undefined) finish(now)
    })
  })
}
