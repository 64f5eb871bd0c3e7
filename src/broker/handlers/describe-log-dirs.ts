import { addTo } from '../../base/grouped.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Handler, RequestOf, ResponseDraftOf } from '../../server/handlers.ts'
import type { BrokerContext, ServedDirectory, ServedFuture, ServedPartition } from './context.ts'

type Result = NonNullable<ResponseDraftOf<'describeLogDirs'>['results']>[number]
type Told = NonNullable<NonNullable<Result['topics']>[number]['partitions']>[number]
type Wanted = (partition: Pick<ServedPartition, 'topic' | 'partition'>) => boolean

const unknownBytes = -1

/** DescribeLogDirs (35), versions 1–5: what lies in which of `log.dirs`, how big it is, and what is free (ReplicaManager.describeLogDirs). */
export function describeLogDirsHandler(broker: BrokerContext): Handler<'describeLogDirs'> {
  return (request) => {
    const wanted = wantedOf(request)
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, results: broker.directories.map((directory) => resultOf(directory, wanted)) }
  }
}

function wantedOf(request: RequestOf<'describeLogDirs'>): Wanted {
  if (request.topics === null) return () => true
  const byTopic = new Map<string, Set<number>>()
  for (const { topic, partitions } of request.topics) byTopic.set(topic, new Set([...(byTopic.get(topic) ?? []), ...partitions]))
  return (partition) => byTopic.get(partition.topic)?.has(partition.partition) === true
}

function resultOf(directory: ServedDirectory, wanted: Wanted): Result {
  const logDir = directory.path
  if (directory.offline) return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logDir, topics: [] }
  const byTopic = new Map<string, Told[]>()
  for (const partition of directory.partitions) if (wanted(partition)) addTo(byTopic, partition.topic, sizeOf(partition))
  for (const future of directory.futures()) if (wanted(future)) addTo(byTopic, future.topic, futureOf(future))
  const space = directory.space()
  return {
    errorCode: ErrorCode.NONE,
    logDir,
    topics: [...byTopic].map(([name, partitions]) => ({ name, partitions })),
    totalBytes: space?.total ?? unknownBytes,
    usableBytes: space?.free ?? unknownBytes,
  }
}

/** Its lag is what it lacks of the replica that it is a copy of (ReplicaManager.getLogEndOffsetLag). */
function futureOf({ partition, sizeBytes, lag }: ServedFuture): Told {
  return { partitionIndex: partition, partitionSize: sizeBytes, offsetLag: lag, isFutureKey: true }
}

function sizeOf(partition: ServedPartition): Told {
  const { log, replica } = partition
  return {
    partitionIndex: partition.partition,
    partitionSize: log.sizeBytes,
    offsetLag: Math.max(replica.highWatermark - log.logEndOffset, 0),
    isFutureKey: false,
  }
}
